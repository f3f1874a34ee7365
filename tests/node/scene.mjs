// What every script needs: the SDK, set up for the farm that tests/integration/node.py names, and what is there.
import Nylas from "nylas";

export const scene = JSON.parse(process.env.SCENE);
export const identifier = scene.grant;
export const nylas = new Nylas({ apiKey: process.env.API_KEY, apiUri: process.env.API_URI, timeout: 30 });

export async function all(pages) {
  const found = [];
  for await (const page of pages) found.push(...page.data);
  return found;
}

// For assert.rejects: the SDK's own error, with the farm's words in it.
export const refusal = (statusCode, type, words) => (error) =>
  error.constructor.name === "NylasApiError" && error.statusCode === statusCode && error.type === type &&
  error.requestId === error.headers["x-request-id"] && words.test(error.message);
