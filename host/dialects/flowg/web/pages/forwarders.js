// Forwarders: where records are sent.

import { api } from "../api.js";
import { session } from "../session.js";
import { t } from "../texts.js";
import { forwarderEditor } from "../editors/forwarder.js";
import { workbench } from "../parts/workbench.js";

export function forwardersPage(context) {
  const kind = {
    title: t("Forwarders"),
    segment: "forwarders",
    newTitle: t("New forwarder"),
    names: api.forwarders.list,
    mayEdit: session.may("can_edit_forwarders"),
    open: forwarderEditor,
    remove: api.forwarders.remove,
    removal: () => t("Pipelines that use it fail from now on."),
  };
  return workbench(kind, context);
}
