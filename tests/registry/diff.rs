//! What is between two versions (NiFi Registry 10).

use crate::calls::{Nifi, done, each, refused, text};
use crate::variants::{Expected, REAL, real, variant};
use headworks_tests::{Server, Setup};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A flow in a bucket of its own.
struct Flow<'n> {
    nifi: &'n Nifi,
    bucket: String,
    id: String,
}

impl<'n> Flow<'n> {
    fn new(nifi: &'n Nifi, name: &str) -> Self {
        let bucket = nifi.bucket(name);
        let id = nifi.flow(&bucket, name);
        Self { nifi, bucket, id }
    }

    /// Saves the next version and answers the snapshot.
    fn save(&self, snapshot: &Value) -> Value {
        let mut body = snapshot.clone();
        body["snapshotMetadata"] = json!({"version": -1});
        done(&self.nifi.post(&format!("/buckets/{}/flows/{}/versions", self.bucket, self.id), &body))
    }

    fn saves(&self, contents: &[Value]) {
        contents.iter().for_each(|contents| drop(self.save(&json!({"flowContents": contents}))));
    }

    fn path(&self, a: impl ToString, b: impl ToString) -> String {
        format!("/buckets/{}/flows/{}/diff/{}/{}", self.bucket, self.id, a.to_string(), b.to_string())
    }

    fn diff(&self, a: u32, b: u32) -> Value {
        done(&self.nifi.get(&self.path(a, b)))
    }
}

/// All differences of an answer: identifiers with types.
fn found(diff: &Value) -> Expected {
    let groups = diff["componentDifferenceGroups"].as_array().expect("groups");
    let of = |group: &Value| {
        let id = text(&group["componentId"]);
        each(&group["differences"], "differenceType").into_iter().map(move |kind| (id.clone(), kind)).collect::<Vec<_>>()
    };
    groups.iter().flat_map(of).collect()
}

#[test]
fn the_sample_of_the_contract() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let flow = Flow::new(&nifi, "ingest");
    let version = |name: &str, x: f64, size: &str| {
        json!({"identifier": "G", "name": "ingest", "processors": [{"identifier": "P", "name": name, "type": "x.Generate",
            "bundle": {"group": "x", "artifact": "x-nar", "version": "1"}, "groupIdentifier": "G", "position": {"x": x, "y": 0.0},
            "properties": {"File Size": size, "Character Set": null}, "componentType": "PROCESSOR"}]})
    };
    flow.saves(&[version("Gen", 0.0, "1 KB"), version("Gen2", 8.0, "#{size}")]);
    let expected = json!({"bucketId": flow.bucket, "flowId": flow.id, "versionA": 1, "versionB": 2, "componentDifferenceGroups": [
        {"componentId": "P", "componentName": "Gen", "componentType": "Processor", "processGroupId": "G", "differences": [
            {"changeDescription": "From 'Gen' to 'Gen2'", "differenceType": "NAME_CHANGED",
             "differenceTypeDescription": "Component Name Changed", "valueA": "Gen", "valueB": "Gen2"},
            {"changeDescription": "Position was changed", "differenceType": "POSITION_CHANGED",
             "differenceTypeDescription": "Position Changed", "valueA": "[x=0.0, y=0.0]", "valueB": "[x=8.0, y=0.0]"},
            {"changeDescription": "Property 'File Size' was parameterized", "differenceType": "PROPERTY_PARAMETERIZED",
             "differenceTypeDescription": "Property Parameterized"}]}]});
    assert_eq!(flow.diff(2, 1), expected);
    assert_eq!(flow.diff(1, 2), expected, "the order of the numbers means nothing");
    let nothing =
        json!({"bucketId": flow.bucket, "flowId": flow.id, "versionA": 2, "versionB": 2, "componentDifferenceGroups": []});
    assert_eq!(flow.diff(2, 2), nothing);
}

#[test]
fn what_is_not_there_is_named() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let flow = Flow::new(&nifi, "flow");
    flow.saves(&[json!({}), json!({})]);
    let other = nifi.bucket("other");
    let (bucket, id) = (&flow.bucket, &flow.id);
    let diff = |bucket: &str, flow: &str, a: &str, b: &str| nifi.get(&format!("/buckets/{bucket}/flows/{flow}/diff/{a}/{b}"));
    refused(&diff("nowhere", id, "1", "2"), 404, "The specified bucket ID does not exist in this registry.");
    refused(&diff(bucket, "nothing", "1", "2"), 404, "The specified flow ID does not exist in this bucket.");
    refused(&diff(&other, id, "1", "2"), 409, "The requested flow is not located in the given bucket");
    let missing = "The specified versioned flow snapshot does not exist for this flow.";
    for (a, b) in [("1", "3"), ("3", "1"), ("3", "3"), ("0", "1"), ("1", "2147483647"), ("1", "99999999999999999999")] {
        refused(&diff(bucket, id, a, b), 404, missing);
    }
    for (a, b) in [("-1", "1"), ("1", "latest")] {
        refused(&diff(bucket, id, a, b), 404, "HTTP 404 Not Found");
    }
}

#[test]
fn what_is_too_large_or_no_flow_is_said() {
    let server = Setup::new().env("HEADWORKS_REGISTRY_COMPARISON_BYTES", "4000").start();
    let nifi = Nifi::of(&server);
    let flow = Flow::new(&nifi, "flow");
    let mut deep = json!({});
    for _ in 0..70 {
        deep = json!({"processGroups": [deep]});
    }
    flow.saves(&[json!({}), json!({"comments": "x".repeat(4000)}), json!({"processors": {}}), deep, json!({"comments": "y"})]);
    let large = nifi.get(&flow.path(1, 2));
    assert_eq!(large.status, 413);
    assert!(
        large.text().starts_with("Version 2 has 4") && large.text().ends_with("4000 bytes are the limit"),
        "{}",
        large.text()
    );
    let wrong = nifi.get(&flow.path(1, 3));
    assert_eq!((wrong.status, wrong.text().contains("processors of the process group")), (400, true), "{}", wrong.text());
    let deep = nifi.get(&flow.path(1, 4));
    assert_eq!((deep.status, deep.text().starts_with("Version 4 cannot be compared: ")), (413, true), "{}", deep.text());
    assert_eq!(flow.diff(2, 2)["componentDifferenceGroups"], json!([]), "nothing is read of a version beside itself");
    assert_eq!(found(&flow.diff(1, 5)).len(), 1);
}

#[test]
fn every_type_of_difference_is_found_and_described() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let flow = Flow::new(&nifi, "types");
    let bundle = |version: &str| json!({"group": "g", "artifact": "a", "version": version});
    let coordinates = |version: u32| json!({"registryUrl": "http://r", "bucketId": "b", "flowId": "f", "version": version});
    let side = |one: bool| {
        let pick = |a: &str, b: &str| if one { a.to_owned() } else { b.to_owned() };
        let number = |a: u32, b: u32| if one { a } else { b };
        let only = if one { "removed" } else { "added" };
        let mut properties = Map::from_iter([("changed".to_owned(), json!(pick("1", "2"))), (only.to_owned(), json!("x"))]);
        properties.insert("parameterized".to_owned(), json!(pick("1", "#{p}")));
        properties.insert("no longer".to_owned(), json!(pick("#{p}", "1")));
        json!({
            "identifier": "G", "name": pick("a", "b"), "comments": pick("old", "new"), "variables": {"v": pick("1", "2")},
            "flowFileConcurrency": pick("UNBOUNDED", "SINGLE_FLOWFILE_PER_NODE"),
            "flowFileOutboundPolicy": pick("STREAM_WHEN_AVAILABLE", "BATCH_OUTPUT"),
            "funnels": [{"identifier": only}],
            "processGroups": [{"identifier": "C", "groupIdentifier": "G", "versionedFlowCoordinates": coordinates(number(1, 2))}],
            "labels": [{"identifier": "L", "label": pick("a", "b"), "style": {"color": pick("#000", "#fff")}, "width": number(10, 20)}],
            "processors": [{"identifier": "P", "name": pick("a", "b"), "type": pick("x", "y"), "bundle": bundle(&pick("1", "2")),
                "penaltyDuration": pick("1 s", "2 s"), "yieldDuration": pick("1 s", "2 s"), "bulletinLevel": pick("WARN", "INFO"),
                "autoTerminatedRelationships": [pick("success", "failure")], "schedulingStrategy": pick("TIMER_DRIVEN", "CRON_DRIVEN"),
                "concurrentlySchedulableTaskCount": number(1, 2), "schedulingPeriod": pick("0 sec", "1 sec"),
                "scheduledState": pick("DISABLED", "ENABLED"), "executionNode": pick("ALL", "PRIMARY"),
                "runDurationMillis": number(0, 25), "annotationData": pick("a", "b"), "properties": properties}],
            "connections": [{"identifier": "E", "selectedRelationships": [pick("success", "failure")], "prioritizers": [pick("a", "b")],
                "flowFileExpiration": pick("0 sec", "1 sec"), "backPressureObjectThreshold": number(1, 2),
                "backPressureDataSizeThreshold": pick("1 GB", "2 GB"), "loadBalanceStrategy": pick("DO_NOT_LOAD_BALANCE", "ROUND_ROBIN"),
                "partitioningAttribute": pick("", "key"), "loadBalanceCompression": pick("DO_NOT_COMPRESS", "COMPRESS_ATTRIBUTES_ONLY"),
                "bends": [{"x": number(1, 2), "y": 1}], "source": {"id": pick("s", "t")}, "destination": {"id": pick("d", "e")}}],
            "remoteProcessGroups": [{"identifier": "R", "transportProtocol": pick("RAW", "HTTP"), "proxyHost": pick("a", "b"),
                "proxyPort": number(1, 2), "proxyUser": pick("a", "b"), "localNetworkInterface": pick("a", "b"),
                "communicationsTimeout": pick("1 s", "2 s"),
                "inputPorts": [{"identifier": "RP", "batchSize": {"count": number(1, 2)}, "useCompression": one}]}],
        })
    };
    flow.saves(&[side(true), side(false)]);
    let diff = flow.diff(1, 2);
    let mut types = BTreeSet::new();
    for group in diff["componentDifferenceGroups"].as_array().expect("groups") {
        for difference in group["differences"].as_array().expect("differences") {
            types.insert((text(&difference["differenceType"]), text(&difference["differenceTypeDescription"])));
        }
    }
    let expected = TYPES.iter().map(|(kind, description)| ((*kind).to_owned(), (*description).to_owned())).collect();
    assert_eq!(types, expected);
    let mirrored: BTreeSet<_> = found(&diff).into_iter().map(|(id, _)| id).collect();
    assert_eq!(mirrored, ["C", "E", "G", "L", "P", "R", "RP", "added", "removed"].map(str::to_owned).into());
}

/// Every type that release 0.8 produces.
const TYPES: [(&str, &str); 46] = [
    ("ANNOTATION_DATA_CHANGED", "Annotation Data (Advanced UI Configuration) Changed"),
    ("AUTO_TERMINATED_RELATIONSHIPS_CHANGED", "Auto-Terminated Relationships Changed"),
    ("BACKPRESSURE_DATA_SIZE_THRESHOLD_CHANGED", "Backpressure Data Size Threshold Changed"),
    ("BACKPRESSURE_OBJECT_THRESHOLD_CHANGED", "Backpressure Object Threshold Changed"),
    ("BENDPOINTS_CHANGED", "Connection Bend Points Changed"),
    ("BULLETIN_LEVEL_CHANGED", "Bulletin Level Changed"),
    ("BUNDLE_CHANGED", "Component Bundle Changed"),
    ("COMMENTS_CHANGED", "Comments Changed"),
    ("COMPONENT_ADDED", "Component Added"),
    ("COMPONENT_REMOVED", "Component Removed"),
    ("CONCURRENT_TASKS_CHANGED", "Concurrent Tasks Changed"),
    ("DESTINATION_CHANGED", "Connection Destination Changed"),
    ("EXECUTION_MODE_CHANGED", "Execution Mode Changed"),
    ("FLOWFILE_CONCURRENCY_CHANGED", "FlowFile Concurrency Changed"),
    ("FLOWFILE_EXPIRATION_CHANGED", "FlowFile Expiration Changed"),
    ("FLOWFILE_OUTBOUND_POLICY_CHANGED", "FlowFile Outbound Policy Changed"),
    ("LABEL_VALUE_CHANGED", "Label Text Changed"),
    ("LOAD_BALANCE_COMPRESSION_CHANGED", "Load-Balance Compression Changed"),
    ("LOAD_BALANCE_STRATEGY_CHANGED", "Load-Balance Strategy Changed"),
    ("NAME_CHANGED", "Component Name Changed"),
    ("PARTITIONING_ATTRIBUTE_CHANGED", "Partitioning Attribute Changed"),
    ("PENALTY_DURATION_CHANGED", "Penalty Duration Changed"),
    ("POSITION_CHANGED", "Position Changed"),
    ("PRIORITIZERS_CHANGED", "Prioritizers Changed"),
    ("PROPERTY_ADDED", "Property Added"),
    ("PROPERTY_CHANGED", "Property Value Changed"),
    ("PROPERTY_PARAMETERIZATION_REMOVED", "Property Parameterization Removed"),
    ("PROPERTY_PARAMETERIZED", "Property Parameterized"),
    ("PROPERTY_REMOVED", "Property Removed"),
    ("REMOTE_PORT_BATCH_SIZE_CHANGED", "Remote Process Group Port's Batch Size Changed"),
    ("REMOTE_PORT_COMPRESSION_CHANGED", "Remote Process Group Port's Compression Flag Changed"),
    ("RPG_COMMS_TIMEOUT_CHANGED", "Remote Process Group Communications Timeout Changed"),
    ("RPG_NETWORK_INTERFACE_CHANGED", "Remote Process Group Network Interface Changed"),
    ("RPG_PROXY_HOST_CHANGED", "Remote Process Group Proxy Host Changed"),
    ("RPG_PROXY_PORT_CHANGED", "Remote Process Group Proxy Port Changed"),
    ("RPG_PROXY_USER_CHANGED", "Remote Process Group Proxy User Changed"),
    ("RPG_TRANSPORT_PROTOCOL_CHANGED", "Remote Process Group Transport Protocol Changed"),
    ("RUN_DURATION_CHANGED", "Run Duration Changed"),
    ("RUN_SCHEDULE_CHANGED", "Run Schedule Changed"),
    ("SCHEDULED_STATE_CHANGED", "Scheduled State Changed"),
    ("SCHEDULING_STRATEGY_CHANGED", "Scheduling Strategy Changed"),
    ("SELECTED_RELATIONSHIPS_CHANGED", "Selected Relationships Changed"),
    ("SOURCE_CHANGED", "Connection Source Changed"),
    ("STYLE_CHANGED", "Style Changed"),
    ("VERSIONED_FLOW_COORDINATES_CHANGED", "Versioned Flow Coordinates Changed"),
    ("YIELD_DURATION_CHANGED", "Yield Duration Changed"),
];

#[test]
fn fifty_variants_of_real_flows_differ_as_they_were_changed() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let mut variants = 0;
    for name in REAL {
        let flow = Flow::new(&nifi, name);
        let original = real(name);
        flow.save(&original);
        for number in 0..15 {
            let (changed, expected) = variant(&original, number);
            let saved = flow.save(&changed);
            let version = saved["snapshotMetadata"]["version"].as_u64().expect("a version") as u32;
            assert_eq!(found(&flow.diff(version, 1)), expected, "{name} {number}");
            variants += 1;
        }
    }
    assert!(variants >= 50);
}

#[test]
fn components_that_were_moved_to_another_group_are_removed_and_added() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let flow = Flow::new(&nifi, "moved");
    flow.save(&real("port-moved-groups-1"));
    flow.save(&real("port-moved-groups-2"));
    let diff = flow.diff(1, 2);
    let groups = diff["componentDifferenceGroups"].as_array().expect("groups");
    let port = groups.iter().find(|group| group["componentType"] == "Input Port").expect("the port");
    assert_eq!((&port["componentName"], &port["processGroupId"]), (&json!("in"), &json!("2d4624cb-407d-3c6c-be1a-3f913fb2cead")));
    assert_eq!(each(&port["differences"], "differenceType"), ["COMPONENT_ADDED", "COMPONENT_REMOVED"]);
    assert_eq!(each(&port["differences"], "changeDescription"), ["Input Port was added", "Input Port was removed"]);
    assert_eq!(each(&diff["componentDifferenceGroups"], "componentType"), {
        let mut kinds = each(&diff["componentDifferenceGroups"], "componentType");
        kinds.sort();
        kinds
    });
}

#[test]
fn a_nested_group_under_its_own_version_control_is_not_looked_into() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let flow = Flow::new(&nifi, "nested");
    let version = |version: Option<u32>, name: &str| {
        let coordinates = version.map(|version| json!({"registryUrl": "u", "bucketId": "b", "flowId": "f", "version": version}));
        json!({"processGroups": [{"identifier": "C", "versionedFlowCoordinates": coordinates,
            "processors": [{"identifier": "P", "name": name}]}]})
    };
    flow.saves(&[version(None, "a"), version(Some(1), "b"), version(Some(1), "c"), version(Some(2), "d"), version(None, "e")]);
    let kinds = |a, b| found(&flow.diff(a, b)).into_iter().map(|(_, kind)| kind).collect::<Vec<_>>();
    assert_eq!(kinds(1, 5), ["NAME_CHANGED"]);
    assert_eq!(kinds(1, 2), ["VERSIONED_FLOW_COORDINATES_CHANGED"]);
    assert_eq!(kinds(2, 3), Vec::<String>::new());
    assert_eq!(kinds(3, 4), ["VERSIONED_FLOW_COORDINATES_CHANGED", "NAME_CHANGED"]);
    let change = &flow.diff(3, 4)["componentDifferenceGroups"][0]["differences"][0]["changeDescription"];
    assert_eq!(change, "Flow Version changed from 1 to 2");
}
