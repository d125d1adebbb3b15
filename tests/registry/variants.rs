//! Real flows, and variants of them that differ in a known way.

use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The flows in `tests/data/flows`.
pub(crate) const REAL: [&str; 4] = ["snapshot", "write-to-file", "port-moved-groups-1", "port-moved-groups-2"];

/// One of them, as NiFi saved it.
pub(crate) fn real(name: &str) -> Value {
    let path = format!("{}/data/flows/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).expect("JSON")
}

/// What a comparison has to find: identifiers with types.
pub(crate) type Expected = BTreeSet<(String, String)>;

/// A variant of a flow, one of any number, and what is different in it.
pub(crate) fn variant(flow: &Value, number: usize) -> (Value, Expected) {
    let (mut changed, mut expected) = (flow.clone(), Expected::new());
    let contents = &mut changed["flowContents"];
    // Which steps are taken is written in the number.
    for (step, take) in STEPS.iter().enumerate() {
        if (number + 1) * (step + 3) % 7 < 3 {
            take(contents, number, &mut expected);
        }
    }
    if expected.is_empty() {
        add_processor(contents, number, &mut expected);
    }
    (changed, expected)
}

type Step = fn(&mut Value, usize, &mut Expected);

const STEPS: [Step; 12] = [
    |group, number, expected| {
        change(group, "processors", number, "name", json!(format!("Renamed {number}")), "NAME_CHANGED", expected)
    },
    |group, number, expected| {
        let place = json!({"x": number as f64 + 0.25, "y": -4.0});
        change(group, "processors", number, "position", place, "POSITION_CHANGED", expected);
    },
    |group, number, expected| change(group, "processors", number, "comments", json!("é ✓"), "COMMENTS_CHANGED", expected),
    |group, number, expected| {
        change(group, "processors", number, "schedulingPeriod", json!("7 sec"), "RUN_SCHEDULE_CHANGED", expected)
    },
    |group, number, expected| {
        change(
            group,
            "processors",
            number,
            "concurrentlySchedulableTaskCount",
            json!(40 + number),
            "CONCURRENT_TASKS_CHANGED",
            expected,
        );
    },
    |group, number, expected| {
        let bends = json!([{"x": 1.5, "y": number}]);
        change(group, "connections", number, "bends", bends, "BENDPOINTS_CHANGED", expected);
    },
    |group, number, expected| {
        let name = json!(["first", "second"]);
        change(group, "connections", number, "prioritizers", name, "PRIORITIZERS_CHANGED", expected);
    },
    |group, number, expected| {
        change(group, "inputPorts", number, "name", json!(format!("in {number}")), "NAME_CHANGED", expected)
    },
    property_added,
    |group, _, expected| {
        group["comments"] = json!("the whole");
        expected.insert((text(&group["identifier"]), "COMMENTS_CHANGED".to_owned()));
    },
    add_processor,
    // What nobody compares.
    |group, number, _| {
        group["variables"] = json!({"number": number.to_string()});
        group["name"] = json!(format!("another name {number}"));
    },
];

/// Gives one component of the root group another value, where it has any.
fn change(group: &mut Value, collection: &str, number: usize, member: &str, value: Value, kind: &str, expected: &mut Expected) {
    let Some(component) = pick(group, collection, number) else { return };
    component[member] = value;
    expected.insert((text(&component["identifier"]), kind.to_owned()));
}

fn property_added(group: &mut Value, number: usize, expected: &mut Expected) {
    let Some(processor) = pick(group, "processors", number) else { return };
    let (value, kind) =
        if number.is_multiple_of(2) { ("plain", "PROPERTY_ADDED") } else { ("#{of the context}", "PROPERTY_PARAMETERIZED") };
    processor["properties"][format!("added {number}")] = json!(value);
    expected.insert((text(&processor["identifier"]), kind.to_owned()));
}

fn add_processor(group: &mut Value, number: usize, expected: &mut Expected) {
    let id = format!("0000{number:04}-0000-4000-8000-000000000000");
    let parent = group["identifier"].clone();
    let processor = json!({"identifier": id, "groupIdentifier": parent, "name": "Added", "componentType": "PROCESSOR",
        "properties": {"with": "value"}});
    group["processors"].as_array_mut().expect("processors").push(processor);
    expected.insert((id, "COMPONENT_ADDED".to_owned()));
}

fn pick<'a>(group: &'a mut Value, collection: &str, number: usize) -> Option<&'a mut Value> {
    let components = group[collection].as_array_mut()?;
    let count = components.len();
    components.get_mut(number.checked_rem(count)?)
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
