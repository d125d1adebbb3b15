// Paths of the page: reading them, going to them, and not leaving what is not saved.

const BASE = new URL(document.baseURI).pathname;

let show = () => {};
let guard = null;
let here = location.href;

/** The segments of the path below the base, decoded: `streams/a%2Fb` is `["streams", "a/b"]`. */
export function segments() {
  const path = location.pathname.startsWith(BASE) ? location.pathname.slice(BASE.length) : "";
  return path.split("/").map((segment) => {
    try {
      return decodeURIComponent(segment);
    } catch {
      return segment;
    }
  });
}

/** A path of segments, such as `path("streams", name)`. */
export function path(...parts) {
  return parts.map(encodeURIComponent).join("/");
}

/** What came with the last `go`. */
export function state() {
  return history.state ?? {};
}

/** Goes to a path below the base, unless the user wants to stay with what is not saved. */
export async function go(target, { replace = false, state = {}, force = false } = {}) {
  if (!force && !(await mayLeave())) return;
  guard = null;
  const url = new URL(target, document.baseURI);
  if (replace) history.replaceState(state, "", url);
  else history.pushState(state, "", url);
  here = location.href;
  show();
}

/**
 * Sets what asks before the page is left: `pending()` tells whether something is not saved, `ask()` asks the user. A page whose
 * `signal` says that it was left already has nothing to say.
 */
export function guardWith(signal, pending, ask) {
  if (!signal.aborted) guard = { pending, ask };
}

async function mayLeave() {
  return !guard?.pending() || guard.ask();
}

/** Calls `render` now and whenever the path changes. */
export function start(render) {
  show = render;
  addEventListener("popstate", async () => {
    const target = location.href;
    const wanted = history.state;
    if (guard?.pending()) {
      history.pushState(null, "", here);
      if (!(await guard.ask())) return;
      history.replaceState(wanted, "", target);
    }
    guard = null;
    here = location.href;
    show();
  });
  addEventListener("beforeunload", (event) => {
    if (guard?.pending()) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || link.target || event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link.origin !== location.origin || !link.pathname.startsWith(BASE)) return;
    event.preventDefault();
    go(link.href);
  });
  show();
}
