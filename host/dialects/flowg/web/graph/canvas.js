// Where a graph is drawn, and changed with the pointer: nodes are moved, connected and taken out.

import { fill, h, svg } from "../dom.js";
import { t } from "../texts.js";
import { notice } from "../parts/dialogs.js";
import { edited } from "../parts/fields.js";
import { curve, edgeView, output } from "./edge.js";
import { nodeView } from "./node.js";
import { drag } from "./pointer.js";
import { View } from "./view.js";

export class Canvas {
  #graph;
  #options;
  #edges = svg("g");
  /** The edge that is being drawn. */
  #pending = svg("path", { class: "pending" });
  #boxes = h("div");
  /** How each node is shown, by its id. */
  #nodes = new Map();
  /** The node whose output was clicked, to be connected with the next input that is. */
  #chosen = null;

  /** `lists` are the ids of datalists by type of node; `open(node)` opens what a node names. */
  constructor(graph, { readOnly, lists, open }) {
    this.#graph = graph;
    this.#options = { readOnly, lists, actions: { open, remove: (node) => this.#remove(node) } };
    const world = h("div", { class: "world" }, svg("svg", { class: "edges" }, this.#edges, this.#pending), this.#boxes);
    this.element = h("div", { class: "canvas", role: "application", "aria-label": t("Graph") }, world);
    this.view = new View(this.element, world);
    this.element.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && !event.target.closest(".node, .edge")) this.view.pan(event, () => this.#choose(null));
    });
    // It has a size only when it is shown.
    const shown = new ResizeObserver(() => {
      if (!this.element.clientWidth) return;
      shown.disconnect();
      this.fit();
    });
    shown.observe(this.element);
    this.draw();
  }

  fit() {
    this.view.fit(this.#graph.nodes);
  }

  /** Draws everything anew. */
  draw() {
    this.#nodes = new Map(this.#graph.nodes.map((node) => [node.id, nodeView(node, this.#options)]));
    for (const node of this.#graph.nodes) {
      const shown = this.#nodes.get(node.id);
      shown.place();
      if (!this.#options.readOnly) this.#listen(node, shown.element);
    }
    fill(this.#boxes, [...this.#nodes.values()].map(({ element }) => element));
    this.#drawEdges();
  }

  /** Shows what a test found at each node; `open(node)` shows more. */
  tell(trace, open) {
    for (const node of this.#graph.nodes) this.#nodes.get(node.id).tell(trace.filter(({ nodeID }) => nodeID === node.id), () => open(node));
  }

  #drawEdges() {
    const shown = this.#graph.edges.map((edge) => {
      const [source, target] = [this.#graph.node(edge.source), this.#graph.node(edge.target)];
      if (!source || !target) return null;
      const names = { from: this.#nodes.get(source.id).caption(), to: this.#nodes.get(target.id).caption() };
      const remove = () => {
        this.#graph.disconnect(edge.id);
        this.#drawEdges();
        edited(this.element);
      };
      return edgeView(source, target, names, this.#options.readOnly ? null : remove);
    });
    fill(this.#edges, shown);
  }

  #listen(node, box) {
    const [into, out] = [box.querySelector(".port.in"), box.querySelector(".port.out")];
    box.querySelector("header").addEventListener("pointerdown", (event) => {
      if (event.button === 0 && !event.target.closest("button")) this.#move(event, node);
    });
    box.addEventListener("keydown", (event) => {
      if (event.target === box && event.key === "Delete") this.#remove(node);
    });
    out?.addEventListener("pointerdown", (event) => this.#lead(event, node));
    out?.addEventListener("click", () => this.#choose(this.#chosen === node ? null : node));
    into?.addEventListener("click", () => {
      if (this.#chosen) this.#connect(this.#chosen.id, node.id);
      this.#choose(null);
    });
  }

  #choose(node) {
    this.#chosen = node;
    for (const [id, { element }] of this.#nodes) element.classList.toggle("chosen", id === node?.id);
  }

  #connect(source, target) {
    const refusal = this.#graph.connect(source, target);
    if (refusal) return notice(refusal, "bad");
    this.#drawEdges();
    edited(this.element);
  }

  #remove(node) {
    if (!this.#graph.remove(node.id)) return;
    this.draw();
    edited(this.element);
  }

  /** Moves a node with the pointer. */
  #move(event, node) {
    const from = node.position;
    const move = (dx, dy) => {
      const { scale } = this.view;
      node.position = { x: Math.round(from.x + dx / scale), y: Math.round(from.y + dy / scale) };
      this.#nodes.get(node.id).place();
      this.#drawEdges();
    };
    drag(event, move, (now, moved) => moved && edited(this.element));
  }

  /** Leads an edge from a node to where the pointer goes. */
  #lead(event, node) {
    event.stopPropagation();
    const move = (dx, dy, now) => this.#pending.setAttribute("d", curve(output(node), this.view.pointAt(now)));
    drag(event, move, (now, moved) => {
      this.#pending.removeAttribute("d");
      const target = moved && document.elementFromPoint(now.clientX, now.clientY)?.closest(".node");
      if (target && target.dataset.id !== node.id) this.#connect(node.id, target.dataset.id);
    });
  }
}
