// Controls of forms. Each is an element with a label and `value()`, and tells a change by the events `input` or `edited`.

import { button, fill, h } from "../dom.js";
import { t } from "../texts.js";

/** Says that something was changed by other means than typing. */
export function edited(element) {
  element.dispatchEvent(new Event("edited", { bubbles: true }));
}

function labelled(label, control, hint) {
  return h("label", { class: "field" }, h("span", null, label), control, hint && h("small", null, hint));
}

/** One line of text. `attributes` are those of the input: type, required, pattern, placeholder. */
export function textField(label, value, { hint, ...attributes } = {}) {
  const input = h("input", { type: "text", spellcheck: "false", autocomplete: "off", ...attributes, value: value ?? "" });
  return { element: labelled(label, input, hint), input, value: () => input.value };
}

/** A text that is shown only when the user asks. */
export function secretField(label, value, attributes = {}) {
  return textField(label, value, { type: "password", autocomplete: "new-password", ...attributes });
}

/** A whole number. */
export function numberField(label, value, { hint, ...attributes } = {}) {
  const input = h("input", { type: "number", step: "1", required: true, ...attributes, value: value ?? 0 });
  return { element: labelled(label, input, hint), input, value: () => Number(input.value) };
}

/** Several lines of text. */
export function longField(label, value, { hint, ...attributes } = {}) {
  const input = h("textarea", { rows: "4", spellcheck: "false", ...attributes, value: value ?? "" });
  return { element: labelled(label, input, hint), input, value: () => input.value };
}

/** One of some texts; `options` is a list of them, or an object of texts by value. */
export function choiceField(label, value, options, attributes = {}) {
  const pairs = Array.isArray(options) ? options.map((option) => [option, option]) : Object.entries(options);
  const input = h("select", attributes, pairs.map(([option, text]) => h("option", { value: option }, text)));
  if (pairs.some(([option]) => option === value)) input.value = value;
  return { element: labelled(label, input), input, value: () => input.value };
}

/** Yes or no. */
export function flagField(label, value) {
  const input = h("input", { type: "checkbox" });
  input.checked = value === true;
  return { element: h("label", { class: "flag" }, input, h("span", null, label)), input, value: () => input.checked };
}

/** Some of these texts. */
export function tickField(label, chosen, options) {
  const boxes = options.map((option) => [option, flagField(option, chosen.includes(option))]);
  const element = h("fieldset", { class: "ticks" }, h("legend", null, label), boxes.map(([, box]) => box.element));
  return { element, value: () => boxes.filter(([, box]) => box.value()).map(([option]) => option) };
}

/** A list of texts, one a line. */
export function linesField(label, values, options) {
  const field = longField(label, (values ?? []).join("\n"), options);
  return { ...field, value: () => field.input.value.split("\n").map((line) => line.trim()).filter(Boolean) };
}

/** Names and texts, such as the fields of a record. Rows without a name are left out. */
export function pairsField(label, values, { nameLabel = t("Field"), valueLabel = t("Value"), add = t("Add field") } = {}) {
  const rows = h("div", { class: "rows" });
  const append = (name, text) => {
    const row = h(
      "div",
      { class: "pair" },
      h("input", { "aria-label": nameLabel, placeholder: nameLabel, spellcheck: "false", value: name }),
      h("textarea", { rows: "1", "aria-label": valueLabel, placeholder: valueLabel, spellcheck: "false", value: text }),
      button("✕", () => {
        row.remove();
        edited(rows);
      }, { "aria-label": t("Remove"), kind: "quiet" }),
    );
    rows.append(row);
  };
  for (const [name, text] of Object.entries(values ?? {})) append(name, text);
  const more = button(add, () => {
    append("", "");
    rows.lastElementChild.firstElementChild.focus();
  });
  const value = () =>
    Object.fromEntries([...rows.children].map((row) => [row.children[0].value, row.children[1].value]).filter(([name]) => name !== ""));
  return { element: h("fieldset", { class: "pairs" }, h("legend", null, label), rows, more), value };
}

const EXPRESSION = "@expr:";

/**
 * A text, or an expression that is evaluated for each record (FlowG 11). `options` are the texts that can be chosen, if they are
 * not any.
 */
export function dynamicField(label, value, { options, hint, ...attributes } = {}) {
  const initial = value ?? "";
  const isExpression = initial.startsWith(EXPRESSION);
  const kind = h(
    "select",
    { "aria-label": t("Kind of {label}", { label }), value: "" },
    h("option", { value: "text" }, t("Text")),
    h("option", { value: "expression" }, t("Expression")),
  );
  kind.value = isExpression ? "expression" : "text";
  const expression = h("input", { class: "code-line", "aria-label": label, spellcheck: "false", required: true, placeholder: 'log.level ?? "info"' });
  const text = options
    ? h("select", { "aria-label": label }, options.map((option) => h("option", { value: option }, option)))
    : h("input", { "aria-label": label, spellcheck: "false", ...attributes });
  if (isExpression) expression.value = initial.slice(EXPRESSION.length);
  else if (!options || options.includes(initial)) text.value = initial;
  const place = h("span", { class: "place" });
  const show = () => fill(place, kind.value === "expression" ? expression : text);
  kind.addEventListener("change", show);
  show();
  const element = h("div", { class: "field dynamic" }, h("span", null, label), h("div", { class: "row" }, kind, place), hint && h("small", null, hint));
  return { element, value: () => (kind.value === "expression" ? EXPRESSION + expression.value : text.value) };
}
