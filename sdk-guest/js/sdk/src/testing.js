// A double of the host, for unit tests without Headworks:
//
//   const host = new Host();
//   const answer = host.transform(plugin, { field: "level" }, [{ level: "info" }]);
//   assert.deepEqual(answer.records, [{ level: "INFO" }]);
//
// It answers as the real host does, except for limits. Time stands still until `advance` is called.

import { use } from "./host.js";
import { flush, openForwarder, openTransformer, openValidator, send, Subject, targetsOf, transform, validate } from "./plugin.js";
import { asText, checked } from "./values.js";

/** Records as the host keeps them, in arrays. */
export class Records {
  constructor(records, time) {
    this.rows = records.map((record) => new Map(Object.entries(record).map(([name, value]) => [name, checked(value)])));
    this.origins = this.rows.map((_, index) => index);
    this.moments = this.rows.map(() => time);
    this.rejected = new Map();
  }
  len() { return this.rows.length; }
  names() { return [...new Set(this.rows.flatMap((row) => [...row.keys()]))]; }
  times() { return [...this.moments]; }
  textColumn(name) { return this.rows.map((row) => asText(row.get(name))); }
  column(name) { return this.rows.map((row) => row.get(name)); }
  isText(name) { return this.rows.every((row) => !row.has(name) || typeof row.get(name) === "string"); }
  set(index, name, value) {
    if (value === undefined) this.rows[index].delete(name);
    else this.rows[index].set(name, value);
  }
  setTextColumn(name, values) { this.setColumn(name, values); }
  setColumn(name, values) {
    if (values.length !== this.rows.length) throw new Error(`${values.length} values for a column of ${this.rows.length} records`);
    values.forEach((value, index) => this.set(index, name, value));
  }
  fill(name, value) { this.rows.forEach((_, index) => this.set(index, name, value)); }
  rename(name, to) {
    for (const row of this.rows) {
      if (!row.has(name)) continue;
      const value = row.get(name);
      row.delete(name);
      row.set(to, value);
    }
  }
  removeColumn(name) { this.fill(name, undefined); }
  select(indexes) {
    for (const member of ["origins", "moments"]) this[member] = indexes.map((index) => this[member][index]);
    this.rows = indexes.map((index) => new Map(this.rows[index]));
  }
  reject(index, reason) {
    const origin = this.origins[index];
    if (!this.rejected.has(origin)) this.rejected.set(origin, reason);
  }
}

/** The double. What a plugin did is in its members. */
export class Host {
  requests = [];
  logged = [];
  state = new Map();
  counters = new Map();
  gauges = new Map();
  time = { seconds: 1_700_000_000, nanoseconds: 0 };
  #random = 1;

  /** `answers` are what HTTP requests are answered with, in this order; 200 without a body when there are none left. */
  constructor({ secrets = {}, answers = [] } = {}) {
    this.secrets = secrets;
    this.answers = [...answers];
  }

  /** Moves the clock. */
  advance(seconds) {
    const nanoseconds = this.time.nanoseconds + Math.round((seconds % 1) * 1e9);
    this.time = { seconds: this.time.seconds + Math.floor(seconds) + Math.floor(nanoseconds / 1e9), nanoseconds: nanoseconds % 1e9 };
  }

  /** What a transformer makes of records. */
  transform(plugin, config, records) {
    return this.#asked(() => {
      const held = new Records(records, this.time);
      transform(openTransformer(plugin, source(config)), held);
      const kept = held.origins.map((origin, index) => [origin, held.rows[index]]).filter(([origin]) => !held.rejected.has(origin));
      return {
        records: kept.map(([, row]) => Object.fromEntries(row)),
        origins: kept.map(([origin]) => origin),
        rejected: Object.fromEntries(held.rejected),
      };
    });
  }

  /** What became of records given to a forwarder, which is flushed then; its requests are in `requests`. */
  deliver(plugin, config, records) {
    return this.#asked(() => {
      const sink = openForwarder(plugin, source(config));
      const report = send(sink, new Records(records, this.time));
      const taken = report.stopped ? report.stopped.at : records.length;
      const late = taken > 0 ? flush(sink) : undefined;
      return late ? { rejected: report.rejected.filter(({ index }) => index < late.at), stopped: late } : report;
    });
  }

  /** What a forwarder needs to reach. */
  targets(plugin, config) {
    return this.#asked(() => targetsOf(plugin, source(config)));
  }

  /** What a validator finds wrong with a document. `subject` has members of Subject besides it. */
  validate(plugin, config, document, subject = {}) {
    const { previous, ...rest } = subject;
    const whole = { kind: "pipeline", name: "test", operation: "create", principal: "tester", ...rest };
    const text = (value) => (value === undefined ? undefined : JSON.stringify(value));
    return this.#asked(() => {
      const asked = new Subject({ ...whole, document: text(document), previous: text(previous) });
      return validate(openValidator(plugin, source(config)), asked);
    });
  }

  #asked(work) {
    const before = use(this.#answers());
    try {
      return work();
    } finally {
      use(before);
    }
  }

  #answers() {
    return {
      log: (level, message) => this.logged.push([level, message]),
      output: () => {},
      now: () => this.time,
      random: (length) => Uint8Array.from({ length }, () => {
        this.#random = (this.#random * 48271) % 2147483647;
        return this.#random & 0xff;
      }),
      stateGet: (key) => this.state.get(key),
      stateSet: (key, value) => void (value === undefined ? this.state.delete(key) : this.state.set(key, value)),
      stateReplace: (key, expected, value) => {
        const present = this.state.get(key);
        if (String(present) !== String(expected)) return false;
        if (value === undefined) this.state.delete(key);
        else this.state.set(key, value);
        return true;
      },
      stateKeys: (prefix) => [...this.state.keys()].filter((key) => key.startsWith(prefix)).sort().slice(0, 1000),
      count: (name, by) => this.counters.set(name, (this.counters.get(name) ?? 0) + by),
      gauge: (name, value) => this.gauges.set(name, value),
      secret: (name) => this.secrets[name],
      send: (request) => {
        this.requests.push(request);
        const answer = this.answers.shift() ?? { status: 200 };
        if (answer instanceof Error) throw answer;
        return answer;
      },
    };
  }
}

const source = (config) => (config === undefined ? "" : JSON.stringify(config));
