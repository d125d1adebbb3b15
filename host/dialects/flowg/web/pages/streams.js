// Streams: finding records and following new ones.

import { api } from "../api.js";
import { button, fill, h } from "../dom.js";
import { path } from "../navigation.js";
import { t } from "../texts.js";
import { timeChart } from "../parts/chart.js";
import { complaint, notice } from "../parts/dialogs.js";
import { tickField } from "../parts/fields.js";
import { recordTable } from "../parts/records.js";

const MINUTE = 60_000;
const WINDOWS = { "15m": 15 * MINUTE, "1h": 60 * MINUTE, "1d": 1440 * MINUTE, "1w": 10_080 * MINUTE };
/** Records that are kept while a stream is followed. */
const KEPT = 10_000;

export async function streamsPage({ name, signal }) {
  const names = await api.streams.list();
  const entry = (one) => h("li", null, h("a", { href: path("streams", one), "aria-current": one === name && "page" }, one));
  const side = h("aside", { class: "names" }, h("h1", null, t("Streams")), names.length ? h("ul", null, names.map(entry)) : h("p", { class: "empty" }, t("There is none yet.")));
  const content = names.includes(name) ? await reader(name, signal) : h("p", { class: "empty" }, name ? t("There is no such stream.") : t("Choose one from the list."));
  return h("main", { class: "workbench" }, side, h("section", { class: "work" }, content));
}

/** What is asked of one stream, and what it answers. */
async function reader(name, signal) {
  const [fields, indices] = await Promise.all([api.streams.fields(name), api.streams.indices(name)]);
  const table = recordTable();
  const chart = h("div");
  const failure = h("div");
  const asked = question(indices);
  let records = [];
  let following = null;

  const draw = () => {
    const { from, to } = asked.range();
    fill(chart, timeChart(records.map(({ timestamp }) => new Date(timestamp)), from, to));
  };
  const fails = (error) => {
    if (error.name !== "AbortError") fill(failure, complaint(error));
  };
  /** Bumped by every search, so that an answer that comes late is not shown. */
  let turn = 0;
  const search = async () => {
    turn += 1;
    const mine = turn;
    fill(failure);
    try {
      const { from, to } = asked.range();
      const found = await api.streams.query(name, { from, to, ...asked.conditions(), signal });
      if (mine !== turn) return;
      records = found;
      table.set(records, fields);
      draw();
    } catch (error) {
      fails(error);
    }
  };

  const follow = async () => {
    if (following) return following.abort();
    const stop = new AbortController();
    following = stop;
    const end = () => stop.abort();
    signal.addEventListener("abort", end);
    let waiting = [];
    // New rows once a second, however many records come.
    const timer = setInterval(() => {
      if (waiting.length) {
        records = [...waiting, ...records].slice(0, KEPT);
        table.add(waiting, KEPT);
        waiting = [];
      }
      draw();
    }, 1000);
    try {
      const opened = () => {
        watch.setAttribute("aria-pressed", "true");
        asked.freeze(true);
        search();
      };
      for await (const { name: event, data } of api.streams.watch(name, { ...asked.conditions(), signal: stop.signal, opened })) {
        if (event === "log") waiting = [JSON.parse(data), ...waiting].slice(0, KEPT);
        else if (event === "exception") notice(data, "bad");
        else if (event === "error") throw new Error(data);
      }
      notice(t("The server ended the stream."), "bad");
    } catch (error) {
      fails(error);
    } finally {
      clearInterval(timer);
      signal.removeEventListener("abort", end);
      following = null;
      watch.setAttribute("aria-pressed", "false");
      asked.freeze(false);
    }
  };

  const watch = button(t("Watch"), follow, { kind: "toggle", "aria-pressed": "false" });
  const submit = (event) => {
    event.preventDefault();
    search();
  };
  const bar = h("form", { class: "bar query", on: { submit } }, asked.controls, h("button", { class: "primary" }, t("Search")), watch);
  asked.ticks?.addEventListener("change", search);
  await search();
  const found = h("div", { class: "found" }, chart, failure, table.element);
  return h("div", { class: "frame" }, bar, h("div", { class: "reader" }, found, asked.ticks));
}

/** The controls of a query: filter, window and values of indexed fields. */
function question(indices) {
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
  const panel = ticks.length ? h("aside", { class: "indices", "aria-label": t("Indexed values") }, h("h3", null, t("Indexed values")), ticks.map(([, { element }]) => element)) : null;
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
