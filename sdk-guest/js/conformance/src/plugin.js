// Does what `sdk-guest/conformance/vectors.json` asks for, with every part of the SDK.

import {
  any, InvalidConfig, Json, list, metrics, now, randomBytes, secret, settings, state, StateError, transformer,
} from "headworks";

const none = (value) => value ?? "none";

function kindOf(value) {
  if (value === undefined) return "none";
  if (value === null) return "null";
  if (typeof value === "string") return "text";
  if (typeof value === "number") return Number.isInteger(value) ? "integer" : "float";
  if (typeof value === "boolean") return "boolean";
  return value instanceof Json ? "json" : "bytes";
}

function clock() {
  const [first, second, own] = [now(), now(), new Date()];
  const near = Math.abs(own - second) < 5000 && Math.abs(Date.now() - second.getTime()) < 5000;
  return first.getUTCFullYear() >= 2025 && first <= second && near ? "ok" : `${first} ${second} ${own}`;
}

function entropy() {
  const [one, other] = [randomBytes(16), randomBytes(16)];
  const differ = String(one) !== String(other) && Math.random() !== Math.random() && crypto.randomUUID() !== crypto.randomUUID();
  return one.length === 16 && differ ? "ok" : `${one} ${other}`;
}

function full() {
  try {
    state.set("large", new Uint8Array(1 << 17));
  } catch (problem) {
    if (problem instanceof StateError) return problem.full ? "full" : "failed";
    throw problem;
  }
  return "kept";
}

const BATCH = {
  upper: (batch, { field }) => batch.set(field, batch.column(field).map((text) => text?.toUpperCase())),
  kind: (batch, { field, to }) => batch.set(to, batch.values(field).map(kindOf)),
  select: (batch, { indexes }) => batch.select(indexes),
  fill: (batch, { field, value }) => batch.fill(field, value),
  rename: (batch, { field, to }) => batch.rename(field, to),
  delete: (batch, { field }) => batch.delete(field),
  "batch-names": (batch, { field }) => batch.fill(field, batch.names().sort().join()),
  count: (batch, { field }) => batch.fill(field, String(batch.length)),
  clock: (batch, { field }) => batch.fill(field, clock()),
  random: (batch, { field }) => batch.fill(field, entropy()),
  "state-get": (batch, { field, key }) => batch.fill(field, none(state.text(key))),
  "state-set": (batch, { key, value }) => state.set(key, value),
  "state-delete": (batch, { key }) => state.delete(key),
  "state-keys": (batch, { field, key }) => batch.fill(field, state.keys(key).join()),
  "state-replace": (batch, { field, key, expected, value }) => batch.fill(field, String(state.replace(key, expected, value))),
  "state-create": (batch, { field, key, value }) => batch.fill(field, String(state.replace(key, undefined, value))),
  "state-full": (batch, { field }) => batch.fill(field, full()),
  secret: (batch, { field, key }) => batch.fill(field, none(secret(key))),
  observe(batch, { value }) {
    metrics.count("conformance_steps_total", 2);
    metrics.gauge("conformance_level_ratio", 0.5);
    console.warn(value, "ü", { a: 1 });
    console.log(value);
  },
  fail(batch, { value }) {
    throw new Error(value);
  },
  crash: () => undefined.nothing,
};

const EVENT = {
  "event-upper": (event, { field }) => event.has(field) && event.set(field, event.get(field).toUpperCase()),
  text: (event, { field, to }) => event.has(field) && event.set(to, event.get(field)),
  time(event, { field }) {
    const near = Math.abs(event.time - now()) < 86_400_000 && event.timeNanoseconds / 1_000_000n === BigInt(event.time.getTime());
    event.set(field, near ? "ok" : String(event.time));
  },
  copy: (event, { field }) => event.copy().set(field, "1"),
  set: (event, { field, value }) => event.set(field, value),
  "set-null": (event, { field }) => event.set(field, null),
  "set-bytes": (event, { field }) => event.set(field, Uint8Array.of(0xff, 0x41)),
  remove: (event, { field }) => event.delete(field),
  names: (event, { field }) => event.set(field, event.names().sort().join()),
  drop: (event) => event.drop(),
  reject: (event, { value }) => event.reject(value),
  chars: (event, { field, to }) => event.set(to, String([...event.get(field)].length)),
  reverse: (event, { field, to }) => event.set(to, [...event.get(field)].reverse().join("")),
};

export default transformer({
  name: "conformance",
  version: "0.1.0",
  summary: "Does what the vectors ask for",
  grants: ["secret:token"],
  config: settings({ steps: list(any()) }),
  open({ steps }) {
    steps.forEach((step, index) => {
      if (typeof step.do !== "string") throw new InvalidConfig(`steps[${index}].do: expected a text, not ${step.do}`);
      if (!(step.do in BATCH || step.do in EVENT)) throw new InvalidConfig(`steps[${index}].do: there is no step ${step.do}`);
    });
    return (batch) => {
      for (const step of steps) {
        if (step.do in BATCH) {
          BATCH[step.do](batch, step);
          continue;
        }
        for (const event of [...batch]) {
          if (step.if === undefined || (event.get(step.if) ?? "") === step.is) EVENT[step.do](event, step);
        }
      }
    };
  },
});
