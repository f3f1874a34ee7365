import assert from "node:assert/strict";
import { test } from "node:test";
import { identifier, nylas, scene } from "./scene.mjs";

test("folders are listed and found", async () => {
  const listed = await nylas.folders.list({ identifier, queryParams: { parentId: scene.parent, singleLevel: true } });
  assert.deepEqual(listed.data.map(({ id, name, parentId }) => [id, name, parentId]), [[scene.child, "A/日本語", scene.parent]]);
  const { data } = await nylas.folders.find({ identifier, folderId: scene.parent });
  assert.deepEqual([data.object, data.grantId, data.childCount], ["folder", identifier, 1]);
});
