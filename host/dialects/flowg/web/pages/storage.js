// Storage: what each stream keeps.

import { api } from "../api.js";
import { session } from "../session.js";
import { t } from "../texts.js";
import { streamEditor } from "../editors/stream.js";
import { workbench } from "../parts/workbench.js";

export function storagePage(context) {
  const kind = {
    title: t("Storage"),
    segment: "storage",
    newTitle: t("New stream"),
    names: api.streams.list,
    mayEdit: session.may("can_edit_streams"),
    open: streamEditor,
    remove: api.streams.remove,
    removal: () => t("Its records are deleted with it."),
  };
  return workbench(kind, context);
}
