// Typed configuration: settings are declared once, and are read from JSON and described by JSON Schema (2020-12).
//
// What must stay true: a configuration that the schema accepts is read, and one that it refuses is refused with the place of
// the mistake.

/** The configuration cannot be used. The text is shown to its author as it is. */
export class InvalidConfig extends Error {
  name = "InvalidConfig";
}

const SCHEMA = "https://json-schema.org/draft/2020-12/schema";

function wrong(path, wanted, value) {
  let got = JSON.stringify(value) ?? "undefined";
  if (got.length > 60) got = `${got.slice(0, 57)}...`;
  return new InvalidConfig(`${path || "the configuration"}: expected ${wanted}, not ${got}`);
}

function limited(value, limit, path) {
  const { minimum, maximum, minLength, minItems, pattern } = limit;
  if (minimum !== undefined && value < minimum) throw wrong(path, `a number of at least ${minimum}`, value);
  if (maximum !== undefined && value > maximum) throw wrong(path, `a number of at most ${maximum}`, value);
  if (minLength !== undefined && [...value].length < minLength) throw wrong(path, `a text of at least ${minLength} characters`, value);
  if (minItems !== undefined && value.length < minItems) throw wrong(path, `an array of at least ${minItems} items`, value);
  if (pattern !== undefined && !new RegExp(pattern, "u").test(value)) throw wrong(path, `a text that matches ${pattern}`, value);
  return value;
}

function basic(schema, wanted, fits) {
  return ({ default: fallback, optional, description, ...limits } = {}) => ({
    fallback,
    optional,
    schema: described({ ...schema, ...limits }, description, fallback),
    parse(value, path) {
      if (!fits(value)) throw wrong(path, wanted, value);
      return limited(value, limits, path);
    },
  });
}

function described(schema, description, fallback) {
  return {
    ...schema,
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}

/** A text. Options: default, optional, description, minLength, pattern. */
export const text = basic({ type: "string" }, "a text", (value) => typeof value === "string");
/** A whole number. Options: default, optional, description, minimum, maximum. */
export const integer = basic({ type: "integer" }, "a whole number", Number.isSafeInteger);
/** A number. Options: default, optional, description, minimum, maximum. */
export const number = basic({ type: "number" }, "a number", (value) => typeof value === "number");
/** True or false. Options: default, optional, description. */
export const boolean = basic({ type: "boolean" }, "true or false", (value) => typeof value === "boolean");

/** One of these texts. */
export function choice(values, options = {}) {
  const wanted = values.map((value) => JSON.stringify(value)).join(" or ");
  return { ...basic({ enum: values }, wanted, (value) => values.includes(value))(options) };
}

/** An array. Options: default, optional, description, minItems. */
export function list(each, { default: fallback, optional, description, ...limits } = {}) {
  return {
    fallback,
    optional,
    schema: described({ type: "array", items: each.schema, ...limits }, description, fallback),
    parse(value, path) {
      if (!Array.isArray(value)) throw wrong(path, "an array", value);
      return limited(value.map((item, index) => each.parse(item, `${path}[${index}]`)), limits, path);
    },
  };
}

/** An object with any names. Options: default, optional, description. */
export function map(each, { default: fallback, optional, description } = {}) {
  return {
    fallback,
    optional,
    schema: described({ type: "object", additionalProperties: each.schema }, description, fallback),
    parse(value, path) {
      if (!isObject(value)) throw wrong(path, "an object", value);
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, each.parse(item, join(path, name))]));
    },
  };
}

/** Any JSON. Options: default, optional, description. */
export function any({ default: fallback, optional, description } = {}) {
  return { fallback, optional, schema: described({}, description, fallback), parse: (value) => value };
}

/** An object with these settings and no others. */
export function settings(members, { default: fallback, optional, description } = {}) {
  const names = Object.keys(members);
  const required = names.filter((name) => members[name].fallback === undefined && !members[name].optional);
  const properties = Object.fromEntries(names.map((name) => [name, members[name].schema]));
  const schema = { type: "object", properties, additionalProperties: false, ...(required.length ? { required } : {}) };
  return {
    fallback,
    optional,
    schema: described(schema, description, fallback),
    parse(value, path) {
      if (!isObject(value)) throw wrong(path, "an object", value);
      for (const name of Object.keys(value)) {
        if (!Object.hasOwn(members, name)) {
          throw new InvalidConfig(`${join(path, name)}: there is no such setting; there are ${names.join(", ")}`);
        }
      }
      const answer = {};
      for (const [name, member] of Object.entries(members)) {
        if (Object.hasOwn(value, name)) answer[name] = member.parse(value[name], join(path, name));
        else if (member.fallback !== undefined) answer[name] = structured(member.fallback);
        else if (!member.optional) throw new InvalidConfig(`${join(path, name)}: this setting is required`);
      }
      return answer;
    },
  };
}

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const join = (path, name) => (path ? `${path}.${name}` : name);
const structured = (value) => (typeof value === "object" ? JSON.parse(JSON.stringify(value)) : value);

/** The JSON Schema of settings, as text. */
export function schemaOf(config) {
  return JSON.stringify({ $schema: SCHEMA, ...(config ?? settings({})).schema });
}

/** Reads a configuration. Nothing at all reads as an empty object. Throws InvalidConfig. */
export function parseConfig(config, source) {
  let document;
  try {
    document = source.trim() === "" ? {} : JSON.parse(source);
  } catch (error) {
    throw new InvalidConfig(`the configuration is not JSON: ${error.message}`);
  }
  return (config ?? settings({})).parse(document, "");
}
