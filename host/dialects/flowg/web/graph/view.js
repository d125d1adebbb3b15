// Which part of a graph is seen, and how large.

import { drag } from "./pointer.js";
import { HEIGHT, WIDTH } from "./node.js";

const ZOOM = { least: 0.25, most: 2 };
const STEP = 1.2;
const MARGIN = 40;

export class View {
  #window;
  #world;
  #at = { x: MARGIN, y: MARGIN, scale: 1 };

  /** `world` holds the graph and is moved behind `window`. */
  constructor(window, world) {
    this.#window = window;
    this.#world = world;
    const turn = (event) => {
      event.preventDefault();
      const box = window.getBoundingClientRect();
      this.zoom(event.deltaY < 0 ? 1 : -1, { x: event.clientX - box.left, y: event.clientY - box.top });
    };
    window.addEventListener("wheel", turn, { passive: false });
    this.#look();
  }

  get scale() {
    return this.#at.scale;
  }

  #look() {
    const { x, y, scale } = this.#at;
    this.#world.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  }

  /** The place in the graph of a point of the screen. */
  pointAt({ clientX, clientY }) {
    const box = this.#window.getBoundingClientRect();
    const { x, y, scale } = this.#at;
    return { x: Math.round((clientX - box.left - x) / scale), y: Math.round((clientY - box.top - y) / scale) };
  }

  /** Comes some steps nearer, or goes away when they are less than none; a point of the window stays where it is. */
  zoom(steps, point = { x: this.#window.clientWidth / 2, y: this.#window.clientHeight / 2 }) {
    const { x, y, scale } = this.#at;
    const wanted = Math.min(Math.max(scale * STEP ** steps, ZOOM.least), ZOOM.most);
    const factor = wanted / scale;
    this.#at = { x: point.x - (point.x - x) * factor, y: point.y - (point.y - y) * factor, scale: wanted };
    this.#look();
  }

  /** Moves with the pointer; `clicked()` when it did not move. */
  pan(event, clicked) {
    const { x, y } = this.#at;
    const move = (dx, dy) => {
      this.#at = { ...this.#at, x: x + dx, y: y + dy };
      this.#look();
    };
    drag(event, move, (now, moved) => moved || clicked());
  }

  /** Shows all of these nodes. */
  fit(nodes) {
    const { clientWidth, clientHeight } = this.#window;
    if (!nodes.length || !clientWidth) return;
    const xs = nodes.map(({ position }) => position.x);
    const ys = nodes.map(({ position }) => position.y);
    const [left, top] = [Math.min(...xs), Math.min(...ys)];
    const [width, height] = [Math.max(...xs) + WIDTH - left, Math.max(...ys) + HEIGHT - top];
    const scale = Math.max(Math.min((clientWidth - 2 * MARGIN) / width, (clientHeight - 2 * MARGIN) / height, 1), ZOOM.least);
    // Records go to the right, and so does what is added.
    this.#at = { x: MARGIN - left * scale, y: (clientHeight - height * scale) / 2 - top * scale, scale };
    this.#look();
  }

  /** A place in the middle of what is seen that none of these nodes takes. */
  freePlace(nodes) {
    const { x, y, scale } = this.#at;
    const { clientWidth, clientHeight } = this.#window;
    const place = { x: Math.round((clientWidth / 2 - x) / scale - WIDTH / 2), y: Math.round((clientHeight / 2 - y) / scale) };
    const isTaken = () => nodes.some(({ position }) => Math.abs(position.x - place.x) < WIDTH && Math.abs(position.y - place.y) < HEIGHT);
    while (isTaken()) place.y += 30;
    return place;
  }
}
