// The exports of a forwarder.

import wire from "headworks:plugin/http";
import { NetworkError } from "../http.js";
import { flush, openForwarder, send, targetsOf } from "../plugin.js";
import { described, opening } from "./exports.js";
import { host, Records } from "./host.js";

host.send = ({ timeout, ...request }) => {
  const { tls } = request;
  try {
    const { status, headers, body } = wire.send({
      ...request,
      body: request.body,
      timeoutMilliseconds: Math.max(1, Math.round(timeout * 1000)),
      tls: tls && { serverName: tls.serverName ?? null, roots: tls.roots ?? null, insecure: tls.insecure ?? false },
    });
    return { status, headers, body: Uint8Array.from(body) };
  } catch (problem) {
    const { tag, val } = problem?.payload ?? problem;
    throw tag === undefined ? problem : new NetworkError(tag, val);
  }
};

const stop = ({ at, message, retryAfter }) => ({
  at,
  reason: message,
  retry: retryAfter === null ? { tag: "never" } : { tag: "after-milliseconds", val: Math.round(retryAfter * 1000) },
});

/** What a component of a forwarder exports. */
export function exportsOf(definition) {
  return {
    plugin: described("forwarder", definition),
    forwarding: {
      targets: (config) => opening(() => targetsOf(definition, config)),
      Sink: class Sink {
        #opened;
        constructor(opened) {
          this.#opened = opened;
        }
        static open(config) {
          return new Sink(opening(() => openForwarder(definition, config)));
        }
        send(records) {
          const { rejected, stopped } = send(this.#opened, new Records(records));
          records[Symbol.dispose]?.();
          return {
            rejected: rejected.map(([index, reason]) => ({ index, reason })),
            stopped: stopped === undefined ? null : stop(stopped),
          };
        }
        flush() {
          const stopped = flush(this.#opened);
          if (stopped !== undefined) throw stop(stopped);
        }
      },
    },
  };
}
