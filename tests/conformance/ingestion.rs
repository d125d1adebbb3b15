//! The struct, text and legacy forms of ingestion, and how failures are answered (FlowG 6.1 to 6.3, 6.6).

use crate::{pipeline_into_stream, pipeline_through, shared};
use headworks_tests::{Flow, unique};
use http::Method;
use serde_json::{Value, json};

fn text_path(pipeline: &str) -> String {
    format!("/api/v1/pipelines/{pipeline}/logs/text")
}

#[test]
fn struct_counts_the_records_and_stores_each() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let records = json!([{ "message": "a" }, { "message": "b", "level": "warn" }]);
    assert_eq!(client.ingest(&pipeline, &records).processed(), 2);
    let stored = client.records(&stream);
    assert_eq!(stored.len(), 2);
    assert!(stored.contains(&records[0]) && stored.contains(&records[1]), "{stored:?}");
}

#[test]
fn struct_takes_no_records_and_null() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    assert_eq!(client.ingest(&pipeline, &json!([])).processed(), 0);
    assert_eq!(client.ingest(&pipeline, &Value::Null).processed(), 0);
    assert!(client.records(&stream).is_empty());
}

#[test]
fn struct_refuses_values_that_are_not_text_and_stores_nothing() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    for value in [json!(1), json!(null), json!(true), json!({}), json!([])] {
        let error = client.ingest(&pipeline, &json!([{ "a": "fine" }, { "a": value }])).error(400, "INVALID_ARGUMENT");
        assert!(error.starts_with("invalid argument: failed to decode json: "), "{error}");
    }
    assert!(client.records(&stream).is_empty());
}

#[test]
fn struct_refuses_records_that_are_no_objects() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    for records in [json!({}), json!("x"), json!([1]), json!([["a"]])] {
        client.ingest(&pipeline, &records).fails(400, "INVALID_ARGUMENT");
    }
}

#[test]
fn any_text_is_a_field_name_and_a_value() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let record = json!({
        "": "empty name", "a.b": "dot", "with space": "x", "ключ": "значение", "e": "", "quote\"\\": "\u{0}\u{1f}\n\t\"\\",
        "emoji 🦀": "🦀\u{200d}", "\u{fffd}": "\u{10ffff}"
    });
    assert_eq!(client.ingest(&pipeline, &json!([record])).processed(), 1);
    assert_eq!(client.records(&stream), [record]);
}

#[test]
fn a_record_without_fields_is_a_record() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    assert_eq!(client.ingest(&pipeline, &json!([{}])).processed(), 1);
    assert_eq!(client.records(&stream), [json!({})]);
}

#[test]
fn records_of_100_000_bytes_work() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let long = "ä".repeat(100_000);
    assert_eq!(client.ingest(&pipeline, &json!([{ "long": long }])).processed(), 1);
    assert_eq!(client.records(&stream), [json!({ "long": long })]);
}

#[test]
fn a_record_of_a_thousand_fields_works() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let record: Value =
        (0..1000).map(|index| (format!("field{index}"), json!(index.to_string()))).collect::<serde_json::Map<_, _>>().into();
    assert_eq!(client.ingest(&pipeline, &json!([record])).processed(), 1);
    assert_eq!(client.records(&stream), [record]);
}

#[test]
fn the_timestamp_is_when_the_server_received_the_record() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the time").as_millis() as i64;
    let before = now();
    client.ingest(&pipeline, &json!([{ "timestamp": "1999-01-01T00:00:00Z" }])).ok();
    let after = now();
    let record = client.query(&stream, &[]).ok()["records"][0].take();
    assert_eq!(record["fields"]["timestamp"], "1999-01-01T00:00:00Z");
    let text = record["timestamp"].as_str().expect("a timestamp");
    let time = headworks_core::Timestamp::parse_rfc3339(text).expect("RFC 3339");
    assert!((before..=after).contains(&time.millis()), "{text} is outside {before}..{after}");
    assert!(text.ends_with('Z') || text.contains('+'), "{text}");
}

#[test]
fn text_is_split_trimmed_and_rid_of_empty_lines() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    assert_eq!(client.ingest_text(&pipeline, "a\r\n\r\n  b  \n").processed(), 2);
    assert_eq!(client.values(&stream, "content"), ["a", "b"]);
    assert!(client.records(&stream).iter().all(|record| record.as_object().is_some_and(|fields| fields.len() == 1)));
}

#[test]
fn text_takes_a_last_line_without_an_end_and_inner_white_space() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    assert_eq!(client.ingest_text(&pipeline, "\t x  y \n\n \t \nlast").processed(), 2);
    assert_eq!(client.values(&stream, "content"), ["last", "x  y"]);
}

#[test]
fn text_of_nothing_counts_nothing() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    for text in ["", "\n", " \r\n \n"] {
        assert_eq!(client.ingest_text(&pipeline, text).processed(), 0, "{text:?}");
    }
}

#[test]
fn text_accepts_parameters_and_a_missing_content_type() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    assert_eq!(client.post_bytes(&text_path(&pipeline), "text/plain; charset=utf-8", b"a").processed(), 1);
    assert_eq!(client.post_bytes(&text_path(&pipeline), "Text/Plain", b"b").processed(), 1);
    assert_eq!(client.send(Method::POST, &text_path(&pipeline), &[], Some(b"c")).processed(), 1);
    assert_eq!(client.values(&stream, "content"), ["a", "b", "c"]);
}

#[test]
fn text_of_another_type_is_400() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    for other in ["application/json", "text/html", "application/octet-stream"] {
        client.post_bytes(&text_path(&pipeline), other, b"a").fails(400, "INVALID_ARGUMENT");
    }
    assert!(client.records(&stream).is_empty());
}

#[test]
fn the_legacy_form_takes_one_record() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let path = format!("/api/v1/pipelines/{pipeline}/logs");
    let body = client.post(&path, &json!({ "record": { "level": "info", "message": "hello" } })).ok();
    assert_eq!(body, json!({ "success": true }));
    assert_eq!(client.records(&stream), [json!({ "level": "info", "message": "hello" })]);
}

#[test]
fn the_legacy_form_takes_an_absent_or_null_record_as_empty() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let path = format!("/api/v1/pipelines/{pipeline}/logs");
    client.post(&path, &json!({})).ok();
    client.post(&path, &json!({ "record": null })).ok();
    assert_eq!(client.records(&stream), [json!({}), json!({})]);
}

#[test]
fn an_unknown_pipeline_is_404_in_every_form() {
    let (_server, client) = shared();
    let missing = unique("missing");
    let legacy = client.post(&format!("/api/v1/pipelines/{missing}/logs"), &json!({ "record": {} }));
    let otlp = client.post(&format!("/api/v1/pipelines/{missing}/logs/otlp"), &json!({ "resourceLogs": [] }));
    for answer in [client.ingest(&missing, &json!([{}])), client.ingest_text(&missing, "a"), legacy, otlp] {
        answer.fails(404, "NOT_FOUND");
    }
}

#[test]
fn a_pipeline_without_direct_source_is_500_with_the_entry_point() {
    let (_server, client) = shared();
    let pipeline = unique("pipeline");
    let flow = Flow::default().node("in", "source", json!({ "type": "syslog" })).router("out", "x").edge("in", "out").build();
    client.save_pipeline(&pipeline, &flow);
    let error = client.ingest(&pipeline, &json!([{}])).error(500, "INTERNAL");
    assert_eq!(error, "internal: invalid entrypoint: direct");
}

#[test]
fn a_missing_transformer_is_500_with_the_true_cause_until_it_is_saved() {
    let (_server, client) = shared();
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    let error = client.ingest(&pipeline, &json!([{ "a": "1" }])).error(500, "INTERNAL");
    assert!(error.contains(&format!("transformer \"{transformer}\" not found")), "{error}");
    client.save_transformer(&transformer, ".");
    assert_eq!(client.ingest(&pipeline, &json!([{ "a": "2" }])).processed(), 1);
    assert_eq!(client.values(&stream, "a"), ["2"]);
}

#[test]
fn a_script_that_does_not_compile_is_500_with_the_report() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_through(&client, ".a = nonsense(");
    let error = client.ingest(&pipeline, &json!([{}])).error(500, "INTERNAL");
    assert!(error.contains("Failed to compile VRL script"), "{error}");
}

#[test]
fn a_condition_that_does_not_compile_is_500_with_the_report() {
    let (_server, client) = shared();
    let pipeline = unique("pipeline");
    let flow = Flow::direct().switch("s", "level ==").router("out", "x").edge("in", "s").edge("s", "out").build();
    client.save_pipeline(&pipeline, &flow);
    let error = client.ingest(&pipeline, &json!([{}])).error(500, "INTERNAL");
    assert!(error.contains("failed to compile expression: "), "{error}");
}

#[test]
fn the_first_failure_stops_the_request_and_the_records_before_it_stay() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_through(&client, ".n = to_int!(.n)");
    let records = json!([{ "n": "1" }, { "n": "2" }, { "n": "bad" }, { "n": "4" }]);
    let error = client.ingest(&pipeline, &records).error(500, "INTERNAL");
    assert!(error.starts_with("internal: ") && error.contains("to_int"), "{error}");
    assert_eq!(client.values(&stream, "n"), ["1", "2"]);
}

#[test]
fn a_filtered_record_counts_as_processed() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_through(&client, "if .keep != \"yes\" { . = [] }");
    let records = json!([{ "keep": "yes" }, { "keep": "no" }]);
    assert_eq!(client.ingest(&pipeline, &records).processed(), 2);
    assert_eq!(client.values(&stream, "keep"), ["yes"]);
}

#[test]
fn an_acknowledged_record_is_there_at_once() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    for number in 1..=50 {
        client.ingest(&pipeline, &json!([{ "n": number.to_string() }])).ok();
        assert_eq!(client.records(&stream).len(), number);
    }
}

#[test]
fn a_body_over_the_limit_is_413() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let answer =
        client.try_send(Method::POST, &text_path(&pipeline), &[("Content-Type", "text/plain")], Some(&vec![b'a'; 40 << 20]));
    // The server may close the connection before it read everything; then there is no answer to read.
    if let Ok(answer) = answer {
        assert_eq!(answer.status, 413, "{}", answer.text());
        assert!(answer.json()["error"].is_string());
    }
    assert!(client.records(&stream).is_empty());
}
