// The editor of a pipeline: palette, graph and test, and the objects behind the nodes.

import { api } from "../api.js";
import { button, fill, freshId, h } from "../dom.js";
import { session } from "../session.js";
import { t } from "../texts.js";
import { forwarderEditor } from "../editors/forwarder.js";
import { streamEditor } from "../editors/stream.js";
import { transformerEditor } from "../editors/transformer.js";
import { attempt, notice } from "../parts/dialogs.js";
import { edited } from "../parts/fields.js";
import { editorDialog } from "../parts/workbench.js";
import { Canvas } from "./canvas.js";
import { layOut } from "./layout.js";
import { Graph, NEW_FLOW, TYPES } from "./model.js";
import { palette } from "./palette.js";
import { pipelineTrial } from "./trace.js";

/** By type of node: the objects that it names, and the editor of one. */
const BEHIND = {
  transform: { list: api.transformers.list, open: transformerEditor, kind: "transformers" },
  router: { list: api.streams.list, open: streamEditor, kind: "streams" },
  forwarder: { list: api.forwarders.list, open: forwarderEditor, kind: "forwarders" },
  pipeline: { list: api.pipelines.list, open: pipelineEditor, kind: "pipelines" },
};

export async function pipelineEditor(name, { draft, readOnly }) {
  const names = {};
  const learn = async () => {
    const visible = Object.entries(BEHIND).filter(([, { kind }]) => session.may(`can_view_${kind}`));
    await Promise.all(visible.map(async ([type, { list }]) => (names[type] = await list())));
  };
  const [stored] = await Promise.all([draft ? NEW_FLOW : api.pipelines.get(name), learn()]);
  const graph = new Graph(stored);
  if (!stored.hasLayout) layOut(graph);

  const lists = Object.fromEntries(Object.keys(BEHIND).map((type) => [type, freshId()]));
  const suggestions = h("div", { hidden: true });
  const tools = h("div", { class: "tools" });
  const canvas = new Canvas(graph, { readOnly, lists, open: (node) => attempt(() => openBehind(node)) });

  const add = (type, object, event) => {
    const node = graph.add(type, object, event ? canvas.view.pointAt(event) : canvas.view.freePlace(graph.nodes));
    canvas.draw();
    edited(canvas.element);
    canvas.element.querySelector(`[data-id="${node.id}"] :is(input, textarea)`)?.focus();
  };
  /** Shows the known names where they are offered. */
  const offer = () => {
    fill(suggestions, Object.entries(lists).map(([type, id]) => h("datalist", { id }, (names[type] ?? []).map((value) => h("option", { value })))));
    fill(tools, !readOnly && palette(names, add, canvas.element));
  };
  const openBehind = async (node) => {
    const { open, kind } = BEHIND[node.type];
    const { key, title } = TYPES[node.type];
    const object = node.data[key] ?? "";
    if (!object) return notice(t("Give it a name first."), "bad");
    if (!session.may(`can_view_${kind}`)) return notice(t("You have no permission for this."), "bad");
    const draft = !(names[node.type] ?? []).includes(object);
    const readOnly = !session.may(`can_edit_${kind}`);
    const editor = await open(object, { draft, readOnly });
    if (await editorDialog(`${title} ${object}`, editor, { readOnly })) {
      await learn();
      offer();
    }
  };
  offer();

  const arrange = () => {
    layOut(graph);
    canvas.draw();
    canvas.fit();
    edited(canvas.element);
  };
  const view = h(
    "div",
    { class: "view", role: "toolbar", "aria-label": t("View") },
    !readOnly && button(t("Arrange"), arrange),
    button("+", () => canvas.view.zoom(1), { "aria-label": t("Larger") }),
    button("−", () => canvas.view.zoom(-1), { "aria-label": t("Smaller") }),
    button(t("Fit"), () => canvas.fit()),
  );
  const trial = session.may("can_send_logs") && pipelineTrial(name, () => graph.flow(), canvas);
  const element = h("div", { class: "pipeline" }, suggestions, tools, h("div", { class: "stage" }, canvas.element, view), trial);
  return { element, value: () => graph.flow(), save: () => api.pipelines.save(name, graph.flow()) };
}
