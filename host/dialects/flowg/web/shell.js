// What surrounds every page: the ways to the others, the user, theme and language.

import { h } from "./dom.js";
import { path } from "./navigation.js";
import { session } from "./session.js";
import { LANGUAGES, language, speak, t } from "./texts.js";

const KEY = "headworks.theme";

/** Titles, first segments and permissions of the pages that the menu names. */
const MENU = [
  { title: t("Home"), to: "" },
  { title: t("Streams"), to: "streams", permission: "can_view_streams" },
  { title: t("Upload"), to: "upload", permission: "can_send_logs" },
  { title: t("Pipelines"), to: "pipelines", permission: "can_view_pipelines" },
  { title: t("Transformers"), to: "transformers", permission: "can_view_transformers" },
  { title: t("Forwarders"), to: "forwarders", permission: "can_view_forwarders" },
  { title: t("Storage"), to: "storage", permission: "can_view_streams" },
  { title: t("Administration"), to: "admin", permission: "can_view_acls" },
  { title: t("System configuration"), to: "system-configuration", permission: "can_read_system_configuration" },
];

/** The page in its frame. */
export function shell(current, content) {
  const entries = MENU.filter(({ permission }) => session.may(permission)).map(({ title, to }) =>
    h("li", null, h("a", { href: to || "./", "aria-current": to === current && "page" }, title)),
  );
  document.title = `${MENU.find(({ to }) => to === current)?.title ?? t("Account")} · Headworks`;
  return h(
    "div",
    { class: "shell" },
    h(
      "header",
      { class: "side" },
      h("a", { class: "brand", href: "./" }, h("span", { class: "mark", "aria-hidden": "true" }), "Headworks"),
      h("nav", { "aria-label": t("Pages") }, h("ul", null, entries)),
      h(
        "div",
        { class: "user" },
        h("a", { href: path("account"), "aria-current": current === "account" && "page" }, session.user?.name ?? t("Account")),
        h("a", { href: path("logout") }, t("Log out")),
        h("a", { href: "../api/docs", target: "_blank", rel: "noopener" }, t("Interface for programs")),
        h("div", { class: "row" }, languageChoice(), themeChoice()),
      ),
    ),
    content,
  );
}

export function languageChoice() {
  const options = Object.entries(LANGUAGES).map(([tag, name]) => h("option", { value: tag }, name));
  return h("select", { "aria-label": t("Language"), value: language, on: { change: (event) => speak(event.target.value) } }, options);
}

export function themeChoice() {
  const names = { auto: t("System colours"), light: t("Light"), dark: t("Dark") };
  const options = Object.entries(names).map(([theme, name]) => h("option", { value: theme }, name));
  const choose = (event) => {
    localStorage.setItem(KEY, event.target.value);
    applyTheme();
  };
  return h("select", { "aria-label": t("Colours"), value: localStorage.getItem(KEY) ?? "auto", on: { change: choose } }, options);
}

/** Shows the colours that the user chose. */
export function applyTheme() {
  document.documentElement.dataset.theme = localStorage.getItem(KEY) ?? "auto";
}
