import { settings, text, transformer } from "headworks";

export default transformer({
  name: "{{name}}",
  version: "0.1.0",
  summary: "Upper-cases a field",
  config: settings({ field: text({ description: "The field to upper-case" }) }),
  open({ field }) {
    return (batch) => batch.set(field, batch.column(field).map((value) => value?.toUpperCase()));
  },
});
