//! http, datadog, splunk, otlp and elastic (FlowG 12.1, 12.3, 12.5 to 12.7).

use crate::capture::http::{Reply, Request, start, start_tls};
use crate::capture::sockets::nobody;
use crate::capture::tls::AUTHORITY;
use crate::{assert_now, deliver_both, fail_both, pipeline_to, save, shared};
use opentelemetry_proto::tonic::logs::v1::LogsData;
use prost::Message as _;
use serde_json::{Value, json};

#[test]
fn http_posts_body_and_timestamp_with_the_configured_headers_only() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(204, ""));
    let config = json!({ "type": "http", "url": format!("{url}/in?a=b"), "headers": { "X-Key": "k" } });
    deliver_both(&client, &config, &json!({ "b": "<2>", "a": "1" }), &json!({ "a": "ingested" }));
    let request = taken.next();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/in?a=b"));
    assert_eq!(request.own_headers(), ["x-key"]);
    assert_eq!(request.header("x-key"), "k");
    let body = request.json();
    assert_eq!(body["body"], "{\n  \"a\": \"1\",\n  \"b\": \"\\u003c2\\u003e\"\n}");
    assert_now(body["timestamp"].as_str().expect("a timestamp"));
    assert_eq!(body.as_object().expect("an object").len(), 2);
    assert_eq!(taken.next().json()["body"], "{\n  \"a\": \"ingested\"\n}");
    taken.is_over();
}

#[test]
fn http_evaluates_its_body_for_each_record() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(200, ""));
    let forwarder =
        save(&client, &json!({ "type": "http", "url": url, "body": "@expr:upper(log.level) + \": \" + log[\"a.b\"]" }));
    let records = json!([{ "level": "info", "a.b": "one" }, { "level": "warn" }]);
    assert_eq!(client.ingest(&pipeline_to(&client, &forwarder), &records).processed(), 2);
    assert_eq!([taken.next().json()["body"].take(), taken.next().json()["body"].take()], ["INFO: one", "WARN: "]);
}

#[test]
fn an_expression_that_gives_no_text_fails_the_delivery() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(200, ""));
    for error in fail_both(&client, &json!({ "type": "http", "url": url, "body": "@expr:len(log.a)" })) {
        assert!(error.contains("body expression did not evaluate to string"), "{error}");
    }
    taken.is_over();
}

#[test]
fn an_expression_that_does_not_compile_is_found_when_the_forwarder_is_set_up() {
    let (_server, client) = shared();
    for error in fail_both(&client, &json!({ "type": "http", "url": "http://127.0.0.1:1", "body": "@expr:log." })) {
        assert!(error.contains("body: failed to compile expression"), "{error}");
    }
}

#[test]
fn another_status_than_2xx_fails_the_run() {
    let (_server, client) = shared();
    for status in [304, 400, 404, 500] {
        let (url, _taken) = start(move |_| Reply::new(status, ""));
        for error in fail_both(&client, &json!({ "type": "http", "url": url })) {
            assert!(error.contains(&format!("unexpected status code: {status}")), "{error}");
        }
    }
}

#[test]
fn a_target_that_does_not_answer_fails_the_run() {
    let (_server, client) = shared();
    let address = nobody();
    for error in fail_both(&client, &json!({ "type": "http", "url": format!("http://{address}/") })) {
        assert!(error.contains(&address), "{error}");
    }
}

#[test]
fn http_follows_redirects() {
    let (_server, client) = shared();
    let (end, taken) = start(|_| Reply::new(200, ""));
    let (url, _first) = start(move |_| Reply::new(307, "").header("location", &format!("{end}/end")));
    let forwarder = save(&client, &json!({ "type": "http", "url": url }));
    client.test_forwarder(&forwarder, &json!({ "a": "1" })).ok();
    let request = taken.next();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/end"));
    assert_eq!(request.json()["body"], "{\n  \"a\": \"1\"\n}");
}

#[test]
fn http_goes_through_its_proxy() {
    let (_server, client) = shared();
    let (proxy, taken) = start(|_| Reply::new(200, ""));
    let forwarder = save(&client, &json!({ "type": "http", "url": "http://target.invalid/in", "proxy": proxy }));
    client.test_forwarder(&forwarder, &json!({})).ok();
    let request = taken.next();
    assert_eq!((request.target.as_str(), request.header("host")), ("http://target.invalid/in", "target.invalid"));
}

#[test]
fn connections_are_used_again() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(200, ""));
    let forwarder = save(&client, &json!({ "type": "http", "url": url }));
    let pipeline = pipeline_to(&client, &forwarder);
    let records: Vec<Value> = (0..20).map(|number| json!({ "n": number.to_string() })).collect();
    assert_eq!(client.ingest(&pipeline, &json!(records)).processed(), 20);
    for number in 0..20 {
        let body = taken.next().json();
        assert_eq!(body["body"], format!("{{\n  \"n\": \"{number}\"\n}}"));
    }
}

#[test]
fn datadog_posts_one_log_with_the_key() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(202, "{}"));
    let config = json!({ "type": "datadog", "url": format!("{url}/api/v2/logs"), "apiKey": "key", "ddtags": "env:test",
        "service": "@expr:log.app" });
    let record = json!({ "message": "hi", "ddsource": "nginx", "app": "shop", "other": "x" });
    deliver_both(&client, &config, &record, &json!({}));
    let request = taken.next();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/api/v2/logs"));
    assert_eq!(request.own_headers(), ["accept", "content-type", "dd-api-key"]);
    assert_eq!((request.header("dd-api-key"), request.header("accept")), ("key", "application/json"));
    assert_eq!(request.header("content-type"), "application/json");
    let mut body = request.json();
    assert_now(body["timestamp"].take().as_str().expect("a timestamp"));
    let expected = json!({ "ddsource": "nginx", "ddtags": "env:test", "hostname": "", "message": "hi", "service": "shop", "timestamp": null });
    assert_eq!(body, expected);
    assert_eq!(taken.next().json()["message"], "");
}

#[test]
fn splunk_posts_one_event_with_the_token() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(200, r#"{"text":"Success","code":0}"#));
    let config = json!({ "type": "splunk", "endpoint": format!("{url}/services/collector/event"), "token": "t0k" });
    deliver_both(&client, &config, &json!({ "host": "web-1", "a": "1" }), &json!({ "b": "2" }));
    let request = taken.next();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/services/collector/event"));
    assert_eq!(request.own_headers(), ["authorization", "content-type"]);
    assert_eq!((request.header("authorization"), request.header("content-type")), ("Splunk t0k", "application/json"));
    let mut body = request.json();
    let age = headworks_core::Timestamp::now().seconds() - body["time"].take().as_i64().expect("whole seconds");
    assert!((0..60).contains(&age), "{age} s old");
    let event = json!({ "host": "web-1", "a": "1" });
    assert_eq!(body, json!({ "event": event, "sourcetype": "json", "source": "flowg", "host": "web-1", "time": null }));
    assert_eq!(taken.next().json()["event"], json!({ "b": "2" }));
}

#[test]
fn splunk_takes_nothing_but_200_with_json_for_a_success() {
    let (_server, client) = shared();
    for (status, body, expected) in [(201, "{}", "unexpected status code: 201"), (200, "ok", "the answer is no JSON")] {
        let (url, _taken) = start(move |_| Reply::new(status, body));
        for error in fail_both(&client, &json!({ "type": "splunk", "endpoint": url, "token": "t" })) {
            assert!(error.contains(expected), "{error}");
        }
    }
}

#[test]
fn otlp_posts_logs_data() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(200, ""));
    let config = json!({ "type": "otlp", "endpoint": format!("{url}/v1/logs"), "headers": { "X-Key": "k" } });
    deliver_both(&client, &config, &json!({ "body": "hello", "b": "2", "a": "1" }), &json!({}));
    let request = taken.next();
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/logs"));
    assert_eq!(request.own_headers(), ["content-type", "x-key"]);
    assert_eq!(request.header("content-type"), "application/x-protobuf");
    let data = LogsData::decode(&*request.body).expect("LogsData");
    let logs = &data.resource_logs[0].scope_logs[0].log_records;
    assert_eq!((data.resource_logs.len(), data.resource_logs[0].scope_logs.len(), logs.len()), (1, 1, 1));
    let text = |value: &Option<opentelemetry_proto::tonic::common::v1::AnyValue>| {
        format!("{:?}", value.as_ref().expect("a value").value)
    };
    assert_eq!(text(&logs[0].body), "Some(StringValue(\"hello\"))");
    let attributes: Vec<(&str, String)> = logs[0].attributes.iter().map(|pair| (pair.key.as_str(), text(&pair.value))).collect();
    assert_eq!(attributes, [("a", "Some(StringValue(\"1\"))".to_owned()), ("b", "Some(StringValue(\"2\"))".to_owned())]);
    let age = headworks_core::Timestamp::now().0 - logs[0].time_unix_nano as i64;
    assert!((0..60_000_000_000).contains(&age), "{age} ns old");
    let empty = LogsData::decode(&*taken.next().body).expect("LogsData");
    assert_eq!(text(&empty.resource_logs[0].scope_logs[0].log_records[0].body), "Some(StringValue(\"\"))");
}

#[test]
fn otlp_tells_status_and_body_of_a_failure() {
    let (_server, client) = shared();
    let (url, _taken) = start(|_| Reply::new(503, "no room"));
    for error in fail_both(&client, &json!({ "type": "otlp", "endpoint": url })) {
        assert!(error.contains("unexpected status code: 503, body: no room"), "{error}");
    }
}

#[test]
fn what_otlp_sends_can_be_ingested_again() {
    let (server, client) = shared();
    let (pipeline, stream) = (headworks_tests::unique("pipeline"), headworks_tests::unique("stream"));
    client.save_pipeline(&pipeline, &headworks_tests::Flow::to_stream(&stream));
    let endpoint = format!("http://{}/api/v1/pipelines/{pipeline}/logs/otlp", server.address());
    let headers = json!({ "Authorization": format!("Bearer {}", headworks_tests::server::TOKEN) });
    let forwarder = save(&client, &json!({ "type": "otlp", "endpoint": endpoint, "headers": headers }));
    client.test_forwarder(&forwarder, &json!({ "body": "round trip", "k": "v" })).ok();
    let record = &client.records(&stream)[0];
    assert_eq!((&record["body"], &record["attr.k"]), (&json!("round trip"), &json!("v")), "{record}");
}

fn elasticsearch(missing: bool) -> impl Fn(&Request) -> Reply + Send + Sync + 'static {
    move |request| {
        let reply = match request.method.as_str() {
            "HEAD" if missing => Reply::new(404, ""),
            "POST" => Reply::new(201, r#"{"result":"created"}"#),
            _ => Reply::new(200, "{}"),
        };
        reply.header("X-Elastic-Product", "Elasticsearch")
    }
}

fn elastic(addresses: &[&str], more: &Value) -> Value {
    let mut config =
        json!({ "type": "elastic", "index": "logs", "username": "user", "password": "pass", "addresses": addresses });
    config.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    config
}

#[test]
fn elastic_makes_a_missing_index_and_posts_the_document() {
    let (_server, client) = shared();
    let (url, taken) = start(elasticsearch(true));
    deliver_both(&client, &elastic(&[&url], &json!({})), &json!({ "a": "1" }), &json!({ "b": "2" }));
    for expected in [json!({ "a": "1" }), json!({ "b": "2" })] {
        let requests = [taken.next(), taken.next(), taken.next()];
        let calls = requests.each_ref().map(|request| (request.method.as_str(), request.target.as_str()));
        assert_eq!(calls, [("HEAD", "/logs"), ("PUT", "/logs"), ("POST", "/logs/_doc")]);
        assert!(requests.iter().all(|request| request.header("authorization") == "Basic dXNlcjpwYXNz"));
        assert!(requests[1].body.is_empty());
        let document = requests[2].json();
        assert_eq!(document["fields"], expected);
        assert_now(document["timestamp"].as_str().expect("a timestamp"));
    }
    taken.is_over();
}

#[test]
fn elastic_tries_its_addresses_in_turn_and_checks_certificates_with_its_authority() {
    let (_server, client) = shared();
    let (url, taken) = start_tls(elasticsearch(false));
    let nobody = format!("http://{}", nobody());
    let config = elastic(&[&nobody, &url], &json!({ "ca": AUTHORITY }));
    deliver_both(&client, &config, &json!({ "a": "1" }), &json!({ "a": "1" }));
    assert_eq!((taken.next().method.as_str(), taken.next().target.as_str()), ("HEAD", "/logs/_doc"));
    for error in fail_both(&client, &elastic(&[&url], &json!({}))) {
        assert!(error.to_lowercase().contains("certificate"), "{error}");
    }
}

#[test]
fn elastic_refuses_a_server_that_does_not_name_itself() {
    let (_server, client) = shared();
    let (url, _taken) = start(|_| Reply::new(200, "{}"));
    for error in fail_both(&client, &elastic(&[&url], &json!({}))) {
        assert!(error.contains("X-Elastic-Product"), "{error}");
    }
}

#[test]
fn what_elastic_sends_can_be_ingested_again() {
    let (server, client) = shared();
    let (pipeline, stream) = (headworks_tests::unique("pipeline"), headworks_tests::unique("stream"));
    client.save_pipeline(&pipeline, &headworks_tests::Flow::to_stream(&stream));
    let address = format!("http://{}/api/v1/middlewares/elastic", server.address());
    let login =
        json!({ "index": pipeline, "username": headworks_tests::server::USER, "password": headworks_tests::server::PASSWORD });
    let forwarder = save(&client, &elastic(&[&address], &login));
    client.test_forwarder(&forwarder, &json!({ "k": "v" })).ok();
    let record = &client.records(&stream)[0];
    assert_eq!(record["fields.k"], "v", "{record}");
}
