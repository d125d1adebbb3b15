//! How records are printed: logfmt for people, one JSON document for programs.

use serde_json::Value;

/// A record as logfmt: `@timestamp` first, then the fields by name (FlowG 19).
pub(super) fn logfmt(record: &Value) -> String {
    let timestamp = record.get("timestamp").and_then(Value::as_str).unwrap_or_default();
    let mut line = format!("@timestamp={}", value(timestamp));
    let fields = record.get("fields").and_then(Value::as_object);
    let mut fields: Vec<(&String, &Value)> = fields.into_iter().flatten().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    for (name, text) in fields {
        line.push_str(&format!(" {}={}", key(name), value(text.as_str().unwrap_or_default())));
    }
    line
}

/// A name without the characters that would end it.
fn key(name: &str) -> String {
    let plain = |c: char| if c <= ' ' || c == '=' || c == '"' || c.is_control() || c.is_whitespace() { '_' } else { c };
    if name.is_empty() { "_".to_owned() } else { name.chars().map(plain).collect() }
}

/// A value, in quotation marks where it could not be read back without.
fn value(text: &str) -> String {
    let plain = |c: char| c > ' ' && c != '=' && c != '"' && c != '\\' && !c.is_control() && !c.is_whitespace();
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_one_line_that_can_be_read_back() {
        let record = json!({"timestamp": "2026-01-02T03:04:05.678Z", "fields": {
            "b": "two words", "a": "1", "": "no name", "e": "", "with space": "x=y", "q": "say \"hi\"\\\n\u{1b}[0m", "ü": "漢字",
        }});
        assert_eq!(
            logfmt(&record),
            "@timestamp=2026-01-02T03:04:05.678Z _=\"no name\" a=1 b=\"two words\" e=\"\" \
             q=\"say \\\"hi\\\"\\\\\\n\\u001b[0m\" with_space=\"x=y\" ü=漢字"
        );
    }
}
