// Brings the fields of different senders to the same names and spellings.

import { boolean, InvalidConfig, list, map, metrics, settings, text, transformer } from "headworks";
import type { Batch } from "headworks";

const config = settings({
  names: map(list(text()), {
    default: {},
    description: "By new name: the names it replaces, the most trusted first",
  }),
  levels: text({ default: "level", description: "The field with the level; empty leaves levels alone" }),
  trim: boolean({ default: true, description: "Whether blanks around texts go, and fields that are empty then" }),
  remove: list(text(), { default: [], description: "Fields that go" }),
});

/** What senders call the levels of syslog, and what we call them. */
const LEVELS = new Map(
  Object.entries({
    error: "err eror severe critical crit alert emerg emergency fatal panic 0 1 2 3",
    warn: "warning wrn 4",
    info: "information informational notice inf 5 6",
    debug: "dbg trace verbose fine finer finest 7",
  }).flatMap(([level, spellings]) => [level, ...spellings.split(" ")].map((spelling): [string, string] => [spelling, level])),
);

function rename(batch: Batch, present: Set<string>, target: string, sources: string[]): void {
  const found = sources.filter((source) => present.has(source) && source !== target);
  if (found.length === 0) return;
  const columns = [...(present.has(target) ? [target] : []), ...found].map((name) => batch.column(name));
  batch.set(target, columns[0].map((_, row) => columns.map((column) => column[row]).find((value) => value !== undefined)));
  for (const source of found) batch.delete(source);
}

function levels(batch: Batch, field: string): void {
  let unknown = 0;
  const column = batch.column(field).map((value) => {
    if (value === undefined) return undefined;
    const level = LEVELS.get(value.trim().toLowerCase());
    unknown += level === undefined ? 1 : 0;
    return level ?? value;
  });
  batch.set(field, column);
  if (unknown > 0) metrics.count("unknown_levels_total", unknown);
}

export default transformer({
  name: "normalize",
  version: "0.1.0",
  summary: "Brings the fields of different senders to the same names and spellings",
  config,
  open(options) {
    for (const [target, sources] of Object.entries(options.names)) {
      if (sources.includes(target)) throw new InvalidConfig(`names.${target}: it cannot replace itself`);
    }
    return (batch) => {
      for (const name of options.remove) batch.delete(name);
      const present = new Set(batch.names());
      for (const [target, sources] of Object.entries(options.names)) rename(batch, present, target, sources);
      if (options.trim) {
        for (const name of batch.names()) {
          const column = batch.column(name);
          const trimmed = column.map((value) => value?.trim() || undefined);
          if (trimmed.some((value, row) => value !== column[row])) batch.set(name, trimmed);
        }
      }
      if (options.levels !== "") levels(batch, options.levels);
    };
  },
});
