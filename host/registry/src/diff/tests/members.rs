//! Every member of every kind: what differs, how it is told, and what is not compared.

use super::*;
use DifferenceType as D;

/// Collection, member, first value, second value, type, first text, second text. Null is no value.
type Row = (&'static str, &'static str, Value, Value, D, Option<&'static str>, Option<&'static str>);

fn table() -> Vec<Row> {
    let mut rows = vec![
        // Processors.
        ("processors", "name", json!("a"), json!("b"), D::Name, Some("a"), Some("b")),
        ("processors", "name", json!(null), json!(""), D::Name, None, Some("")),
        ("processors", "comments", json!(null), json!("b"), D::Comments, None, Some("b")),
        ("processors", "comments", json!("a"), json!(""), D::Comments, Some("a"), Some("")),
        ("processors", "annotationData", json!(null), json!(""), D::AnnotationData, None, Some("")),
        ("processors", "annotationData", json!("<a/>"), json!("<b/>"), D::AnnotationData, Some("<a/>"), Some("<b/>")),
        (
            "processors",
            "autoTerminatedRelationships",
            json!(["z", "a"]),
            json!(["success"]),
            D::AutoTerminatedRelationships,
            Some("[a, z]"),
            Some("[success]"),
        ),
        (
            "processors",
            "autoTerminatedRelationships",
            json!(null),
            json!(["x"]),
            D::AutoTerminatedRelationships,
            None,
            Some("[x]"),
        ),
        ("processors", "bulletinLevel", json!("WARN"), json!("ERROR"), D::BulletinLevel, Some("WARN"), Some("ERROR")),
        (
            "processors",
            "bundle",
            json!({"group": "g", "artifact": "a", "version": "1"}),
            json!({"group": "g", "artifact": "a", "version": "2"}),
            D::Bundle,
            Some("g:a:1"),
            Some("g:a:2"),
        ),
        ("processors", "concurrentlySchedulableTaskCount", json!(1), json!(2), D::ConcurrentTasks, Some("1"), Some("2")),
        ("processors", "executionNode", json!("ALL"), json!("PRIMARY"), D::ExecutionMode, Some("ALL"), Some("PRIMARY")),
        ("processors", "penaltyDuration", json!("30 sec"), json!("1 min"), D::PenaltyDuration, Some("30 sec"), Some("1 min")),
        ("processors", "runDurationMillis", json!(0), json!(25), D::RunDuration, Some("0"), Some("25")),
        ("processors", "schedulingPeriod", json!("0 sec"), json!("1 sec"), D::RunSchedule, Some("0 sec"), Some("1 sec")),
        (
            "processors",
            "schedulingStrategy",
            json!("TIMER_DRIVEN"),
            json!("CRON_DRIVEN"),
            D::SchedulingStrategy,
            Some("TIMER_DRIVEN"),
            Some("CRON_DRIVEN"),
        ),
        ("processors", "style", json!({"b": "1", "a": "2"}), json!({"b": "2"}), D::Style, Some("{a=2, b=1}"), Some("{b=2}")),
        ("processors", "style", json!(null), json!({"b": "2"}), D::Style, None, Some("{b=2}")),
        ("processors", "yieldDuration", json!("1 sec"), json!("2 sec"), D::YieldDuration, Some("1 sec"), Some("2 sec")),
        // Services.
        ("controllerServices", "name", json!("a"), json!("b"), D::Name, Some("a"), Some("b")),
        ("controllerServices", "comments", json!("a"), json!("b"), D::Comments, Some("a"), Some("b")),
        ("controllerServices", "annotationData", json!("x"), json!(null), D::AnnotationData, Some("x"), None),
        (
            "controllerServices",
            "bundle",
            json!({"group": "g", "artifact": "a", "version": "1"}),
            json!({"group": "h", "artifact": "a"}),
            D::Bundle,
            Some("g:a:1"),
            Some("h:a:null"),
        ),
        // Connections.
        ("connections", "name", json!(""), json!("b"), D::Name, Some(""), Some("b")),
        (
            "connections",
            "backPressureDataSizeThreshold",
            json!("1 GB"),
            json!("2 GB"),
            D::BackpressureDataSizeThreshold,
            Some("1 GB"),
            Some("2 GB"),
        ),
        (
            "connections",
            "backPressureObjectThreshold",
            json!(10000),
            json!(5_000_000_000_i64),
            D::BackpressureObjectThreshold,
            Some("10000"),
            Some("5000000000"),
        ),
        (
            "connections",
            "destination",
            json!({"id": "1", "name": "x"}),
            json!({"id": "2", "name": "x"}),
            D::Destination,
            Some("1"),
            Some("2"),
        ),
        ("connections", "source", json!({"id": "1"}), json!(null), D::Source, Some("1"), None),
        (
            "connections",
            "flowFileExpiration",
            json!("0 sec"),
            json!("9 sec"),
            D::FlowFileExpiration,
            Some("0 sec"),
            Some("9 sec"),
        ),
        (
            "connections",
            "loadBalanceCompression",
            json!(null),
            json!("COMPRESS_ATTRIBUTES_ONLY"),
            D::LoadBalanceCompression,
            Some("DO_NOT_COMPRESS"),
            Some("COMPRESS_ATTRIBUTES_ONLY"),
        ),
        (
            "connections",
            "loadBalanceStrategy",
            json!("ROUND_ROBIN"),
            json!(null),
            D::LoadBalanceStrategy,
            Some("ROUND_ROBIN"),
            Some("DO_NOT_LOAD_BALANCE"),
        ),
        ("connections", "partitioningAttribute", json!(null), json!("key"), D::PartitioningAttribute, Some(""), Some("key")),
        ("connections", "prioritizers", json!(["a", "b"]), json!(["b", "a"]), D::Prioritizers, Some("[a, b]"), Some("[b, a]")),
        (
            "connections",
            "selectedRelationships",
            json!(["success"]),
            json!(["success", "failure"]),
            D::SelectedRelationships,
            Some("[success]"),
            Some("[failure, success]"),
        ),
        // Groups.
        ("processGroups", "name", json!("a"), json!("b"), D::Name, Some("a"), Some("b")),
        ("processGroups", "comments", json!("a"), json!("b"), D::Comments, Some("a"), Some("b")),
        (
            "processGroups",
            "flowFileConcurrency",
            json!(null),
            json!("SINGLE_FLOWFILE_PER_NODE"),
            D::FlowFileConcurrency,
            Some("UNBOUNDED"),
            Some("SINGLE_FLOWFILE_PER_NODE"),
        ),
        (
            "processGroups",
            "flowFileOutboundPolicy",
            json!("BATCH_OUTPUT"),
            json!(null),
            D::FlowFileOutboundPolicy,
            Some("BATCH_OUTPUT"),
            Some("STREAM_WHEN_AVAILABLE"),
        ),
        (
            "processGroups",
            "versionedFlowCoordinates",
            json!(null),
            json!({"registryUrl": "u", "bucketId": "b", "flowId": "f", "version": 3, "latest": true}),
            D::Coordinates,
            None,
            Some("VersionedFlowCoordinates[bucketId=b, flowId=f, version=3, registryUrl=u]"),
        ),
        (
            "processGroups",
            "versionedFlowCoordinates",
            json!({"registryUrl": "u", "bucketId": "b", "flowId": "f", "version": 3}),
            json!({"registryUrl": "u", "bucketId": "b", "flowId": "g", "version": 4}),
            D::Coordinates,
            Some("VersionedFlowCoordinates[bucketId=b, flowId=f, version=3, registryUrl=u]"),
            Some("VersionedFlowCoordinates[bucketId=b, flowId=g, version=4, registryUrl=u]"),
        ),
        // Ports have more below.
        ("inputPorts", "name", json!("a"), json!("b"), D::Name, Some("a"), Some("b")),
        ("outputPorts", "comments", json!("a"), json!("b"), D::Comments, Some("a"), Some("b")),
        // Labels and funnels.
        ("labels", "label", json!("a"), json!("b"), D::LabelValue, Some("a"), Some("b")),
        ("labels", "style", json!({"c": "#fff"}), json!({}), D::Style, Some("{c=#fff}"), Some("{}")),
        ("labels", "comments", json!("a"), json!("b"), D::Comments, Some("a"), Some("b")),
        ("funnels", "name", json!("a"), json!("b"), D::Name, Some("a"), Some("b")),
        ("funnels", "comments", json!("a"), json!("b"), D::Comments, Some("a"), Some("b")),
    ];
    for (member, kind) in [
        ("communicationsTimeout", D::CommunicationsTimeout),
        ("localNetworkInterface", D::NetworkInterface),
        ("proxyHost", D::ProxyHost),
        ("proxyUser", D::ProxyUser),
        ("transportProtocol", D::TransportProtocol),
        ("yieldDuration", D::YieldDuration),
    ] {
        rows.push(("remoteProcessGroups", member, json!("x"), json!("y"), kind, Some("x"), Some("y")));
        rows.push(("remoteProcessGroups", member, json!(null), json!("y"), kind, None, Some("y")));
    }
    rows.push(("remoteProcessGroups", "proxyPort", json!(8080), json!(null), D::ProxyPort, Some("8080"), None));
    rows
}

#[test]
fn every_member_is_compared() {
    for (collection, member, a, b, kind, text_a, text_b) in table() {
        let change = format!("From '{}' to '{}'", text_a.unwrap_or("null"), text_b.unwrap_or("null"));
        let found = between(collection, component(member, &a), component(member, &b));
        assert_eq!(found, [difference(kind, &change, text_a, text_b)], "{collection}.{member}: {a} → {b}");
        assert_eq!(between(collection, component(member, &a), component(member, &a)), [], "{collection}.{member}: {a}");
    }
}

#[test]
fn members_with_sentences_of_their_own() {
    let enabled = [("DISABLED", "ENABLED", "enabled"), ("ENABLED", "DISABLED", "disabled"), ("ENABLED", "RUNNING", "disabled")];
    for (a, b, word) in enabled {
        let found = between("processors", component("scheduledState", &json!(a)), component("scheduledState", &json!(b)));
        assert_eq!(found, [difference(D::ScheduledState, &format!("Processor was {word}"), Some(a), Some(b))]);
    }
    let bends = |bends: Value| component("bends", &bends);
    let found = between("connections", bends(json!([{"x": 1, "y": 2.5}, {"x": -3.0, "y": 1e10}])), bends(json!([])));
    let text = "[[x=1.0, y=2.5], [x=-3.0, y=1.0E10]]";
    assert_eq!(found, [difference(D::Bendpoints, "Connection Bendpoints changed", Some(text), Some("[]"))]);
    let coordinates = |version: Value| {
        let coordinates = json!({"registryUrl": "u", "bucketId": "b", "flowId": "f", "version": version});
        component("versionedFlowCoordinates", &coordinates)
    };
    let found = between("processGroups", coordinates(json!(3)), coordinates(json!(5)));
    let text = |version| format!("VersionedFlowCoordinates[bucketId=b, flowId=f, version={version}, registryUrl=u]");
    let change = "Flow Version changed from 3 to 5";
    assert_eq!(found, [difference(D::Coordinates, change, Some(&text(3)), Some(&text(5)))]);
}

#[test]
fn places_and_sizes() {
    let at = |x: f64, y: f64| component("position", &json!({"x": x, "y": y}));
    let changed = |a: &str, b: &str| difference(D::Position, "Position was changed", Some(a), Some(b));
    for collection in ["processors", "controllerServices", "connections", "processGroups", "inputPorts", "labels", "funnels"] {
        let found = between(collection, at(0.0, 0.0), at(8.0, -0.0001));
        assert_eq!(found, [changed("[x=0.0, y=0.0]", "[x=8.0, y=-1.0E-4]")], "{collection}");
    }
    let nowhere = json!({"identifier": "C"});
    let found = between("remoteProcessGroups", nowhere, at(980.0000001338867, 12345678.9));
    let text = "[x=980.0000001338867, y=1.23456789E7]";
    assert_eq!(found, [difference(D::Position, "Position was changed", None, Some(text))]);
    assert_eq!(
        between("processors", component("position", &json!({"x": 1, "y": 0})), component("position", &json!({"x": 1.0}))),
        []
    );
    // Height and width are told as position; equal ones collapse.
    let sized = |height: f64, width: f64| json!({"identifier": "C", "height": height, "width": width});
    assert_eq!(between("labels", sized(10.0, 10.0), sized(20.0, 20.0)), [changed("10.0", "20.0")]);
    assert_eq!(between("labels", sized(10.0, 5.0), sized(20.0, 7.0)), [changed("10.0", "20.0"), changed("5.0", "7.0")]);
}

#[test]
fn ports_count_only_when_both_sides_can_be_reached() {
    let port = |remote: Value, tasks: u32| json!({"identifier": "C", "allowRemoteAccess": remote, "concurrentlySchedulableTaskCount": tasks});
    for collection in ["inputPorts", "outputPorts"] {
        let found = between(collection, port(json!(true), 1), port(json!(true), 4));
        assert_eq!(found, [difference(D::ConcurrentTasks, "From '1' to '4'", Some("1"), Some("4"))]);
        assert_eq!(between(collection, port(json!(true), 1), port(json!(false), 4)), []);
        assert_eq!(between(collection, port(json!(null), 1), port(json!(true), 4)), []);
    }
}

#[test]
fn ports_of_remote_groups() {
    let ports = |collection: &str, ports: Value| {
        let mut group = json!({"identifier": "R", "name": "remote"});
        group[collection] = ports;
        flow("remoteProcessGroups", json!([group]))
    };
    for (collection, name) in [("inputPorts", "Remote Input Port"), ("outputPorts", "Remote Output Port")] {
        let port = |batch: Value, compression: bool, tasks: u32| {
            ports(
                collection,
                json!([{"identifier": "P", "name": "p", "groupIdentifier": "R", "batchSize": batch, "useCompression": compression,
                        "concurrentlySchedulableTaskCount": tasks}]),
            )
        };
        let a = port(json!({"count": 1, "size": "1 MB"}), false, 1);
        let b = port(json!({"count": 2, "size": "1 MB", "duration": "1 s"}), true, 2);
        let [found] = groups(&a, &b).try_into().unwrap();
        assert_eq!((found.kind.as_str(), found.id.as_str(), found.group.as_deref()), (name, "P", Some("R")));
        let (size_a, size_b) = ("count=1, size=1 MB, duration=null", "count=2, size=1 MB, duration=1 s");
        let expected = [
            difference(D::ConcurrentTasks, "From '1' to '2'", Some("1"), Some("2")),
            difference(D::BatchSize, &format!("From '{size_a}' to '{size_b}'"), Some(size_a), Some(size_b)),
            difference(D::Compression, "From 'false' to 'true'", Some("false"), Some("true")),
        ];
        assert_eq!(found.differences, expected);
        let [found] = groups(&a, &ports(collection, json!([]))).try_into().unwrap();
        assert_eq!(found.differences, [difference(D::ComponentRemoved, &format!("{name} was removed"), Some("P"), None)]);
        let [found] = groups(&ports(collection, json!(null)), &a).try_into().unwrap();
        assert_eq!(found.differences, [difference(D::ComponentAdded, &format!("{name} was added"), None, Some("P"))]);
    }
    let said = ports("inputPorts", json!([{"identifier": "P", "componentType": "REMOTE_OUTPUT_PORT"}]));
    let found = groups(&said, &ports("inputPorts", json!([])));
    assert_eq!(found[0].kind.as_str(), "Remote Output Port");
}

#[test]
fn what_is_not_compared() {
    for (collection, member) in [
        ("processors", "type"),
        ("controllerServices", "type"),
        ("controllerServices", "controllerServiceApis"),
        ("controllerServices", "scheduledState"),
        ("connections", "zIndex"),
        ("connections", "labelIndex"),
        ("processGroups", "variables"),
        ("processGroups", "parameterContextName"),
        ("inputPorts", "scheduledState"),
        ("inputPorts", "concurrentlySchedulableTaskCount"),
        ("inputPorts", "allowRemoteAccess"),
        ("remoteProcessGroups", "name"),
        ("remoteProcessGroups", "comments"),
        ("remoteProcessGroups", "targetUris"),
        ("labels", "zIndex"),
        ("processors", "retryCount"),
        ("processors", "instanceIdentifier"),
    ] {
        assert_eq!(
            between(collection, component(member, &json!("1")), component(member, &json!("2"))),
            [],
            "{collection}.{member}"
        );
    }
}

#[test]
fn what_counts_as_equal() {
    for (collection, member, a, b) in [
        ("processors", "comments", json!(null), json!("")),
        ("processors", "autoTerminatedRelationships", json!(["a", "b"]), json!(["b", "a"])),
        ("processors", "autoTerminatedRelationships", json!(null), json!([])),
        ("processors", "style", json!(null), json!({})),
        ("processors", "concurrentlySchedulableTaskCount", json!(1), json!("1")),
        ("processors", "runDurationMillis", json!(25), json!(25.0)),
        ("connections", "prioritizers", json!([]), json!(null)),
        ("connections", "bends", json!([]), json!(null)),
        ("connections", "loadBalanceCompression", json!(null), json!("DO_NOT_COMPRESS")),
        ("connections", "loadBalanceStrategy", json!(null), json!("DO_NOT_LOAD_BALANCE")),
        ("connections", "partitioningAttribute", json!(null), json!("")),
        ("connections", "source", json!({"id": "1", "name": "a"}), json!({"id": "1", "name": "b", "groupId": "g"})),
        ("processGroups", "flowFileConcurrency", json!(null), json!("UNBOUNDED")),
        ("processGroups", "flowFileOutboundPolicy", json!(null), json!("STREAM_WHEN_AVAILABLE")),
        (
            "processGroups",
            "versionedFlowCoordinates",
            json!({"bucketId": "b", "flowId": "f", "version": 1, "latest": true}),
            json!({"bucketId": "b", "flowId": "f", "version": 1, "latest": false}),
        ),
        ("processors", "bundle", json!({"group": "g", "extra": 1}), json!({"group": "g"})),
    ] {
        assert_eq!(between(collection, component(member, &a), component(member, &b)), [], "{collection}.{member}: {a} = {b}");
    }
}

#[test]
fn values_of_kinds_that_no_release_knows_are_compared_as_they_are() {
    let found =
        between("processors", component("penaltyDuration", &json!({"s": 1})), component("penaltyDuration", &json!([1, null])));
    assert_eq!(found, [difference(D::PenaltyDuration, "From '{s=1}' to '[1, null]'", Some("{s=1}"), Some("[1, null]"))]);
    let found = between("processors", component("position", &json!("left")), component("position", &json!({"x": 1, "y": 1})));
    assert_eq!(found, [difference(D::Position, "Position was changed", Some("left"), Some("[x=1.0, y=1.0]"))]);
}

#[test]
fn properties_one_by_one() {
    let rows = [
        (json!(null), json!("1 KB"), D::PropertyAdded, "Property 'Shown' was added", None, Some("1 KB")),
        (json!(null), json!(""), D::PropertyAdded, "Property 'Shown' was added", None, Some("")),
        (json!("1 KB"), json!(null), D::PropertyRemoved, "Property 'Shown' was removed", Some("1 KB"), None),
        (json!("1 KB"), json!("2 KB"), D::Property, "From '1 KB' to '2 KB'", Some("1 KB"), Some("2 KB")),
        (json!("#{a}"), json!("#{b c-1_.}"), D::Property, "From '#{a}' to '#{b c-1_.}'", Some("#{a}"), Some("#{b c-1_.}")),
        (json!("x"), json!("#{a"), D::Property, "From 'x' to '#{a'", Some("x"), Some("#{a")),
        (json!("x"), json!("#{}"), D::Property, "From 'x' to '#{}'", Some("x"), Some("#{}")),
        (json!("x"), json!("#{a}/b"), D::Property, "From 'x' to '#{a}/b'", Some("x"), Some("#{a}/b")),
        (json!("x"), json!("#{a/b}"), D::Property, "From 'x' to '#{a/b}'", Some("x"), Some("#{a/b}")),
        (json!("1"), json!("#{size}"), D::PropertyParameterized, "Property 'Shown' was parameterized", None, None),
        (json!(null), json!("#{size}"), D::PropertyParameterized, "Property 'Shown' was parameterized", None, None),
        (
            json!("#{size}"),
            json!("1"),
            D::PropertyParameterizationRemoved,
            "Property 'Shown' is no longer a parameter reference",
            None,
            None,
        ),
        (
            json!("#{size}"),
            json!(null),
            D::PropertyParameterizationRemoved,
            "Property 'Shown' is no longer a parameter reference",
            None,
            None,
        ),
    ];
    for collection in ["processors", "controllerServices"] {
        for (a, b, kind, change, text_a, text_b) in &rows {
            // A property without value is the same whether its key is there or not.
            for (absent_a, absent_b) in [(false, false), (true, false), (false, true)] {
                let with = |value: &Value, absent: bool| {
                    let mut component = json!({"identifier": "C", "properties": {"key": value, "same": null},
                        "propertyDescriptors": {"key": {"name": "n", "displayName": "Shown", "identifiesControllerService": true}}});
                    if absent && value.is_null() {
                        component["properties"] = json!(null);
                    }
                    component
                };
                let found = between(collection, with(a, absent_a), with(b, absent_b));
                assert_eq!(found, [difference(*kind, change, *text_a, *text_b)], "{a} → {b}");
            }
        }
    }
}

#[test]
fn properties_are_known_by_what_people_see() {
    let processor = |descriptors: Value, properties: Value| json!({"identifier": "C", "properties": properties, "propertyDescriptors": descriptors});
    let added = |name: &str| [difference(D::PropertyAdded, &format!("Property '{name}' was added"), None, Some("v"))];
    for (a, b, name) in [
        (json!({"k": {"name": "n", "displayName": "d"}}), json!({"k": {"displayName": "other"}}), "d"),
        (json!({"k": {"name": "n"}}), json!({}), "n"),
        (json!({"k": {}}), json!({"k": {"name": "n"}}), "k"),
        (json!({}), json!({"k": {"displayName": "d"}}), "d"),
        (json!(null), json!(null), "k"),
    ] {
        let found = between("processors", processor(a, json!({})), processor(b, json!({"k": "v"})));
        assert_eq!(found, added(name));
    }
}
