import { error, integer, settings, validator } from "headworks";

export default validator({
  name: "{{name}}",
  version: "0.1.0",
  summary: "Limits the length of names",
  config: settings({ longest: integer({ default: 40, minimum: 1, description: "The most characters of a name" }) }),
  open({ longest }) {
    return ({ name }) => {
      const length = [...name].length;
      return length > longest ? [error("", `the name has ${length} characters, and at most ${longest} are allowed`)] : [];
    };
  },
});
