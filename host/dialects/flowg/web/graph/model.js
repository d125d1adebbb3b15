// The graph of a pipeline: what it may hold, and its form for the server. Knows nothing of how it is drawn.

import { t } from "../texts.js";

/** By type: its title, the member of `data` that is edited, what that member is, and whether edges may leave it (FlowG 7.1). */
export const TYPES = {
  source: { title: t("Source"), key: "type", leads: true },
  transform: { title: t("Transformer"), key: "transformer", label: t("Name of the transformer"), leads: true },
  switch: { title: t("Switch"), key: "condition", label: t("Condition"), leads: true },
  router: { title: t("Stream"), key: "stream", label: t("Name of the stream"), leads: false },
  forwarder: { title: t("Forwarder"), key: "forwarder", label: t("Name of the forwarder"), leads: false },
  pipeline: { title: t("Pipeline"), key: "pipeline", label: t("Name of the pipeline"), leads: false },
  metric: { title: t("Metric"), key: "name", label: t("Name of the counter"), leads: false },
};

/** What a new pipeline begins with: both ways in (FlowG 15). */
export const NEW_FLOW = {
  hasLayout: true,
  nodes: ["direct", "syslog"].map((type, index) => ({
    id: `__builtin__source_${type}`,
    type: "source",
    position: { x: 0, y: index * 120 },
    data: { type },
  })),
  edges: [],
};

/** An id that works without a secure context, where `crypto.randomUUID` is missing. */
function freshNodeId() {
  const digits = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  return `node-${digits.join("")}`;
}

export class Graph {
  constructor(flow) {
    this.nodes = (flow.nodes ?? []).map(({ id, type, position, data }) => ({ id, type, position: { ...position }, data: { ...data } }));
    this.edges = (flow.edges ?? []).map(({ id, source, sourceHandle, target }) => ({ id, source, sourceHandle, target }));
  }

  node(id) {
    return this.nodes.find((node) => node.id === id);
  }

  add(type, name, position) {
    const node = { id: freshNodeId(), type, position, data: { [TYPES[type].key]: name } };
    this.nodes.push(node);
    return node;
  }

  /** Takes a node and its edges out. Sources stay. */
  remove(id) {
    if (this.node(id)?.type === "source") return false;
    this.nodes = this.nodes.filter((node) => node.id !== id);
    this.edges = this.edges.filter(({ source, target }) => source !== id && target !== id);
    return true;
  }

  disconnect(id) {
    this.edges = this.edges.filter((edge) => edge.id !== id);
  }

  /** Adds an edge. Answers why it cannot be, or nothing. */
  connect(source, target) {
    if (!TYPES[this.node(source).type].leads) return t("Nothing comes after this node.");
    if (this.node(target).type === "source") return t("Nothing comes before a source.");
    if (this.edges.some((edge) => edge.source === source && edge.target === target)) return t("The two are connected.");
    if (this.#reaches(target, source)) return t("Records would go in a circle.");
    this.edges.push({ id: `xy-edge__${source}-${target}`, source, sourceHandle: "", target });
    return null;
  }

  #reaches(from, to) {
    const seen = new Set();
    const waiting = [from];
    while (waiting.length) {
      const id = waiting.pop();
      if (id === to) return true;
      if (seen.has(id)) continue;
      seen.add(id);
      waiting.push(...this.edges.filter(({ source }) => source === id).map(({ target }) => target));
    }
    return false;
  }

  /** The graph as the server takes it. */
  flow() {
    return { hasLayout: true, nodes: this.nodes, edges: this.edges };
  }
}
