// Transformers: scripts that change records.

import { api } from "../api.js";
import { session } from "../session.js";
import { t } from "../texts.js";
import { transformerEditor } from "../editors/transformer.js";
import { workbench } from "../parts/workbench.js";

export function transformersPage(context) {
  const kind = {
    title: t("Transformers"),
    segment: "transformers",
    newTitle: t("New transformer"),
    names: api.transformers.list,
    mayEdit: session.may("can_edit_transformers"),
    open: transformerEditor,
    remove: api.transformers.remove,
    removal: () => t("Pipelines that use it fail from now on."),
  };
  return workbench(kind, context);
}
