// What the SDK asks of whoever runs the plugin: Headworks itself in a component, a double of it in unit tests.
//
// Owns the one reference to that host. Nothing else in the SDK knows which of the two it talks to. A host has the functions
// log(level, message), output(bytes), now() -> {seconds, nanoseconds}, random(length), stateGet, stateSet, stateReplace,
// stateKeys, count, gauge, secret, send(request) and texts(template, records).

let present;

/** Makes `host` the one that is asked, and answers the one before. */
export function use(host) {
  const before = present;
  present = host;
  return before;
}

/** The host that is asked. */
export function host() {
  if (present === undefined) throw new Error("there is no host here: in a unit test, use Host of headworks/testing");
  return present;
}
