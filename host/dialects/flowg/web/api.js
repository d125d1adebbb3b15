// The operations of the server, one function each. Knows paths and members, and nothing of the page.

import { session } from "./session.js";
import { events } from "./events.js";

const ROOT = new URL("../api/v1/", document.baseURI);

/** A failure that the server told, or that kept its answer from coming. */
class ApiError extends Error {
  /** `status` is the name of the failure such as `PERMISSION_DENIED`, empty when the answer was none of the server's. */
  constructor(status, message, context = {}) {
    super(message);
    this.status = status;
    this.context = context;
  }
}

/** A path of literal parts and of names, which are encoded: at`streams/${name}/logs`. */
function at(parts, ...names) {
  return String.raw({ raw: parts }, ...names.map(encodeURIComponent));
}

/** What the answer to a failed request says: the text without its general prefix, and the details of a validation. */
async function failure(response) {
  const answer = await response.json().catch(() => null);
  if (typeof answer?.error !== "string") return new ApiError("", `${response.status} ${response.statusText}`.trim());
  const [prefix, ...cause] = answer.error.split(": ");
  const details = Object.entries(answer.context ?? {}).flatMap(([where, texts]) => [texts].flat().map((text) => `${where} ${text}`));
  const message = [cause.join(": ") || prefix, ...details].join("\n");
  return new ApiError(answer.status ?? "", message, answer.context);
}

/** Sends a request and answers the response, which is a success. */
async function send(method, path, { query, body, type = "application/json", signal } = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query ?? {})) if (value) url.searchParams.set(name, value);
  const headers = {};
  if (session.token) headers.Authorization = `Bearer ${session.token}`;
  if (body !== undefined) headers["Content-Type"] = type;
  const response = await fetch(url, { method, headers, body, signal, cache: "no-store" }).catch((error) => {
    if (error.name === "AbortError") throw error;
    throw new ApiError("", error.message);
  });
  if (response.ok) return response;
  const error = await failure(response);
  if (response.status === 401 && session.token) session.end();
  throw error;
}

async function ask(method, path, body, options = {}) {
  const content = body === undefined ? undefined : JSON.stringify(body);
  return (await send(method, path, { body: content, ...options })).json();
}

const indexed = (indexing) => (indexing && Object.keys(indexing).length ? JSON.stringify(indexing) : "");

export const api = {
  login: async (username, password) => (await ask("POST", "auth/login", { username, password })).token,
  whoami: (signal) => ask("GET", "auth/whoami", undefined, { signal }),
  changePassword: (old_password, new_password) => ask("POST", "auth/change-password", { old_password, new_password }),

  tokens: {
    list: async () => (await ask("GET", "tokens")).token_uuids ?? [],
    create: () => ask("POST", "token"),
    remove: (uuid) => ask("DELETE", at`tokens/${uuid}`),
  },

  transformers: {
    list: async () => (await ask("GET", "transformers")).transformers ?? [],
    get: async (name) => (await ask("GET", at`transformers/${name}`)).script,
    save: (name, script) => ask("PUT", at`transformers/${name}`, { script }),
    remove: (name) => ask("DELETE", at`transformers/${name}`),
    test: async (code, record) => (await ask("POST", "test/transformer", { code, record })).records ?? [],
  },

  forwarders: {
    list: async () => (await ask("GET", "forwarders")).forwarders ?? [],
    get: async (name) => (await ask("GET", at`forwarders/${name}`)).forwarder,
    save: (name, forwarder) => ask("PUT", at`forwarders/${name}`, { forwarder }),
    remove: (name) => ask("DELETE", at`forwarders/${name}`),
    test: (name, record) => ask("POST", at`test/forwarders/${name}`, { record }),
  },

  pipelines: {
    list: async () => (await ask("GET", "pipelines")).pipelines ?? [],
    get: async (name) => (await ask("GET", at`pipelines/${name}`)).flow,
    save: (name, flow) => ask("PUT", at`pipelines/${name}`, { flow }),
    remove: (name) => ask("DELETE", at`pipelines/${name}`),
    /** Answers the trace and, when a record failed, the error. */
    test: (name, flow, records) => ask("POST", at`test/pipeline/${name}`, { flow, records }),
    /** Sends lines of text and answers how many records they were. */
    sendText: async (name, text) =>
      (await (await send("POST", at`pipelines/${name}/logs/text`, { body: text, type: "text/plain; charset=utf-8" })).json()).processed_count,
  },

  streams: {
    /** The settings of every stream by its name. */
    all: async () => (await ask("GET", "streams")).streams ?? {},
    list: async () => Object.keys(await api.streams.all()).sort(),
    save: (name, config) => ask("PUT", at`streams/${name}`, { config }),
    remove: (name) => ask("DELETE", at`streams/${name}`),
    fields: async (name) => (await ask("GET", at`streams/${name}/fields`)).fields ?? [],
    usage: async (name) => (await ask("GET", at`streams/${name}/usage`)).usage,
    indices: async (name) => (await ask("GET", at`streams/${name}/indices`)).indices ?? {},
    /** Records between two dates, newest first. */
    query: async (name, { from, to, filter, indexing, signal }) => {
      const query = { from: from.toISOString(), to: to.toISOString(), filter, indexing: indexed(indexing) };
      return (await ask("GET", at`streams/${name}/logs`, undefined, { query, signal })).records ?? [];
    },
    /** Follows a stream: the events as they come, each with its name and data. */
    watch: async function* (name, { filter, indexing, signal, opened }) {
      const response = await send("GET", at`streams/${name}/logs/watch`, { query: { filter, indexing: indexed(indexing) }, signal });
      opened?.();
      yield* events(response.body);
    },
  },

  roles: {
    list: async () => (await ask("GET", "roles")).roles ?? [],
    save: (name, scopes) => ask("PUT", at`roles/${name}`, { scopes }),
    remove: (name) => ask("DELETE", at`roles/${name}`),
  },

  users: {
    list: async () => (await ask("GET", "users")).users ?? [],
    create: (name, roles, password) => ask("PUT", at`users/${name}`, { roles, password }),
    setRoles: (name, roles) => ask("PATCH", at`users/${name}`, { roles }),
    remove: (name) => ask("DELETE", at`users/${name}`),
  },

  system: {
    get: async () => (await ask("GET", "system-configuration")).configuration,
    save: (configuration) => ask("PUT", "system-configuration", configuration),
  },
};
