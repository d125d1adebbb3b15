// How one node is drawn: its title, its setting to edit, its ports, and what a test found.

import { button, fill, h } from "../dom.js";
import { t } from "../texts.js";
import { TYPES } from "./model.js";

/** The size of a node; its height is about this. */
export const WIDTH = 230;
export const HEIGHT = 110;
/** Where edges meet a node, from its top. */
export const PORT = 19;

const SOURCES = { direct: t("Records that are sent"), syslog: t("Syslog messages") };
const WITH_OBJECT = ["transform", "router", "forwarder", "pipeline"];

/** `lists` has the ids of the datalists by type; `actions` what the ports and buttons do. */
export function nodeView(node, { readOnly, lists, actions }) {
  const { title, key, label, leads } = TYPES[node.type];
  const isSource = node.type === "source";
  const caption = () => `${title} ${node.data[key] ?? ""}`.trim();
  const setting = isSource ? h("p", null, SOURCES[node.data.type ?? "direct"] ?? node.data.type) : settingInput();
  const badge = h("div", { class: "badge" });
  const head = h(
    "header",
    null,
    !isSource && h("button", { type: "button", class: "port in", title: t("Input"), "aria-label": t("Input of {name}", { name: caption() }) }),
    h("span", null, title),
    !isSource && !readOnly && button("✕", () => actions.remove(node), { kind: "quiet", "aria-label": t("Remove {name}", { name: caption() }) }),
    leads && h("button", { type: "button", class: "port out", title: t("Output"), "aria-label": t("Output of {name}", { name: caption() }) }),
  );
  const attributes = { class: `node ${node.type}-node`, role: "group", "aria-label": caption(), tabindex: "0", "data-id": node.id };
  const element = h("div", attributes, head, h("div", { class: "body" }, setting), badge);

  function settingInput() {
    const multiline = node.type === "switch";
    const input = h(multiline ? "textarea" : "input", {
      "aria-label": label,
      placeholder: multiline ? 'level == "error"' : label,
      list: lists[node.type],
      rows: multiline ? "2" : null,
      required: true,
      readonly: readOnly,
      spellcheck: "false",
      class: multiline && "code-line",
      value: node.data[key] ?? "",
    });
    input.addEventListener("input", () => {
      node.data[key] = input.value;
      element.setAttribute("aria-label", caption());
    });
    const told = { kind: "quiet", "aria-label": t("Edit {name}", { name: title }), title: t("Open what has this name, or make it") };
    return h("div", { class: "row" }, input, WITH_OBJECT.includes(node.type) && button("✎", () => actions.open(node), told));
  }

  return {
    element,
    caption,
    place() {
      element.style.transform = `translate(${node.position.x}px, ${node.position.y}px)`;
    },
    /** Shows how many visits a test made here, and whether one failed. */
    tell(visits, open) {
      const failed = visits.some(({ error }) => error);
      const left = visits.reduce((sum, { output }) => sum + (output?.length ?? 0), 0);
      const text = leads ? t("{in} in, {out} out", { in: visits.length, out: left }) : t("{in} in", { in: visits.length });
      element.classList.toggle("visited", visits.length > 0);
      element.classList.toggle("failed", failed);
      fill(badge, visits.length > 0 && button(failed ? `${text} ⚠` : text, open, { kind: "quiet", "aria-label": t("Trace of {name}", { name: caption() }) }));
    },
  };
}
