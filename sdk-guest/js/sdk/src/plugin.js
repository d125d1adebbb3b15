// The three things a plugin can be, and the calls of the host to them. What must stay true: an exception of the author's code
// becomes an error that names its line, never a trap.

import { Batch } from "./batch.js";
import { host } from "./host.js";
import { NetworkError } from "./http.js";
import { InvalidConfig, parseConfig, schemaOf } from "./settings.js";

/** The author's code threw something; the text is for the operator. */
export class Failed extends Error {
  name = "Failed";
}

/**
 * Records were not delivered, from `at` on (an index in the batch). `retryAfter` is in seconds; null means that trying again
 * with this configuration is of no use.
 */
export class Undelivered extends Error {
  name = "Undelivered";
  constructor(reason, { at = 0, retryAfter = 1 } = {}) {
    super(reason);
    this.at = at;
    this.retryAfter = retryAfter;
  }
}

function defined(world, { name, version, summary = "", config, grants = [], open, targets, ...rest }) {
  const unknown = Object.keys(rest);
  if (unknown.length > 0) throw new TypeError(`${world}() knows no ${unknown.join(", ")}`);
  if (!name || !version) throw new TypeError(`${world}() needs a name and a version`);
  if (typeof open !== "function") throw new TypeError(`${world}() needs a function open`);
  return { world, config, open, targets, description: { name, version, summary, configSchema: schemaOf(config), grants } };
}

/** Maps records to records. `open(config)` answers a function of a batch, or an object with a method `transform`. */
export const transformer = (plugin) => defined("transformer", plugin);
/** Delivers records to somewhere else. `open(config)` answers an object with a method `send` and perhaps `flush`. */
export const forwarder = (plugin) => defined("forwarder", plugin);
/** Judges documents. `open(config)` answers a function of a subject, or an object with a method `validate`. */
export const validator = (plugin) => defined("validator", plugin);

/** A violation that keeps the document from being saved. */
export const error = (path, message) => ({ path, message, severity: "error" });
/** A violation that is only reported. */
export const warning = (path, message) => ({ path, message, severity: "warning" });

/** A document that somebody wants to save or delete. */
export class Subject {
  constructor({ kind, scope = "", name, operation, document, previous, principal }) {
    Object.assign(this, { kind, scope, name, operation, text: document, previousText: previous ?? undefined, principal });
  }
  /** The document: the new one, or the one to delete. */
  get document() {
    return JSON.parse(this.text);
  }
  /** What the document replaces, or undefined. */
  get previous() {
    return this.previousText === undefined ? undefined : JSON.parse(this.previousText);
  }
}

/** The problem with its place in the author's code; the whole stack goes to the plugin's log. */
function failed(problem) {
  if (problem instanceof Failed) return problem;
  if (!(problem instanceof Error)) return new Failed(String(problem));
  const message = `${problem.name}: ${problem.message}`;
  const lines = (problem.stack ?? "").split("\n").map((line) => line.trim()).filter((line) => line.startsWith("at "));
  for (const line of [message, ...lines]) host().log("error", line);
  const place = lines.map((line) => /([^/\\() ]+\.[jt]s):(\d+)/.exec(line)).find((found) => found && !SDK_FILES.has(found[1]));
  return new Failed(place ? `${message} (${place[1]}, line ${place[2]})` : message);
}

const SDK_FILES = new Set(["plugin.js", "batch.js", "values.js", "settings.js", "host.js", "http.js", "services.js"]);

function attempt(work) {
  try {
    return work();
  } catch (problem) {
    throw problem instanceof InvalidConfig ? problem : failed(problem);
  }
}

const method = (opened, name) => (typeof opened === "function" ? opened : opened?.[name]?.bind(opened));

function opened(plugin, source, name) {
  const config = parseConfig(plugin.config, source);
  return attempt(() => {
    const answer = plugin.open(config);
    const work = method(answer, name);
    if (typeof work !== "function") throw new TypeError(`open() of ${plugin.description.name} answers nothing with ${name}()`);
    return { work, flush: answer.flush?.bind(answer) };
  });
}

/** Throws InvalidConfig and Failed. */
export const openTransformer = (plugin, source) => opened(plugin, source, "transform");
export const openForwarder = (plugin, source) => opened(plugin, source, "send");
export const openValidator = (plugin, source) => opened(plugin, source, "validate");

/** Throws Failed. */
export function transform({ work }, records) {
  attempt(() => {
    const batch = new Batch(records);
    work(batch);
    batch.finish();
  });
}

/** Throws InvalidConfig and Failed. */
export function targetsOf(plugin, source) {
  const config = parseConfig(plugin.config, source);
  return attempt(() => [...(plugin.targets?.(config) ?? [])]);
}

/** Delivers records. Whatever goes wrong is in the report: rejected by index, and where and why delivery stopped. */
export function send({ work }, records) {
  const batch = new Batch(records);
  const stopped = stop(() => work(batch));
  return { rejected: batch.rejected, stopped };
}

/** Delivers what was kept back; answers where and why delivery stopped, or undefined. */
export const flush = ({ flush }) => (flush ? stop(flush) : undefined);

function stop(work) {
  try {
    work();
  } catch (problem) {
    if (problem instanceof Undelivered) return problem;
    if (problem instanceof NetworkError) {
      const never = problem.kind === "denied" || problem.kind === "invalid";
      return new Undelivered(problem.message, { retryAfter: never ? null : 1 });
    }
    return new Undelivered(failed(problem).message, { retryAfter: null });
  }
  return undefined;
}

/** Throws Failed. */
export const validate = ({ work }, subject) => attempt(() => [...(work(subject) ?? [])]);
