// Starts the interface: which page a path shows, who may see it, and what happens on the way.

import { api } from "./api.js";
import { fill, h } from "./dom.js";
import { go, segments, start, state } from "./navigation.js";
import { session } from "./session.js";
import { applyTheme, shell } from "./shell.js";
import { t } from "./texts.js";
import { problem } from "./parts/dialogs.js";
import { accountPage } from "./pages/account.js";
import { adminPage } from "./pages/admin.js";
import { forwardersPage } from "./pages/forwarders.js";
import { homePage } from "./pages/home.js";
import { loginPage } from "./pages/login.js";
import { pipelinesPage } from "./pages/pipelines.js";
import { storagePage } from "./pages/storage.js";
import { streamsPage } from "./pages/streams.js";
import { systemPage } from "./pages/system.js";
import { transformersPage } from "./pages/transformers.js";
import { uploadPage } from "./pages/upload.js";

/** The page of each first segment, and the permission that it needs. */
const PAGES = {
  "": { page: homePage },
  streams: { page: streamsPage, permission: "can_view_streams" },
  upload: { page: uploadPage, permission: "can_send_logs" },
  transformers: { page: transformersPage, permission: "can_view_transformers" },
  forwarders: { page: forwardersPage, permission: "can_view_forwarders" },
  storage: { page: storagePage, permission: "can_view_streams" },
  pipelines: { page: pipelinesPage, permission: "can_view_pipelines" },
  account: { page: accountPage },
  admin: { page: adminPage, permission: "can_view_acls" },
  "system-configuration": { page: systemPage, permission: "can_read_system_configuration" },
};

const root = h("div");
let leaving = new AbortController();

/** Shows the page of the present path. What an earlier page still does ends with its signal. */
async function render() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [first, name = ""] = segments();
  if (first === "logout") return session.end();
  if (first === "login") return void fill(root, loginPage());
  if (!session.token) return login();
  try {
    session.know(await api.whoami(signal));
    const { page, permission } = PAGES[first] ?? {};
    let content = message(t("There is no such page."));
    if (page) content = session.may(permission) ? await page({ name, signal, state: state() }) : message(t("You have no permission for this page."));
    if (!signal.aborted) fill(root, shell(first, content));
  } catch (error) {
    if (error.name !== "AbortError" && !signal.aborted && session.token) fill(root, shell(first, problem(error)));
  }
}

function message(text) {
  return h("main", { class: "page" }, h("p", { class: "empty" }, text));
}

/** Goes to the login page, which comes back to here. */
function login() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
  const [first] = segments();
  if (first === "login") return;
  const next = first === "logout" ? "" : location.pathname + location.search;
  go("login", { replace: true, state: { next }, force: true });
}

applyTheme();
fill(document.body, root);
addEventListener("session-end", login);
start(render);
