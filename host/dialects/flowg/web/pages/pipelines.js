// Pipelines: graphs that records go through.

import { api } from "../api.js";
import { session } from "../session.js";
import { t } from "../texts.js";
import { pipelineEditor } from "../graph/editor.js";
import { workbench } from "../parts/workbench.js";

export function pipelinesPage(context) {
  const kind = {
    title: t("Pipelines"),
    segment: "pipelines",
    newTitle: t("New pipeline"),
    names: api.pipelines.list,
    mayEdit: session.may("can_edit_pipelines"),
    open: pipelineEditor,
    remove: api.pipelines.remove,
    removal: () => t("What is sent to it is refused from now on."),
  };
  return workbench(kind, context);
}
