//! JSON as upstream writes it: names sorted, and `<`, `>` and `&` escaped so that a text can stand in HTML (FlowG 12).

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A text as a JSON string, quotes included.
pub fn text(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    push_text(&mut out, value);
    out
}

/// The fields as a JSON object without white space.
pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::from("{");
    for (position, (name, value)) in fields.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        push_text(&mut out, name);
        out.push(':');
        push_text(&mut out, value);
    }
    out.push('}');
    out
}

/// The fields as a JSON object without white space.
pub fn fields(fields: &BTreeMap<String, String>) -> String {
    object(fields.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// `toJSON(log)`: the fields as a JSON object, indented by two spaces.
pub fn indented(fields: &BTreeMap<String, String>) -> String {
    if fields.is_empty() {
        return "{}".to_owned();
    }
    let mut out = String::from("{");
    for (position, (name, value)) in fields.iter().enumerate() {
        out.push_str(if position > 0 { ",\n  " } else { "\n  " });
        push_text(&mut out, name);
        out.push_str(": ");
        push_text(&mut out, value);
    }
    out.push_str("\n}");
    out
}

fn push_text(out: &mut String, value: &str) {
    out.push('"');
    for character in value.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{0}'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_sorted_indented_and_escaped() {
        let record = [("b", "<a & b>"), ("a\"", "x\\\n\t\u{1}\u{2028}ü"), ("", "")];
        let record = record.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let expected =
            "{\n  \"\": \"\",\n  \"a\\\"\": \"x\\\\\\n\\t\\u0001\\u2028ü\",\n  \"b\": \"\\u003ca \\u0026 b\\u003e\"\n}";
        assert_eq!(indented(&record), expected);
        let back: BTreeMap<String, String> = serde_json::from_str(&indented(&record)).unwrap();
        assert_eq!(back, record);
        assert_eq!(serde_json::from_str::<BTreeMap<String, String>>(&fields(&record)).unwrap(), record);
    }

    #[test]
    fn no_fields_are_an_empty_object() {
        assert_eq!((indented(&BTreeMap::new()), fields(&BTreeMap::new())), ("{}".to_owned(), "{}".to_owned()));
    }
}
