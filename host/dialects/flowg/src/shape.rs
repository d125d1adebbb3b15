//! What request bodies look like: member names without regard to case, what is required, what type it has (FlowG 3.1, 3.3).

use crate::failure::Failure;
use serde_json::{Map, Value};

/// The form of a JSON value.
pub(crate) enum Shape {
    /// Anything but null.
    Any,
    /// Text.
    Text,
    /// Text of at least one character.
    Name,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, or an expression (FlowG 11).
    Dynamic(&'static [&'static str]),
    /// Text that is something, in words.
    Like(&'static str, fn(&str) -> bool),
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Whole,
    /// A whole number that is not negative.
    Natural,
    /// Any number.
    Number,
    /// An object of any members of one form.
    Map(&'static Shape),
    /// A list of one form.
    List(&'static Shape),
    /// A list of one form with at least one item.
    Some(&'static Shape),
    /// An object with these members; others are ignored.
    Object(&'static [Member]),
    /// Another form, or null.
    Nullable(&'static Shape),
}

/// Name, form, and whether it has to be there.
pub(crate) struct Member(pub(crate) &'static str, pub(crate) Shape, pub(crate) Need);

/// Whether a member has to be there.
#[derive(PartialEq, Eq)]
pub(crate) enum Need {
    Required,
    Optional,
}

pub(crate) use Need::{Optional, Required};

/// A record: text by field name.
pub(crate) const RECORD: Shape = Shape::Map(&Shape::Text);

const POSITION: &[Member] = &[Member("x", Shape::Number, Required), Member("y", Shape::Number, Required)];

const NODE: &[Member] = &[
    Member("id", Shape::Name, Required),
    Member("type", Shape::OneOf(&["source", "transform", "switch", "metric", "pipeline", "forwarder", "router"]), Required),
    Member("position", Shape::Object(POSITION), Required),
    Member("data", RECORD, Required),
];

const EDGE: &[Member] = &[
    Member("id", Shape::Name, Required),
    Member("source", Shape::Name, Required),
    Member("sourceHandle", Shape::Text, Optional),
    Member("target", Shape::Name, Required),
];

/// `FlowGraphV2`.
pub(crate) const GRAPH: Shape = Shape::Object(&[
    Member("version", Shape::Whole, Optional),
    Member("version.minor", Shape::Whole, Optional),
    Member("hasLayout", Shape::Flag, Optional),
    Member("nodes", Shape::Nullable(&Shape::List(&Shape::Object(NODE))), Required),
    Member("edges", Shape::Nullable(&Shape::List(&Shape::Object(EDGE))), Required),
]);

/// The most messages of one answer.
const MAX_MESSAGES: usize = 20;

/// What is wrong with a body.
#[derive(Default)]
struct Findings {
    /// The first value of another JSON type.
    mistyped: Option<String>,
    messages: Vec<String>,
}

impl Findings {
    fn add(&mut self, at: &str, message: &str) {
        if self.messages.len() < MAX_MESSAGES {
            self.messages.push(format!("{at}: {message}"));
        }
    }
}

impl Shape {
    /// Checks a value and gives its members their exact names.
    pub(crate) fn check(&self, value: &mut Value) -> Result<(), Failure> {
        self.check_at(value, "#")
    }

    /// As [`check`](Self::check), for a value at this place in the body.
    pub(crate) fn check_at(&self, value: &mut Value, at: &str) -> Result<(), Failure> {
        let mut findings = Findings::default();
        self.visit(value, at, &mut findings);
        match findings {
            Findings { mistyped: Some(text), .. } => Err(Failure::invalid(format!("failed to decode json: {text}"))),
            Findings { messages, .. } if !messages.is_empty() => Err(Failure::validation("body", messages)),
            _ => Ok(()),
        }
    }

    fn visit(&self, value: &mut Value, at: &str, findings: &mut Findings) {
        match (self, value) {
            (Self::Nullable(_), Value::Null) => {}
            (Self::Nullable(inner), value) => inner.visit(value, at, findings),
            (_, Value::Null) => findings.add(at, &format!("expected {}, but got null", self.name())),
            (Self::Any, _) | (Self::Text, Value::String(_)) | (Self::Flag, Value::Bool(_)) | (Self::Number, Value::Number(_)) => {
            }
            (Self::Name, Value::String(text)) => {
                if text.is_empty() {
                    findings.add(at, "length must be >= 1, but got 0");
                }
            }
            (Self::OneOf(texts), Value::String(text)) => {
                if !texts.contains(&text.as_str()) {
                    findings.add(at, &format!("value must be one of {texts:?}, but got {text:?}"));
                }
            }
            (Self::Dynamic(texts), Value::String(text)) => {
                if !texts.contains(&text.as_str()) && !text.starts_with("@expr:") {
                    findings.add(at, &format!("value must be one of {texts:?} or begin with @expr:, but got {text:?}"));
                }
            }
            (Self::Like(what, fits), Value::String(text)) => {
                if !fits(text) {
                    findings.add(at, &format!("expected {what}, but got {text:?}"));
                }
            }
            (Self::Some(of), Value::Array(items)) => {
                if items.is_empty() {
                    findings.add(at, "minimum number of items is 1, but got 0");
                }
                of.visit_all(items, at, findings);
            }
            (Self::Whole, Value::Number(number)) if number.is_i64() => {}
            (Self::Natural, Value::Number(number)) if number.is_i64() => {
                if number.as_u64().is_none() {
                    findings.add(at, &format!("must be >= 0, but got {number}"));
                }
            }
            (Self::Map(of), Value::Object(members)) => {
                for (name, value) in members {
                    of.visit(value, &below(at, name), findings);
                }
            }
            (Self::List(of), Value::Array(items)) => of.visit_all(items, at, findings),
            (Self::Object(shape), Value::Object(members)) => visit_members(shape, members, at, findings),
            (_, other) => {
                let text = || format!("{at}: expected {}, but got {}", self.name(), kind(other));
                findings.mistyped.get_or_insert_with(text);
            }
        }
    }

    fn visit_all(&self, items: &mut [Value], at: &str, findings: &mut Findings) {
        for (index, item) in items.iter_mut().enumerate() {
            self.visit(item, &below(at, &index.to_string()), findings);
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Text | Self::Name | Self::OneOf(_) | Self::Dynamic(_) | Self::Like(..) => "string",
            Self::Any => "any value",
            Self::Flag => "boolean",
            Self::Whole | Self::Natural => "integer",
            Self::Number => "number",
            Self::Map(_) | Self::Object(_) => "object",
            Self::List(_) | Self::Some(_) => "array",
            Self::Nullable(inner) => inner.name(),
        }
    }
}

fn visit_members(shape: &[Member], members: &mut Map<String, Value>, at: &str, findings: &mut Findings) {
    let mut missing = Vec::new();
    for Member(name, shape, need) in shape {
        if !members.contains_key(*name) {
            let other = members.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
            if let Some(value) = other.and_then(|other| members.remove(&other)) {
                members.insert((*name).to_owned(), value);
            }
        }
        match members.get_mut(*name) {
            // An optional member that is null counts as absent.
            Some(Value::Null) if *need == Optional => {
                members.remove(*name);
            }
            Some(value) => shape.visit(value, &below(at, name), findings),
            None if *need == Required => missing.push(format!("{name:?}")),
            None => {}
        }
    }
    if !missing.is_empty() {
        findings.add(at, &format!("missing properties: {}", missing.join(", ")));
    }
}

/// One step further in a JSON pointer.
fn below(at: &str, name: &str) -> String {
    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    const BODY: Shape = Shape::Object(&[
        Member("flow", GRAPH, Optional),
        Member("name", Shape::Name, Required),
        Member("ttl", Shape::Natural, Optional),
        Member("records", Shape::Nullable(&Shape::List(&RECORD)), Optional),
    ]);

    fn check(mut value: Value) -> Result<Value, Failure> {
        BODY.check(&mut value).map(|()| value)
    }

    #[test]
    fn names_are_matched_without_regard_to_case() {
        assert_eq!(check(json!({"NAME": "a"})).unwrap(), json!({"name": "a"}));
        assert_eq!(check(json!({"Name": 1, "name": "a"})).unwrap(), json!({"Name": 1, "name": "a"}), "the exact name wins");
        let flow = check(json!({"name": "a", "Flow": {"Nodes": [], "edges": null, "HASLAYOUT": true, "x": 1}})).unwrap();
        assert_eq!(flow, json!({"name": "a", "flow": {"nodes": [], "edges": null, "hasLayout": true, "x": 1}}));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let validation =
            |messages: &[&str]| Failure::validation("body", messages.iter().map(|message| (*message).to_owned()).collect());
        let decode = |text: &str| Failure::invalid(format!("failed to decode json: {text}"));
        for (body, failure) in [
            (json!({}), validation(&["#: missing properties: \"name\""])),
            (json!({"name": ""}), validation(&["#/name: length must be >= 1, but got 0"])),
            (json!({"name": null}), validation(&["#/name: expected string, but got null"])),
            (json!({"name": "a", "ttl": -1}), validation(&["#/ttl: must be >= 0, but got -1"])),
            (json!({"name": "a", "ttl": 1.5}), decode("#/ttl: expected integer, but got number")),
            (json!({"name": "a", "ttl": "1"}), decode("#/ttl: expected integer, but got string")),
            (json!([]), decode("#: expected object, but got array")),
            (json!({"name": "a", "records": [{"a/b": 1}]}), decode("#/records/0/a~1b: expected string, but got integer")),
            (json!({"name": "a", "records": [null]}), validation(&["#/records/0: expected object, but got null"])),
            (json!({"name": "a", "flow": {}}), validation(&["#/flow: missing properties: \"nodes\", \"edges\""])),
            (
                json!({"name": "a", "flow": {"nodes": [{"id": "", "type": "router", "position": {}}], "edges": []}}),
                validation(&[
                    "#/flow/nodes/0/id: length must be >= 1, but got 0",
                    "#/flow/nodes/0/position: missing properties: \"x\", \"y\"",
                    "#/flow/nodes/0: missing properties: \"data\"",
                ]),
            ),
        ] {
            assert_eq!(check(body.clone()).unwrap_err(), failure, "{body}");
        }
    }

    #[test]
    fn what_may_be_absent_may_be_null() {
        check(json!({"name": "a", "ttl": null, "records": null, "flow": {"nodes": null, "edges": null}})).unwrap();
    }
}
