// What the host keeps for a plugin: state, figures, secrets, the clock, unpredictable bytes, and its log.

import { host } from "./host.js";
import { decode, encode } from "./values.js";

/** The state could not be read or kept. `full` says that a key, a value or all of them together exceed a limit. */
export class StateError extends Error {
  name = "StateError";
  constructor(message, full) {
    super(message);
    this.full = full;
  }
}

const bytes = (value) => (typeof value === "string" ? encode(value) : value);

/**
 * Keys and values of this plugin in this tenant, shared by all its instances and versions; they survive a restart. Values are
 * bytes; texts are kept as UTF-8. Every method may throw StateError.
 */
export const state = {
  /** The value, or undefined. */
  get: (key) => host().stateGet(key),
  /** The value as text, or undefined. */
  text(key) {
    const value = host().stateGet(key);
    return value === undefined ? undefined : decode(value);
  },
  /** The value read as JSON, or `fallback`. */
  load(key, fallback) {
    const value = state.text(key);
    return value === undefined ? fallback : JSON.parse(value);
  },
  /** Sets the value; undefined removes the key. */
  set: (key, value) => host().stateSet(key, bytes(value)),
  /** Sets the value, written as JSON. */
  save: (key, value) => host().stateSet(key, encode(JSON.stringify(value))),
  /** Removes the key. */
  delete: (key) => host().stateSet(key, undefined),
  /** Sets the value if the present one is `expected`, and answers whether it was. */
  replace: (key, expected, value) => host().stateReplace(key, bytes(expected), bytes(value)),
  /** The keys that begin with a text, in ascending order, at most a thousand. */
  keys: (prefix = "") => host().stateKeys(prefix),
};

/** Figures of the plugin. A name is lower-case words with underscores, with its unit at the end. */
export const metrics = {
  /** Adds to a counter. */
  count: (name, by = 1) => host().count(name, by),
  /** Sets a gauge. */
  gauge: (name, value) => host().gauge(name, value),
};

/** A secret of the tenant; undefined where it is not granted (`secret:NAME`) or not set. */
export const secret = (name) => host().secret(name);

/** The time of day, cut to milliseconds. */
export function now() {
  const { seconds, nanoseconds } = host().now();
  return new Date(seconds * 1000 + Math.floor(nanoseconds / 1e6));
}

/** Unpredictable bytes. */
export const randomBytes = (length) => host().random(length);

const write = (level) => (...parts) => {
  for (const line of parts.map(shown).join(" ").split("\n")) host().log(level, line);
};

function shown(part) {
  if (typeof part === "string") return part;
  if (part instanceof Error) return part.stack ? `${part.name}: ${part.message}\n${part.stack}` : String(part);
  try {
    return JSON.stringify(part) ?? String(part);
  } catch {
    return String(part);
  }
}

/** Messages to the operator; inside a component `console` writes here too. */
export const log = {
  trace: write("trace"),
  debug: write("debug"),
  info: write("info"),
  warn: write("warn"),
  error: write("error"),
};
