//! Counters of pipelines and of the server (FlowG 7.3, 7.5, 18).

use crate::{pipeline_into_stream, shared};
use headworks_tests::{Client, Flow, Server, unique};
use serde_json::json;

fn metrics(client: &Client, pipeline: &str) -> String {
    let answer = client.get(&format!("/api/v1/pipelines/{pipeline}/metrics"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.header("content-type").starts_with("text/plain"), "{:?}", answer.headers);
    answer.text()
}

fn counter(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let value = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
    value.parse::<f64>().expect("a number") as u64
}

#[test]
fn runs_and_metric_nodes_are_counted() {
    let (_server, client) = shared();
    let (pipeline, stream) = (unique("pipeline"), unique("stream"));
    let flow = Flow::direct()
        .router("out", &stream)
        .switch("s", "level == \"error\"")
        .metric("m", "errors")
        .edge("in", "out")
        .edge("in", "s")
        .edge("s", "m")
        .build();
    client.save_pipeline(&pipeline, &flow);
    assert_eq!(counter(&metrics(&client, &pipeline), "pipeline_logs_total"), 0);
    client.ingest(&pipeline, &json!([{ "level": "error" }, { "level": "info" }, { "level": "error" }])).ok();
    let text = metrics(&client, &pipeline);
    assert_eq!(counter(&text, "pipeline_logs_total"), 3);
    assert_eq!(counter(&text, "node_errors"), 2);
    assert!(text.contains("# TYPE pipeline_logs_total counter") && text.contains("# TYPE node_errors counter"), "{text}");
    assert!(text.contains("# HELP pipeline_logs_total ") && text.contains("# HELP node_errors "), "{text}");
}

#[test]
fn failed_runs_are_counted_too() {
    let (_server, client) = shared();
    let (pipeline, _) = crate::pipeline_through(&client, "abort");
    client.ingest(&pipeline, &json!([{}])).fails(500, "INTERNAL");
    assert_eq!(counter(&metrics(&client, &pipeline), "pipeline_logs_total"), 1);
}

#[test]
fn a_nested_call_counts_for_the_nested_pipeline_too() {
    let (_server, client) = shared();
    let (inner, _) = pipeline_into_stream(&client);
    let outer = unique("pipeline");
    client.save_pipeline(&outer, &Flow::direct().pipeline("p", &inner).edge("in", "p").build());
    client.ingest(&outer, &json!([{}, {}])).ok();
    assert_eq!(counter(&metrics(&client, &outer), "pipeline_logs_total"), 2);
    assert_eq!(counter(&metrics(&client, &inner), "pipeline_logs_total"), 2);
}

#[test]
fn counters_survive_recompilation_while_the_node_exists() {
    let (_server, client) = shared();
    let pipeline = unique("pipeline");
    let flow = || Flow::direct().metric("m", "seen").edge("in", "m");
    client.save_pipeline(&pipeline, &flow().build());
    client.ingest(&pipeline, &json!([{}, {}])).ok();
    client.save_transformer(&unique("transformer"), ".");
    client.save_pipeline(&pipeline, &flow().metric("other", "more").edge("in", "other").build());
    client.ingest(&pipeline, &json!([{}])).ok();
    let text = metrics(&client, &pipeline);
    assert_eq!(counter(&text, "node_seen"), 3);
    assert_eq!(counter(&text, "node_more"), 1);
    assert_eq!(counter(&text, "pipeline_logs_total"), 3);
}

#[test]
fn metrics_of_an_unknown_pipeline_are_404() {
    let (_server, client) = shared();
    client.get(&format!("/api/v1/pipelines/{}/metrics", unique("missing"))).fails(404, "NOT_FOUND");
}

#[test]
fn the_server_counts_runs_by_pipeline_and_status_and_records_by_stream() {
    let server = Server::start();
    let client = server.client();
    client.save_transformer("strict", ".n = to_int!(.n)");
    client.save_pipeline("p", &Flow::through("strict", "s"));
    client.ingest("p", &json!([{ "n": "1" }, { "n": "2" }])).ok();
    client.ingest("p", &json!([{ "n": "bad" }])).fails(500, "INTERNAL");
    let text = server.management().get("/metrics").text();
    let labelled = |name: &str, labels: &[&str]| {
        let line =
            text.lines().find(|line| line.starts_with(&format!("{name}{{")) && labels.iter().all(|label| line.contains(label)));
        line.and_then(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .unwrap_or_else(|| panic!("no {name} {labels:?} in\n{text}"))
    };
    assert_eq!(labelled("flowg_pipeline_log_total", &["pipeline=\"p\"", "status=\"success\""]), 2.0);
    assert_eq!(labelled("flowg_pipeline_log_total", &["pipeline=\"p\"", "status=\"error\""]), 1.0);
    assert_eq!(labelled("flowg_stream_log_total", &["stream=\"s\""]), 2.0);
}

#[test]
fn names_in_metrics_are_escaped() {
    let server = Server::start();
    let client = server.client();
    let name = "a\"b\\c\nd";
    client.save_pipeline(name, &Flow::to_stream(name));
    client.ingest(name, &json!([{}])).ok();
    let text = server.management().get("/metrics").text();
    assert!(text.contains(r#"stream="a\"b\\c\nd""#), "{text}");
}
