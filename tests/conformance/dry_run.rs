//! Running a submitted graph without effects (FlowG 7.4).

use crate::{pipeline_into_stream, shared};
use headworks_tests::{Client, Flow, unique};
use serde_json::{Value, json};

fn dry_run(client: &Client, flow: &Value, records: &Value) -> Value {
    client.post("/api/v1/test/pipeline/any%20name", &json!({ "flow": flow, "records": records })).ok()
}

fn entry<'a>(answer: &'a Value, node: &str) -> &'a Value {
    let trace = answer["trace"].as_array().expect("a trace");
    trace.iter().find(|entry| entry["nodeID"] == node).unwrap_or_else(|| panic!("no entry of {node} in {answer}"))
}

#[test]
fn the_trace_lists_every_visit_with_the_source_last() {
    let (_server, client) = shared();
    let (transformer, stream) = (unique("transformer"), unique("stream"));
    client.save_transformer(&transformer, ".level = downcase!(.level)");
    let flow = Flow::direct()
        .transform("t", &transformer)
        .switch("s", "level == \"info\"")
        .router("r", &stream)
        .metric("m", "seen")
        .edge("in", "t")
        .edge("t", "s")
        .edge("s", "r")
        .edge("s", "m")
        .build();
    let answer = dry_run(&client, &flow, &json!([{ "level": "INFO" }]));
    let order: Vec<&str> =
        answer["trace"].as_array().expect("a trace").iter().map(|entry| entry["nodeID"].as_str().expect("an id")).collect();
    assert_eq!(order.len(), 5, "{answer}");
    assert_eq!(order[2..], ["s", "t", "in"], "{answer}");
    let (before, after) = (json!({ "level": "INFO" }), json!({ "level": "info" }));
    assert_eq!(entry(&answer, "in"), &json!({ "nodeID": "in", "input": before, "output": [before], "error": null }));
    assert_eq!(entry(&answer, "t"), &json!({ "nodeID": "t", "input": before, "output": [after], "error": null }));
    assert_eq!(entry(&answer, "s"), &json!({ "nodeID": "s", "input": after, "output": [after], "error": null }));
    assert_eq!(entry(&answer, "r"), &json!({ "nodeID": "r", "input": after, "output": null, "error": null }));
    assert_eq!(entry(&answer, "m"), &json!({ "nodeID": "m", "input": after, "output": null, "error": null }));
    assert!(answer.get("error").is_none(), "{answer}");
}

#[test]
fn nothing_is_stored_and_no_stream_is_made() {
    let (_server, client) = shared();
    let stream = unique("stream");
    dry_run(&client, &Flow::to_stream(&stream), &json!([{ "a": "1" }]));
    assert!(client.get("/api/v1/streams").ok()["streams"].get(&stream).is_none());
}

#[test]
fn a_switch_that_is_false_has_no_output() {
    let (_server, client) = shared();
    let flow = Flow::direct().switch("s", "a == \"no\"").router("r", "x").edge("in", "s").edge("s", "r").build();
    let answer = dry_run(&client, &flow, &json!([{ "a": "yes" }]));
    assert_eq!(entry(&answer, "s")["output"], Value::Null);
    assert_eq!(entry(&answer, "s")["error"], Value::Null);
    assert_eq!(answer["trace"].as_array().map(Vec::len), Some(2), "{answer}");
}

#[test]
fn a_failing_script_is_told_at_its_node_and_upstream_of_it() {
    let (_server, client) = shared();
    let transformer = unique("transformer");
    client.save_transformer(&transformer, "abort");
    let flow = Flow::direct().transform("t", &transformer).router("r", "x").edge("in", "t").edge("t", "r").build();
    let answer = dry_run(&client, &flow, &json!([{}]));
    assert_eq!(entry(&answer, "t")["output"], Value::Null);
    for node in ["t", "in"] {
        let error = entry(&answer, node)["error"].as_str().unwrap_or_else(|| panic!("no error at {node}: {answer}"));
        assert!(error.contains("Failed to execute VRL script"), "{error}");
    }
    assert_eq!(entry(&answer, "in")["output"], json!([{}]));
    assert!(answer["error"].as_str().expect("an error").contains("Failed to execute VRL script"), "{answer}");
}

#[test]
fn several_records_share_one_flat_trace() {
    let (_server, client) = shared();
    let answer = dry_run(&client, &Flow::to_stream("x"), &json!([{ "n": "1" }, { "n": "2" }]));
    let visits: Vec<(&str, &str)> = answer["trace"]
        .as_array()
        .expect("a trace")
        .iter()
        .map(|entry| (entry["nodeID"].as_str().expect("an id"), entry["input"]["n"].as_str().expect("a field")))
        .collect();
    assert_eq!(visits, [("out", "1"), ("in", "1"), ("out", "2"), ("in", "2")]);
}

#[test]
fn the_error_is_that_of_the_last_record_that_failed() {
    let (_server, client) = shared();
    let transformer = unique("transformer");
    client.save_transformer(&transformer, ".x = parse_json!(.x)");
    let flow = Flow::through(&transformer, "x");
    let answer = dry_run(&client, &flow, &json!([{ "x": "bad" }, { "x": "1" }]));
    assert!(answer["error"].as_str().is_some_and(|error| error.contains("parse_json")), "{answer}");
    assert_eq!(answer["trace"].as_array().map(|trace| trace.iter().filter(|entry| entry["nodeID"] == "in").count()), Some(2));
}

#[test]
fn a_transform_lists_all_its_results() {
    let (_server, client) = shared();
    let transformer = unique("transformer");
    client.save_transformer(&transformer, ". = [{\"a\": \"1\"}, {\"a\": \"2\"}]");
    let answer = dry_run(&client, &Flow::through(&transformer, "x"), &json!([{}]));
    assert_eq!(entry(&answer, "t")["output"], json!([{ "a": "1" }, { "a": "2" }]));
    assert_eq!(answer["trace"].as_array().map(Vec::len), Some(4), "{answer}");
}

#[test]
fn a_graph_that_cannot_be_built_has_an_empty_trace_and_status_200() {
    let (_server, client) = shared();
    let missing = unique("missing");
    let answer = dry_run(&client, &Flow::through(&missing, "x"), &json!([{}]));
    assert_eq!(answer["trace"], json!([]));
    assert!(answer["error"].as_str().expect("an error").contains(&format!("transformer \"{missing}\" not found")), "{answer}");
}

#[test]
fn a_pipeline_node_only_checks_the_other_pipeline() {
    let (_server, client) = shared();
    let (inner, stream) = pipeline_into_stream(&client);
    let broken = unique("pipeline");
    client.save_pipeline(&broken, &Flow::through(&unique("missing"), "x"));
    let flow = Flow::direct().pipeline("good", &inner).pipeline("bad", &broken).edge("in", "good").edge("in", "bad").build();
    let answer = dry_run(&client, &flow, &json!([{ "a": "1" }]));
    assert_eq!(entry(&answer, "good"), &json!({ "nodeID": "good", "input": { "a": "1" }, "output": null, "error": null }));
    assert!(entry(&answer, "bad")["error"].as_str().is_some_and(|error| error.contains("not found")), "{answer}");
    assert!(client.records(&stream).is_empty());
}

#[test]
fn no_records_and_null_give_an_empty_trace() {
    let (_server, client) = shared();
    for records in [json!([]), Value::Null] {
        let answer = dry_run(&client, &Flow::to_stream("x"), &records);
        assert_eq!(answer["trace"], json!([]));
        assert!(answer.get("error").is_none(), "{answer}");
    }
}

#[test]
fn flow_and_records_are_required() {
    let (_server, client) = shared();
    for body in [json!({ "flow": Flow::to_stream("x") }), json!({ "records": [] })] {
        client.post("/api/v1/test/pipeline/x", &body).fails(400, "INVALID_ARGUMENT");
    }
}

#[test]
fn dry_runs_count_nowhere() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    client.ingest(&pipeline, &json!([{}])).ok();
    let path = format!("/api/v1/test/pipeline/{pipeline}");
    client.post(&path, &json!({ "flow": Flow::to_stream("x"), "records": [{}, {}] })).ok();
    let metrics = client.get(&format!("/api/v1/pipelines/{pipeline}/metrics")).text();
    assert!(metrics.lines().any(|line| line == "pipeline_logs_total 1"), "{metrics}");
}
