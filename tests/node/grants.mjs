import assert from "node:assert/strict";
import { test } from "node:test";
import { identifier, nylas, refusal, scene } from "./scene.mjs";

test("grants are listed and found by id and by address", async () => {
  const listed = await nylas.grants.list({ queryParams: { limit: 5, sortBy: "created_at" } });
  assert.deepEqual(listed.data.map((grant) => grant.id), [identifier]);
  const { data } = await nylas.grants.find({ grantId: scene.email });
  assert.deepEqual([data.id, data.provider, data.grantStatus], [identifier, "imap", "valid"]);
});

test("a grant that does not exist is an error of the SDK's own", async () => {
  await assert.rejects(nylas.grants.find({ grantId: "nobody@example.test" }), refusal(404, "not_found_error", /nobody/));
});

test("a removed grant is gone", async () => {
  assert.ok((await nylas.grants.destroy({ grantId: identifier })).requestId);
  await assert.rejects(nylas.grants.find({ grantId: identifier }), refusal(404, "not_found_error", /not found/));
});
