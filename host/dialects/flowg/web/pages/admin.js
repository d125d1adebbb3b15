// Roles with their scopes, users with their roles.

import { api } from "../api.js";
import { button, h } from "../dom.js";
import { go } from "../navigation.js";
import { session } from "../session.js";
import { t } from "../texts.js";
import { attempt, confirmation, formDialog } from "../parts/dialogs.js";
import { textField, tickField } from "../parts/fields.js";

const SCOPES = [
  ...["pipelines", "transformers", "streams", "forwarders", "acls"].flatMap((kind) => [`read_${kind}`, `write_${kind}`]),
  "send_logs",
  ...["system_configuration", "auth_providers"].flatMap((kind) => [`read_${kind}`, `write_${kind}`]),
];

export async function adminPage() {
  const mayEdit = session.may("can_edit_acls");
  const [roles, users] = await Promise.all([api.roles.list(), api.users.list()]);
  const roleNames = roles.map(({ name }) => name);
  const editRole = (role) => mayEdit && button(t("Edit"), () => roleDialog(roleNames, role), { "aria-label": t("Edit role {name}", { name: role.name }) });
  const editUser = (user) => mayEdit && button(t("Edit"), () => userDialog(roleNames, user), { "aria-label": t("Edit user {name}", { name: user.name }) });
  const create = (text, dialog) => mayEdit && button(text, dialog, { kind: "primary" });
  return h(
    "main",
    { class: "page" },
    h("h1", null, t("Administration")),
    section(t("Roles"), t("Scopes"), create(t("New role"), () => roleDialog(roleNames)), roles.map((role) =>
      row(role.name, role.scopes ?? [], editRole(role), mayEdit && removal(role.name, t("Its users lose what it allows."), api.roles.remove)),
    )),
    section(t("Users"), t("Roles"), create(t("New user"), () => newUserDialog(roleNames, users)), users.map((user) =>
      row(user.name, user.roles ?? [], editUser(user), mayEdit && removal(user.name, t("Its tokens and sessions end with it."), api.users.remove)),
    )),
  );
}

function section(title, what, create, rows) {
  const head = h("thead", null, h("tr", null, h("th", { scope: "col" }, t("Name")), h("th", { scope: "col" }, what), h("th")));
  return h("section", { class: "box", "aria-label": title }, h("header", { class: "bar" }, h("h2", null, title), create), h("table", { class: "list" }, head, h("tbody", null, rows)));
}

function row(name, items, ...actions) {
  return h("tr", null, h("th", { scope: "row" }, name), h("td", null, h("ul", { class: "chips" }, items.map((item) => h("li", null, item)))), h("td", { class: "actions" }, actions));
}

function removal(name, text, remove) {
  const ask = async () => {
    const sure = await confirmation(t("Delete {name}?", { name }), text, t("Delete"));
    if (sure && (await attempt(() => remove(name), t("Deleted.")))) go("admin");
  };
  return button(t("Delete"), ask, { kind: "danger", "aria-label": t("Delete {name}", { name }) });
}

/** Shows a form, and the page anew when it was saved. */
async function ask(title, content, save) {
  if (await formDialog(title, { content, action: t("Save"), save })) go("admin");
}

/** A field for a name that nothing of its kind has yet. */
function newName(taken) {
  const field = textField(t("Name"), "", { required: true, autofocus: true });
  const check = () => field.input.setCustomValidity(taken.includes(field.value()) ? t("This name is taken.") : "");
  field.input.addEventListener("input", check);
  return field;
}

function roleDialog(taken, role) {
  const name = role ? null : newName(taken);
  const scopes = tickField(t("Scopes"), role?.scopes ?? [], SCOPES);
  const title = role ? t("Edit role {name}", { name: role.name }) : t("New role");
  return ask(title, [name?.element, scopes.element], () => api.roles.save(role?.name ?? name.value(), scopes.value()));
}

/** Roles that do not exist stay where they are ticked: they count once they are made. */
function rolesField(chosen, known) {
  return tickField(t("Roles"), chosen, [...new Set([...known, ...chosen])].sort());
}

function userDialog(known, user) {
  const roles = rolesField(user.roles ?? [], known);
  return ask(t("Edit user {name}", { name: user.name }), roles.element, () => api.users.setRoles(user.name, roles.value()));
}

async function newUserDialog(known, users) {
  const offered = session.may("can_read_system_configuration") ? ((await api.system.get()).default_roles ?? []) : [];
  const name = newName(users.map((user) => user.name));
  const password = textField(t("Password"), "", { type: "password", autocomplete: "new-password", required: true });
  const roles = rolesField(offered.filter((role) => known.includes(role)), known);
  const save = () => api.users.create(name.value(), roles.value(), password.value());
  return ask(t("New user"), [name.element, password.element, roles.element], save);
}
