// The exports of a transformer.

import { openTransformer, transform } from "../plugin.js";
import { Records } from "./host.js";
import { answered, described, opening } from "./exports.js";

/** What a component of a transformer exports. */
export function exportsOf(definition) {
  return {
    plugin: described("transformer", definition),
    transforming: {
      Instance: class Instance {
        #opened;
        constructor(opened) {
          this.#opened = opened;
        }
        static open(config) {
          return new Instance(opening(() => openTransformer(definition, config)));
        }
        transform(records) {
          try {
            answered(() => transform(this.#opened, new Records(records)));
          } catch (problem) {
            records[Symbol.dispose]?.();
            throw problem;
          }
          return records;
        }
      },
    },
  };
}
