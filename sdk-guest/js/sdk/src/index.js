// Plugins for Headworks: transformers, forwarders and validators in JavaScript and TypeScript.

export { Batch, Event } from "./batch.js";
export * as http from "./http.js";
export { NetworkError, Response } from "./http.js";
export { error, forwarder, Subject, transformer, Undelivered, validator, warning } from "./plugin.js";
export { log, metrics, now, randomBytes, secret, state, StateError } from "./services.js";
export { any, boolean, choice, integer, InvalidConfig, list, map, number, settings, text } from "./settings.js";
export { decode, encode, Json } from "./values.js";
