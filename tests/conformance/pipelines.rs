//! Saving, building and running pipelines (FlowG 7.1 to 7.3, 7.6).

use crate::{pipeline_into_stream, shared};
use headworks_tests::{Client, Flow, unique};
use serde_json::{Value, json};

fn path(pipeline: &str) -> String {
    format!("/api/v1/pipelines/{pipeline}")
}

fn saved(client: &Client, flow: &Value) -> String {
    let pipeline = unique("pipeline");
    client.save_pipeline(&pipeline, flow);
    pipeline
}

/// What an ingestion of one record into a pipeline with this graph fails with.
fn failure(client: &Client, flow: &Value) -> String {
    client.ingest(&saved(client, flow), &json!([{ "a": "1" }])).error(500, "INTERNAL")
}

#[test]
fn a_saved_pipeline_is_answered_as_it_was_saved() {
    let (_server, client) = shared();
    let flow = json!({
        "version": 2, "version.minor": 1, "hasLayout": true,
        "nodes": [
            { "id": "in", "type": "source", "position": { "x": -10.5, "y": 3 }, "data": { "type": "direct" } },
            { "id": "out", "type": "router", "position": { "x": 240, "y": 0 }, "data": { "stream": "x", "note": "kept" } }
        ],
        "edges": [{ "id": "e", "source": "in", "sourceHandle": "h", "target": "out" }]
    });
    let answered = client.get(&path(&saved(&client, &flow))).ok()["flow"].take();
    for member in ["version", "version.minor", "hasLayout"] {
        assert_eq!(answered[member], flow[member], "{member}");
    }
    assert_eq!(answered["nodes"][1]["data"], flow["nodes"][1]["data"]);
    assert_eq!(answered["nodes"][0]["position"]["x"], -10.5);
    assert_eq!(answered["edges"][0]["source"], "in");
    assert_eq!(answered["edges"][0]["sourceHandle"], "h");
}

#[test]
fn absent_members_take_their_defaults() {
    let (_server, client) = shared();
    let flow = json!({
        "nodes": [
            { "id": "in", "type": "source", "position": { "x": 0, "y": 0 }, "data": {} },
            { "id": "out", "type": "router", "position": { "x": 0, "y": 0 }, "data": { "stream": unique("stream") } }
        ],
        "edges": [{ "id": "e", "source": "in", "target": "out" }]
    });
    let pipeline = saved(&client, &flow);
    let answered = client.get(&path(&pipeline)).ok()["flow"].take();
    assert_eq!(answered["version"], 2);
    assert_eq!(answered["version.minor"], 1);
    assert_eq!(answered["hasLayout"], false);
    assert_eq!(answered["edges"][0]["sourceHandle"], "");
    // A source without a type is `direct`.
    assert_eq!(client.ingest(&pipeline, &json!([{}])).processed(), 1);
}

#[test]
fn nodes_and_edges_may_be_null_and_must_be_there() {
    let (_server, client) = shared();
    let pipeline = saved(&client, &json!({ "nodes": null, "edges": null }));
    assert_eq!(client.get(&path(&pipeline)).ok()["flow"]["nodes"], json!([]));
    client.put(&path(&pipeline), &json!({ "flow": { "nodes": [] } })).fails(400, "INVALID_ARGUMENT");
    client.put(&path(&pipeline), &json!({ "flow": { "edges": [] } })).fails(400, "INVALID_ARGUMENT");
    client.put(&path(&pipeline), &json!({})).fails(400, "INVALID_ARGUMENT");
}

#[test]
fn an_unknown_node_type_is_refused() {
    let (_server, client) = shared();
    let flow = Flow::direct().node("x", "teleport", json!({})).edge("in", "x").build();
    let answer = client.put(&path(&unique("pipeline")), &json!({ "flow": flow }));
    answer.fails(400, "INVALID_ARGUMENT");
}

#[test]
fn saving_checks_the_schema_only() {
    let (_server, client) = shared();
    let flow = Flow::direct().transform("t", "missing").switch("s", "((").edge("in", "t").edge("s", "nowhere").build();
    saved(&client, &flow);
}

#[test]
fn an_unknown_pipeline_is_404() {
    let (_server, client) = shared();
    let error = client.get(&path(&unique("missing"))).error(404, "NOT_FOUND");
    assert_eq!(error, "not found");
}

#[test]
fn deleting_works_at_once_and_again() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    client.ingest(&pipeline, &json!([{}])).ok();
    client.delete(&path(&pipeline)).ok();
    client.ingest(&pipeline, &json!([{}])).fails(404, "NOT_FOUND");
    client.get(&path(&pipeline)).fails(404, "NOT_FOUND");
    client.delete(&path(&pipeline)).ok();
}

#[test]
fn the_list_is_in_ascending_byte_order() {
    let (_server, client) = shared();
    let prefix = unique("order");
    let mut names: Vec<String> = ["b", "a", "ä", "B", "a b", "Z"].iter().map(|name| format!("{prefix}-{name}")).collect();
    for name in &names {
        client.save_pipeline(name, &json!({ "nodes": [], "edges": [] }));
    }
    names.sort_unstable();
    let listed = client.get("/api/v1/pipelines").ok()["pipelines"].take();
    let listed: Vec<String> = serde_json::from_value(listed).expect("names");
    let mine: Vec<String> = listed.into_iter().filter(|name| name.starts_with(&prefix)).collect();
    assert_eq!(mine, names);
}

#[test]
fn a_switch_passes_the_unchanged_record_or_ends_the_branch() {
    let (_server, client) = shared();
    let stream = unique("stream");
    let flow = Flow::direct().switch("s", "level == \"error\"").router("out", &stream).edge("in", "s").edge("s", "out").build();
    let pipeline = saved(&client, &flow);
    let records = json!([{ "level": "info", "n": "1" }, { "level": "error", "n": "2" }, { "n": "3" }]);
    assert_eq!(client.ingest(&pipeline, &records).processed(), 3);
    assert_eq!(client.records(&stream), [json!({ "level": "error", "n": "2" })]);
}

#[test]
fn a_switch_accepts_a_condition_of_the_seed_generation() {
    let (_server, client) = shared();
    let stream = unique("stream");
    let flow = Flow::direct().switch("s", "level = \"error\"").router("out", &stream).edge("in", "s").edge("s", "out").build();
    let pipeline = saved(&client, &flow);
    client.ingest(&pipeline, &json!([{ "level": "info" }, { "level": "error" }])).ok();
    assert_eq!(client.values(&stream, "level"), ["error"]);
}

#[test]
fn a_switch_that_fails_while_running_fails_the_run() {
    let (_server, client) = shared();
    let flow = Flow::direct().switch("s", "int(n) > 3").router("out", &unique("stream")).edge("in", "s").edge("s", "out").build();
    let pipeline = saved(&client, &flow);
    client.ingest(&pipeline, &json!([{ "n": "5" }])).ok();
    client.ingest(&pipeline, &json!([{ "n": "many" }])).fails(500, "INTERNAL");
}

#[test]
fn transform_then_switch_then_router() {
    let (_server, client) = shared();
    let (transformer, stream) = (unique("transformer"), unique("stream"));
    client.save_transformer(&transformer, ". = map_values(split!(.content, \"|\")) -> |v| { {\"part\": v} }");
    let flow = Flow::direct()
        .transform("t", &transformer)
        .switch("s", "part != \"b\"")
        .router("out", &stream)
        .edge("in", "t")
        .edge("t", "s")
        .edge("s", "out")
        .build();
    let pipeline = saved(&client, &flow);
    assert_eq!(client.ingest_text(&pipeline, "a|b|c").processed(), 1);
    assert_eq!(client.values(&stream, "part"), ["a", "c"]);
}

#[test]
fn the_parts_of_a_split_record_keep_one_timestamp() {
    let (_server, client) = shared();
    let (pipeline, stream) = crate::pipeline_through(&client, ". = [{\"a\": \"1\"}, {\"a\": \"2\"}, {\"a\": \"3\"}]");
    client.ingest(&pipeline, &json!([{}])).ok();
    let records = client.query(&stream, &[]).ok()["records"].take();
    let times: Vec<&Value> = records.as_array().expect("records").iter().map(|record| &record["timestamp"]).collect();
    assert_eq!(times.len(), 3);
    assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
}

#[test]
fn all_branches_see_their_own_view_of_the_record() {
    let (_server, client) = shared();
    let (upper, plain, stream, other) = (unique("transformer"), unique("transformer"), unique("stream"), unique("stream"));
    client.save_transformer(&upper, ".a = upcase!(.a)\ndel(.b)");
    client.save_transformer(&plain, ".c = \"new\"");
    let flow = Flow::direct()
        .transform("u", &upper)
        .transform("p", &plain)
        .router("r1", &stream)
        .router("r2", &other)
        .edge("in", "u")
        .edge("u", "r1")
        .edge("in", "p")
        .edge("p", "r2")
        .build();
    client.ingest(&saved(&client, &flow), &json!([{ "a": "x", "b": "y" }])).ok();
    assert_eq!(client.records(&stream), [json!({ "a": "X" })]);
    assert_eq!(client.records(&other), [json!({ "a": "x", "b": "y", "c": "new" })]);
}

#[test]
fn a_failing_branch_does_not_stop_its_siblings_and_fails_the_run() {
    let (_server, client) = shared();
    let (aborting, stream) = (unique("transformer"), unique("stream"));
    client.save_transformer(&aborting, "abort");
    let flow = Flow::direct()
        .transform("t", &aborting)
        .router("lost", &unique("stream"))
        .router("out", &stream)
        .edge("in", "t")
        .edge("t", "lost")
        .edge("in", "out")
        .build();
    let error = client.ingest(&saved(&client, &flow), &json!([{ "a": "1" }])).error(500, "INTERNAL");
    assert!(error.contains("failed to transform log event: "), "{error}");
    assert_eq!(client.values(&stream, "a"), ["1"]);
}

#[test]
fn the_failure_names_the_causes_of_all_branches_one_per_line() {
    let (_server, client) = shared();
    let (first, second) = (unique("transformer"), unique("transformer"));
    client.save_transformer(&first, ".x = to_int!(\"first bad number\")");
    client.save_transformer(&second, ".x = parse_json!(\"second bad text\")");
    let flow = Flow::direct().transform("a", &first).transform("b", &second).edge("in", "a").edge("in", "b").build();
    let error = failure(&client, &flow);
    assert!(error.contains("to_int") && error.contains("parse_json"), "{error}");
    assert!(error.contains('\n'), "{error}");
}

#[test]
fn a_node_with_two_incoming_edges_runs_twice() {
    let (_server, client) = shared();
    let stream = unique("stream");
    let flow = Flow::direct()
        .switch("a", "true")
        .switch("b", "true")
        .router("out", &stream)
        .edge("in", "a")
        .edge("in", "b")
        .edge("a", "out")
        .edge("b", "out")
        .build();
    client.ingest(&saved(&client, &flow), &json!([{ "n": "1" }])).ok();
    assert_eq!(client.values(&stream, "n"), ["1", "1"]);
}

#[test]
fn a_pipeline_node_runs_the_other_pipeline() {
    let (_server, client) = shared();
    let (inner, stream) = pipeline_into_stream(&client);
    let outer = saved(&client, &Flow::direct().pipeline("p", &inner).edge("in", "p").build());
    client.ingest(&outer, &json!([{ "a": "1" }, { "a": "2" }])).ok();
    assert_eq!(client.values(&stream, "a"), ["1", "2"]);
}

#[test]
fn an_unknown_nested_pipeline_fails_the_branch_when_a_record_reaches_it() {
    let (_server, client) = shared();
    let (missing, stream) = (unique("missing"), unique("stream"));
    let flow = Flow::direct()
        .switch("s", "go == \"yes\"")
        .pipeline("p", &missing)
        .router("out", &stream)
        .edge("in", "s")
        .edge("s", "p")
        .edge("in", "out")
        .build();
    let pipeline = saved(&client, &flow);
    client.ingest(&pipeline, &json!([{ "go": "no" }])).ok();
    let error = client.ingest(&pipeline, &json!([{ "go": "yes" }])).error(500, "INTERNAL");
    assert!(error.contains(&format!("pipeline not found: {missing}")), "{error}");
    assert_eq!(client.values(&stream, "go"), ["no", "yes"]);
}

#[test]
fn pipelines_that_call_each_other_are_bounded() {
    let (_server, client) = shared();
    let (one, two) = (unique("pipeline"), unique("pipeline"));
    client.save_pipeline(&one, &Flow::direct().pipeline("p", &two).edge("in", "p").build());
    client.save_pipeline(&two, &Flow::direct().pipeline("p", &one).edge("in", "p").build());
    client.ingest(&one, &json!([{}])).fails(500, "INTERNAL");
    client.get("/api/v1/pipelines").ok();
}

#[test]
fn a_pipeline_that_calls_itself_twice_is_bounded() {
    let (_server, client) = shared();
    let name = unique("pipeline");
    client
        .save_pipeline(&name, &Flow::direct().pipeline("p", &name).pipeline("q", &name).edge("in", "p").edge("in", "q").build());
    client.ingest(&name, &json!([{}])).fails(500, "INTERNAL");
    client.get("/api/v1/pipelines").ok();
}

#[test]
fn a_cycle_of_edges_is_refused_when_built() {
    let (_server, client) = shared();
    let flow = Flow::direct().switch("a", "true").switch("b", "true").edge("in", "a").edge("a", "b").edge("b", "a").build();
    let error = failure(&client, &flow);
    assert!(error.contains("cycle"), "{error}");
}

#[test]
fn a_missing_setting_is_named() {
    let (_server, client) = shared();
    for (kind, key) in [
        ("transform", "transformer"),
        ("switch", "condition"),
        ("router", "stream"),
        ("pipeline", "pipeline"),
        ("metric", "name"),
    ] {
        let flow = Flow::direct().node("x", kind, json!({})).edge("in", "x").build();
        let error = failure(&client, &flow);
        assert!(error.contains(&format!("missing data key {key} for node x")), "{error}");
    }
}

#[test]
fn an_edge_to_nowhere_is_named() {
    let (_server, client) = shared();
    let error = failure(&client, &Flow::direct().edge("in", "nowhere").build());
    assert!(error.contains("invalid edge: in -> nowhere"), "{error}");
    let error = failure(&client, &Flow::direct().router("out", "x").edge("in", "out").edge("nowhere", "out").build());
    assert!(error.contains("invalid edge: nowhere -> out"), "{error}");
}

#[test]
fn an_edge_that_starts_at_a_terminal_node_never_crashes() {
    let (_server, client) = shared();
    let (inner, stream) = pipeline_into_stream(&client);
    for flow in [
        Flow::direct().router("end", &unique("stream")),
        Flow::direct().metric("end", "m"),
        Flow::direct().pipeline("end", &inner),
    ] {
        let flow = flow.router("out", &stream).edge("in", "end").edge("end", "out").build();
        let answer = client.ingest(&saved(&client, &flow), &json!([{}]));
        if answer.status != 200 {
            assert!(answer.error(500, "INTERNAL").contains("invalid edge: end -> out"), "{}", answer.text());
        }
    }
    client.get("/api/v1/pipelines").ok();
}

#[test]
fn two_metric_nodes_of_one_name_are_refused() {
    let (_server, client) = shared();
    let flow = Flow::direct().metric("a", "same").metric("b", "same").edge("in", "a").edge("in", "b").build();
    let error = failure(&client, &flow);
    assert!(error.contains("failed to register metric"), "{error}");
}

#[test]
fn a_forwarder_node_is_refused_with_a_clear_error() {
    let (_server, client) = shared();
    let flow = Flow::direct().node("f", "forwarder", json!({ "forwarder": "somewhere" })).edge("in", "f").build();
    let error = failure(&client, &flow);
    assert!(error.contains("forwarder"), "{error}");
}

#[test]
fn the_later_of_two_sources_of_one_type_wins() {
    let (_server, client) = shared();
    let (first, second) = (unique("stream"), unique("stream"));
    let flow = Flow::direct()
        .node("again", "source", json!({ "type": "direct" }))
        .router("a", &first)
        .router("b", &second)
        .edge("in", "a")
        .edge("again", "b")
        .build();
    client.ingest(&saved(&client, &flow), &json!([{ "x": "1" }])).ok();
    assert!(client.records(&first).is_empty());
    assert_eq!(client.records(&second).len(), 1);
}

#[test]
fn a_source_of_an_unknown_type_is_accepted_and_never_used() {
    let (_server, client) = shared();
    let stream = unique("stream");
    let flow = Flow::direct()
        .node("odd", "source", json!({ "type": "carrier pigeon" }))
        .router("out", &stream)
        .edge("in", "out")
        .edge("odd", "out")
        .build();
    client.ingest(&saved(&client, &flow), &json!([{ "x": "1" }])).ok();
    assert_eq!(client.records(&stream).len(), 1);
}

#[test]
fn a_new_version_is_used_by_the_next_request() {
    let (_server, client) = shared();
    let (pipeline, first) = pipeline_into_stream(&client);
    client.ingest(&pipeline, &json!([{ "n": "1" }])).ok();
    let second = unique("stream");
    client.save_pipeline(&pipeline, &Flow::to_stream(&second));
    client.ingest(&pipeline, &json!([{ "n": "2" }])).ok();
    assert_eq!(client.values(&first, "n"), ["1"]);
    assert_eq!(client.values(&second, "n"), ["2"]);
}

#[test]
fn a_saved_or_deleted_transformer_is_felt_by_the_next_request() {
    let (_server, client) = shared();
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    client.save_transformer(&transformer, ".v = \"1\"");
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    client.ingest(&pipeline, &json!([{}])).ok();
    client.save_transformer(&transformer, ".v = \"2\"");
    client.ingest(&pipeline, &json!([{}])).ok();
    assert_eq!(client.values(&stream, "v"), ["1", "2"]);
    client.delete(&format!("/api/v1/transformers/{transformer}")).ok();
    let error = client.ingest(&pipeline, &json!([{}])).error(500, "INTERNAL");
    assert!(error.contains("not found"), "{error}");
}

#[test]
fn one_request_keeps_its_own_result_when_it_shares_a_batch() {
    let (_server, client) = shared();
    let (pipeline, stream) = crate::pipeline_through(&client, ".n = to_int!(.n)");
    std::thread::scope(|threads| {
        for worker in 0..8 {
            let (client, pipeline) = (&client, &pipeline);
            threads.spawn(move || {
                for round in 0..25 {
                    let good = client.ingest(pipeline, &json!([{ "n": format!("{}", worker * 1000 + round) }]));
                    let bad = client.ingest(pipeline, &json!([{ "n": "bad" }]));
                    assert_eq!((good.status, bad.status), (200, 500), "{} {}", good.text(), bad.text());
                }
            });
        }
    });
    assert_eq!(client.records(&stream).len(), 200);
}
