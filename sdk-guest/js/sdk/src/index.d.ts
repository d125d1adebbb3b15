/** A value of a field: text, boolean, number, bytes, null, or a JSON document. undefined: the record has no such field. */
export type Value = string | boolean | number | bigint | null | Uint8Array | Json | Date | object | undefined;

export class Json {
  constructor(text: string);
  readonly text: string;
  load(): unknown;
  toString(): string;
}

/** Records of one call, in order. Iterate over it for events, or work on whole columns, which is faster. */
export class Batch implements Iterable<Event> {
  readonly length: number;
  [Symbol.iterator](): Iterator<Event>;
  /** Every field name that occurs. */
  names(): string[];
  /** A field of every record as text: undefined where a record lacks it. */
  column(name: string): (string | undefined)[];
  /** A field of every record with its kind: undefined where a record lacks it. */
  values(name: string): Value[];
  /** Replaces a field in every record; undefined removes it. As many values as there are records. */
  set(name: string, values: Value[]): void;
  /** Gives a field the same value in every record. */
  fill(name: string, value: Value): void;
  /** Removes a field from every record. */
  delete(name: string): void;
  /** Renames a field; a field that already has the new name is replaced. */
  rename(name: string, to: string): void;
  /** Keeps the events for which `wanted` answers true. */
  keep(wanted: (event: Event) => unknown): void;
  /** Keeps the records at these indexes, in this order; an index may occur more than once or not at all. */
  select(indexes: Iterable<number>): void;
}

/** One record. Fields are fetched when they are looked at. `set` takes any value a field can hold; `get` answers text. */
export class Event implements Iterable<[string, string]> {
  private constructor();
  get(name: string): string | undefined;
  value(name: string): Value;
  has(name: string): boolean;
  set(name: string, value: Value): this;
  delete(name: string): boolean;
  names(): string[];
  [Symbol.iterator](): Iterator<[string, string]>;
  toJSON(): Record<string, string>;
  /** When the server received the record, cut to milliseconds. */
  readonly time: Date;
  /** When the server received the record, in nanoseconds since 1970. */
  readonly timeNanoseconds: bigint;
  /** Leaves the event out of what the plugin answers. Copies of it stay. */
  drop(): void;
  /** A further event made from this one; it comes behind it. */
  copy(): Event;
  /** Marks the record as failed: what was made from it is dropped, and the reason is reported to whoever sent it. */
  reject(reason: string): void;
}

/** One setting of a configuration that is read as a T. */
export interface Setting<T> {
  readonly schema: object;
  parse(value: unknown, path: string): T;
}
/** What a configuration is once it is read. */
export type Settings<S> = S extends Setting<infer T> ? T : never;
interface Options<T> {
  default?: T;
  description?: string;
}
interface Optional {
  optional: true;
  description?: string;
}
interface TextLimits {
  minLength?: number;
  pattern?: string;
}
interface NumberLimits {
  minimum?: number;
  maximum?: number;
}
export function text(options?: Options<string> & TextLimits): Setting<string>;
export function text(options: Optional & TextLimits): Setting<string | undefined>;
export function integer(options?: Options<number> & NumberLimits): Setting<number>;
export function integer(options: Optional & NumberLimits): Setting<number | undefined>;
export function number(options?: Options<number> & NumberLimits): Setting<number>;
export function boolean(options?: Options<boolean>): Setting<boolean>;
export function choice<const T extends string>(values: readonly T[], options?: Options<T>): Setting<T>;
export function list<T>(each: Setting<T>, options?: Options<T[]> & { minItems?: number }): Setting<T[]>;
export function map<T>(each: Setting<T>, options?: Options<Record<string, T>>): Setting<Record<string, T>>;
export function any(options?: Options<unknown> & { optional?: boolean }): Setting<unknown>;
export function settings<M extends Record<string, Setting<unknown>>>(
  members: M,
  options?: Options<object>,
): Setting<{ [N in keyof M]: Settings<M[N]> }>;
/** The configuration cannot be used. The text is shown to its author as it is. */
export class InvalidConfig extends Error {}

interface Definition<C> {
  /** Lower-case words with hyphens. */
  name: string;
  /** Semantic version. */
  version: string;
  /** One line. */
  summary?: string;
  /** What `settings` answered. */
  config?: Setting<C>;
  /** What the plugin asks for, such as `secret:token`. */
  grants?: string[];
}
export interface Plugin<World extends string> {
  readonly world: World;
}
export type Transform = (batch: Batch) => void;
/** Maps records to records. An exception fails every record of the batch; use `event.reject` for one record. */
export function transformer<C>(plugin: Definition<C> & { open(config: C): Transform | { transform: Transform } }): Plugin<"transformer">;
export interface Sink {
  /** Delivers the batch, or keeps some of it back until `flush`. `event.reject` marks what the target will never take; throw
   * Undelivered for the rest. */
  send(batch: Batch): void;
  /** Delivers what `send` kept back: called after each `send`, before anybody is told that it was delivered. May throw
   * Undelivered, whose `at` counts from the first record of that `send`. The server has the records from there on again, and
   * does not use this sink any more. */
  flush?(): void;
}
/** Delivers records to somewhere else. `targets` says what a configuration needs to reach: `https://example.com:443`. */
export function forwarder<C>(plugin: Definition<C> & { targets?(config: C): string[]; open(config: C): Sink }): Plugin<"forwarder">;
export type Validate = (subject: Subject) => Iterable<Violation> | undefined;
/** Judges documents before they are saved. */
export function validator<C>(plugin: Definition<C> & { open(config: C): Validate | { validate: Validate } }): Plugin<"validator">;
/** Records were not delivered, from `at` on. `retryAfter` is in seconds; null: trying again is of no use. */
export class Undelivered extends Error {
  constructor(reason: string, options?: { at?: number; retryAfter?: number | null });
  readonly at: number;
  readonly retryAfter: number | null;
}

/** A document that somebody wants to save or delete. */
export class Subject {
  private constructor();
  readonly kind: string;
  readonly scope: string;
  readonly name: string;
  readonly operation: "create" | "update" | "delete";
  readonly text: string;
  readonly document: any;
  readonly previous: any;
  readonly principal: string;
}
export interface Violation {
  /** A JSON pointer, empty for the whole document. */
  path: string;
  message: string;
  severity: "error" | "warning";
}
export function error(path: string, message: string): Violation;
export function warning(path: string, message: string): Violation;

export interface RequestOptions {
  headers?: Record<string, string> | [string, string][];
  body?: string | Uint8Array;
  /** Sent as the body. */
  json?: unknown;
  /** In seconds. */
  timeout?: number;
  version?: "http1" | "http2";
  redirects?: number;
  proxy?: string;
  tls?: { serverName?: string; roots?: string; insecure?: boolean };
}
export class Response {
  constructor(answer: { status: number; headers?: [string, string][]; body?: string | Uint8Array });
  readonly status: number;
  readonly headers: [string, string][];
  readonly body: Uint8Array;
  readonly ok: boolean;
  text(): string;
  json(): any;
  header(name: string): string | undefined;
}
/** `kind` is denied, invalid, unreachable, untrusted, late or protocol. */
export class NetworkError extends Error {
  constructor(kind: string, message: string);
  readonly kind: string;
}
/** HTTP requests, for forwarders. All throw NetworkError. */
export namespace http {
  function request(method: string, url: string, options?: RequestOptions): Response;
  function get(url: string, options?: RequestOptions): Response;
  function post(url: string, options?: RequestOptions): Response;
}

/** What the plugin remembers in this tenant. Every method may throw StateError. */
export const state: {
  get(key: string): Uint8Array | undefined;
  text(key: string): string | undefined;
  load<T = any>(key: string, fallback?: T): T;
  set(key: string, value: string | Uint8Array | undefined): void;
  save(key: string, value: unknown): void;
  delete(key: string): void;
  replace(key: string, expected: string | Uint8Array | undefined, value: string | Uint8Array | undefined): boolean;
  keys(prefix?: string): string[];
};
export class StateError extends Error {
  readonly full: boolean;
}
export const metrics: { count(name: string, by?: number): void; gauge(name: string, value: number): void };
/** A secret of the tenant; undefined where it is not granted (`secret:NAME`) or not set. */
export function secret(name: string): string | undefined;
export function now(): Date;
export function randomBytes(length: number): Uint8Array;
type Write = (...parts: unknown[]) => void;
export const log: { trace: Write; debug: Write; info: Write; warn: Write; error: Write };
export function decode(bytes: Uint8Array): string;
export function encode(text: string): Uint8Array;
