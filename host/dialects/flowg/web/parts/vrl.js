// Divides a VRL script into pieces for colouring. No parser: what it cannot tell stays as it is.

const PIECES = [
  ["comment", /#.*/],
  ["string", /[srt]?'(?:[^'\\]|\\[^])*'|"(?:[^"\\]|\\[^])*"/],
  ["number", /\b\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?\b/],
  ["keyword", /\b(?:if|else|null|true|false|abort|return)\b/],
  ["call", /\b[a-z_][a-z0-9_]*!?(?=\()/],
  ["path", /[.%](?:@?[A-Za-z_]\w*|"(?:[^"\\]|\\[^])*")?/],
  ["operator", /->|[-+*/=<>!|&?:]+/],
  [null, /[A-Za-z_]\w*/],
];

const PIECE = new RegExp(PIECES.map(([, pattern]) => `(${pattern.source})`).join("|"), "g");

/** The pieces of a script, in order and complete. */
export function vrlTokens(script) {
  const tokens = [];
  let end = 0;
  for (const match of script.matchAll(PIECE)) {
    if (match.index > end) tokens.push({ text: script.slice(end, match.index) });
    const kind = PIECES[match.slice(1).findIndex((part) => part !== undefined)][0];
    tokens.push({ text: match[0], kind });
    end = match.index + match[0].length;
  }
  tokens.push({ text: script.slice(end) });
  return tokens;
}
