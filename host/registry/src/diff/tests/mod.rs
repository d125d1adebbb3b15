//! The rules of comparison, one by one.

mod members;
mod properties_of_all;
mod tree;

use super::{ComponentDifferences, Difference, DifferenceType, compare};
use serde_json::{Map, Value, json};

/// A root group that holds this.
fn flow(collection: &str, components: Value) -> Value {
    Value::Object(Map::from_iter([("identifier".to_owned(), json!("root")), (collection.to_owned(), components)]))
}

fn groups(a: &Value, b: &Value) -> Vec<ComponentDifferences> {
    compare(a, b).unwrap()
}

/// A component `C` of the group `root`, with one member more; null leaves it out.
fn component(member: &str, value: &Value) -> Value {
    let mut component = json!({"identifier": "C", "groupIdentifier": "root"});
    if !value.is_null() {
        component[member] = value.clone();
    }
    component
}

/// All differences between two components of the collection.
fn between(collection: &str, a: Value, b: Value) -> Vec<Difference> {
    let found = groups(&flow(collection, json!([a])), &flow(collection, json!([b])));
    assert!(found.len() <= 1, "{found:?}");
    found.into_iter().flat_map(|group| group.differences).collect()
}

fn difference(kind: DifferenceType, change: &str, a: Option<&str>, b: Option<&str>) -> Difference {
    Difference { kind, change: change.to_owned(), a: a.map(str::to_owned), b: b.map(str::to_owned) }
}

#[test]
fn constants_are_unique_and_described() {
    let names: std::collections::HashSet<_> = DifferenceType::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), DifferenceType::ALL.len());
    assert_eq!(DifferenceType::ALL.len(), 46, "every type of the contract but the four that are never found");
}
