import assert from "node:assert";
import { test } from "node:test";
import { Host } from "headworks/testing";
import plugin from "../src/plugin.js";

test("the field is upper-cased", () => {
  const answer = new Host().transform(plugin, { field: "level" }, [{ level: "info" }, { message: "no level" }]);
  assert.deepEqual(answer.records, [{ level: "INFO" }, { message: "no level" }]);
});
