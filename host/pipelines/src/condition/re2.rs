//! Patterns of `matches`: RE2 syntax (FlowG 9.1) in terms of the `regex` crate.
//!
//! The two differ in small things that occur in filters over logs: in RE2 `\d`, `\w`, `\s` and `\b` mean ASCII, a `[` within a
//! class and a `{` that begins no repetition are themselves, and `\Q…\E` quotes.

use regex::bytes::{Regex, RegexBuilder};

/// The most memory a compiled pattern may take, in bytes.
const MAX_SIZE: usize = 4 << 20;

/// Compiles a pattern for text.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    let failed = |error: regex::Error| format!("error parsing regexp: {error}");
    RegexBuilder::new(&translate(pattern)).size_limit(MAX_SIZE).dfa_size_limit(MAX_SIZE).build().map_err(failed)
}

/// The same pattern as the `regex` crate writes it.
pub(super) fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut rest = pattern;
    let mut class = false;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            '\\' => escape(after, class, &mut out),
            '[' if !class => {
                class = true;
                open_class(after, &mut out)
            }
            '[' if after.starts_with(':') => match after.split_once(":]") {
                Some((name, after)) => {
                    out.push('[');
                    out.push_str(name);
                    out.push_str(":]");
                    after
                }
                None => literal('[', after, &mut out),
            },
            '[' | '&' | '~' if class => literal(c, after, &mut out),
            '-' if class && after.starts_with('-') => literal(c, after, &mut out),
            ']' if class => {
                class = false;
                out.push(']');
                after
            }
            '{' if !class && !is_repetition(after) => literal('{', after, &mut out),
            _ => {
                out.push(c);
                after
            }
        };
    }
    out
}

fn literal<'p>(c: char, after: &'p str, out: &mut String) -> &'p str {
    out.push('\\');
    out.push(c);
    after
}

/// A `]` that comes first is itself.
fn open_class<'p>(mut after: &'p str, out: &mut String) -> &'p str {
    out.push('[');
    if let Some(rest) = after.strip_prefix('^') {
        out.push('^');
        after = rest;
    }
    match after.strip_prefix(']') {
        Some(rest) => literal(']', rest, out),
        None => after,
    }
}

/// Whether `{` is followed by `2}`, `2,}` or `2,3}`.
fn is_repetition(after: &str) -> bool {
    let Some((inner, _)) = after.split_once('}') else { return false };
    let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
    !least.is_empty() && least.bytes().chain(most.bytes()).all(|byte| byte.is_ascii_digit())
}

fn escape<'p>(after: &'p str, class: bool, out: &mut String) -> &'p str {
    let Some(c) = after.chars().next() else {
        out.push('\\');
        return after;
    };
    let rest = after.get(c.len_utf8()..).unwrap_or_default();
    let ascii = match c {
        'd' => Some("[0-9]"),
        'D' => Some("[^0-9]"),
        'w' => Some("[0-9A-Za-z_]"),
        'W' => Some("[^0-9A-Za-z_]"),
        's' => Some(r"[\t\n\f\r ]"),
        'S' => Some(r"[^\t\n\f\r ]"),
        'b' if !class => Some(r"(?-u:\b)"),
        'B' if !class => Some(r"(?-u:\B)"),
        // Elsewhere these mean the ends of a word.
        '<' => Some("<"),
        '>' => Some(">"),
        _ => None,
    };
    if let Some(ascii) = ascii {
        out.push_str(ascii);
        return rest;
    }
    if c == 'Q' && !class {
        let (quoted, rest) = rest.split_once("\\E").unwrap_or((rest, ""));
        out.push_str(&regex::escape(quoted));
        return rest;
    }
    out.push('\\');
    out.push(c);
    match rest.split_once('}') {
        // A code point or a class in braces.
        Some((name, rest)) if matches!(c, 'x' | 'p' | 'P') && name.starts_with('{') => {
            out.push_str(name);
            out.push('}');
            rest
        }
        _ => rest,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_in_re2() {
        for (pattern, text, matches) in [
            ("(?i)time[- ]?out", "a TIME-OUT b", true),
            (r"^\d+$", "٣", false),
            (r"^\d+$", "3", true),
            (r"^[^\d]$", "x", true),
            (r"^[\W]$", "é", true),
            (r"\bfoo\b", "éfoo", true),
            (r#"{"level""#, r#"{"level":1}"#, true),
            ("a{2}", "aa", true),
            ("a{2}", "a{2}", false),
            ("a{,2}", "a{,2}", true),
            ("[[]x[]]", "[x]", true),
            ("[^]]", "]", false),
            ("[[:digit:]]+", "12", true),
            ("[a&&b]", "&", true),
            ("[a--b]", "-", true),
            (r"\Qa.b(\E.", "a.b(c", true),
            (r"\<b\>", "<b>", true),
            (r"\pL", "é", true),
            (r"^.$", "é", true),
            (r"\x{e9}\p{Greek}", "éα", true),
        ] {
            let compiled = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
            assert_eq!(compiled.is_match(text.as_bytes()), matches, "{pattern} on {text}");
        }
        for pattern in ["(", "[a", "*", "(?P<", "a**b(", r"\8"] {
            assert!(compile(pattern).unwrap_err().starts_with("error parsing regexp: "), "{pattern}");
        }
        assert!(compile(&"(".repeat(60_000)).is_err());
        assert!(compile("((((a{1000}){1000}){1000}){1000})").is_err());
    }
}
