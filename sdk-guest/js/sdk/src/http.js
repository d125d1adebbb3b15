// HTTP requests, for forwarders. A plugin reaches only what it was granted.

import { host } from "./host.js";
import { decode, encode } from "./values.js";

/** The request was not answered. `kind` is denied, invalid, unreachable, untrusted, late or protocol. */
export class NetworkError extends Error {
  name = "NetworkError";
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

/** An answer, whatever its status. */
export class Response {
  constructor({ status, headers = [], body = new Uint8Array() }) {
    this.status = status;
    this.headers = headers;
    this.body = typeof body === "string" ? encode(body) : body;
  }
  /** Whether the status is between 200 and 299. */
  get ok() {
    return this.status >= 200 && this.status < 300;
  }
  /** The body as text; bytes that are not UTF-8 are replaced. */
  text() {
    return decode(this.body);
  }
  /** The body as JSON. */
  json() {
    return JSON.parse(this.text());
  }
  /** The first header of this name, whatever its case. */
  header(name) {
    return this.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  }
}

/**
 * Sends a request and waits for the answer, at most `timeout` seconds. `json` is sent as the body. Throws NetworkError.
 */
export function request(method, url, options = {}) {
  const { headers = {}, json, timeout = 30, version = "http1", redirects = 0, proxy = null, tls = null } = options;
  let { body = new Uint8Array() } = options;
  const pairs = Array.isArray(headers) ? [...headers] : Object.entries(headers);
  if (json !== undefined) {
    body = JSON.stringify(json);
    if (!pairs.some(([name]) => name.toLowerCase() === "content-type")) pairs.push(["content-type", "application/json"]);
  }
  const bytes = typeof body === "string" ? encode(body) : body;
  return new Response(host().send({ method, url, headers: pairs, body: bytes, version, redirects, timeout, proxy, tls }));
}

export const get = (url, options) => request("GET", url, options);
export const post = (url, options) => request("POST", url, options);
