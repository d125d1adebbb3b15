// Trying a graph on a record, and what happened at each node.

import { api } from "../api.js";
import { button, fill, h } from "../dom.js";
import { t } from "../texts.js";
import { recordView } from "../editors/transformer.js";
import { complaint, display } from "../parts/dialogs.js";
import { pairsField } from "../parts/fields.js";

/** A record and a button. `flow()` is the graph as it stands, saved or not; `canvas` shows the visits. */
export function pipelineTrial(name, flow, canvas) {
  const record = pairsField(t("Record to try"), { content: "" });
  const result = h("div", { class: "result", role: "region", "aria-label": t("Result"), "aria-live": "polite" });
  const run = async () => {
    try {
      const { trace, error } = await api.pipelines.test(name, flow(), [record.value()]);
      canvas.tell(trace ?? [], (node) => visits((trace ?? []).filter(({ nodeID }) => nodeID === node.id)));
      const said = t("Visits of nodes: {count}. What came in and went out is behind the numbers at each.", { count: (trace ?? []).length });
      fill(result, error ? complaint(new Error(error)) : h("p", { class: "good" }, said));
    } catch (error) {
      canvas.tell([], () => {});
      fill(result, complaint(error));
    }
  };
  const asked = h("div", null, record.element, button(t("Run"), run, { kind: "primary" }));
  return h("details", { class: "trial" }, h("summary", null, t("Test")), h("div", { class: "columns" }, asked, result));
}

/** What came into a node and went out of it, each time. */
function visits(entries) {
  const part = (title, content) => h("div", null, h("h3", null, title), content);
  const nothing = () => h("p", { class: "empty" }, t("Nothing."));
  const visit = ({ input, output, error }) =>
    h(
      "div",
      { class: "visit" },
      part(t("Input"), recordView(input ?? {})),
      part(t("Output"), output?.length ? output.map(recordView) : nothing()),
      error && part(t("Error"), complaint(new Error(error))),
    );
  return display(t("Trace"), h("div", null, entries.map(visit)), "wide");
}
