//! What is true of all flows.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn text() -> impl Strategy<Value = Value> {
    prop_oneof![Just(json!(null)), Just(json!("")), "[a-c]".prop_map(Value::from), Just(json!("#{p}")), Just(json!("#{q}"))]
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        text(),
        any::<bool>().prop_map(Value::from),
        (-3_i64..3).prop_map(Value::from),
        prop::collection::vec(text(), 0..3).prop_map(Value::from),
        (-2.0..2.0).prop_map(|x: f64| json!({"x": x, "y": 1})),
        "[a-b]".prop_map(|id| json!({"id": id, "group": id, "count": 1, "bucketId": id})),
    ]
}

const MEMBERS: &[&str] = &[
    "name",
    "comments",
    "position",
    "bundle",
    "style",
    "bends",
    "source",
    "prioritizers",
    "selectedRelationships",
    "label",
    "height",
    "allowRemoteAccess",
    "concurrentlySchedulableTaskCount",
    "loadBalanceStrategy",
    "batchSize",
    "useCompression",
    "scheduledState",
    "versionedFlowCoordinates",
    "properties",
    "proxyPort",
    "autoTerminatedRelationships",
    "type",
];

/// A component with members that fit its kind or not.
fn component() -> impl Strategy<Value = Value> {
    let members = prop::collection::vec((prop::sample::select(MEMBERS), any_value()), 0..6);
    let properties = prop::collection::btree_map("[k-m]", text(), 0..3);
    ("[1-4]", members, properties).prop_map(|(id, members, properties)| {
        let mut component = json!({"identifier": id, "properties": properties});
        for (name, value) in members {
            component[name] = value;
        }
        component
    })
}

fn group() -> impl Strategy<Value = Value> {
    component().prop_recursive(4, 40, 4, |inner| {
        const COLLECTIONS: &[&str] = &[
            "processors",
            "controllerServices",
            "connections",
            "processGroups",
            "remoteProcessGroups",
            "inputPorts",
            "outputPorts",
            "labels",
            "funnels",
        ];
        (component(), prop::collection::vec((prop::sample::select(COLLECTIONS), prop::collection::vec(inner, 0..3)), 0..5))
            .prop_map(|(mut group, collections)| {
                for (name, components) in collections {
                    group[name] = components.into();
                }
                group
            })
    })
}

fn root() -> impl Strategy<Value = Value> {
    group().prop_map(|mut group| {
        group["identifier"] = json!("root");
        group
    })
}

/// What a difference is seen from the other side.
fn mirrored(kind: DifferenceType) -> DifferenceType {
    use DifferenceType as D;
    match kind {
        D::ComponentAdded => D::ComponentRemoved,
        D::ComponentRemoved => D::ComponentAdded,
        D::PropertyAdded => D::PropertyRemoved,
        D::PropertyRemoved => D::PropertyAdded,
        D::PropertyParameterized => D::PropertyParameterizationRemoved,
        D::PropertyParameterizationRemoved => D::PropertyParameterized,
        other => other,
    }
}

type Told = (String, DifferenceType, Option<String>, Option<String>);

fn told(found: Vec<ComponentDifferences>) -> BTreeSet<Told> {
    let of = |group: ComponentDifferences| {
        let id = group.id;
        group.differences.into_iter().map(move |difference| (id.clone(), difference.kind, difference.a, difference.b))
    };
    found.into_iter().flat_map(of).collect()
}

proptest! {
    #[test]
    fn a_flow_is_equal_to_itself(a in root()) {
        prop_assert_eq!(groups(&a, &a.clone()), []);
    }

    #[test]
    fn the_other_way_round_is_the_mirror(a in root(), b in root()) {
        let there = told(groups(&a, &b));
        let back = told(groups(&b, &a));
        let mirrored: BTreeSet<_> = there.into_iter().map(|(id, kind, a, b)| (id, mirrored(kind), b, a)).collect();
        prop_assert_eq!(mirrored, back);
    }

    #[test]
    fn the_order_of_components_and_members_means_nothing(a in root(), b in root()) {
        prop_assert_eq!(told(groups(&a, &b)), told(groups(&reversed(&a), &reversed(&b))));
    }

    #[test]
    fn every_difference_has_a_place_in_the_order(a in root(), b in root()) {
        let found = groups(&a, &b);
        prop_assert!(found.iter().all(|group| !group.differences.is_empty() && group.differences.is_sorted()));
        prop_assert!(found.is_sorted_by_key(|group| (group.kind.as_str(), group.name.clone(), group.id.clone())));
    }
}

/// The same flow with its members and the components that differ in identifier in another order.
fn reversed(group: &Value) -> Value {
    let Value::Object(members) = group else { return group.clone() };
    let turned = members.iter().rev().map(|(name, value)| match value {
        Value::Array(items) if items.iter().all(Value::is_object) && name != "bends" => {
            let mut items: Vec<_> = items.iter().map(reversed).collect();
            items.sort_by_key(|item| std::cmp::Reverse(item["identifier"].as_str().map(str::to_owned)));
            (name.clone(), items.into())
        }
        _ => (name.clone(), value.clone()),
    });
    Value::Object(turned.collect())
}
