// How a connection of two nodes is drawn.

import { svg } from "../dom.js";
import { t } from "../texts.js";
import { PORT, WIDTH } from "./node.js";

/** Where edges leave a node. */
export function output({ position }) {
  return { x: position.x + WIDTH, y: position.y + PORT };
}

/** Where edges enter a node. */
function input({ position }) {
  return { x: position.x, y: position.y + PORT };
}

/** A curve between two points, which leaves and arrives level. */
export function curve(from, to) {
  const bend = Math.max(Math.abs(to.x - from.x) / 2, 40);
  return `M ${from.x} ${from.y} C ${from.x + bend} ${from.y}, ${to.x - bend} ${to.y}, ${to.x} ${to.y}`;
}

/** The connection of two nodes, which have these names. `remove` is missing where nothing can be changed. */
export function edgeView(source, target, names, remove) {
  const [from, to] = [output(source), input(target)];
  const key = (event) => (event.key === "Delete" || event.key === "Backspace") && remove();
  const cross = () => {
    const middle = `translate(${(from.x + to.x) / 2} ${(from.y + to.y) / 2})`;
    return svg("g", { class: "cross", transform: middle, on: { click: remove } }, svg("circle", { r: 9 }), svg("path", { d: "M -4 -4 L 4 4 M 4 -4 L -4 4" }));
  };
  const line = curve(from, to);
  const attributes = { class: "edge", tabindex: "0", role: "img", "aria-label": t("Connection from {from} to {to}", names), on: remove ? { keydown: key } : {} };
  return svg("g", attributes, svg("path", { class: "hit", d: line }), svg("path", { d: line }), remove && cross());
}
