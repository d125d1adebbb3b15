//! Which components belong together, and how the result is put together.

use super::*;
use DifferenceType as D;

#[test]
fn added_and_removed_components_of_every_kind() {
    for (collection, name) in [
        ("processors", "Processor"),
        ("controllerServices", "Controller Service"),
        ("connections", "Connection"),
        ("processGroups", "Process Group"),
        ("remoteProcessGroups", "Remote Process Group"),
        ("inputPorts", "Input Port"),
        ("labels", "Label"),
        ("funnels", "Funnel"),
    ] {
        let full = flow(collection, json!([{"identifier": "C", "name": "n", "groupIdentifier": "root"}]));
        let described = |found: &ComponentDifferences| {
            assert_eq!((found.id.as_str(), found.name.as_deref(), found.group.as_deref()), ("C", Some("n"), Some("root")));
            assert_eq!(found.kind.as_str(), name);
        };
        let [found] = groups(&flow(collection, json!([])), &full).try_into().unwrap();
        described(&found);
        assert_eq!(found.differences, [difference(D::ComponentAdded, &format!("{name} was added"), None, Some("C"))]);
        let [found] = groups(&full, &flow(collection, json!(null))).try_into().unwrap();
        described(&found);
        assert_eq!(found.differences, [difference(D::ComponentRemoved, &format!("{name} was removed"), Some("C"), None)]);
    }
}

#[test]
fn ports_are_what_their_type_says() {
    for (collection, kind, name) in [
        ("outputPorts", json!("OUTPUT_PORT"), "Output Port"),
        ("inputPorts", json!("INPUT_PORT"), "Input Port"),
        ("inputPorts", json!("OUTPUT_PORT"), "Output Port"),
        ("outputPorts", json!(null), "Input Port"),
    ] {
        let found = groups(&flow(collection, json!([{"identifier": "C", "type": kind}])), &flow(collection, json!([])));
        assert_eq!(found[0].kind.as_str(), name);
    }
}

#[test]
fn only_the_comments_of_root_groups_count() {
    let a = json!({"identifier": "1", "name": "a", "position": {"x": 0, "y": 0}, "comments": "c"});
    let b = json!({"identifier": "2", "name": "b", "position": {"x": 9, "y": 0}, "comments": "c"});
    assert_eq!(groups(&a, &b), []);
    let b = json!({"identifier": "2", "name": "b", "comments": "d", "flowFileConcurrency": "SINGLE_FLOWFILE_PER_NODE"});
    let [found] = groups(&a, &b).try_into().unwrap();
    assert_eq!((found.id.as_str(), found.name.as_deref(), found.group), ("1", Some("a"), None));
    let kinds: Vec<_> = found.differences.iter().map(|difference| difference.kind).collect();
    assert_eq!(kinds, [D::Comments, D::FlowFileConcurrency]);
}

#[test]
fn a_moved_component_is_removed_and_added() {
    let nested = |inner: Value, outer: Value| {
        json!({"identifier": "root", "processors": outer,
        "processGroups": [{"identifier": "G", "groupIdentifier": "root", "processors": inner}]})
    };
    let inside = nested(json!([{"identifier": "P", "name": "p", "groupIdentifier": "G"}]), json!([]));
    let outside = nested(json!([]), json!([{"identifier": "P", "name": "q", "groupIdentifier": "root"}]));
    for (a, b, name, group) in [(&inside, &outside, "p", "G"), (&outside, &inside, "q", "root")] {
        let [found] = groups(a, b).try_into().unwrap();
        assert_eq!((found.name.as_deref(), found.group.as_deref()), (Some(name), Some(group)));
        let added = difference(D::ComponentAdded, "Processor was added", None, Some("P"));
        let removed = difference(D::ComponentRemoved, "Processor was removed", Some("P"), None);
        assert_eq!(found.differences, [added, removed]);
    }
}

#[test]
fn what_is_in_an_added_group_is_not_listed() {
    let group = json!([{"identifier": "G", "processors": [{"identifier": "P"}], "processGroups": [{"identifier": "H"}]}]);
    let found = groups(&flow("processGroups", json!([])), &flow("processGroups", group));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id, "G");
}

#[test]
fn groups_under_a_version_control_of_their_own_are_not_looked_into() {
    let group = |coordinates: Value, name: &str| {
        let group = json!([{"identifier": "G", "versionedFlowCoordinates": coordinates,
            "processors": [{"identifier": "P", "name": name}]}]);
        flow("processGroups", group)
    };
    let at = |version: u32| json!({"registryUrl": "u", "bucketId": "b", "flowId": "f", "version": version});
    let found = |a: Value, b: Value| -> Vec<_> {
        let found = groups(&group(a, "a"), &group(b, "b"));
        found.into_iter().flat_map(|group| group.differences).map(|difference| difference.kind).collect()
    };
    assert_eq!(found(json!(null), json!(null)), [D::Name]);
    assert_eq!(found(at(1), at(1)), []);
    assert_eq!(found(at(1), at(2)), [D::Coordinates, D::Name]);
    assert_eq!(found(json!(null), at(1)), [D::Coordinates]);
    assert_eq!(found(at(1), json!(null)), [D::Coordinates]);
}

#[test]
fn deep_changes_are_found() {
    let mut a = json!({"identifier": "P", "name": "a"});
    let mut b = json!({"identifier": "P", "name": "b"});
    for level in 0..50 {
        let wrap = |inner: Value| json!({"identifier": format!("G{level}"), "processGroups": [inner]});
        (a, b) = (wrap(a), wrap(b));
    }
    assert_eq!(groups(&a, &b).len(), 1);
}

#[test]
fn the_result_is_in_order() {
    let a = json!({"processors": [{"identifier": "2", "name": "b"}, {"identifier": "1", "name": "b"}, {"identifier": "3", "name": "a"}],
        "labels": [{"identifier": "4"}]});
    let found = groups(&a, &json!({}));
    let ids: Vec<_> = found.iter().map(|group| group.id.as_str()).collect();
    assert_eq!(ids, ["4", "3", "1", "2"]);
}

#[test]
fn components_that_share_an_identifier_are_all_compared() {
    let a = json!([{"identifier": "1", "name": "a"}, {"identifier": "1", "name": "b"}]);
    let b = json!([{"identifier": "1", "name": "a"}, {"identifier": "1", "name": "c"}, {"identifier": "1", "name": "d"}]);
    let found = between_lists(a, b);
    assert_eq!(found, [D::ComponentAdded, D::Name]);
    assert_eq!(between_lists(json!([{"name": "a"}]), json!([{"name": "b"}])), [D::Name], "without identifiers, too");
}

fn between_lists(a: Value, b: Value) -> Vec<D> {
    let found = groups(&flow("processors", a), &flow("processors", b));
    found.into_iter().flat_map(|group| group.differences).map(|difference| difference.kind).collect()
}

#[test]
fn what_is_no_flow_is_refused() {
    for (a, b) in [
        (json!([]), json!({})),
        (json!({}), json!(null)),
        (json!({"processors": {}}), json!({})),
        (json!({}), json!({"processGroups": ["x"]})),
    ] {
        let error = compare(&a, &b).unwrap_err();
        assert!(error.message.starts_with("The flows cannot be compared: "), "{error}");
    }
}
