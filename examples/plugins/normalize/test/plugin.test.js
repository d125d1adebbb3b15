import assert from "node:assert";
import { test } from "node:test";
import { Host } from "headworks/testing";
import plugin from "../build/js/plugin.js";

test("levels that are not known stay and are counted", () => {
  const host = new Host();
  const { records } = host.transform(plugin, {}, [{ level: " ERR " }, { level: "loud" }, {}]);
  assert.deepEqual(records, [{ level: "error" }, { level: "loud" }, {}]);
  assert.deepEqual([...host.counters], [["unknown_levels_total", 1]]);
});

test("the most trusted name wins where a record has several", () => {
  const config = { names: { host: ["hostname", "syslog_host"] }, levels: "" };
  const { records } = new Host().transform(plugin, config, [{ syslog_host: "c", hostname: "b" }, { host: "a", hostname: "b" }]);
  assert.deepEqual(records, [{ host: "b" }, { host: "a" }]);
});
