// Logging in.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { go, state } from "../navigation.js";
import { session } from "../session.js";
import { languageChoice, themeChoice } from "../shell.js";
import { t } from "../texts.js";
import { complaint } from "../parts/dialogs.js";
import { textField } from "../parts/fields.js";

const IS_DEMO = document.querySelector('meta[name="X-FlowG-DemoMode"]')?.content === "true";

export function loginPage() {
  document.title = `${t("Log in")} · Headworks`;
  const user = textField(t("User"), "", { autocomplete: "username", required: true, autofocus: true });
  const password = textField(t("Password"), "", { type: "password", autocomplete: "current-password", required: true });
  const failure = h("div");
  const submit = async (event) => {
    event.preventDefault();
    try {
      session.begin(await api.login(user.value(), password.value()));
      go(state().next || "./", { replace: true });
    } catch (error) {
      fill(failure, complaint(error));
      password.input.select();
    }
  };
  const demo = h("p", { class: "demo" }, t("This is a demonstration. User: {user}, password: {password}", { user: "demo", password: "demo" }));
  return h(
    "main",
    { class: "login" },
    h(
      "form",
      { on: { submit } },
      h("h1", null, h("span", { class: "mark", "aria-hidden": "true" }), "Headworks"),
      IS_DEMO && demo,
      user.element,
      password.element,
      failure,
      h("button", { class: "primary" }, t("Log in")),
    ),
    h("div", { class: "row" }, languageChoice(), themeChoice()),
  );
}
