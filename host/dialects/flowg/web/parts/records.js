// Records as a table: one column per field, newest first.

import { button, fill, h } from "../dom.js";
import { exactTime, number, t } from "../texts.js";
import { display } from "./dialogs.js";

/** Rows that are made at once; more when the user asks. */
const ROWS = 500;

/** A table that can be given records anew, or a few more on top. */
export function recordTable() {
  const head = h("thead");
  const body = h("tbody");
  const more = h("div", { class: "more" });
  const element = h("div", { class: "records" }, h("table", null, head, body), more);
  let fields = [];
  let records = [];
  let shown = ROWS;

  const row = (record) => {
    const open = () => display(exactTime(new Date(record.timestamp)), h("pre", { class: "json" }, JSON.stringify(record, null, 2)), "wide");
    const key = (event) => event.key === "Enter" && open();
    return h(
      "tr",
      { tabindex: "0", on: { dblclick: open, keydown: key } },
      h("td", { class: "time", title: record.timestamp }, exactTime(new Date(record.timestamp))),
      fields.map((field) => h("td", { title: record.fields[field] }, record.fields[field])),
    );
  };
  const tell = () => {
    const left = records.length - body.children.length;
    const show = () => {
      const rows = records.slice(body.children.length, body.children.length + ROWS).map(row);
      shown += ROWS;
      body.append(...rows);
      tell();
    };
    if (left > 0) fill(more, button(t("Show more ({count} left)", { count: number(left) }), show));
    else fill(more, records.length === 0 && h("p", { class: "empty" }, t("No records.")));
  };
  const build = () => {
    fill(head, h("tr", null, h("th", { scope: "col" }, t("Time")), fields.map((field) => h("th", { scope: "col" }, field))));
    fill(body, records.slice(0, shown).map(row));
    tell();
  };
  const adopt = (some) => {
    const known = new Set(fields);
    const before = known.size;
    for (const record of some) for (const field of Object.keys(record.fields)) known.add(field);
    fields = [...known].sort();
    return known.size > before;
  };

  return {
    element,
    /** Shows these records, newest first, with a column for each of these fields and of their own. */
    set(given, names) {
      [records, fields, shown] = [given, names, ROWS];
      adopt(given);
      build();
    },
    /** Puts newer records on top; of all of them at most `keep` stay. */
    add(newer, keep) {
      records = [...newer, ...records].slice(0, keep);
      if (adopt(newer)) return build();
      body.prepend(...newer.slice(0, shown).map(row));
      while (body.children.length > shown) body.lastElementChild.remove();
      tell();
    },
  };
}
