// Where a graph is drawn and changed with the pointer: moving, connecting, panning, zooming.

import { fill, h, svg } from "../dom.js";
import { t } from "../texts.js";
import { notice } from "../parts/dialogs.js";
import { edited } from "../parts/fields.js";
import { PORT, WIDTH, nodeView } from "./node.js";

const ZOOM = { least: 0.25, most: 2, step: 1.2 };
const MARGIN = 40;

/** Follows the pointer from `event` on: `move(dx, dy, event)` in pixels of the screen, `end(event, moved)`. */
export function drag(event, move, end) {
  let moved = false;
  const moves = (now) => {
    const [dx, dy] = [now.clientX - event.clientX, now.clientY - event.clientY];
    moved ||= Math.hypot(dx, dy) > 4;
    if (moved) move(dx, dy, now);
  };
  const ends = (now) => {
    removeEventListener("pointermove", moves);
    removeEventListener("pointerup", ends);
    removeEventListener("pointercancel", ends);
    end(now, moved);
  };
  addEventListener("pointermove", moves);
  addEventListener("pointerup", ends);
  addEventListener("pointercancel", ends);
}

/** A curve from an output to an input. */
function curve(from, to) {
  const bend = Math.max(Math.abs(to.x - from.x) / 2, 40);
  return `M ${from.x} ${from.y} C ${from.x + bend} ${from.y}, ${to.x - bend} ${to.y}, ${to.x} ${to.y}`;
}

export function graphCanvas(graph, { readOnly, lists, open }) {
  const edges = svg("g");
  const pending = svg("path", { class: "pending" });
  const drawing = svg("svg", { class: "edges" }, edges, pending);
  const boxes = h("div");
  const world = h("div", { class: "world" }, drawing, boxes);
  const element = h("div", { class: "canvas", role: "application", "aria-label": t("Graph") }, world);
  const view = { x: MARGIN, y: MARGIN, scale: 1 };
  let nodes = new Map();
  /** The node whose output was chosen to be connected. */
  let chosen = null;

  const output = ({ position }) => ({ x: position.x + WIDTH, y: position.y + PORT });
  const input = ({ position }) => ({ x: position.x, y: position.y + PORT });
  const look = () => {
    world.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
  };
  /** A point of the screen in the graph. */
  const pointAt = ({ clientX, clientY }) => {
    const box = element.getBoundingClientRect();
    return { x: Math.round((clientX - box.left - view.x) / view.scale), y: Math.round((clientY - box.top - view.y) / view.scale) };
  };
  const zoom = (factor, at) => {
    const scale = Math.min(Math.max(view.scale * factor, ZOOM.least), ZOOM.most);
    view.x = at.x - (at.x - view.x) * (scale / view.scale);
    view.y = at.y - (at.y - view.y) * (scale / view.scale);
    view.scale = scale;
    look();
  };

  const drawEdges = () => {
    const lines = graph.edges.map((edge) => {
      const [source, target] = [graph.node(edge.source), graph.node(edge.target)];
      if (!source || !target) return null;
      const [from, to] = [output(source), input(target)];
      const remove = (event) => {
        if (event.type === "keydown" && event.key !== "Delete" && event.key !== "Backspace") return;
        graph.disconnect(edge.id);
        drawEdges();
        edited(element);
      };
      const cross = svg("g", { class: "cross", transform: `translate(${(from.x + to.x) / 2} ${(from.y + to.y) / 2})`, on: { click: remove } }, svg("circle", { r: 9 }), svg("path", { d: "M -4 -4 L 4 4 M 4 -4 L -4 4" }));
      const label = t("Connection from {from} to {to}", { from: nodes.get(source.id).caption(), to: nodes.get(target.id).caption() });
      const line = { class: "edge", tabindex: "0", role: "img", "aria-label": label, on: readOnly ? {} : { keydown: remove } };
      return svg("g", line, svg("path", { class: "hit", d: curve(from, to) }), svg("path", { d: curve(from, to) }), !readOnly && cross);
    });
    fill(edges, lines);
  };

  const connect = (source, target) => {
    const refusal = graph.connect(source, target);
    if (refusal) return notice(refusal, "bad");
    drawEdges();
    edited(element);
  };
  const choose = (node) => {
    chosen = node;
    for (const [id, { element }] of nodes) element.classList.toggle("chosen", id === node?.id);
  };

  const startConnection = (event, node) => {
    event.stopPropagation();
    const move = (dx, dy, now) => pending.setAttribute("d", curve(output(node), pointAt(now)));
    drag(event, move, (now, moved) => {
      pending.removeAttribute("d");
      const target = moved && document.elementFromPoint(now.clientX, now.clientY)?.closest(".node");
      if (target && target.dataset.id !== node.id) connect(node.id, target.dataset.id);
    });
  };
  const startMove = (event, node) => {
    const from = { ...node.position };
    const move = (dx, dy) => {
      node.position = { x: Math.round(from.x + dx / view.scale), y: Math.round(from.y + dy / view.scale) };
      nodes.get(node.id).place();
      drawEdges();
    };
    drag(event, move, (now, moved) => moved && edited(element));
  };

  const actions = {
    open,
    remove(node) {
      if (!graph.remove(node.id)) return;
      draw();
      edited(element);
    },
  };
  const listen = (node, box) => {
    if (readOnly) return;
    box.querySelector("header").addEventListener("pointerdown", (event) => {
      if (event.button === 0 && !event.target.closest("button")) startMove(event, node);
    });
    const out = box.querySelector(".port.out");
    out?.addEventListener("pointerdown", (event) => startConnection(event, node));
    out?.addEventListener("click", () => choose(chosen === node ? null : node));
    box.querySelector(".port.in")?.addEventListener("click", () => {
      if (chosen) connect(chosen.id, node.id);
      choose(null);
    });
    box.addEventListener("keydown", (event) => {
      if (event.target === box && event.key === "Delete") actions.remove(node);
    });
  };
  const draw = () => {
    nodes = new Map(graph.nodes.map((node) => [node.id, nodeView(node, { readOnly, lists, actions })]));
    for (const node of graph.nodes) {
      listen(node, nodes.get(node.id).element);
      nodes.get(node.id).place();
    }
    fill(boxes, [...nodes.values()].map(({ element }) => element));
    drawEdges();
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest(".node, .edge")) return;
    const from = { ...view };
    drag(event, (dx, dy) => {
      Object.assign(view, { x: from.x + dx, y: from.y + dy });
      look();
    }, (now, moved) => moved || choose(null));
  });
  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = element.getBoundingClientRect();
    zoom(event.deltaY < 0 ? ZOOM.step : 1 / ZOOM.step, { x: event.clientX - box.left, y: event.clientY - box.top });
  }, { passive: false });

  const fit = () => {
    if (!graph.nodes.length || !element.clientWidth) return;
    const xs = graph.nodes.map(({ position }) => position.x);
    const ys = graph.nodes.map(({ position }) => position.y);
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const [width, height] = [Math.max(...xs) + WIDTH - left, Math.max(...ys) + 110 - top];
    const scale = Math.min((element.clientWidth - 2 * MARGIN) / width, (element.clientHeight - 2 * MARGIN) / height, 1);
    view.scale = Math.max(scale, ZOOM.least);
    // Records go to the right, and so does what is added.
    view.x = MARGIN - left * view.scale;
    view.y = (element.clientHeight - height * view.scale) / 2 - top * view.scale;
    look();
  };
  // It has a size only when it is shown.
  const shown = new ResizeObserver(() => {
    if (!element.clientWidth) return;
    shown.disconnect();
    fit();
  });
  shown.observe(element);
  draw();
  look();

  return {
    element,
    draw,
    fit,
    pointAt,
    zoom: (factor) => zoom(factor, { x: element.clientWidth / 2, y: element.clientHeight / 2 }),
    zoomStep: ZOOM.step,
    /** Where a node goes that nobody dropped anywhere: what is seen, and not on another one. */
    freePlace() {
      const middle = { x: (element.clientWidth / 2 - view.x) / view.scale - WIDTH / 2, y: (element.clientHeight / 2 - view.y) / view.scale };
      const place = { x: Math.round(middle.x), y: Math.round(middle.y) };
      const isTaken = () => graph.nodes.some(({ position }) => Math.abs(position.x - place.x) < WIDTH && Math.abs(position.y - place.y) < 100);
      while (isTaken()) place.y += 30;
      return place;
    },
    /** Shows what a test found at each node. */
    tell(trace, open) {
      for (const [id, view] of nodes) view.tell(trace.filter(({ nodeID }) => nodeID === id), () => open(graph.node(id)));
    },
  };
}
