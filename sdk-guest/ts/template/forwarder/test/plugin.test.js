import assert from "node:assert";
import { test } from "node:test";
import { Host } from "headworks/testing";
import plugin from "../build/js/plugin.js";

test("records are posted", () => {
  const host = new Host({ answers: [{ status: 204 }, { status: 422 }] });
  const report = host.deliver(plugin, { url: "https://example.com/in" }, [{ message: "one" }, { message: "two" }]);
  assert.deepEqual(host.requests.map(({ body }) => JSON.parse(Buffer.from(body))), [{ message: "one" }, { message: "two" }]);
  assert.deepEqual(report, { rejected: [[1, "the target answers 422"]], stopped: undefined });
});
