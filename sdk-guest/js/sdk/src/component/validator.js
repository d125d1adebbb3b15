// The exports of a validator.

import { openValidator, Subject, validate } from "../plugin.js";
import { answered, described, opening } from "./exports.js";
import "./host.js";

/** What a component of a validator exports. */
export function exportsOf(definition) {
  return {
    plugin: described("validator", definition),
    validating: {
      Rule: class Rule {
        #opened;
        constructor(opened) {
          this.#opened = opened;
        }
        static open(config) {
          return new Rule(opening(() => openValidator(definition, config)));
        }
        validate(subject) {
          return answered(() => validate(this.#opened, new Subject(subject)));
        }
      },
    },
  };
}
