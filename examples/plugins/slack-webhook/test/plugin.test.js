import assert from "node:assert";
import { test } from "node:test";
import { Host } from "headworks/testing";
import plugin from "../src/plugin.js";

const body = (request) => JSON.parse(Buffer.from(request.body));

test("many records go in few messages, and a busy webhook gets the rest later", () => {
  const host = new Host({ answers: [{ status: 200 }, { status: 429, headers: [["Retry-After", "30"]] }] });
  const records = Array.from({ length: 5 }, (_, n) => ({ message: `m${n}` }));
  const { stopped } = host.deliver(plugin, { url: "https://hooks.slack.com/x", most: 2 }, records);
  assert.deepEqual(host.requests.map(body), [{ text: "m0\nm1" }, { text: "m2\nm3" }]);
  assert.deepEqual([stopped.at, stopped.retryAfter], [2, 30]);
});

test("the address may be a secret", () => {
  assert.throws(() => new Host().deliver(plugin, {}, []), /url: it is empty/);
  const host = new Host({ secrets: { "slack-webhook-url": "https://hooks.slack.com/s" } });
  host.deliver(plugin, {}, [{ message: "hello" }]);
  assert.equal(host.requests[0].url, "https://hooks.slack.com/s");
});
