// What is asked of a stream: filter, window, and values of indexed fields.

import { h } from "../dom.js";
import { t } from "../texts.js";
import { tickField } from "./fields.js";

const MINUTE = 60_000;
const WINDOWS = { "15m": 15 * MINUTE, "1h": 60 * MINUTE, "1d": 1440 * MINUTE, "1w": 10_080 * MINUTE };
/** How far the server's clock may be ahead of this one. */
const AHEAD = 5 * MINUTE;

/** The controls of a query. `indices` has the values of each indexed field. */
export function question(indices) {
  const filter = h("input", { class: "code-line", "aria-label": t("Filter"), placeholder: 'level == "error"', spellcheck: "false", autocomplete: "off" });
  const names = { "15m": t("Last 15 minutes"), "1h": t("Last hour"), "1d": t("Last day"), "1w": t("Last week"), absolute: t("From … to …") };
  const span = h("select", { "aria-label": t("Window") }, Object.entries(names).map(([value, text]) => h("option", { value }, text)));
  const now = Date.now();
  const from = moment(t("From"), new Date(now - 60 * MINUTE));
  const to = moment(t("To"), new Date(now + MINUTE));
  const dates = h("span", { class: "row", hidden: true }, from, to);
  span.addEventListener("change", () => {
    dates.hidden = span.value !== "absolute";
  });
  const fields = Object.entries(indices).sort(([one], [other]) => (one < other ? -1 : 1));
  const ticks = fields.map(([field, values]) => [field, tickField(field, [], [...values].sort())]);
  const heading = h("h3", null, t("Indexed values"));
  const boxes = ticks.map(([, { element }]) => element);
  const panel = ticks.length ? h("aside", { class: "indices", "aria-label": t("Indexed values") }, heading, boxes) : null;
  const chosen = () => Object.fromEntries(ticks.map(([field, tick]) => [field, tick.value()]).filter(([, values]) => values.length));
  return {
    controls: [filter, span, dates],
    ticks: panel,
    /** The window, as it is now. */
    range() {
      if (span.value === "absolute") return { from: new Date(from.value), to: new Date(to.value) };
      const end = new Date();
      return { from: new Date(end - WINDOWS[span.value]), to: end };
    },
    /** The window to ask for: one that ends now goes on a little, because the server has a clock of its own. */
    wanted() {
      const { from, to } = this.range();
      return { from, to: span.value === "absolute" ? to : new Date(to.getTime() + AHEAD) };
    },
    conditions: () => ({ filter: filter.value.trim(), indexing: chosen() }),
    /** Whether the question can be changed: not while its answer is followed. */
    freeze(frozen) {
      const boxes = panel?.querySelectorAll("input") ?? [];
      for (const control of [filter, span, from, to, ...boxes]) control.disabled = frozen;
    },
  };
}

/** A date and time in the user's zone. */
function moment(label, date) {
  const local = new Date(date - date.getTimezoneOffset() * MINUTE).toISOString().slice(0, 19);
  return h("input", { type: "datetime-local", step: "1", required: true, "aria-label": label, value: local });
}
