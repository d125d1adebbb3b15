// A stream: how long and how much of it is kept, what is indexed, and the space it uses.

import { api } from "../api.js";
import { h } from "../dom.js";
import { bytes, t } from "../texts.js";
import { linesField, numberField } from "../parts/fields.js";

const NOTHING = { ttl: 0, size: 0, indexed_fields: [] };

export async function streamEditor(name, { draft, readOnly }) {
  const all = draft ? {} : await api.streams.all();
  // A stream that is only written to later has no settings yet.
  const known = Object.hasOwn(all, name);
  const config = known ? all[name] : NOTHING;
  const usage = known ? await api.streams.usage(name) : 0;
  const ttl = numberField(t("Seconds to keep a record"), config.ttl, { min: "0", hint: t("0 keeps records for ever.") });
  const size = numberField(t("Most MiB to keep"), config.size, { min: "0", hint: t("0 sets no bound. The oldest records go first.") });
  const indexed = linesField(t("Indexed fields"), config.indexed_fields, { hint: t("One a line. Their values can be ticked when the stream is read.") });
  const value = () => ({ ttl: ttl.value(), size: size.value(), indexed_fields: [...new Set(indexed.value())] });
  const form = h("fieldset", { class: "plain form", disabled: readOnly }, ttl.element, size.element, indexed.element);
  const used = h("p", null, t("Space used: {size}", { size: bytes(usage) }));
  return { element: h("div", { class: "padded" }, used, form), value, save: () => api.streams.save(name, value()) };
}
