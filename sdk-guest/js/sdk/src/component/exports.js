// What the exports of every world have in common.

import { InvalidConfig } from "../settings.js";

export function described(world, definition) {
  if (definition?.world !== world) {
    throw new TypeError(`the module needs to export what ${world}() answers as its default`);
  }
  return { describe: () => definition.description };
}

export function opening(work) {
  try {
    return work();
  } catch (problem) {
    throw { tag: problem instanceof InvalidConfig ? "invalid-config" : "failed", val: String(problem.message) };
  }
}

export function answered(work) {
  try {
    return work();
  } catch (problem) {
    throw String(problem.message);
  }
}
