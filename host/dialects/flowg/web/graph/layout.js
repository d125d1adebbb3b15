// Places the nodes of a graph in columns, from the sources to the right.

const COLUMN = 310;
const ROW = 130;

/** Sets the position of every node: a column further than everything that leads to it, near to those in height. */
export function layOut({ nodes, edges }) {
  const depth = new Map(nodes.map(({ id }) => [id, 0]));
  // As many rounds as there are nodes are enough without circles, and end with them.
  for (let round = 0; round < nodes.length; round += 1) {
    let moved = false;
    for (const { source, target } of edges) {
      const wanted = (depth.get(source) ?? 0) + 1;
      if (depth.has(target) && depth.get(target) < wanted && wanted < nodes.length) {
        depth.set(target, wanted);
        moved = true;
      }
    }
    if (!moved) break;
  }
  const columns = [];
  for (const node of nodes) (columns[depth.get(node.id)] ??= []).push(node);
  const filled = columns.filter(Boolean);
  const place = new Map(nodes.map(({ id }, index) => [id, index]));
  for (const column of filled) {
    const before = (id) => edges.filter(({ target }) => target === id).map(({ source }) => place.get(source) ?? 0);
    const middle = new Map(
      column.map(({ id }) => {
        const places = before(id);
        return [id, places.length ? places.reduce((sum, one) => sum + one, 0) / places.length : place.get(id)];
      }),
    );
    column.sort((one, other) => middle.get(one.id) - middle.get(other.id));
    column.forEach(({ id }, index) => place.set(id, index - (column.length - 1) / 2));
  }
  filled.forEach((column, x) => column.forEach((node) => (node.position = { x: x * COLUMN, y: Math.round(place.get(node.id) * ROW) })));
}
