import assert from "node:assert/strict";
import { test } from "node:test";
import { nylas, refusal, scene } from "./scene.mjs";

test("the application tells of itself", async () => {
  const { data } = await nylas.applications.getDetails();
  assert.deepEqual([data.applicationId, typeof data.organizationId], [scene.application, "string"]);
});

test("connectors are listed and found", async () => {
  assert.ok((await nylas.connectors.list({})).data.some((connector) => connector.provider === "imap"));
  assert.equal((await nylas.connectors.find({ provider: "imap" })).data.provider, "imap");
});

test("the provider of an address is detected", async () => {
  const { data } = await nylas.auth.detectProvider({ email: "a@icloud.com", allProviderTypes: true });
  assert.deepEqual([data.emailAddress, data.detected, data.provider, data.type], ["a@icloud.com", true, "imap", "icloud"]);
});

test("a mailbox is connected, and its settings are changed", async () => {
  const { data } = await nylas.auth.customAuthentication({ requestBody: { provider: "imap", settings: scene.settings } });
  assert.deepEqual([data.email, data.grantStatus], [scene.settings.imap_username, "valid"]);
  const update = (settings) => nylas.grants.update({ grantId: data.id, requestBody: { settings } });
  assert.equal((await update(scene.settings)).data.id, data.id);
  await assert.rejects(update({ ...scene.settings, imap_password: "wrong" }), refusal(400, "invalid_request_error", /imap_/));
});

test("what the contract has and the farm has not is an error that says so", async () => {
  await assert.rejects(nylas.webhooks.list(), refusal(501, "invalid_request_error", /not built/));
});
