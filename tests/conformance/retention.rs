//! Retention by age and by size (FlowG 10.5).

use crate::{pipeline_into_stream, shared};
use headworks_tests::{Client, Setup, eventually};
use serde_json::json;

#[test]
fn an_expired_record_never_shows() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 1, 0, &["a"]);
    client.ingest(&pipeline, &json!([{ "a": "1" }])).ok();
    eventually("the record expires", || client.records(&stream).is_empty().then_some(()));
    assert!(client.query(&stream, &[("indexing", "{\"a\":[\"1\"]}")]).fields().is_empty());
}

#[test]
fn the_ttl_is_that_of_the_moment_a_record_is_written() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.ingest(&pipeline, &json!([{ "n": "for ever" }])).ok();
    client.configure_stream(&stream, 1, 0, &[]);
    client.ingest(&pipeline, &json!([{ "n": "a second" }])).ok();
    client.configure_stream(&stream, 0, 0, &[]);
    client.ingest(&pipeline, &json!([{ "n": "for ever too" }])).ok();
    eventually("the one record expires", || (client.records(&stream).len() == 2).then_some(()));
    assert_eq!(client.values(&stream, "n"), ["for ever", "for ever too"]);
}

#[test]
fn field_names_are_remembered_when_all_records_have_gone() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 1, 0, &[]);
    client.ingest(&pipeline, &json!([{ "remembered": "1" }])).ok();
    eventually("the record expires", || client.records(&stream).is_empty().then_some(()));
    assert_eq!(client.get(&format!("/api/v1/streams/{stream}/fields")).ok()["fields"], json!(["remembered"]));
}

fn usage(client: &Client, stream: &str) -> u64 {
    client.get(&format!("/api/v1/streams/{stream}/usage")).ok()["usage"].as_u64().expect("usage")
}

#[test]
fn expired_records_leave_the_usage() {
    let server = Setup::new().env("HEADWORKS_SWEEP_SECONDS", "1").start();
    let client = server.client();
    client.configure_stream("default", 1, 0, &["a"]);
    client.ingest("default", &json!([{ "a": "1" }, { "a": "2" }])).ok();
    eventually("the usage falls", || (usage(&client, "default") == 0).then_some(()));
    assert_eq!(client.get("/api/v1/streams/default/indices").ok()["indices"], json!({}));
}

#[test]
fn the_oldest_records_give_way_to_the_size_bound() {
    let server = Setup::new().env("HEADWORKS_SWEEP_SECONDS", "1").start();
    let client = server.client();
    client.configure_stream("default", 0, 1, &["n"]);
    let filler = "x".repeat(10_000);
    for n in 0..300 {
        client.ingest("default", &json!([{ "n": format!("{n:03}"), "filler": filler }])).ok();
    }
    eventually("the usage falls below the bound", || (usage(&client, "default") <= 1 << 20).then_some(()));
    let left = client.values("default", "n");
    assert!((80..=105).contains(&left.len()), "{} records of 10,000 bytes are left of a mebibyte", left.len());
    let newest: Vec<String> = (300 - left.len()..300).map(|n| format!("{n:03}")).collect();
    assert_eq!(left, newest, "the newest are kept");
    let gone = client.query("default", &[("indexing", "{\"n\":[\"000\"]}")]).fields();
    assert!(gone.is_empty(), "the index still knows what was deleted");
}
