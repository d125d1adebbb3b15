//! awscloudwatch, googlecloudlogging and azuremonitor (FlowG 12.9 to 12.11).

use crate::capture::grpc;
use crate::capture::http::{Reply, start, start_tls};
use crate::{deliver_both, fail_both, shared};
use serde_json::{Value, json};

#[test]
fn awscloudwatch_puts_one_signed_event() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(200, "{}"));
    let config = json!({ "type": "awscloudwatch", "endpoint": url, "region": "eu-west-1", "access_key_id": "AKID",
        "secret_access_key": "s3cret", "session_token": "tok", "group": "/g", "stream": "s", "app_id": "shop" });
    deliver_both(&client, &config, &json!({ "b": "2", "a": "1" }), &json!({ "c": "3" }));
    let request = taken.next();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"));
    assert_eq!(request.header("content-type"), "application/x-amz-json-1.1");
    assert_eq!(request.header("x-amz-target"), "Logs_20140328.PutLogEvents");
    assert_eq!(request.header("x-amz-security-token"), "tok");
    assert_eq!(request.header("host"), url.trim_start_matches("http://"));
    assert!(request.header("user-agent").ends_with(" app/shop"));
    let date = request.header("x-amz-date");
    assert!(date.len() == 16 && date.ends_with('Z'), "{date}");
    let scope = format!("AWS4-HMAC-SHA256 Credential=AKID/{}/eu-west-1/logs/aws4_request, ", &date[..8]);
    let signed = "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=";
    let signature =
        request.header("authorization").strip_prefix(&format!("{scope}{signed}")).unwrap_or_else(|| panic!("{request:?}"));
    assert!(signature.len() == 64 && signature.bytes().all(|byte| byte.is_ascii_hexdigit()), "{signature}");
    let body = request.json();
    assert_eq!((&body["logGroupName"], &body["logStreamName"]), (&json!("/g"), &json!("s")));
    let events = body["logEvents"].as_array().expect("events");
    let message: Value = serde_json::from_str(events[0]["message"].as_str().expect("a message")).expect("JSON");
    assert_eq!((events.len(), message), (1, json!({ "a": "1", "b": "2" })));
    let age = headworks_core::Timestamp::now().millis() - events[0]["timestamp"].as_i64().expect("milliseconds");
    assert!((0..60_000).contains(&age), "{age} ms old");
    assert!(taken.next().json()["logEvents"][0]["message"].as_str().is_some_and(|message| message == r#"{"c":"3"}"#));
}

#[test]
fn awscloudwatch_tells_what_the_service_said() {
    let (_server, client) = shared();
    let (url, _taken) = start(|_| Reply::new(400, r#"{"__type":"ResourceNotFoundException","message":"no such group"}"#));
    for error in fail_both(&client, &json!({ "type": "awscloudwatch", "endpoint": url, "group": "g", "stream": "s" })) {
        assert!(error.contains("ResourceNotFoundException: no such group"), "{error}");
    }
}

fn google(port: u16) -> Value {
    json!({ "type": "googlecloudlogging", "host": "127.0.0.1", "port": port, "project_id": "p", "log_id": "l",
        "disable_tls": true, "disable_auth": true })
}

#[test]
fn googlecloudlogging_writes_one_entry_over_grpc() {
    let (_server, client) = shared();
    let (port, taken) = grpc::start("0");
    deliver_both(&client, &google(port), &json!({ "k": "v" }), &json!({ "k": "second" }));
    let call = taken.next();
    assert_eq!(call.path, "/google.logging.v2.LoggingServiceV2/WriteLogEntries");
    assert_eq!(call.headers["content-type"], "application/grpc");
    assert_eq!(call.headers["te"], "trailers");
    assert!(!call.headers.contains_key("authorization"));
    assert_eq!(call.body[..5], [&[0], ((call.body.len() - 5) as u32).to_be_bytes().as_slice()].concat());
    let has = |body: &[u8], part: &[u8]| body.windows(part.len()).any(|window| window == part);
    assert!(has(&call.body, b"\x0a\x11projects/p/logs/l"), "{:?}", call.body);
    // json_payload = 6 { fields = 1 { key = 1, value = 2 { string_value = 3 } } }
    assert!(has(&call.body, b"\x32\x0a\x0a\x08\x0a\x01k\x12\x03\x1a\x01v"), "{:?}", call.body);
    assert!(has(&taken.next().body, b"\x1a\x06second"));
}

#[test]
fn googlecloudlogging_tells_the_status_of_the_service() {
    let (_server, client) = shared();
    let (port, _taken) = grpc::start("7");
    for error in fail_both(&client, &google(port)) {
        assert!(error.contains("PERMISSION_DENIED: as told"), "{error}");
    }
}

fn azure(endpoint: &str) -> Value {
    json!({ "type": "azuremonitor", "endpoint": endpoint, "token": "tok", "expires_on": "2030-01-01T00:00:00Z", "rule_id": "dcr-1",
        "stream_name": "Custom-A", "allow_insecure": true })
}

#[test]
fn azuremonitor_posts_an_array_of_one_object() {
    let (_server, client) = shared();
    let (url, taken) = start_tls(|_| Reply::new(204, ""));
    deliver_both(&client, &azure(&url), &json!({ "b": "2", "a": "1" }), &json!({}));
    let request = taken.next();
    let target = "/dataCollectionRules/dcr-1/streams/Custom-A?api-version=2023-01-01";
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", target));
    assert_eq!((request.header("authorization"), request.header("content-type")), ("Bearer tok", "application/json"));
    assert_eq!(request.json(), json!([{ "a": "1", "b": "2" }]));
    assert_eq!(taken.next().json(), json!([{}]));
}

#[test]
fn azuremonitor_sends_no_token_unencrypted_and_wants_a_time_for_its_end() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(204, ""));
    for error in fail_both(&client, &azure(&url)) {
        assert!(error.contains("https://"), "{error}");
    }
    let mut config = azure("https://127.0.0.1:1");
    config["expires_on"] = json!("tomorrow");
    for error in fail_both(&client, &config) {
        assert!(error.contains("expires_on"), "{error}");
    }
    taken.is_over();
}
