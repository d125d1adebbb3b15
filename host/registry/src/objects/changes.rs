//! What is between two JSON documents.
//!
//! What must stay true: equal documents have no changes; every change names its place, and nothing below it is told twice.

use serde_json::Value;
use similar::TextDiff;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// How long texts are compared before a longer difference than needed is taken.
const PATIENCE: Duration = Duration::from_millis(500);

/// One place where two documents differ.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Where, as a JSON pointer. An element of a list whose elements have an `id` is named by that.
    pub path: String,
    /// How.
    pub kind: ChangeKind,
    /// What is there in the first document. Of what was reordered, the order of the elements that both have.
    pub from: Option<Value>,
    /// What is there in the second.
    pub to: Option<Value>,
    /// For texts of more than one line: what differs, as a unified diff.
    pub lines: Option<String>,
}

/// How two documents differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// Only the second has it.
    Added,
    /// Only the first has it.
    Removed,
    /// Both have it, with different values.
    Changed,
    /// Both have the same elements in another order.
    Reordered,
}

impl ChangeKind {
    /// What people and scripts read.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Reordered => "reordered",
        }
    }
}

/// What is different in the second document, in the order of the members' names and the elements.
pub fn changes(a: &Value, b: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(&mut String::new(), Some(a), Some(b), &mut found);
    found
}

fn compare(at: &mut String, a: Option<&Value>, b: Option<&Value>, found: &mut Vec<Change>) {
    match (a, b) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for name in names {
                below(at, name, a.get(name), b.get(name), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => match (identified(a), identified(b)) {
            (Some(a), Some(b)) => elements(at, &a, &b, found),
            _ => {
                for index in 0..a.len().max(b.len()) {
                    below(at, &index.to_string(), a.get(index), b.get(index), found);
                }
            }
        },
        (a, b) if a == b => {}
        (a, b) => {
            let kind = match (a, b) {
                (None, _) => ChangeKind::Added,
                (_, None) => ChangeKind::Removed,
                _ => ChangeKind::Changed,
            };
            let lines = a.and_then(Value::as_str).zip(b.and_then(Value::as_str)).and_then(|(a, b)| lines(a, b));
            found.push(Change { path: at.clone(), kind, from: a.cloned(), to: b.cloned(), lines });
        }
    }
}

fn below(at: &mut String, name: &str, a: Option<&Value>, b: Option<&Value>, found: &mut Vec<Change>) {
    let length = at.len();
    at.push('/');
    at.push_str(&name.replace('~', "~0").replace('/', "~1"));
    compare(at, a, b, found);
    at.truncate(length);
}

/// The elements of a list by their identifiers, where all have one of their own.
fn identified(items: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let identified: Vec<_> = items.iter().map(|item| Some((item.get("id")?.as_str()?, item))).collect::<Option<_>>()?;
    let unique = identified.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len() == identified.len();
    Some(identified).filter(|_| unique)
}

fn elements(at: &mut String, a: &[(&str, &Value)], b: &[(&str, &Value)], found: &mut Vec<Change>) {
    let (in_a, in_b): (HashMap<_, _>, HashMap<_, _>) = (a.iter().copied().collect(), b.iter().copied().collect());
    for (id, element) in a {
        below(at, id, Some(element), in_b.get(id).copied(), found);
    }
    for (id, element) in b.iter().filter(|(id, _)| !in_a.contains_key(id)) {
        below(at, id, None, Some(element), found);
    }
    let common = |these: &[(&str, &Value)], those: &HashMap<&str, &Value>| -> Value {
        these.iter().filter(|(id, _)| those.contains_key(id)).map(|(id, _)| *id).collect()
    };
    let (from, to) = (common(a, &in_b), common(b, &in_a));
    if from != to {
        found.push(Change { path: at.clone(), kind: ChangeKind::Reordered, from: Some(from), to: Some(to), lines: None });
    }
}

fn lines(a: &str, b: &str) -> Option<String> {
    if !a.contains('\n') && !b.contains('\n') {
        return None;
    }
    Some(TextDiff::configure().timeout(PATIENCE).diff_lines(a, b).unified_diff().context_radius(3).to_string())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(a: Value, b: Value) -> Vec<(String, &'static str, Option<Value>, Option<Value>)> {
        changes(&a, &b).into_iter().map(|change| (change.path, change.kind.as_str(), change.from, change.to)).collect()
    }

    #[test]
    fn members_are_compared_by_name() {
        let a = json!({"same": [1, {"x": null}], "gone": null, "deep": {"a/b~": {"n": 1}}, "kind": 1});
        let b = json!({"kind": "1", "deep": {"a/b~": {"n": 2}}, "new": [1], "same": [1, {"x": null}]});
        let expected = [
            ("/deep/a~1b~0/n".to_owned(), "changed", Some(json!(1)), Some(json!(2))),
            ("/gone".to_owned(), "removed", Some(json!(null)), None),
            ("/kind".to_owned(), "changed", Some(json!(1)), Some(json!("1"))),
            ("/new".to_owned(), "added", None, Some(json!([1]))),
        ];
        assert_eq!(told(a.clone(), b), expected);
        assert_eq!(told(a.clone(), a), []);
    }

    #[test]
    fn elements_with_identifiers_are_matched_by_them() {
        let node = |id: &str, x: u32| json!({"id": id, "x": x});
        let a = json!({"nodes": [node("a", 1), node("b", 1), node("c", 1)]});
        let b = json!({"nodes": [node("d", 1), node("c", 1), node("b", 2)]});
        let expected = [
            ("/nodes/a".to_owned(), "removed", Some(node("a", 1)), None),
            ("/nodes/b/x".to_owned(), "changed", Some(json!(1)), Some(json!(2))),
            ("/nodes/d".to_owned(), "added", None, Some(node("d", 1))),
            ("/nodes".to_owned(), "reordered", Some(json!(["b", "c"])), Some(json!(["c", "b"]))),
        ];
        assert_eq!(told(a, b), expected);
    }

    #[test]
    fn other_elements_are_matched_by_place() {
        let expected =
            [("/0".to_owned(), "changed", Some(json!("x")), Some(json!("y"))), ("/2".to_owned(), "added", None, Some(json!(3)))];
        assert_eq!(told(json!(["x", 2]), json!(["y", 2, 3])), expected);
        let twice = |x: u32| json!([{"id": "a", "x": 1}, {"id": "a", "x": x}]);
        assert_eq!(told(twice(1), twice(2)), [("/1/x".to_owned(), "changed", Some(json!(1)), Some(json!(2)))]);
    }

    #[test]
    fn long_texts_are_compared_line_by_line() {
        let found = changes(&json!({"script": "a\nb\nc\n"}), &json!({"script": "a\nx\nc\n"}));
        assert_eq!(found[0].lines.as_deref(), Some("@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"));
        assert_eq!(changes(&json!("a"), &json!("b"))[0].lines, None);
        assert_eq!(changes(&json!("a\nb"), &json!(1))[0].lines, None);
    }

    #[test]
    fn texts_that_have_nothing_in_common_are_compared_in_time() {
        let text = |modulus: u32| -> String {
            (0..60_000_u32).map(|n| format!("{}\n", n.wrapping_mul(2_654_435_761) % modulus)).collect()
        };
        let (a, b) = (text(30_011), text(30_013));
        let started = std::time::Instant::now();
        assert_eq!(changes(&Value::from(a), &Value::from(b)).len(), 1);
        assert!(started.elapsed() < Duration::from_secs(30));
    }
}
