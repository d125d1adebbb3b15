//! The Elasticsearch-shaped endpoint (FlowG 6.5). What real clients make of it is tested in `tests/clients`.

use crate::{pipeline_into_stream, shared};
use headworks_tests::client::segment;
use headworks_tests::server::{PASSWORD, TOKEN, USER};
use headworks_tests::{Answer, Client, Flow, Server, people, unique};
use http::Method;
use serde_json::{Value, json};

const BASE: &str = "/api/v1/middlewares/elastic";
const NDJSON: &str = "application/x-ndjson";

fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
}

/// The client of the first user as a shipper has it.
fn shipper(client: &Client) -> Client {
    client.with_authorization(&basic(USER, PASSWORD))
}

/// A request below the base; every answer names the product.
fn send(client: &Client, method: Method, path: &str, body: Option<(&str, &[u8])>) -> Answer {
    let kind = body.map(|(kind, _)| ("Content-Type", kind));
    let answer = client.send(method, &format!("{BASE}{path}"), kind.as_slice(), body.map(|(_, body)| body));
    assert_eq!(answer.header("x-elastic-product"), "Elasticsearch", "{path}");
    answer
}

fn index(client: &Client, pipeline: &str, document: &str) -> Answer {
    let path = format!("/{}/_doc", segment(pipeline));
    send(client, Method::POST, &path, Some(("application/json", document.as_bytes())))
}

fn bulk(client: &Client, path: &str, lines: &str) -> Value {
    let answer = send(client, Method::POST, path, Some((NDJSON, lines.as_bytes())));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// The type of a failure in Elasticsearch's shape with this status.
fn failure(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["status"], status, "{body}");
    assert_eq!(body["error"]["type"], body["error"]["root_cause"][0]["type"], "{body}");
    assert!(!body["error"]["reason"].as_str().unwrap_or_default().is_empty(), "{body}");
    body["error"]["type"].as_str().expect("a type").to_owned()
}

#[test]
fn an_index_exists_when_its_pipeline_does() {
    let (_server, client) = shared();
    let shipper = shipper(&client);
    let name = unique("with space, dot. and /slash é");
    client.save_pipeline(&name, &Flow::to_stream("x"));
    let exists = |name: &str| send(&shipper, Method::HEAD, &format!("/{}", segment(name)), None);
    assert_eq!((exists(&name).status, exists(&name).body.len()), (200, 0));
    assert_eq!((exists("nowhere").status, exists("nowhere").body.len()), (404, 0));
}

#[test]
fn a_document_is_flattened_and_answered_as_created() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let document = r#"{"a": {"b": "c", "n": 1.50}, "list": ["x", {"y": true}], "null": null, "empty": {}, "none": [], "big": 12345678901234567890}"#;
    let answer = index(&shipper(&client), &pipeline, document);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    assert_eq!((&body["_index"], &body["_version"], &body["result"]), (&json!(pipeline), &json!(1), &json!("created")), "{body}");
    assert_eq!(body["_id"].as_str().map(str::len), Some(36), "{body}");
    let expected =
        json!({"a.b": "c", "a.n": "1.50", "list.0": "x", "list.1.y": "true", "null": "", "big": "12345678901234567890"});
    assert_eq!(client.records(&stream), [expected]);
}

#[test]
fn an_id_of_the_client_is_told_back_and_documents_are_never_replaced() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let shipper = shipper(&client);
    for (method, operation) in
        [(Method::PUT, "_doc"), (Method::POST, "_doc"), (Method::PUT, "_create"), (Method::POST, "_create")]
    {
        let path = format!("/{pipeline}/{operation}/a%2Fb");
        let answer = send(&shipper, method, &path, Some(("application/json", br#"{"k":"v"}"#)));
        assert_eq!((answer.status, &answer.json()["_id"]), (200, &json!("a/b")), "{path}");
    }
    assert_eq!(client.records(&stream).len(), 4);
}

#[test]
fn what_is_no_document_is_refused_and_stores_nothing() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let shipper = shipper(&client);
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(5000), "]".repeat(5000));
    for document in ["", "[]", "[{}]", "\"text\"", "null", "{", "{\"a\":1}{", "{\"a\":\"\u{1}\"}", &deep] {
        assert_eq!(failure(&index(&shipper, &pipeline, document), 400), "document_parsing_exception", "{document:.40}");
    }
    let path = format!("/{pipeline}/_doc");
    let other = send(&shipper, Method::POST, &path, Some(("text/plain", b"{}")));
    assert_eq!(failure(&other, 400), "illegal_argument_exception");
    assert!(client.records(&stream).is_empty());
    for kind in ["application/json; charset=utf-8", "application/vnd.elasticsearch+json; compatible-with=8"] {
        assert_eq!(send(&shipper, Method::POST, &path, Some((kind, b"{}"))).status, 200, "{kind}");
    }
}

#[test]
fn a_document_for_an_unknown_pipeline_or_one_that_fails_says_so() {
    let (_server, client) = shared();
    let shipper = shipper(&client);
    assert_eq!(failure(&index(&shipper, "nowhere", "{}"), 404), "index_not_found_exception");
    let broken = unique("broken");
    client.save_pipeline(&broken, &Flow::through("no such transformer", "x"));
    let answer = index(&shipper, &broken, "{}");
    assert_eq!(failure(&answer, 500), "exception");
    assert!(answer.text().contains("no such transformer"), "{}", answer.text());
}

#[test]
fn credentials_are_demanded_and_malformed_ones_told_apart() {
    let server = Server::start();
    let client = server.client();
    let ask = |client: &Client| index(client, "default", "{}");
    let answer = ask(&client.anonymous());
    assert_eq!(failure(&answer, 401), "security_exception");
    assert!(answer.header("www-authenticate").starts_with("Basic "), "{:?}", answer.headers);
    for wrong in [basic(USER, "wrong"), basic("nobody", PASSWORD), basic(USER, "")] {
        let answer = ask(&client.with_authorization(&wrong));
        assert_eq!(failure(&answer, 401), "security_exception");
        assert_eq!(answer.json()["error"]["reason"], "invalid credentials");
    }
    for malformed in ["Basic ***", "Basic cm9vdA=="] {
        assert_eq!(ask(&client.with_authorization(malformed)).status, 400, "{malformed}");
    }
    // A token does as well, for shippers that can set a header.
    for good in [basic(USER, PASSWORD), basic(USER, PASSWORD).replacen("Basic", "bASIC", 1), format!("Bearer {TOKEN}")] {
        assert_eq!(ask(&client.with_authorization(&good)).status, 200, "{good}");
    }
    // Whoever is not known learns nothing about what exists.
    for (method, path) in [(Method::GET, "/"), (Method::HEAD, "/default"), (Method::POST, "/_bulk"), (Method::PUT, "/x")] {
        assert_eq!(send(&client.anonymous(), method, path, None).status, 401, "{path}");
    }
}

#[test]
fn guessing_is_slowed_down_and_a_shipper_that_is_known_goes_on() {
    let server = Server::start();
    let client = server.client();
    let shipper = shipper(&client);
    assert_eq!(index(&shipper, "default", "{}").status, 200);
    let wrong = client.with_authorization(&basic(USER, "wrong"));
    let statuses: Vec<u16> = (0..15).map(|_| index(&wrong, "default", "{}").status).collect();
    assert_eq!((statuses[0], statuses[14]), (401, 429), "{statuses:?}");
    assert_eq!(index(&shipper, "default", "{}").status, 200);
}

#[test]
fn a_new_password_ends_the_old_one_at_once() {
    let server = Server::start();
    let client = server.client();
    let old = shipper(&client);
    assert_eq!(index(&old, "default", "{}").status, 200);
    let body = json!({"old_password": PASSWORD, "new_password": "another"});
    client.post("/api/v1/auth/change-password", &body).ok();
    assert_eq!(index(&old, "default", "{}").status, 401);
    assert_eq!(index(&client.with_authorization(&basic(USER, "another")), "default", "{}").status, 200);
}

#[test]
fn each_operation_has_its_scope() {
    let server = Server::start();
    let client = server.client();
    let scopes = ["send_logs", "read_pipelines", "write_pipelines", "read_streams"];
    let named: Vec<(&str, &[&str])> = scopes.iter().map(|scope| (*scope, std::slice::from_ref(scope))).collect();
    people::add(&client, &named);
    let status = |scope: &str, method: Method, path: &str, body: &str| {
        let client = client.with_authorization(&basic(scope, scope));
        send(&client, method, path, Some(("application/json", body.as_bytes()))).status
    };
    let line = "{\"index\":{}}\n{}\n";
    for scope in scopes {
        let expected = |wanted: &[&str]| if wanted.contains(&scope) { 200 } else { 403 };
        assert_eq!(status(scope, Method::HEAD, "/default", ""), expected(&["read_pipelines", "write_pipelines"]), "{scope}");
        assert_eq!(status(scope, Method::POST, "/default/_doc", "{}"), expected(&["send_logs"]), "{scope}");
        assert_eq!(status(scope, Method::POST, "/default/_bulk", line), expected(&["send_logs"]), "{scope}");
        assert_eq!(status(scope, Method::PUT, "/new", ""), expected(&["write_pipelines"]), "{scope}");
        assert_eq!(status(scope, Method::GET, "/", ""), 200, "{scope}");
        for path in SETTINGS.into_iter().chain(["/_data_stream/nowhere"]) {
            let found = if expected(&["read_pipelines", "write_pipelines"]) == 200 { 404 } else { 403 };
            assert_eq!(status(scope, Method::GET, path, ""), found, "{scope} {path}");
            let path = path.replace("nowhere", "made");
            assert_eq!(status(scope, Method::PUT, &path, "{}"), expected(&["write_pipelines"]), "{scope} {path}");
        }
        // What is malformed is told before what is not allowed (FlowG 3.2).
        assert_eq!(status(scope, Method::POST, "/default/_doc", "{"), 400, "{scope}");
    }
}

#[test]
fn bulk_answers_each_document_in_order() {
    let (_server, client) = shared();
    let ((one, one_stream), (two, two_stream)) = (pipeline_into_stream(&client), pipeline_into_stream(&client));
    let lines = format!(
        "{{\"index\":{{\"_index\":\"{one}\",\"_id\":\"1\",\"_type\":\"events\"}}}}\n{{\"n\":1}}\n\n\
         {{\"create\":{{\"_index\":\"{two}\"}}}}\n{{\"n\":{{\"deep\":2}}}}\n\
         {{\"index\":{{\"_index\":\"nowhere\"}}}}\n{{}}\n\
         {{\"index\":{{\"_index\":\"{one}\"}}}}\n[\"no object\"]\n\
         {{\"update\":{{\"_index\":\"{one}\",\"_id\":\"1\"}}}}\n{{\"doc\":{{}}}}\n\
         {{\"delete\":{{\"_index\":\"{one}\",\"_id\":\"1\"}}}}\n\
         {{\"index\":{{}}}}\n{{}}\n\
         {{\"index\":{{\"_index\":\"{one}\"}}}}\r\n{{\"n\":3}}\r\n"
    );
    let answer = bulk(&shipper(&client), "/_bulk", &lines);
    assert_eq!(answer["errors"], true);
    assert!(answer["took"].is_u64());
    let items = answer["items"].as_array().expect("items");
    let short = |item: &Value| {
        let (action, told) = item.as_object().and_then(|item| item.iter().next()).expect("one member");
        let kind = told["error"]["type"].as_str().unwrap_or(told["result"].as_str().unwrap_or_default());
        format!("{action} {} {} {kind}", told["_index"].as_str().unwrap_or_default(), told["status"])
    };
    let told: Vec<String> = items.iter().map(short).collect();
    assert_eq!(
        told,
        [
            format!("index {one} 201 created"),
            format!("create {two} 201 created"),
            "index nowhere 404 index_not_found_exception".to_owned(),
            format!("index {one} 400 document_parsing_exception"),
            format!("update {one} 400 illegal_argument_exception"),
            format!("delete {one} 400 illegal_argument_exception"),
            "index  400 illegal_argument_exception".to_owned(),
            format!("index {one} 201 created"),
        ]
    );
    assert_eq!(items[0]["index"]["_id"], "1");
    assert_eq!(client.values(&one_stream, "n"), ["1", "3"]);
    assert_eq!(client.records(&two_stream), [json!({"n.deep": "2"})]);
}

#[test]
fn bulk_for_one_index_takes_it_from_the_path() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let lines: String = (0..500).map(|n| format!("{{\"index\":{{}}}}\n{{\"n\":\"{n}\"}}\n")).collect();
    // The last line feed may be missing.
    let answer = bulk(&shipper(&client), &format!("/{pipeline}/_bulk"), lines.trim_end());
    assert_eq!((&answer["errors"], answer["items"].as_array().map(Vec::len)), (&json!(false), Some(500)));
    assert_eq!(client.records(&stream).len(), 500);
}

#[test]
fn a_document_that_fails_in_the_pipeline_stops_no_other() {
    let (_server, client) = shared();
    let (pipeline, stream) = crate::pipeline_through(&client, "if .n == \"3\" { abort }");
    let lines: String = (0..6).map(|n| format!("{{\"index\":{{}}}}\n{{\"n\":\"{n}\"}}\n")).collect();
    let answer = bulk(&shipper(&client), &format!("/{pipeline}/_bulk"), &lines);
    let statuses: Vec<_> =
        answer["items"].as_array().expect("items").iter().map(|item| item["index"]["status"].as_u64()).collect();
    assert_eq!(statuses, [201, 201, 201, 500, 201, 201].map(Some));
    assert_eq!(client.values(&stream, "n"), ["0", "1", "2", "4", "5"]);
}

#[test]
fn a_bulk_request_that_cannot_be_read_stores_nothing() {
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let good = format!("{{\"index\":{{\"_index\":\"{pipeline}\"}}}}\n{{}}\n");
    let shipper = shipper(&client);
    for bad in ["nonsense\n", "{}\n{}\n", "{\"index\":{},\"create\":{}}\n{}\n", "{\"take\":{}}\n{}\n", "{\"index\":1}\n{}\n"] {
        let answer = send(&shipper, Method::POST, "/_bulk", Some((NDJSON, format!("{good}{bad}").as_bytes())));
        assert_eq!(failure(&answer, 400), "illegal_argument_exception", "{bad}");
        assert!(answer.text().contains("[3]"), "the line is named: {}", answer.text());
    }
    let many = send(&shipper, Method::POST, "/_bulk", Some((NDJSON, good.repeat(100_001).as_bytes())));
    assert_eq!(failure(&many, 413), "content_too_long_exception");
    let empty = send(&shipper, Method::POST, "/_bulk", Some((NDJSON, b"\n\n")));
    assert_eq!(failure(&empty, 400), "illegal_argument_exception");
    assert!(client.records(&stream).is_empty());
}

#[test]
fn gzip_is_understood() {
    use std::io::Write;
    let (_server, client) = shared();
    let (pipeline, stream) = pipeline_into_stream(&client);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(b"{\"index\":{}}\n{\"a\":\"b\"}\n").expect("compressed");
    let body = encoder.finish().expect("compressed");
    let headers = [("Content-Type", NDJSON), ("Content-Encoding", "gzip")];
    let answer = shipper(&client).send(Method::POST, &format!("{BASE}/{pipeline}/_bulk"), &headers, Some(&body));
    assert_eq!((answer.status, &answer.json()["errors"]), (200, &json!(false)), "{}", answer.text());
    assert_eq!(client.records(&stream), [json!({"a": "b"})]);
}

#[test]
fn making_an_index_makes_a_pipeline_into_the_stream_of_its_name() {
    let (_server, client) = shared();
    let (shipper, name) = (shipper(&client), unique("made index"));
    let path = format!("/{}", segment(&name));
    let made = send(&shipper, Method::PUT, &path, Some(("application/json", b"{\"mappings\":{}}")));
    assert_eq!((made.status, made.json()), (200, json!({"acknowledged": true, "shards_acknowledged": true, "index": name})));
    assert_eq!(send(&shipper, Method::HEAD, &path, None).status, 200);
    assert_eq!(index(&shipper, &name, "{\"a\":1}").status, 200);
    assert_eq!(client.records(&name), [json!({"a": "1"})]);
    let again = send(&shipper, Method::PUT, &path, None);
    assert_eq!(failure(&again, 400), "resource_already_exists_exception");
}

#[test]
fn clients_are_told_what_they_ask_before_they_send() {
    let (_server, client) = shared();
    let shipper = shipper(&client);
    for path in ["", "/"] {
        let info = send(&shipper, Method::GET, path, None);
        assert_eq!((info.status, &info.json()["tagline"]), (200, &json!("You Know, for Search")), "{path:?}");
        assert!(info.json()["version"]["number"].is_string());
        assert_eq!(send(&shipper, Method::HEAD, path, None).status, 200);
    }
    assert_eq!(send(&shipper, Method::GET, "/_license", None).json()["license"]["status"], "active");
    assert_eq!(send(&shipper, Method::GET, "/_cluster/health", None).json()["status"], "green");
    assert!(send(&shipper, Method::GET, "/_cat/health", None).text().contains("green"));
}

/// What a shipper sets up by a name.
const SETTINGS: [&str; 4] = ["/_template/x", "/_index_template/x", "/_component_template/x", "/_ilm/policy/x"];

#[test]
fn beats_and_logstash_find_what_they_look_for_before_they_send() {
    let (_server, client) = shared();
    let shipper = shipper(&client);
    let xpack = send(&shipper, Method::GET, "/_xpack?human=false", None).json();
    assert_eq!((&xpack["license"]["status"], &xpack["license"]["type"]), (&json!("active"), &json!("basic")), "{xpack}");
    // Retention is the stream's: a shipper must not write to the aliases of a lifecycle.
    assert_eq!(xpack["features"]["ilm"], json!({"available": false, "enabled": false}));
    let templates = send(&shipper, Method::GET, "/_cat/templates/filebeat-7.17.0", None);
    assert_eq!((templates.status, templates.text().as_str()), (200, ""));
    for path in ["/_xpack", "/_cat/templates/x", "/_license"] {
        assert_eq!(failure(&send(&client.anonymous(), Method::GET, path, None), 401), "security_exception", "{path}");
    }
}

#[test]
fn templates_and_policies_are_acknowledged_and_not_kept() {
    let (_server, client) = shared();
    let shipper = shipper(&client);
    for path in SETTINGS {
        let there = || failure(&send(&shipper, Method::GET, path, None), 404);
        assert_eq!(there(), "resource_not_found_exception", "{path}");
        assert_eq!(send(&shipper, Method::HEAD, path, None).status, 404, "{path}");
        let put = |body: &str| send(&shipper, Method::PUT, path, Some(("application/json", body.as_bytes())));
        let done = put(r#"{"index_patterns": ["logs-*"], "policy": {}}"#);
        assert_eq!((done.status, done.json()), (200, json!({"acknowledged": true})), "{path}");
        there();
        for body in ["", "[]", "{"] {
            assert_eq!(failure(&put(body), 400), "illegal_argument_exception", "{path} {body:?}");
        }
    }
}

#[test]
fn a_data_stream_is_a_pipeline() {
    let (_server, client) = shared();
    let (shipper, name) = (shipper(&client), unique("filebeat-8.17"));
    let path = format!("/_data_stream/{name}");
    assert_eq!(failure(&send(&shipper, Method::GET, &path, None), 404), "index_not_found_exception");
    let made = send(&shipper, Method::PUT, &path, None);
    assert_eq!((made.status, made.json()), (200, json!({"acknowledged": true})), "{}", made.text());
    assert_eq!(send(&shipper, Method::GET, &path, None).json()["data_streams"][0]["name"], name);
    assert_eq!(failure(&send(&shipper, Method::PUT, &path, None), 400), "resource_already_exists_exception");
    let lines = format!("{{\"create\":{{\"_index\":\"{name}\"}}}}\n{{\"message\":\"hello\"}}\n");
    let answer = bulk(&shipper, "/_bulk?filter_path=errors,items.*.error,items.*.status", &lines);
    assert_eq!((&answer["errors"], &answer["items"][0]["create"]["status"]), (&json!(false), &json!(201)));
    assert_eq!(client.records(&name), [json!({"message": "hello"})]);
}

#[test]
fn other_paths_and_methods_are_refused_with_the_product_named() {
    let (_server, client) = shared();
    let shipper = shipper(&client);
    for (method, path, status) in [
        (Method::POST, "/default/_search", 404),
        (Method::GET, "/_nodes/http", 404),
        (Method::GET, "/default", 405),
        (Method::DELETE, "/default", 405),
        (Method::GET, "/default/_doc", 405),
        (Method::DELETE, "/default/_doc/1", 405),
    ] {
        let answer = send(&shipper, method, path, None);
        failure(&answer, status);
    }
}
