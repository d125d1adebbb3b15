//! Reading streams by time (FlowG 10.2).

use crate::{pipeline_into_stream, shared};
use headworks_core::Timestamp;
use headworks_tests::client::{query, segment};
use headworks_tests::{Answer, Client, unique};
use serde_json::{Value, json};

fn between(client: &Client, stream: &str, from: &str, to: &str) -> Answer {
    client.get(&format!("/api/v1/streams/{}/logs{}", segment(stream), query(&[("from", from), ("to", to)])))
}

fn records(answer: &Answer) -> Vec<Value> {
    answer.ok()["records"].as_array().expect("records").clone()
}

fn time(record: &Value) -> Timestamp {
    Timestamp::parse_rfc3339(record["timestamp"].as_str().expect("a timestamp")).expect("RFC 3339")
}

/// A stream of 20 records, each received in a millisecond of its own: its name and the records, newest first.
fn twenty(client: &Client) -> (String, Vec<Value>) {
    let (pipeline, stream) = pipeline_into_stream(client);
    for number in 0..20 {
        client.ingest(&pipeline, &json!([{ "n": format!("{number:02}") }])).ok();
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let stored = records(&client.query(&stream, &[]));
    (stream, stored)
}

#[test]
fn records_come_newest_first() {
    let (_server, client) = shared();
    let (_, stored) = twenty(&client);
    let order: Vec<String> = stored.iter().map(|record| record["fields"]["n"].as_str().expect("n").to_owned()).collect();
    let mut expected: Vec<String> = (0..20).map(|number| format!("{number:02}")).collect();
    expected.reverse();
    assert_eq!(order, expected);
}

#[test]
fn both_ends_are_inclusive_at_the_millisecond() {
    let (_server, client) = shared();
    let (stream, stored) = twenty(&client);
    let (newest, oldest) = (time(&stored[5]), time(&stored[10]));
    let at = |moment: i64| Timestamp::from_millis(moment).rfc3339();
    let found = records(&between(&client, &stream, &at(oldest.millis()), &at(newest.millis())));
    assert_eq!(found, stored[5..=10]);
    let found = records(&between(&client, &stream, &at(oldest.millis() + 1), &at(newest.millis() - 1)));
    assert_eq!(found, stored[6..10]);
}

#[test]
fn the_range_is_compared_in_milliseconds() {
    let (_server, client) = shared();
    let (stream, stored) = twenty(&client);
    let millis = time(&stored[7]).millis();
    let from = Timestamp(millis * 1_000_000 + 999_999).rfc3339();
    let to = Timestamp(millis * 1_000_000).rfc3339();
    assert_eq!(records(&between(&client, &stream, &from, &to)), stored[7..8]);
}

#[test]
fn to_before_from_gives_nothing() {
    let (_server, client) = shared();
    let (stream, _) = twenty(&client);
    assert!(records(&between(&client, &stream, "2200-01-01T00:00:00Z", "2000-01-01T00:00:00Z")).is_empty());
}

#[test]
fn offsets_and_fractions_are_read() {
    let (_server, client) = shared();
    let (stream, stored) = twenty(&client);
    assert_eq!(records(&between(&client, &stream, "2000-01-01T00:00:00.123456789+05:30", "2200-01-01T00:00:00-08:00")), stored);
    assert_eq!(records(&between(&client, &stream, "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z")), stored);
}

#[test]
fn an_unknown_stream_gives_nothing_and_is_not_made() {
    let (_server, client) = shared();
    let stream = unique("stream");
    assert!(client.records(&stream).is_empty());
    assert!(client.get("/api/v1/streams").ok()["streams"].get(&stream).is_none());
}

#[test]
fn a_large_answer_is_complete() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    for chunk in 0..10 {
        let lines: String = (0..5_000).map(|line| format!("{:05} {}\n", chunk * 5_000 + line, "x".repeat(100))).collect();
        assert_eq!(client.ingest_text(&pipeline, &lines).processed(), 5_000);
    }
    let values = client.values(&stream, "content");
    assert_eq!(values.len(), 50_000);
    assert!(values.iter().enumerate().all(|(index, value)| value.starts_with(&format!("{index:05} "))));
}

#[test]
fn records_of_one_millisecond_all_appear() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let many: Vec<Value> = (0..1000).map(|number| json!({ "n": format!("{number:04}") })).collect();
    client.ingest(&pipeline, &json!(many)).ok();
    assert_eq!(client.values(&stream, "n"), (0..1000).map(|number| format!("{number:04}")).collect::<Vec<_>>());
}

#[test]
fn streams_do_not_see_each_other() {
    let (_server, client) = shared();
    let name = unique("stream");
    // One name is the beginning of the others.
    let streams = [name.clone(), format!("{name}a"), format!("{name}\u{0}"), format!("{name}/")];
    for stream in &streams {
        let pipeline = unique("pipeline");
        client.save_pipeline(&pipeline, &headworks_tests::Flow::to_stream(stream));
        client.ingest(&pipeline, &json!([{ "s": stream }])).ok();
    }
    for stream in &streams {
        assert_eq!(client.records(stream), [json!({ "s": stream })]);
    }
}
