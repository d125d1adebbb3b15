// The SDK against the double of the host: what the conformance vectors cannot see.

import assert from "node:assert";
import { test } from "node:test";
import {
  boolean, choice, decode, encode, forwarder, http, integer, InvalidConfig, list, map, metrics, NetworkError, number, settings,
  state, text, transformer, Undelivered,
} from "../sdk/src/index.js";
import { parseConfig, schemaOf } from "../sdk/src/settings.js";
import { Host } from "../sdk/src/testing.js";
import { asText } from "../sdk/src/values.js";

const config = settings({
  field: text({ minLength: 1, description: "A field" }),
  ratio: number({ default: 0.5, minimum: 0, maximum: 1 }),
  mode: choice(["fast", "exact"], { default: "fast" }),
  tables: list(settings({ name: text(), size: integer({ default: 3 }) }), { default: [] }),
  limits: map(integer(), { default: {} }),
  note: text({ optional: true }),
  quiet: boolean({ default: false }),
});

test("a configuration is read with its defaults", () => {
  const read = parseConfig(config, '{"field": "x", "ratio": 1, "tables": [{"name": "t"}], "limits": {"a": 2}}');
  assert.deepEqual(read, { field: "x", ratio: 1, mode: "fast", tables: [{ name: "t", size: 3 }], limits: { a: 2 }, quiet: false });
});

test("mistakes are named with their place", () => {
  const cases = {
    '{"field": ""}': "field: expected a text of at least 1 characters",
    '{"field": "x", "ratio": 2}': "ratio: expected a number of at most 1",
    '{"field": "x", "ratio": true}': "ratio: expected a number, not true",
    '{"field": "x", "mode": "slow"}': 'mode: expected "fast" or "exact"',
    '{"field": "x", "tables": [{"name": "a"}, {"size": 1}]}': "tables[1].name: this setting is required",
    '{"field": "x", "limits": {"a": "b"}}': "limits.a: expected a whole number",
    '{"field": "x", "toString": 1}': "toString: there is no such setting",
    "{": "the configuration is not JSON",
  };
  for (const [source, wanted] of Object.entries(cases)) {
    assert.throws(() => parseConfig(config, source), (error) => error instanceof InvalidConfig && error.message.includes(wanted), source);
  }
});

test("the schema says what is read", () => {
  const { required, additionalProperties, properties } = JSON.parse(schemaOf(config));
  assert.deepEqual([required, additionalProperties], [["field"], false]);
  assert.deepEqual(properties.field, { type: "string", minLength: 1, description: "A field" });
  assert.deepEqual(properties.ratio, { type: "number", minimum: 0, maximum: 1, default: 0.5 });
});

const counter = transformer({
  name: "counter", version: "0.1.0",
  open: () => (batch) => {
    metrics.count("seen_records_total", batch.length);
    state.save("last", { count: batch.length });
    for (const event of batch) if (event.get("n").startsWith("1")) event.reject("no ones");
  },
});

test("services reach the double, and rejected records are answered", () => {
  const host = new Host();
  const answer = host.transform(counter, undefined, [{ n: "1" }, { n: "2" }]);
  assert.deepEqual(answer, { records: [{ n: "2" }], origins: [1], rejected: { 0: "no ones" } });
  assert.equal(host.counters.get("seen_records_total"), 2);
  assert.equal(decode(host.state.get("last")), '{"count":2}');
});

test("an exception names the line of the author", () => {
  const host = new Host();
  assert.throws(() => host.transform(counter, undefined, [{}]), /^Failed: TypeError: .* \(sdk\.test\.js, line \d+\)$/);
  assert.ok(host.logged.length > 1);
});

test("what is not delivered is reported", () => {
  const post = forwarder({
    name: "post", version: "0.1.0",
    open: () => ({
      send(batch) {
        [...batch].forEach((event, at) => {
          if (!http.post("https://example.com", { json: event }).ok) throw new Undelivered("refused", { at, retryAfter: null });
        });
      },
    }),
  });
  const deliver = (...answers) => new Host({ answers }).deliver(post, undefined, [{ a: "1" }, { a: "2" }]).stopped;
  const { at, message, retryAfter } = deliver({ status: 200 }, { status: 500 });
  assert.deepEqual([at, message, retryAfter], [1, "refused", null]);
  assert.deepEqual([deliver(new NetworkError("late", "too late")).retryAfter, deliver(new NetworkError("denied", "no")).retryAfter], [1, null]);
});

test("what is kept back is flushed", () => {
  const keeper = forwarder({
    name: "keeper", version: "0.1.0",
    open: () => ({
      send(batch) {
        this.kept = [...batch].map((event) => event.a);
        if (this.kept.length > 2) throw new Undelivered("full", { at: 2 });
      },
      flush() {
        if (!http.post("https://example.com", { json: this.kept }).ok) throw new Undelivered("refused", { at: 1 });
      },
    }),
  });
  for (const [count, status, wanted] of [[1, 200, undefined], [2, 500, [1, "refused"]], [3, 200, [2, "full"]], [3, 500, [1, "refused"]]]) {
    const host = new Host({ answers: [{ status }] });
    const { stopped } = host.deliver(keeper, undefined, [{ a: "1" }, { a: "2" }, { a: "3" }].slice(0, count));
    assert.equal(host.requests.length, 1);
    assert.deepEqual(stopped && [stopped.at, stopped.message], wanted);
  }
});

test("texts and bytes are converted as UTF-8", () => {
  for (const value of ["", "grüezi", "日本語", "a😀b", "\u0000"]) {
    assert.deepEqual(encode(value), new Uint8Array(Buffer.from(value)));
    assert.equal(decode(encode(value)), value);
  }
  for (const bytes of [[0xff, 0x41], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
    assert.match(decode(Uint8Array.from(bytes)), /^\ufffd+A?$/);
  }
});

test("numbers are rendered as the host renders them", () => {
  const cases = [[5, "5"], [2.5, "2.5"], [1e21, "1000000000000000000000"], [1.5e-7, "0.00000015"], [-2e-7, "-0.0000002"], [Infinity, "inf"]];
  for (const [value, wanted] of cases) assert.equal(asText(value), wanted);
});
