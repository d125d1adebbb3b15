// A transformer: its script, and beside it a record to try it on.

import { api } from "../api.js";
import { button, fill, h } from "../dom.js";
import { t } from "../texts.js";
import { codeEditor } from "../parts/code.js";
import { complaint } from "../parts/dialogs.js";
import { pairsField } from "../parts/fields.js";
import { vrlTokens } from "../parts/vrl.js";

export async function transformerEditor(name, { draft, readOnly }) {
  const script = draft ? "" : await api.transformers.get(name);
  const code = codeEditor({ label: t("Script"), value: script, readOnly, tokens: vrlTokens });
  return {
    element: h("div", { class: "columns transformer" }, code.element, trial(code)),
    value: code.value,
    save: () => api.transformers.save(name, code.value()),
  };
}

/** Runs the script as it stands, saved or not, on one record. */
function trial(code) {
  const record = pairsField(t("Record to try"), { content: "" });
  const result = h("div", { class: "result", role: "region", "aria-label": t("Result"), "aria-live": "polite" });
  const run = async () => {
    try {
      const records = await api.transformers.test(code.value(), record.value());
      fill(result, records.length ? records.map(recordView) : h("p", { class: "empty" }, t("The script drops this record.")));
    } catch (error) {
      fill(result, complaint(error));
    }
  };
  return h("section", { class: "trial" }, record.element, button(t("Run"), run, { kind: "primary" }), result);
}

/** The fields of a record. */
export function recordView(record) {
  const rows = Object.entries(record).map(([name, value]) => h("tr", null, h("th", { scope: "row" }, name), h("td", null, value)));
  return h("table", { class: "fields" }, h("tbody", null, rows));
}
