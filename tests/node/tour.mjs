// A first hour with a farm: what an application does with a customer's mailbox, from connecting it to deleting mail.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { nylas, scene } from "./scene.mjs";

const until = async (fact) => {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) if (await fact()) return;
  assert.fail(`it did not become true: ${fact}`);
};

test("the tour", async () => {
  const requestBody = { provider: "imap", settings: scene.settings };
  const { data: grant } = await nylas.auth.customAuthentication({ requestBody });
  const identifier = grant.id;
  const listed = async (queryParams = {}) => (await nylas.messages.list({ identifier, queryParams })).data;
  await until(async () => (await listed()).length === scene.count);

  const { data: folders } = await nylas.folders.list({ identifier });
  const inbox = folders.find((folder) => folder.name === "INBOX");
  const { data: archive } = await nylas.folders.create({ identifier, requestBody: { name: "Node's archive" } });

  const page = await nylas.messages.list({ identifier, queryParams: { limit: 2, in: [inbox.id] } });
  const next = await nylas.messages.list({ identifier, queryParams: { limit: 2, in: [inbox.id], pageToken: page.nextCursor } });
  assert.notEqual(page.data[0].id, next.data[0].id);
  const [message] = await listed({ subject: "Invoice" });
  assert.match(message.body, /invoice/);
  const update = (body) => nylas.messages.update({ identifier, messageId: message.id, requestBody: body });
  assert.equal((await update({ unread: false, starred: true })).data.starred, true);
  assert.deepEqual((await update({ folders: [archive.id] })).data.folders, [archive.id]);
  assert.equal((await listed({ in: [archive.id] }))[0].id, message.id);

  const [attachment] = message.attachments;
  const known = { identifier, attachmentId: attachment.id, queryParams: { messageId: message.id } };
  assert.equal((await nylas.attachments.find(known)).data.filename, "invoice.txt");
  assert.equal(Buffer.from(await nylas.attachments.downloadBytes(known)).toString(), "42 Euro");

  const to = [{ name: "Bób", email: "bob@example.test" }];
  const { data: draft } = await nylas.drafts.create({ identifier, requestBody: { to, subject: "Entwurf", body: "<p>x</p>" } });
  await nylas.drafts.update({ identifier, draftId: draft.id, requestBody: { subject: "Node's draft" } });
  assert.deepEqual((await nylas.drafts.list({ identifier })).data.map((each) => each.subject), ["Node's draft"]);
  const { data: sent } = await nylas.drafts.send({ identifier, draftId: draft.id });
  assert.equal(sent.subject, "Node's draft");
  assert.deepEqual((await nylas.drafts.list({ identifier })).data, []);

  const content = Buffer.alloc(4_000_000, "x");
  const attachments = [{ filename: "groß.bin", contentType: "application/octet-stream", size: content.length, content }];
  const large = { to, subject: "Node's large one", body: "<p>see attachment</p>", replyToMessageId: message.id, attachments };
  const { data: reply } = await nylas.messages.send({ identifier, requestBody: large });
  assert.equal(reply.threadId, message.threadId);
  assert.equal(reply.attachments[0].size, content.length);

  const sendAt = Math.floor(Date.now() / 1000) + 3600;
  const { data: later } = await nylas.messages.send({ identifier, requestBody: { to, subject: "Never", sendAt } });
  const { data: schedules } = await nylas.messages.listScheduledMessages({ identifier });
  assert.equal(schedules[0].scheduleId, later.scheduleId);
  await nylas.messages.stopScheduledMessage({ identifier, scheduleId: later.scheduleId });

  const { data: clean } = await nylas.messages.cleanMessages({ identifier, requestBody: { messageId: [message.id] } });
  assert.match(clean[0].conversation, /invoice/);
  await nylas.threads.update({ identifier, threadId: message.threadId, requestBody: { unread: true } });
  await nylas.messages.destroy({ identifier, messageId: reply.id });
  const queryParams = { hardDelete: true }; // which the SDK's own destroy has no place for
  await nylas.apiClient.request({ method: "DELETE", path: `/v3/grants/${identifier}/messages/${message.id}`, queryParams });
  await assert.rejects(nylas.messages.find({ identifier, messageId: message.id }), (error) => error.statusCode === 404);
  await nylas.folders.destroy({ identifier, folderId: archive.id });
  await nylas.grants.destroy({ grantId: identifier });
});
