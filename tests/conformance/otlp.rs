//! OpenTelemetry ingestion (FlowG 6.4).

use crate::{pipeline_into_stream, shared};
use headworks_tests::{Answer, Client, unique};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use serde_json::{Value, json};
use std::io::{Read, Write};

fn any(value: Any) -> Option<AnyValue> {
    Some(AnyValue { value: Some(value) })
}

fn text(value: &str) -> Option<AnyValue> {
    any(Any::StringValue(value.to_owned()))
}

fn attribute(key: &str, value: Option<AnyValue>) -> KeyValue {
    KeyValue { key: key.to_owned(), value, ..Default::default() }
}

fn request(records: Vec<LogRecord>) -> ExportLogsServiceRequest {
    let scope = InstrumentationScope { name: "library".to_owned(), version: "1".to_owned(), ..Default::default() };
    let resource = Resource { attributes: vec![attribute("service.name", text("shop"))], ..Default::default() };
    ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource),
            scope_logs: vec![ScopeLogs { scope: Some(scope), log_records: records, ..Default::default() }],
            ..Default::default()
        }],
    }
}

/// A record with every member set.
fn full() -> LogRecord {
    LogRecord {
        time_unix_nano: 1_760_000_000_000_000_003,
        observed_time_unix_nano: 1_760_000_000_000_000_005,
        severity_number: 9,
        severity_text: "Info".to_owned(),
        body: text("hello"),
        attributes: vec![
            attribute("http.method", text("POST")),
            attribute("retry", any(Any::BoolValue(true))),
            attribute("count", any(Any::IntValue(-42))),
            attribute("ratio", any(Any::DoubleValue(1.5))),
        ],
        dropped_attributes_count: 3,
        flags: 1,
        trace_id: vec![0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c],
        span_id: vec![0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74],
        event_name: "checkout".to_owned(),
    }
}

fn full_fields() -> Value {
    json!({
        "severity_number": "SEVERITY_NUMBER_INFO", "severity_text": "Info", "body": "hello",
        "dropped_attributes_count": "3", "flags": "1",
        "trace_id": "5b8efff798038103d269b633813fc60c", "span_id": "eee19b7ec3c1b174", "event_name": "checkout",
        "observed_time_unix_nano": "1760000000000000005", "time_unix_nano": "1760000000000000003",
        "attr.http.method": "POST", "attr.retry": "true", "attr.count": "-42", "attr.ratio": "1.500000"
    })
}

fn full_json() -> Value {
    json!({ "resourceLogs": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "shop" } }] },
        "scopeLogs": [{ "scope": { "name": "library" }, "logRecords": [{
            "timeUnixNano": "1760000000000000003", "observedTimeUnixNano": "1760000000000000005",
            "severityNumber": 9, "severityText": "Info", "body": { "stringValue": "hello" },
            "attributes": [
                { "key": "http.method", "value": { "stringValue": "POST" } },
                { "key": "retry", "value": { "boolValue": true } },
                { "key": "count", "value": { "intValue": "-42" } },
                { "key": "ratio", "value": { "doubleValue": 1.5 } }
            ],
            "droppedAttributesCount": 3, "flags": 1,
            "traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174", "eventName": "checkout"
        }] }]
    }] })
}

fn path(pipeline: &str) -> String {
    format!("/api/v1/pipelines/{pipeline}/logs/otlp")
}

fn send(client: &Client, pipeline: &str, request: &ExportLogsServiceRequest) -> Answer {
    client.post_bytes(&path(pipeline), "application/x-protobuf", &request.encode_to_vec())
}

fn send_gzip(client: &Client, pipeline: &str, content_type: &str, body: &[u8]) -> Answer {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(body).expect("gzip");
    let packed = packed.finish().expect("gzip");
    let headers = [("Content-Type", content_type), ("Content-Encoding", "gzip")];
    client.send(http::Method::POST, &path(pipeline), &headers, Some(&packed))
}

/// The fields stored for one record with this body.
fn stored_body(client: &Client, body: Option<AnyValue>) -> String {
    let (pipeline, stream) = pipeline_into_stream(client);
    assert_eq!(send(client, &pipeline, &request(vec![LogRecord { body, ..Default::default() }])).processed(), 1);
    client.records(&stream)[0]["body"].as_str().expect("a body").to_owned()
}

#[test]
fn protobuf_and_json_plain_and_gzip_give_equal_fields() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let binary = request(vec![full()]).encode_to_vec();
    let text = full_json().to_string();
    assert_eq!(client.post_bytes(&path(&pipeline), "application/x-protobuf", &binary).processed(), 1);
    assert_eq!(send_gzip(&client, &pipeline, "application/x-protobuf", &binary).processed(), 1);
    assert_eq!(client.post_bytes(&path(&pipeline), "application/json", text.as_bytes()).processed(), 1);
    assert_eq!(send_gzip(&client, &pipeline, "application/json", text.as_bytes()).processed(), 1);
    let stored = client.records(&stream);
    assert_eq!(stored.len(), 4);
    for record in stored {
        assert_eq!(record, full_fields());
    }
}

#[test]
fn an_empty_record_has_all_ten_fields() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    assert_eq!(send(&client, &pipeline, &request(vec![LogRecord::default()])).processed(), 1);
    let expected = json!({
        "severity_number": "SEVERITY_NUMBER_UNSPECIFIED", "severity_text": "", "body": "", "dropped_attributes_count": "0",
        "flags": "0", "trace_id": "", "span_id": "", "event_name": "", "observed_time_unix_nano": "0", "time_unix_nano": "0"
    });
    assert_eq!(client.records(&stream), [expected]);
}

#[test]
fn an_unknown_severity_is_decimal() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let record = LogRecord { severity_number: 77, ..Default::default() };
    send(&client, &pipeline, &request(vec![record])).ok();
    assert_eq!(client.values(&stream, "severity_number"), ["77"]);
}

#[test]
fn every_severity_has_its_name() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let record =
        |severity_number| LogRecord { severity_number, severity_text: format!("{severity_number:02}"), ..Default::default() };
    assert_eq!(send(&client, &pipeline, &request((1..=24).map(record).collect())).processed(), 24);
    for fields in client.records(&stream) {
        let number: usize = fields["severity_text"].as_str().expect("a text").parse().expect("a number");
        let level = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"][(number - 1) / 4];
        let suffix = ["", "2", "3", "4"][(number - 1) % 4];
        assert_eq!(fields["severity_number"], format!("SEVERITY_NUMBER_{level}{suffix}"));
    }
}

#[test]
fn values_have_their_text_forms() {
    let (_server, client) = shared();
    assert_eq!(stored_body(&client, text("a b")), "a b");
    assert_eq!(stored_body(&client, any(Any::BoolValue(false))), "false");
    assert_eq!(stored_body(&client, any(Any::IntValue(i64::MIN))), "-9223372036854775808");
    assert_eq!(stored_body(&client, any(Any::DoubleValue(-0.25))), "-0.250000");
    assert_eq!(stored_body(&client, any(Any::BytesValue(vec![1, 2, 255]))), "[1 2 255]");
    let array = ArrayValue { values: vec![text("a").expect("a value"), any(Any::IntValue(2)).expect("a value")] };
    assert_eq!(stored_body(&client, any(Any::ArrayValue(array))), "[a 2]");
    let list = KeyValueList { values: vec![attribute("k", text("v")), attribute("k2", text("v2"))] };
    assert_eq!(stored_body(&client, any(Any::KvlistValue(list))), "map[k:v k2:v2]");
    assert_eq!(stored_body(&client, None), "");
    assert_eq!(stored_body(&client, Some(AnyValue { value: None })), "");
}

#[test]
fn resource_and_scope_are_not_copied() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    send(&client, &pipeline, &request(vec![full()])).ok();
    assert_eq!(client.get(&format!("/api/v1/streams/{stream}/fields")).ok()["fields"].as_array().map(Vec::len), Some(14));
}

#[test]
fn the_times_of_the_payload_are_fields_and_not_the_timestamp() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    send(&client, &pipeline, &request(vec![full()])).ok();
    let time = client.query(&stream, &[]).ok()["records"][0]["timestamp"].take();
    let time = headworks_core::Timestamp::parse_rfc3339(time.as_str().expect("a text")).expect("RFC 3339");
    assert!(headworks_core::Timestamp::now().seconds() - time.seconds() < 3600, "{}", time.rfc3339());
}

#[test]
fn json_takes_snake_case_numbers_names_and_ignores_unknown_members() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let body = json!({ "resource_logs": [{ "scope_logs": [{ "log_records": [{
        "time_unix_nano": 1_760_000_000_000_000_003_u64, "observed_time_unix_nano": "5", "severity_number": "SEVERITY_NUMBER_WARN2",
        "severity_text": "Warn", "body": { "string_value": "x" }, "attributes": [{ "key": "n", "value": { "int_value": 7 } }],
        "new_member": { "a": [1] }
    }] }] }], "another": 1 });
    assert_eq!(client.post(&path(&pipeline), &body).processed(), 1);
    let fields = client.records(&stream)[0].clone();
    assert_eq!(fields["time_unix_nano"], "1760000000000000003");
    assert_eq!(fields["observed_time_unix_nano"], "5");
    assert_eq!(fields["severity_number"], "SEVERITY_NUMBER_WARN2");
    assert_eq!(fields["body"], "x");
    assert_eq!(fields["attr.n"], "7");
}

#[test]
fn json_ids_are_hexadecimal_or_base64() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let record = |trace: &str, span: &str| json!({ "resourceLogs": [{ "scopeLogs": [{ "logRecords": [{ "traceId": trace, "spanId": span }] }] }] });
    client.post(&path(&pipeline), &record("5B8EFFF798038103D269B633813FC60C", "EEE19B7EC3C1B174")).ok();
    client.post(&path(&pipeline), &record("W47/95gDgQPSabYzgT/GDA==", "7uGbfsPBsXQ=")).ok();
    for fields in client.records(&stream) {
        assert_eq!(fields["trace_id"], "5b8efff798038103d269b633813fc60c");
        assert_eq!(fields["span_id"], "eee19b7ec3c1b174");
    }
}

#[test]
fn records_are_taken_from_all_resources_and_scopes() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let body = |value: &str| LogRecord { body: text(value), ..Default::default() };
    let mut both = request(vec![body("1"), body("2")]);
    both.resource_logs.extend(request(vec![body("3")]).resource_logs);
    both.resource_logs[0].scope_logs.push(ScopeLogs { log_records: vec![body("4")], ..Default::default() });
    assert_eq!(send(&client, &pipeline, &both).processed(), 4);
    assert_eq!(client.values(&stream, "body"), ["1", "2", "3", "4"]);
}

#[test]
fn a_request_without_records_counts_nothing() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    assert_eq!(send(&client, &pipeline, &ExportLogsServiceRequest::default()).processed(), 0);
    assert_eq!(client.post(&path(&pipeline), &json!({})).processed(), 0);
}

#[test]
fn a_content_type_with_parameters_is_accepted() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    let body = full_json().to_string();
    assert_eq!(client.post_bytes(&path(&pipeline), "application/json; charset=utf-8", body.as_bytes()).processed(), 1);
}

#[test]
fn other_types_and_encodings_are_400() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    client.post_bytes(&path(&pipeline), "text/plain", b"x").fails(400, "INVALID_ARGUMENT");
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "br")];
    client.send(http::Method::POST, &path(&pipeline), &headers, Some(b"{}")).fails(400, "INVALID_ARGUMENT");
    assert!(client.records(&stream).is_empty());
}

#[test]
fn damaged_messages_are_400() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    client.post_bytes(&path(&pipeline), "application/x-protobuf", &[0xff; 20]).fails(400, "INVALID_ARGUMENT");
    client.post_bytes(&path(&pipeline), "application/json", b"{").fails(400, "INVALID_ARGUMENT");
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    client.send(http::Method::POST, &path(&pipeline), &headers, Some(b"no gzip")).fails(400, "INVALID_ARGUMENT");
}

#[test]
fn a_deeply_nested_value_neither_crashes_nor_blocks() {
    let (_server, client) = shared();
    let (pipeline, _) = pipeline_into_stream(&client);
    let mut value = text("x").expect("a value");
    for _ in 0..90 {
        value = any(Any::ArrayValue(ArrayValue { values: vec![value] })).expect("a value");
    }
    let status = send(&client, &pipeline, &request(vec![LogRecord { body: Some(value), ..Default::default() }])).status;
    assert!(status == 200 || status == 400, "{status}");
    // A hand-made message of 5,000 nested arrays, each the only value of the one around it.
    let mut nested = Vec::new();
    for _ in 0..5_000 {
        let mut array = vec![0x0a];
        prost::encoding::encode_varint(nested.len() as u64, &mut array);
        array.extend_from_slice(&nested);
        nested = vec![0x2a];
        prost::encoding::encode_varint(array.len() as u64, &mut nested);
        nested.extend_from_slice(&array);
    }
    for tag in [0x2a, 0x12, 0x12, 0x0a] {
        let mut outer = vec![tag];
        prost::encoding::encode_varint(nested.len() as u64, &mut outer);
        outer.extend_from_slice(&nested);
        nested = outer;
    }
    client.post_bytes(&path(&pipeline), "application/x-protobuf", &nested).fails(400, "INVALID_ARGUMENT");
}

#[test]
fn a_gzip_bomb_is_refused() {
    let (_server, client) = shared();
    let (pipeline, stream) = (unique("pipeline"), unique("stream"));
    client.save_pipeline(&pipeline, &headworks_tests::Flow::to_stream(&stream));
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::copy(&mut std::io::repeat(b' ').take(1 << 30), &mut packed).expect("gzip");
    let packed = packed.finish().expect("gzip");
    let headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")];
    let answer = client.send(http::Method::POST, &path(&pipeline), &headers, Some(&packed));
    assert_eq!(answer.status, 413, "{}", answer.text());
    assert!(client.records(&stream).is_empty());
}
