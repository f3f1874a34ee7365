import assert from "node:assert/strict";
import { test } from "node:test";
import { identifier, nylas, scene } from "./scene.mjs";

const { data: message } = await nylas.messages.find({ identifier, messageId: scene.messages[0] });
const attachmentId = message.attachments[0].id;
const queryParams = { messageId: message.id };

test("an attachment is described", async () => {
  const { data } = await nylas.attachments.find({ identifier, attachmentId, queryParams });
  assert.deepEqual([data.filename, data.contentType, data.size], ["page.html", "text/html", scene.content.length]);
});

test("an attachment is downloaded, at once and as a stream", async () => {
  const bytes = await nylas.attachments.downloadBytes({ identifier, attachmentId, queryParams });
  assert.equal(bytes.toString(), scene.content);
  const pieces = [];
  for await (const piece of await nylas.attachments.download({ identifier, attachmentId, queryParams })) pieces.push(piece);
  assert.equal(Buffer.concat(pieces).toString(), scene.content);
});
