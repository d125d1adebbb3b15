// Streams: finding records and following new ones.

import { api } from "../api.js";
import { button, fill, h } from "../dom.js";
import { path } from "../navigation.js";
import { t } from "../texts.js";
import { timeChart } from "../parts/chart.js";
import { complaint, notice } from "../parts/dialogs.js";
import { question } from "../parts/question.js";
import { recordTable } from "../parts/records.js";

/** Records that are kept while a stream is followed. */
const KEPT = 10_000;

export async function streamsPage({ name, signal }) {
  const names = await api.streams.list();
  const entry = (one) => h("li", null, h("a", { href: path("streams", one), "aria-current": one === name && "page" }, one));
  const list = names.length ? h("ul", null, names.map(entry)) : h("p", { class: "empty" }, t("There is none yet."));
  const missing = () => h("p", { class: "empty" }, name ? t("There is no such stream.") : t("Choose one from the list."));
  const content = names.includes(name) ? await reader(name, signal) : missing();
  return h("main", { class: "workbench" }, h("aside", { class: "names" }, h("h1", null, t("Streams")), list), h("section", { class: "work" }, content));
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
      const found = await api.streams.query(name, { ...asked.wanted(), ...asked.conditions(), signal });
      if (mine !== turn) return;
      records = found;
      table.set(records, fields);
      draw();
    } catch (error) {
      fails(error);
    }
  };
  const show = (isFollowing) => {
    watch.setAttribute("aria-pressed", String(isFollowing));
    asked.freeze(isFollowing);
    send.disabled = isFollowing;
  };
  const toggle = async () => {
    if (following) return following.abort();
    following = new AbortController();
    const opened = async () => {
      show(true);
      await search();
      return records;
    };
    const fresh = (newer) => {
      if (newer.length) {
        records = [...newer, ...records].slice(0, KEPT);
        table.add(newer, KEPT);
      }
      draw();
    };
    await follow(name, { ...asked.conditions(), signal: AbortSignal.any([signal, following.signal]) }, opened, fresh).catch(fails);
    following = null;
    show(false);
  };

  const send = h("button", { class: "primary" }, t("Search"));
  const watch = button(t("Watch"), toggle, { kind: "toggle", "aria-pressed": "false" });
  const submit = (event) => {
    event.preventDefault();
    search();
  };
  asked.ticks?.addEventListener("change", search);
  await search();
  const bar = h("form", { class: "bar query", on: { submit } }, asked.controls, send, watch);
  const found = h("div", { class: "found" }, chart, failure, table.element);
  return h("div", { class: "frame" }, bar, h("div", { class: "reader" }, found, asked.ticks));
}

/**
 * Follows a stream until the signal. `opened()` asks for what was stored before, which may hold records that came since; `fresh()`
 * is given the new ones, newest first, once a second, however many they are.
 */
async function follow(name, { signal, ...conditions }, opened, fresh) {
  let waiting = [];
  let known = null;
  const begin = async () => {
    known = new Set((await opened()).map((record) => JSON.stringify(record)));
  };
  const hand = () => {
    if (!known) return;
    fresh(waiting.filter((record) => !known.has(JSON.stringify(record))).reverse());
    waiting = [];
  };
  const timer = setInterval(hand, 1000);
  try {
    for await (const { name: event, data } of api.streams.watch(name, { ...conditions, signal, opened: begin })) {
      if (event === "log") waiting.push(JSON.parse(data));
      if (waiting.length > KEPT) waiting.shift();
      if (event === "exception") notice(data, "bad");
      if (event === "error") throw new Error(data);
    }
    notice(t("The server ended the stream."), "bad");
  } finally {
    clearInterval(timer);
  }
}
