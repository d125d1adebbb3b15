// A forwarder: a form of its type, and a record to send through it.

import { api } from "../api.js";
import { button, fill, h } from "../dom.js";
import { t } from "../texts.js";
import { complaint } from "../parts/dialogs.js";
import { choiceField, dynamicField, edited, flagField, linesField, longField, numberField, pairsField, secretField, textField } from "../parts/fields.js";
import { TYPES } from "./forwarder-types.js";

const HEADER_TEXTS = { nameLabel: t("Header"), add: t("Add header") };

const CONTROLS = {
  text: ({ label, attributes }, value) => textField(label, value, attributes),
  secret: ({ label, attributes }, value) => secretField(label, value, attributes),
  long: ({ label }, value) => longField(label, value),
  number: ({ label, attributes }, value) => numberField(label, value, attributes),
  choice: ({ label, options }, value) => choiceField(label, value, options),
  flag: ({ label }, value) => flagField(label, value),
  lines: ({ label, attributes }, value) => linesField(label, value, attributes),
  headers: ({ label }, value) => pairsField(label, value ?? {}, HEADER_TEXTS),
  dynamic: ({ label, attributes }, value) => dynamicField(label, value, attributes),
};

/** The form of one type, filled with a configuration. */
function typeForm(type, config) {
  const controls = TYPES[type].members.map((member) => [member.name, CONTROLS[member.kind](member, config[member.name])]);
  const value = () => ({ type, ...Object.fromEntries(controls.map(([name, control]) => [name, control.value()])) });
  return { element: h("div", { class: "form" }, controls.map(([, { element }]) => element)), value };
}

export async function forwarderEditor(name, { draft, readOnly }) {
  const stored = draft ? { config: { type: "http" } } : await api.forwarders.get(name);
  let form = typeForm(stored.config.type, stored.config);
  const place = h("div", null, form.element);
  const titles = Object.fromEntries(Object.entries(TYPES).map(([type, { title }]) => [type, title]));
  const type = choiceField(t("Type"), stored.config.type, titles, { disabled: !draft });
  type.input.addEventListener("change", () => {
    form = typeForm(type.value(), TYPES[type.value()].initial ?? {});
    fill(place, form.element);
    edited(place);
  });
  const delivery = choiceField(t("Delivery"), stored.delivery ?? "direct", {
    direct: t("At once: the sender waits"),
    queued: t("From a durable queue"),
  });
  const value = () => {
    const queued = delivery.value() === "queued" ? { delivery: "queued" } : {};
    return { version: 2, config: form.value(), ...queued };
  };
  let saved = draft ? null : JSON.stringify(value());
  const save = async () => {
    const sent = value();
    await api.forwarders.save(name, sent);
    saved = JSON.stringify(sent);
  };
  const controls = h("fieldset", { class: "plain", disabled: readOnly }, type.element, delivery.element, place);
  const element = h("div", { class: "columns" }, controls, !readOnly && trial(name, () => saved === JSON.stringify(value())));
  return { element, value, save };
}

/** Sends one record through the forwarder as it is saved. */
function trial(name, isSaved) {
  const record = pairsField(t("Record to send"), { message: "test" });
  const result = h("div", { class: "result", role: "region", "aria-label": t("Result"), "aria-live": "polite" });
  const run = async () => {
    if (!isSaved()) return void fill(result, h("p", { class: "empty" }, t("Save first: records go through the saved forwarder.")));
    fill(result, h("p", null, "…"));
    try {
      await api.forwarders.test(name, record.value());
      fill(result, h("p", { class: "good" }, t("Delivered.")));
    } catch (error) {
      fill(result, complaint(error));
    }
  };
  return h("section", { class: "trial" }, record.element, button(t("Send"), run, { kind: "primary" }), result);
}
