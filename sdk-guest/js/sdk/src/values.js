// Values of fields. Log pipelines carry text only; the other kinds are for jobs. A string is text; booleans, numbers and
// bytes (Uint8Array) are what they are; null is the null that was put there on purpose; Json, a plain object or an array is a
// JSON document. undefined is always "the record has no such field".

/** A JSON document as text. */
export class Json {
  constructor(text) {
    this.text = text;
  }
  /** What the document says. */
  load() {
    return JSON.parse(this.text);
  }
  toString() {
    return this.text;
  }
}

/** A value that a field can hold: objects and arrays become JSON documents. Throws TypeError and RangeError. */
export function checked(value) {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return value;
    case "number":
      return value;
    case "bigint":
      if (value < BigInt(Number.MIN_SAFE_INTEGER) || value > BigInt(Number.MAX_SAFE_INTEGER)) {
        throw new RangeError(`${value} is beyond what a number holds exactly; keep it as text`);
      }
      return Number(value);
    case "object":
      if (value === null || value instanceof Uint8Array || value instanceof Json) return value;
      if (value instanceof Date) return value.toISOString();
      return new Json(JSON.stringify(value));
    default:
      throw new TypeError(`a field cannot hold a ${typeof value}`);
  }
}

/** A value as the host renders it where text is asked for. */
export function asText(value) {
  if (value === undefined || typeof value === "string") return value;
  if (value === null) return "";
  if (typeof value === "number") return numberText(value);
  if (value instanceof Uint8Array) return decode(value);
  return String(value);
}

function numberText(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  if (!text.includes("e")) return text;
  if (Number.isInteger(value)) return BigInt(value).toString();
  const [digits, exponent] = String(Math.abs(value)).split("e-");
  return (value < 0 ? "-0." : "0.") + "0".repeat(Number(exponent) - 1) + digits.replace(".", "");
}

/** UTF-8 to text; what is not UTF-8 is replaced. The engine of components has no TextDecoder. */
export function decode(bytes) {
  let text = "";
  let at = 0;
  while (at < bytes.length) {
    const first = bytes[at];
    const [length, low] = first < 0x80 ? [1, 0] : first >= 0xc2 && first < 0xe0 ? [2, 0x80]
      : first >= 0xe0 && first < 0xf0 ? [3, 0x800] : first >= 0xf0 && first < 0xf5 ? [4, 0x10000] : [0, 0];
    let point = length === 1 ? first : first & (0xff >> (length + 1));
    let used = 1;
    while (used < length && (bytes[at + used] & 0xc0) === 0x80) {
      point = (point << 6) | (bytes[at + used] & 0x3f);
      used += 1;
    }
    const good = length > 0 && used === length && point >= low && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
    text += good ? String.fromCodePoint(point) : "\ufffd";
    at += good ? length : 1;
  }
  return text;
}

/** Text to UTF-8. Lone surrogates are replaced. */
export function encode(text) {
  const bytes = [];
  for (const character of text) {
    let point = character.codePointAt(0);
    if (point >= 0xd800 && point <= 0xdfff) point = 0xfffd;
    if (point < 0x80) bytes.push(point);
    else if (point < 0x800) bytes.push(0xc0 | (point >> 6), 0x80 | (point & 0x3f));
    else if (point < 0x10000) bytes.push(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    else {
      bytes.push(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 0x3f), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f));
    }
  }
  return Uint8Array.from(bytes);
}
