// How many records came when: bars over time.

import { h, svg } from "../dom.js";
import { number, t, time } from "../texts.js";

const SECOND = 1000;
const SIZES = [5 * SECOND, 300 * SECOND, 3600 * SECOND, 86400 * SECOND];
const WANTED = 100;
/** A window of years must not make more bars than can be seen. */
const MOST = 1000;

/** The size of a bar in milliseconds: the one that makes nearest to a hundred of them (FlowG 20). */
function bucketSize(span) {
  const distance = (size) => Math.abs(span / size - WANTED);
  return SIZES.reduce((best, size) => (distance(size) < distance(best) ? size : best));
}

/** Counts of these dates between two others. */
export function timeChart(dates, from, to) {
  const span = Math.max(to - from, 1);
  const size = Math.max(bucketSize(span), span / MOST);
  const counts = new Array(Math.max(Math.ceil(span / size), 1)).fill(0);
  for (const date of dates) {
    const index = Math.min(Math.floor((date - from) / size), counts.length - 1);
    if (index >= 0) counts[index] += 1;
  }
  const most = counts.reduce((most, count) => Math.max(most, count), 1);
  const bars = counts.map((count, index) => {
    if (!count) return null;
    const height = Math.max((count / most) * 100, 2);
    const start = new Date(from.getTime() + index * size);
    const bar = { class: "bar", x: index + 0.1, y: 100 - height, width: 0.8, height };
    return svg("rect", bar, svg("title", null, `${time(start)}: ${number(count)}`));
  });
  const total = counts.reduce((sum, count) => sum + count, 0);
  const said = t("Records over time: {count}", { count: number(total) });
  const drawing = { viewBox: `0 0 ${counts.length} 100`, preserveAspectRatio: "none", role: "img", "aria-label": said };
  return h(
    "figure",
    { class: "chart" },
    h("span", { class: "most" }, number(most)),
    svg("svg", drawing, bars),
    h("figcaption", null, h("span", null, time(from)), h("span", null, said), h("span", null, time(to))),
  );
}
