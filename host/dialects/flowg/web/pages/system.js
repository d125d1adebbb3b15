// Settings that change while the server runs.

import { api } from "../api.js";
import { button, h } from "../dom.js";
import { guardWith } from "../navigation.js";
import { session } from "../session.js";
import { t } from "../texts.js";
import { abandon, attempt } from "../parts/dialogs.js";
import { linesField, tickField } from "../parts/fields.js";

const roleNames = async () => (await api.roles.list()).map(({ name }) => name);

export async function systemPage({ signal }) {
  const mayEdit = session.may("can_write_system_configuration");
  const configuration = await api.system.get();
  const chosen = configuration.default_roles ?? [];
  const origins = linesField(t("Senders of syslog messages"), configuration.syslog_allowed_origins, {
    hint: t("Addresses and blocks such as 10.0.0.0/8, one a line. Nobody named: everybody may send."),
  });
  const roles = session.may("can_view_acls")
    ? tickField(t("Roles that a new user is offered"), chosen, [...new Set([...(await roleNames()), ...chosen])].sort())
    : linesField(t("Roles that a new user is offered"), chosen);
  const value = () => ({ syslog_allowed_origins: origins.value(), default_roles: roles.value() });
  let saved = JSON.stringify(value());
  const isChanged = () => mayEdit && JSON.stringify(value()) !== saved;
  const save = button(t("Save"), async () => {
    const sent = value();
    if (await attempt(() => api.system.save(sent), t("Saved."))) saved = JSON.stringify(sent);
    update();
  }, { kind: "primary" });
  const update = () => {
    save.disabled = !isChanged();
  };
  const actions = mayEdit && h("div", { class: "actions" }, save);
  const form = h("fieldset", { class: "plain form", disabled: !mayEdit, on: { input: update } }, origins.element, roles.element, actions);
  guardWith(signal, isChanged, abandon);
  update();
  return h("main", { class: "page" }, h("h1", null, t("System configuration")), form);
}
