import assert from "node:assert/strict";
import { test } from "node:test";
import { all, identifier, nylas, scene } from "./scene.mjs";

test("threads are listed by filters, and paged to the end", async () => {
  const queryParams = { anyEmail: ["bob@example.test"], unread: true, limit: 2 };
  const listed = await all(nylas.threads.list({ identifier, queryParams }));
  assert.deepEqual(listed.map((thread) => thread.id).sort(), [...scene.threads].sort());
});

test("a thread is found with its latest message", async () => {
  const { data } = await nylas.threads.find({ identifier, threadId: scene.threads[0] });
  assert.deepEqual([data.messageIds, data.latestDraftOrMessage.id], [[scene.messages[0]], scene.messages[0]]);
  assert.deepEqual(data.participants.map((each) => each.email).sort(), ["Bob@Example.test", "alice@example.test"]);
});

test("flags are changed in all of a thread", async () => {
  const threadId = scene.threads[2];
  const { data } = await nylas.threads.update({ identifier, threadId, requestBody: { starred: true } });
  assert.equal(data.starred, true);
  assert.equal((await nylas.messages.find({ identifier, messageId: scene.messages[2] })).data.starred, true);
});
