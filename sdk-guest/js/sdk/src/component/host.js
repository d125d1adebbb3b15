// The host as a component sees it. Imported only inside a component, and before any module of the author: it puts the host's
// clock and entropy in place of those of the engine, which has none here.

import clock from "headworks:plugin/clock";
import hostLog from "headworks:plugin/log";
import metrics from "headworks:plugin/metrics";
import random from "headworks:plugin/random";
import secrets from "headworks:plugin/secrets";
import state from "headworks:plugin/state";
import { use } from "../host.js";
import { log, StateError } from "../services.js";
import { Json } from "../values.js";

const TEXT = 4; // the number of this kind in flat lists

function lift(value) {
  switch (value?.tag) {
    case undefined: return undefined;
    case "null": return null;
    case "json": return new Json(value.val);
    default: return value.val;
  }
}

function lower(value) {
  if (value === undefined) return null;
  if (value === null) return { tag: "null" };
  switch (typeof value) {
    case "string": return { tag: "text", val: value };
    case "boolean": return { tag: "boolean", val: value };
    case "number": return { tag: Number.isSafeInteger(value) ? "integer" : "float", val: value };
    default: return value instanceof Json ? { tag: "json", val: value.text } : { tag: "bytes", val: value };
  }
}

const absent = (value) => value ?? undefined;
const present = (value) => value ?? null;

/** The batch resource of a call. */
export class Records {
  constructor(batch) {
    this.batch = batch;
  }
  len() { return this.batch.len(); }
  names() { return this.batch.names(); }
  times() { return this.batch.times(); }
  textColumn(name) { return this.batch.textColumn(name).map(absent); }
  column(name) { return this.batch.column(name).map(lift); }
  isText(name) { return this.batch.takeFields([name]).kinds.every((kind) => kind === TEXT); }
  set(index, name, value) { this.batch.set(index, name, lower(value)); }
  setTextColumn(name, values) { this.batch.setTextColumn(name, values.map(present)); }
  setColumn(name, values) { this.batch.setColumn(name, values.map(lower)); }
  fill(name, value) { this.batch.fill(name, lower(value)); }
  rename(name, to) { this.batch.rename(name, to); }
  removeColumn(name) { this.batch.removeColumn(name); }
  select(indexes) { this.batch.select(indexes); }
  reject(index, reason) { this.batch.reject(index, reason); }
}

function kept(work) {
  try {
    return work();
  } catch (problem) {
    const { tag, val } = problem?.payload ?? problem;
    throw tag === undefined ? problem : new StateError(val, tag === "full");
  }
}

/** Everything but the records. */
export const host = {
  log: (level, message) => hostLog.write(level, message),
  output: (bytes) => hostLog.output(bytes),
  now: () => clock.now(),
  random: (length) => Uint8Array.from(random.bytes(length)),
  stateGet: (key) => absent(kept(() => state.get(key))),
  stateSet: (key, value) => kept(() => state.set(key, present(value))),
  stateReplace: (key, expected, value) => kept(() => state.replace(key, present(expected), present(value))),
  stateKeys: (prefix) => kept(() => state.keys(prefix)),
  count: (name, by) => metrics.count(name, by),
  gauge: (name, value) => metrics.gauge(name, value),
  secret: (name) => absent(secrets.get(name)),
  send() {
    throw new Error("only forwarders send requests");
  },
  texts() {
    throw new Error("only forwarders compute texts from records");
  },
};

use(host);

function milliseconds() {
  const { seconds, nanoseconds } = clock.now();
  return seconds * 1000 + Math.floor(nanoseconds / 1e6);
}

const EngineDate = globalThis.Date;

/** `Date` with the host's clock. */
globalThis.Date = class Date extends EngineDate {
  constructor(...parts) {
    if (parts.length === 0) super(milliseconds());
    else super(...parts);
  }
  static now() {
    return milliseconds();
  }
};

globalThis.performance = { now: () => { const { seconds, nanoseconds } = clock.now(); return seconds * 1000 + nanoseconds / 1e6; } };

Math.random = () => {
  const [a, b, c, d, e, f, g] = random.bytes(7);
  return ((a & 0x1f) * 2 ** 48 + b * 2 ** 40 + c * 2 ** 32 + d * 2 ** 24 + e * 2 ** 16 + f * 2 ** 8 + g) / 2 ** 53;
};

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

globalThis.crypto = {
  getRandomValues(array) {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    bytes.set(random.bytes(bytes.length));
    return array;
  },
  randomUUID() {
    const bytes = Uint8Array.from(random.bytes(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  },
};

globalThis.console = { ...log, log: log.info };
