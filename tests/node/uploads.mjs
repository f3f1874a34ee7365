// Against tests/integration/upload_urls.py, which tells in the subject what it read.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { identifier, nylas } from "./scene.mjs";

const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");
const small = Buffer.from("hi");
const large = Buffer.alloc(4 * 1024 * 1024, "0123456789abcde");
const file = (content, more) => ({ filename: "a.txt", contentType: "text/plain", content, size: content.length, ...more });
const requestBody = (...attachments) => ({ subject: "s", to: [{ email: "b@example.test" }], metadata: { aB: "c" }, attachments });
const fields = { subject: "s", to: [{ email: "b@example.test" }], metadata: { aB: "c" } };

async function read(request) {
  const told = JSON.parse((await request).data.subject);
  delete told.fields.attachments; // [] where they came as JSON
  return told;
}

const ways = {
  "a draft is created": (body) => nylas.drafts.create({ identifier, requestBody: body }),
  "a draft is changed": (body) => nylas.drafts.update({ identifier, draftId: "d", requestBody: body }),
  "a message is sent": (body) => nylas.messages.send({ identifier, requestBody: body }),
};

for (const [what, send] of Object.entries(ways)) {
  test(`${what} with small attachments, as JSON`, async () => {
    const stream = { ...file(small, { contentId: "c" }), content: Readable.from([small]) };
    assert.deepEqual(await read(send(requestBody(file(small), stream, file(small.toString("base64"))))), {
      fields,
      files: ["", "c", ""].map((id) => ["a.txt", "text/plain", digest(small), id, id !== ""]),
    });
  });

  test(`${what} with large attachments, as a chunked form`, async () => {
    const stream = { ...file(large, { contentId: "c@x", filename: 'ü "q".txt' }), content: Readable.from([large]) };
    assert.deepEqual(await read(send(requestBody(file(large), stream, file(small.toString("base64"))))), {
      fields,
      files: [
        ["a.txt", "text/plain", digest(large), "", false],
        ['ü "q".txt', "text/plain", digest(large), "c@x", true],
        ["a.txt", "text/plain", digest(small), "", false],
      ],
    });
  });
}

test("a draft is sent", async () => {
  assert.deepEqual(await read(nylas.drafts.send({ identifier, draftId: "d" })), { fields: {}, files: [] });
});

test("a long body makes a form without files", async () => {
  const body = "<p>é</p>".repeat(500_000);
  assert.equal((await read(nylas.messages.send({ identifier, requestBody: { body } }))).fields.body, body);
});
