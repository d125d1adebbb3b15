import type { NetworkError, Plugin, Undelivered, Violation } from "./index.js";

export interface Answer {
  records: Record<string, unknown>[];
  /** Per record: the index of the input record it was made from. */
  origins: number[];
  /** By index of the input record: why it failed. */
  rejected: Record<number, string>;
}
/** A double of the host. What a plugin did is in its members. */
export class Host {
  constructor(options?: { secrets?: Record<string, string>; answers?: ({ status: number; body?: string } | NetworkError)[] });
  requests: { method: string; url: string; headers: [string, string][]; body: Uint8Array }[];
  logged: [string, string][];
  state: Map<string, Uint8Array>;
  counters: Map<string, number>;
  gauges: Map<string, number>;
  time: { seconds: number; nanoseconds: number };
  secrets: Record<string, string>;
  advance(seconds: number): void;
  transform(plugin: Plugin<"transformer">, config: unknown, records: Record<string, unknown>[]): Answer;
  deliver(plugin: Plugin<"forwarder">, config: unknown, records: Record<string, unknown>[]): {
    rejected: [number, string][];
    stopped: Undelivered | undefined;
  };
  targets(plugin: Plugin<"forwarder">, config: unknown): string[];
  validate(plugin: Plugin<"validator">, config: unknown, document: unknown, subject?: object): Violation[];
}
