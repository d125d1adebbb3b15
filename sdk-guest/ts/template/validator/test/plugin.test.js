import assert from "node:assert";
import { test } from "node:test";
import { Host } from "headworks/testing";
import plugin from "../build/js/plugin.js";

test("long names are refused", () => {
  const host = new Host();
  assert.deepEqual(host.validate(plugin, { longest: 5 }, {}, { name: "mouse" }), []);
  assert.equal(host.validate(plugin, { longest: 5 }, {}, { name: "elephant" })[0].severity, "error");
});
