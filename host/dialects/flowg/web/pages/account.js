// The user's own affairs: who that is, the password, tokens for programs.

import { api } from "../api.js";
import { button, fill, h } from "../dom.js";
import { session } from "../session.js";
import { t } from "../texts.js";
import { attempt, complaint, confirmation, display, notice } from "../parts/dialogs.js";
import { textField } from "../parts/fields.js";

export async function accountPage() {
  const list = (items) => {
    if (!items.length) return h("p", { class: "empty" }, t("None."));
    return h("ul", { class: "chips" }, items.map((item) => h("li", null, item)));
  };
  return h(
    "main",
    { class: "page" },
    h("h1", null, session.user.name),
    h(
      "div",
      { class: "boxes" },
      box(t("Roles"), list(session.user.roles ?? [])),
      box(t("Permissions"), list(session.permissions)),
      box(t("Password"), passwordForm()),
      box(t("Tokens"), await tokens()),
    ),
  );
}

function box(title, content) {
  return h("section", { class: "box", "aria-label": title }, h("h2", null, title), content);
}

function passwordForm() {
  const old = textField(t("Old password"), "", { type: "password", autocomplete: "current-password", required: true });
  const fresh = textField(t("New password"), "", { type: "password", autocomplete: "new-password", required: true });
  const again = textField(t("New password again"), "", { type: "password", autocomplete: "new-password", required: true });
  const failure = h("div");
  const compare = () => again.input.setCustomValidity(again.value() === fresh.value() ? "" : t("The two are different."));
  fresh.input.addEventListener("input", compare);
  again.input.addEventListener("input", compare);
  const submit = async (event) => {
    event.preventDefault();
    fill(failure);
    try {
      await api.changePassword(old.value(), fresh.value());
      event.target.reset();
      notice(t("The password is changed."));
    } catch (error) {
      fill(failure, complaint(error));
    }
  };
  return h("form", { class: "form", on: { submit } }, old.element, fresh.element, again.element, failure, h("button", { class: "primary" }, t("Change password")));
}

async function tokens() {
  const element = h("div");
  const show = async () => {
    const uuids = await api.tokens.list();
    const row = (uuid) => {
      const revoke = async () => {
        const sure = await confirmation(t("Revoke {name}?", { name: uuid }), t("Programs that use it are refused from now on."), t("Revoke"));
        if (sure && (await attempt(() => api.tokens.remove(uuid)))) await show();
      };
      return h("li", null, h("code", null, uuid), button(t("Revoke"), revoke, { kind: "danger" }));
    };
    fill(element, h("ul", { class: "lines" }, uuids.map(row)), button(t("New token"), create, { kind: "primary" }));
  };
  const create = () =>
    attempt(async () => {
      const { token } = await api.tokens.create();
      await show();
      const copy = button(t("Copy"), () => attempt(() => navigator.clipboard.writeText(token), t("Copied.")));
      const shown = h("output", { class: "token", "aria-label": t("Token") }, token);
      await display(t("New token"), h("div", null, h("p", null, t("It is shown this once.")), shown, copy));
    });
  await show();
  return element;
}
