// Builds elements. Whatever a user wrote becomes a text node, an attribute or a property, and never markup.

/**
 * Makes an HTML element. Of `properties`, `on` holds event listeners by name, `style` CSS properties and `value` the value of a
 * control; everything else is an attribute, left out when it is null, undefined or false. Children are nodes, texts, lists of
 * them, or nothing.
 */
export function h(tag, properties, ...children) {
  return complete(document.createElement(tag), properties, children);
}

/** Makes an SVG element, as `h` does. */
export function svg(tag, properties, ...children) {
  return complete(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function complete(element, properties, children) {
  const { on, style, value, ...attributes } = properties ?? {};
  for (const [name, attribute] of Object.entries(attributes)) {
    if (attribute === null || attribute === undefined || attribute === false) continue;
    element.setAttribute(name, attribute === true ? "" : attribute);
  }
  for (const [name, listener] of Object.entries(on ?? {})) element.addEventListener(name, listener);
  Object.assign(element.style, style);
  element.append(...nodes(children));
  if (value !== undefined && value !== null) element.value = value;
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

/** Replaces what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** A button; `kind` is a class such as `primary` or `danger`. */
export function button(text, action, { kind, ...attributes } = {}) {
  return h("button", { type: "button", class: kind, on: { click: action }, ...attributes }, text);
}

let last = 0;

/** An id that no other element of the page has. */
export function freshId() {
  last += 1;
  return `element-${last}`;
}
