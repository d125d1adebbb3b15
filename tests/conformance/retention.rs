//! Retention by age and by size (FlowG 10.5).

use crate::{pipeline_into_stream, shared};
use headworks_tests::eventually;
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
