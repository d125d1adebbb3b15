// Sends a file of text through a pipeline, one record a line.

import { api } from "../api.js";
import { fill, h } from "../dom.js";
import { session } from "../session.js";
import { number, t } from "../texts.js";
import { complaint } from "../parts/dialogs.js";
import { choiceField, textField } from "../parts/fields.js";

export async function uploadPage() {
  // The list needs a permission that sending does not.
  const pipeline = session.may("can_view_pipelines")
    ? choiceField(t("Pipeline"), "default", await api.pipelines.list())
    : textField(t("Pipeline"), "default", { required: true });
  const file = h("input", { type: "file", required: true, accept: "text/*,.log,.txt,.csv,.json,.jsonl" });
  const result = h("div", { class: "result", role: "status" });
  const send = h("button", { class: "primary" }, t("Send"));
  const submit = async (event) => {
    event.preventDefault();
    send.disabled = true;
    fill(result, h("p", null, t("Sending…")));
    try {
      const count = await api.pipelines.sendText(pipeline.value(), file.files[0]);
      fill(result, h("p", { class: "good" }, t("Records taken: {count}", { count: number(count) })));
    } catch (error) {
      fill(result, complaint(error));
    }
    send.disabled = false;
  };
  const form = h(
    "form",
    { class: "form", on: { submit } },
    pipeline.element,
    h("label", { class: "field" }, h("span", null, t("File of text")), file, h("small", null, t("Each line becomes a record with the field content."))),
    h("div", { class: "actions" }, send),
    result,
  );
  return h("main", { class: "page" }, h("h1", null, t("Upload")), form);
}
