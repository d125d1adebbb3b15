// What can be put into a graph: dragged onto it, or added with a click.

import { h } from "../dom.js";
import { t } from "../texts.js";
import { TYPES } from "./model.js";
import { drag } from "./pointer.js";

/**
 * `names` are those of the known objects by type of node. `add(type, name, event)` puts one into the graph; the event is where it
 * was dropped, none for anywhere.
 */
export function palette(names, add, canvas) {
  const item = (type, name) => {
    const { title } = TYPES[type];
    const text = name || t("{title} …", { title });
    const pressed = (event) => {
      if (event.button !== 0) return;
      event.preventDefault();
      const ghost = h("div", { class: `ghost node ${type}-node` }, text);
      const move = (dx, dy, now) => {
        if (!ghost.isConnected) document.body.append(ghost);
        ghost.style.transform = `translate(${now.clientX + 8}px, ${now.clientY + 8}px)`;
      };
      drag(event, move, (now, moved) => {
        ghost.remove();
        const isOver = canvas.contains(document.elementFromPoint(now.clientX, now.clientY));
        if (moved && isOver) add(type, name, now);
        dropped = moved;
      });
    };
    let dropped = false;
    const clicked = () => {
      if (!dropped) add(type, name);
      dropped = false;
    };
    const label = t("Add {name}", { name: name ? `${title} ${name}` : title });
    return h("button", { type: "button", class: `item ${type}-node`, "aria-label": label, on: { pointerdown: pressed, click: clicked } }, text);
  };
  const group = (type) => {
    const known = names[type] ?? [];
    const list = known.length > 0 && h("details", null, h("summary", null, t("{count} known", { count: known.length })), known.map((name) => item(type, name)));
    return h("div", { class: "group" }, item(type, ""), list);
  };
  const types = Object.keys(TYPES).filter((type) => type !== "source");
  return h("aside", { class: "palette", "aria-label": t("Nodes") }, types.map(group));
}
