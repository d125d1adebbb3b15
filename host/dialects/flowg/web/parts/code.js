// An editor for code: a text area over a copy of its text in colours.

import { fill, h } from "../dom.js";
import { t } from "../texts.js";

/** `tokens(text)` divides a text into pieces, each with a class or none. */
export function codeEditor({ label, value, readOnly, tokens }) {
  const input = h("textarea", {
    "aria-label": label,
    spellcheck: "false",
    autocomplete: "off",
    autocapitalize: "off",
    wrap: "off",
    readonly: readOnly,
    value,
  });
  const lines = h("pre", { class: "lines", "aria-hidden": "true" });
  const colours = h("pre", { class: "colours", "aria-hidden": "true" });

  const paint = () => {
    const text = input.value;
    fill(colours, ...tokens(text).map(({ text, kind }) => (kind ? h("span", { class: kind }, text) : text)), "\n");
    lines.textContent = text.split("\n").map((_, index) => index + 1).join("\n") + "\n";
    follow();
  };
  const follow = () => {
    colours.scrollTop = lines.scrollTop = input.scrollTop;
    colours.scrollLeft = input.scrollLeft;
  };

  // Tab indents; after Escape it goes on to the next control, as everywhere else.
  let leave = false;
  const key = (event) => {
    if (event.key === "Tab" && !leave && !event.shiftKey && !readOnly) {
      event.preventDefault();
      input.setRangeText("  ", input.selectionStart, input.selectionEnd, "end");
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }
    leave = event.key === "Escape";
  };
  input.addEventListener("input", paint);
  input.addEventListener("scroll", follow);
  input.addEventListener("keydown", key);
  paint();
  const hint = h("small", null, t("Tab indents; Escape, then Tab leaves the editor."));
  const area = h("div", { class: "code-area" }, lines, h("div", { class: "code-text" }, colours, input));
  return { element: h("div", { class: "code" }, area, !readOnly && hint), value: () => input.value };
}
