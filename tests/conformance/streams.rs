//! Settings, field names, usage and purging of streams (FlowG 10.1, 10.5, 10.6).

use crate::{pipeline_into_stream, shared};
use headworks_tests::{Client, Server, unique};
use serde_json::{Value, json};

fn listed(client: &Client, stream: &str) -> Option<Value> {
    client.get("/api/v1/streams").ok()["streams"].get(stream).cloned()
}

fn fields(client: &Client, stream: &str) -> Value {
    client.get(&format!("/api/v1/streams/{stream}/fields")).ok()["fields"].take()
}

fn usage(client: &Client, stream: &str) -> u64 {
    client.get(&format!("/api/v1/streams/{stream}/usage")).ok()["usage"].as_u64().expect("usage")
}

#[test]
fn a_stream_appears_by_being_written_to() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    assert_eq!(listed(&client, &stream), None);
    client.ingest(&pipeline, &json!([{}])).ok();
    assert_eq!(listed(&client, &stream), Some(json!({ "ttl": 0, "size": 0, "indexed_fields": [] })));
}

#[test]
fn a_stream_appears_by_being_fetched() {
    let (_server, client) = shared();
    let stream = unique("stream");
    let config = client.get(&format!("/api/v1/streams/{stream}")).ok()["config"].take();
    assert_eq!(config, json!({ "ttl": 0, "size": 0, "indexed_fields": [] }));
    assert_eq!(listed(&client, &stream), Some(config));
}

#[test]
fn a_stream_appears_by_being_configured() {
    let (_server, client) = shared();
    let stream = unique("stream");
    client.configure_stream(&stream, 86_400, 1024, &["level", "host", "level"]);
    let expected = json!({ "ttl": 86_400, "size": 1024, "indexed_fields": ["host", "level"] });
    assert_eq!(client.get(&format!("/api/v1/streams/{stream}")).ok()["config"], expected);
    assert_eq!(listed(&client, &stream), Some(expected));
}

#[test]
fn indexed_fields_may_be_absent_or_null_but_ttl_and_size_may_not() {
    let (_server, client) = shared();
    let path = format!("/api/v1/streams/{}", unique("stream"));
    client.put(&path, &json!({ "config": { "ttl": 1, "size": 2 } })).ok();
    client.put(&path, &json!({ "config": { "ttl": 1, "size": 2, "indexed_fields": null } })).ok();
    assert_eq!(client.get(&path).ok()["config"], json!({ "ttl": 1, "size": 2, "indexed_fields": [] }));
    for config in [json!({ "ttl": 1 }), json!({ "size": 1 }), json!({})] {
        client.put(&path, &json!({ "config": config })).fails(400, "INVALID_ARGUMENT");
    }
}

#[test]
fn negative_and_absurd_settings_are_refused() {
    let (_server, client) = shared();
    let path = format!("/api/v1/streams/{}", unique("stream"));
    for config in [
        json!({ "ttl": -1, "size": 0 }),
        json!({ "ttl": 0, "size": -1 }),
        json!({ "ttl": "1", "size": 0 }),
        json!({ "ttl": 0, "size": 0, "indexed_fields": [""] }),
    ] {
        client.put(&path, &json!({ "config": config })).fails(400, "INVALID_ARGUMENT");
    }
}

#[test]
fn fields_are_sorted_and_remembered() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.ingest(&pipeline, &json!([{ "b": "", "a": "" }, { "ä": "", "B": "", "a": "" }])).ok();
    assert_eq!(fields(&client, &stream), json!(["B", "a", "b", "ä"]));
}

#[test]
fn fields_of_an_unknown_stream_are_none() {
    let (_server, client) = shared();
    let stream = unique("stream");
    assert_eq!(fields(&client, &stream), json!([]));
    assert_eq!(usage(&client, &stream), 0);
}

#[test]
fn usage_grows_with_what_is_stored() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.ingest(&pipeline, &json!([{ "a": "x".repeat(1000) }])).ok();
    let one = usage(&client, &stream);
    assert!((1000..2000).contains(&one), "{one} bytes for a record of 1,000");
    client.ingest(&pipeline, &json!([{ "a": "x".repeat(1000) }])).ok();
    let two = usage(&client, &stream);
    assert!((2 * one - 100..=2 * one + 100).contains(&two), "{one} then {two}");
}

#[test]
fn purging_removes_records_fields_usage_and_settings() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 0, 0, &["a"]);
    client.ingest(&pipeline, &json!([{ "a": "1" }, { "a": "2" }])).ok();
    client.delete(&format!("/api/v1/streams/{stream}")).ok();
    assert_eq!(listed(&client, &stream), None);
    assert!(client.records(&stream).is_empty());
    assert_eq!(fields(&client, &stream), json!([]));
    assert_eq!(usage(&client, &stream), 0);
    assert_eq!(client.get(&format!("/api/v1/streams/{stream}/indices")).ok()["indices"], json!({}));
}

#[test]
fn purging_again_and_purging_nothing_succeeds() {
    let (_server, client) = shared();
    let stream = unique("stream");
    client.delete(&format!("/api/v1/streams/{stream}")).ok();
    client.delete(&format!("/api/v1/streams/{stream}")).ok();
}

#[test]
fn a_purged_stream_is_made_anew_by_the_next_write() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 1000, 5, &["a"]);
    client.ingest(&pipeline, &json!([{ "a": "old" }])).ok();
    client.delete(&format!("/api/v1/streams/{stream}")).ok();
    client.ingest(&pipeline, &json!([{ "b": "new" }])).ok();
    assert_eq!(client.records(&stream), [json!({ "b": "new" })]);
    assert_eq!(fields(&client, &stream), json!(["b"]));
    assert_eq!(listed(&client, &stream), Some(json!({ "ttl": 0, "size": 0, "indexed_fields": [] })));
}

#[test]
fn everything_of_a_stream_survives_a_kill() {
    let mut server = Server::start();
    let client = server.client();
    client.configure_stream("default", 3600, 7, &["a"]);
    client.ingest("default", &json!([{ "a": "1", "b": "2" }, { "a": "3" }])).ok();
    let before = (client.query("default", &[]).text(), usage(&client, "default"), fields(&client, "default"));
    server.kill();
    server.restart();
    let client = server.client();
    assert_eq!((client.query("default", &[]).text(), usage(&client, "default"), fields(&client, "default")), before);
    assert_eq!(listed(&client, "default"), Some(json!({ "ttl": 3600, "size": 7, "indexed_fields": ["a"] })));
    assert_eq!(client.query("default", &[("indexing", "{\"a\":[\"3\"]}")]).fields(), [json!({ "a": "3" })]);
}
