//! Following a stream as it is written to (FlowG 10.7).

use crate::{pipeline_into_stream, shared};
use headworks_tests::events::Events;
use headworks_tests::unique;
use serde_json::{Value, json};

fn watch_path(stream: &str, parameters: &str) -> String {
    format!("/api/v1/streams/{stream}/logs/watch{parameters}")
}

#[test]
fn the_headers_come_at_once() {
    let (_server, client) = shared();
    // Events::watch answers when the headers are there; nothing was written.
    let events = Events::watch(&client, &unique("stream"), &[]);
    let header = |name: &str| events.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    assert!(header("content-type").starts_with("text/event-stream"));
    assert_eq!(header("cache-control"), "no-cache");
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(header("access-control-expose-headers"), "Content-Type");
}

#[test]
fn every_record_is_one_log_event_with_id_and_record() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let events = Events::watch(&client, &stream, &[]);
    client.ingest(&pipeline, &json!([{ "message": "grüße 🦀\nzweite Zeile", "level": "info" }])).ok();
    let event = events.next();
    assert_eq!(event.name, "log");
    assert!(!event.data.contains('\n'), "data is one line");
    assert_eq!(event.record(), client.query(&stream, &[]).ok()["records"][0]);

    let rest = event.id.strip_prefix(&format!("entry:{stream}:")).unwrap_or_else(|| panic!("{}", event.id));
    let (millis, uuid) = rest.split_once(':').expect("ms and uuid");
    assert_eq!(millis.len(), 20, "{}", event.id);
    let time = event.record()["timestamp"].as_str().and_then(headworks_core::Timestamp::parse_rfc3339).expect("a time");
    assert_eq!(millis.parse::<i64>().expect("digits"), time.millis());
    assert_eq!((uuid.len(), uuid.matches('-').count()), (36, 4), "{uuid}");
}

#[test]
fn records_come_in_order_and_with_ids_of_their_own() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let events = Events::watch(&client, &stream, &[]);
    let mut ids = std::collections::HashSet::new();
    for round in 0..5 {
        let records: Vec<Value> = (0..10).map(|n| json!({ "n": (round * 10 + n).to_string() })).collect();
        client.ingest(&pipeline, &json!(records)).ok();
    }
    for number in 0..50 {
        let event = events.next();
        assert_eq!(event.record()["fields"]["n"], number.to_string());
        assert!(ids.insert(event.id.clone()), "{} twice", event.id);
    }
}

#[test]
fn nothing_is_replayed() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.ingest(&pipeline, &json!([{ "n": "before" }])).ok();
    let events = Events::watch(&client, &stream, &[]);
    client.ingest(&pipeline, &json!([{ "n": "after" }])).ok();
    assert_eq!(events.next_fields(), json!({ "n": "after" }));
}

#[test]
fn only_what_matches_the_filter_arrives() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let events = Events::watch(&client, &stream, &[("filter", "level == \"error\"")]);
    client
        .ingest(&pipeline, &json!([{ "level": "info" }, { "level": "error", "n": "1" }, {}, { "level": "error", "n": "2" }]))
        .ok();
    assert_eq!(events.next_fields()["n"], "1");
    assert_eq!(events.next_fields()["n"], "2");
}

#[test]
fn indexing_is_applied() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.configure_stream(&stream, 0, 0, &["level"]);
    let events = Events::watch(&client, &stream, &[("indexing", "{\"level\":[\"error\",\"fatal\"]}")]);
    client
        .ingest(&pipeline, &json!([{ "level": "info" }, { "level": "fatal", "n": "1" }, {}, { "level": "error", "n": "2" }]))
        .ok();
    assert_eq!(events.next_fields()["n"], "1");
    assert_eq!(events.next_fields()["n"], "2");
}

#[test]
fn a_filter_that_does_not_compile_is_400_and_an_empty_one_is_none() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let error = client.get(&watch_path(&stream, "?filter=level%20%3D%3D")).error(400, "INVALID_ARGUMENT");
    assert!(error.starts_with("invalid argument: failed to compile expression: "), "{error}");
    client.get(&watch_path(&stream, "?indexing=%7B")).fails(400, "INVALID_ARGUMENT");
    let events = Events::watch(&client, &stream, &[("filter", "")]);
    client.ingest(&pipeline, &json!([{ "n": "1" }])).ok();
    assert_eq!(events.next_fields()["n"], "1");
}

#[test]
fn a_filter_that_fails_on_a_record_ends_with_one_error_event() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let events = Events::watch(&client, &stream, &[("filter", "int(n) > 0")]);
    client.ingest(&pipeline, &json!([{ "n": "1" }])).ok();
    assert_eq!(events.next_fields()["n"], "1");
    client.ingest(&pipeline, &json!([{ "n": "many" }])).ok();
    let event = events.next();
    assert_eq!(event.name, "error");
    assert!(!event.data.is_empty());
    assert!(events.ended(), "the stream ends after the error");
}

#[test]
fn every_watcher_gets_every_record() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let watchers: Vec<Events> = (0..10).map(|_| Events::watch(&client, &stream, &[])).collect();
    for number in 0..20 {
        client.ingest(&pipeline, &json!([{ "n": number.to_string() }])).ok();
    }
    for events in &watchers {
        for number in 0..20 {
            assert_eq!(events.next_fields()["n"], number.to_string());
        }
    }
}

#[test]
fn watchers_of_other_streams_see_nothing() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    let (other_pipeline, other) = pipeline_into_stream(&client);
    let events = Events::watch(&client, &other, &[]);
    client.ingest(&pipeline, &json!([{ "n": "not here" }])).ok();
    client.ingest(&other_pipeline, &json!([{ "n": "here" }])).ok();
    assert_eq!(events.next_fields()["n"], "here");
}

#[test]
fn watchers_stay_connected_over_a_purge() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let events = Events::watch(&client, &stream, &[]);
    client.ingest(&pipeline, &json!([{ "n": "1" }])).ok();
    client.delete(&format!("/api/v1/streams/{stream}")).ok();
    client.ingest(&pipeline, &json!([{ "n": "2" }])).ok();
    assert_eq!(events.next_fields()["n"], "1");
    assert_eq!(events.next_fields()["n"], "2");
}

#[test]
fn a_watcher_that_does_not_read_is_told_how_many_it_lost_and_slows_nobody() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let response = client.open(http::Method::GET, &watch_path(&stream, ""), &[], None).expect("the headers");
    let long = "x".repeat(1000);
    let total = 30_000;
    for _ in 0..total / 2_000 {
        let records: Vec<Value> = (0..2_000).map(|_| json!({ "long": long })).collect();
        client.ingest(&pipeline, &json!(records)).ok();
    }
    // 30 MB were written and not one byte read: more than the connection and the queue hold. Now read until the count is whole.
    let mut reader = std::io::BufReader::new(response.into_body().into_reader());
    let (mut seen, mut lost, mut name) = (0u64, 0u64, String::new());
    while seen + lost < total {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut reader, &mut line).expect("the stream goes on");
        if let Some(event) = line.strip_prefix("event: ") {
            event.trim_end().clone_into(&mut name);
        } else if let Some(data) = line.strip_prefix("data: ") {
            match name.as_str() {
                "log" => seen += 1,
                "exception" => {
                    let digits: String =
                        data.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
                    lost += digits.parse::<u64>().unwrap_or_else(|_| panic!("no number in {data}"));
                }
                other => panic!("event {other}: {data}"),
            }
        }
    }
    assert!(lost > 0, "nothing was lost: the queue of a watcher is not bounded");
    assert_eq!(seen + lost, total);
}

#[test]
fn a_watcher_that_leaves_is_forgotten() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    for _ in 0..50 {
        drop(client.open(http::Method::GET, &watch_path(&stream, ""), &[], None).expect("the headers"));
        client.ingest(&pipeline, &json!([{}])).ok();
    }
    assert_eq!(client.records(&stream).len(), 50);
}
