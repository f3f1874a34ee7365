import assert from "node:assert/strict";
import { test } from "node:test";
import { all, identifier, nylas, refusal, scene } from "./scene.mjs";

const ids = (messages) => messages.map((message) => message.id).sort();

test("messages are listed by filters, and paged to the end", async () => {
  const queryParams = {
    in: [scene.folder],
    unread: true,
    anyEmail: ["alice@example.test", "x@example.test"],
    receivedAfter: 1,
    limit: 2,
  };
  const first = await nylas.messages.list({ identifier, queryParams });
  assert.deepEqual([first.data.length, typeof first.nextCursor], [2, "string"]);
  assert.deepEqual(ids(await all(nylas.messages.list({ identifier, queryParams }))), [...scene.messages].sort());
  assert.deepEqual((await nylas.messages.list({ identifier, queryParams: { starred: true } })).data, []);
});

test("a limit above the farm's is paged by the SDK", async () => {
  const { data } = await nylas.messages.list({ identifier, queryParams: { limit: 500 } });
  assert.deepEqual(ids(data), [...scene.messages].sort());
});

test("a message is found, whole and by a choice of its fields", async () => {
  const messageId = scene.messages[0];
  const { data } = await nylas.messages.find({ identifier, messageId, queryParams: { fields: "include_headers" } });
  assert.deepEqual(data.from, [{ name: "Alice", email: "alice@example.test" }]);
  assert.deepEqual([data.grantId, data.folders, data.date], [identifier, [scene.folder], scene.date]);
  assert.equal(data.headers[0].name, "Message-ID");
  const slim = await nylas.messages.list({ identifier, queryParams: { select: "id", limit: 1 } });
  assert.deepEqual(Object.keys(slim.data[0]).sort(), ["grantId", "id"]);
});

test("a message is found by its Message-ID", async () => {
  const { data } = await nylas.messages.find({ identifier, messageId: "<a/b+c?d@example.test>" });
  assert.equal(data.id, scene.messages[0]);
});

test("flags are changed", async () => {
  const messageId = scene.messages[1];
  const { data } = await nylas.messages.update({ identifier, messageId, requestBody: { unread: false, starred: true } });
  assert.deepEqual([data.unread, data.starred], [false, true]);
  assert.equal((await nylas.messages.find({ identifier, messageId })).data.unread, false);
});

test("an unknown parameter is named", async () => {
  await assert.rejects(
    nylas.messages.list({ identifier, queryParams: { nonsense: 1 } }), refusal(400, "invalid_request_error", /nonsense/));
});
