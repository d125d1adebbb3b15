//! Requests that cannot be used, and what every answer looks like (FlowG 3).

use crate::shared;
use headworks_tests::unique;
use http::Method;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

const TEST: &str = "/api/v1/test/transformer";

#[test]
fn an_unknown_path_is_404() {
    let (_server, client) = shared();
    for path in ["/api/v1/nothing", "/nothing", "/api/v1/pipelines/a/b/c", "/api/v2/pipelines"] {
        let answer = client.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("404 page not found"), "{}", answer.text());
    }
}

#[test]
fn an_unknown_path_is_404_without_authentication_too() {
    let (_server, client) = shared();
    assert_eq!(client.anonymous().get("/api/v1/nothing").status, 404);
}

#[test]
fn a_known_path_with_a_wrong_method_is_405_without_a_body() {
    let (_server, client) = shared();
    for (method, path) in [
        (Method::POST, "/api/v1/pipelines"),
        (Method::DELETE, "/api/v1/auth/login"),
        (Method::GET, "/api/v1/token"),
        (Method::PUT, "/api/v1/streams/x/logs"),
    ] {
        let answer = client.send(method.clone(), path, &[], None);
        assert_eq!((answer.status, answer.body.len()), (405, 0), "{method} {path}");
    }
}

#[test]
fn answers_are_one_json_document_and_a_line_feed() {
    let (_server, client) = shared();
    for answer in [
        client.get("/api/v1/pipelines"),
        client.get("/api/v1/streams"),
        client.get("/api/v1/pipelines/missing"),
        client.anonymous().get("/api/v1/pipelines"),
        client.post("/api/v1/auth/login", &json!({})),
    ] {
        assert!(answer.header("content-type").starts_with("application/json"), "{:?}", answer.headers);
        assert!(answer.body.ends_with(b"}\n"), "{}", answer.text());
        answer.json();
    }
}

#[test]
fn a_query_answer_ends_with_a_line_feed_too() {
    let (_server, client) = shared();
    let answer = client.query(&unique("stream"), &[]);
    assert!(answer.header("content-type").starts_with("application/json"));
    assert!(answer.body.ends_with(b"}\n"), "{}", answer.text());
}

#[test]
fn angle_brackets_and_ampersands_are_not_escaped() {
    let (_server, client) = shared();
    let answer = client.post(TEST, &json!({ "code": ".", "record": { "a": "<b> & 'c'" } }));
    answer.ok();
    assert!(answer.text().contains("<b> & 'c'"), "{}", answer.text());
}

#[test]
fn members_that_are_empty_or_zero_are_left_out_of_errors() {
    let (_server, client) = shared();
    let body = client.get("/api/v1/pipelines/missing").fails(404, "NOT_FOUND");
    assert!(body.get("code").is_none() && body.get("context").is_none(), "{body}");
}

#[test]
fn an_empty_body_is_named() {
    let (_server, client) = shared();
    for (method, path) in [
        (Method::POST, "/api/v1/auth/login"),
        (Method::POST, TEST),
        (Method::PUT, "/api/v1/transformers/x"),
        (Method::PUT, "/api/v1/pipelines/x"),
        (Method::POST, "/api/v1/pipelines/default/logs/struct"),
    ] {
        let error = client.send(method, path, &[], Some(b"")).error(400, "INVALID_ARGUMENT");
        assert_eq!(error, "invalid argument: missing request body", "{path}");
    }
}

#[test]
fn a_body_that_is_not_json_is_named() {
    let (_server, client) = shared();
    for body in ["{", "nonsense", "{\"code\": 1,}", "{} {}"] {
        let error = client.send(Method::POST, TEST, &[], Some(body.as_bytes())).error(400, "INVALID_ARGUMENT");
        assert!(error.starts_with("invalid argument: failed to decode json: "), "{body}: {error}");
    }
}

#[test]
fn a_wrong_json_type_is_named() {
    let (_server, client) = shared();
    for body in [
        json!([]),
        json!("x"),
        json!({ "code": 1, "record": {} }),
        json!({ "code": ".", "record": [] }),
        json!({ "code": ".", "record": { "a": 1 } }),
    ] {
        let error = client.post(TEST, &body).error(400, "INVALID_ARGUMENT");
        assert!(error.starts_with("invalid argument: failed to decode json: "), "{body}: {error}");
    }
}

#[test]
fn a_missing_member_is_named_in_the_context() {
    let (_server, client) = shared();
    for (path, member) in
        [(TEST, "code"), ("/api/v1/pipelines/default/logs/struct", "records"), ("/api/v1/auth/login", "username")]
    {
        let body = client.post(path, &json!({})).fails(400, "INVALID_ARGUMENT");
        assert_eq!(body["error"], "invalid argument: validation failed", "{path}");
        let messages = body["context"]["body"].as_array().expect("context.body").clone();
        let message = messages.first().and_then(|message| message.as_str()).expect("a message");
        assert!(message.starts_with('#') && message.contains(member), "{path}: {message}");
    }
}

#[test]
fn a_missing_member_inside_another_is_named_with_its_place() {
    let (_server, client) = shared();
    let body = client.put("/api/v1/streams/never-made", &json!({ "config": { "size": 0 } })).fails(400, "INVALID_ARGUMENT");
    let message = body["context"]["body"][0].as_str().expect("a message").to_owned();
    assert!(message.starts_with("#/config") && message.contains("ttl"), "{message}");
    assert!(client.get("/api/v1/streams").ok()["streams"].get("never-made").is_none());
}

#[test]
fn unknown_members_are_ignored() {
    let (_server, client) = shared();
    client.post(TEST, &json!({ "code": ".", "record": {}, "more": { "x": [1] } })).ok();
}

#[test]
fn member_names_are_matched_without_regard_to_case() {
    let (_server, client) = shared();
    let name = unique("pipeline");
    let flow = headworks_tests::Flow::to_stream("x");
    client.put(&format!("/api/v1/pipelines/{name}"), &json!({ "Flow": flow })).ok();
    assert_eq!(client.get(&format!("/api/v1/pipelines/{name}")).ok()["flow"]["nodes"].as_array().map(Vec::len), Some(2));
    client.put(&format!("/api/v1/transformers/{name}"), &json!({ "SCRIPT": "." })).ok();
}

#[test]
fn an_exact_member_name_comes_before_one_of_another_case() {
    let (_server, client) = shared();
    let body = client.post(TEST, &json!({ "CODE": "nonsense(", "code": ".ok = \"yes\"", "record": {} })).ok();
    assert_eq!(body["records"], json!([{ "ok": "yes" }]));
}

#[test]
fn a_missing_content_type_counts_as_json_and_parameters_are_accepted() {
    let (_server, client) = shared();
    let body = json!({ "code": ".", "record": {} }).to_string();
    client.send(Method::POST, TEST, &[], Some(body.as_bytes())).ok();
    client.post_bytes(TEST, "application/json; charset=utf-8", body.as_bytes()).ok();
    client.post_bytes(TEST, "Application/JSON", body.as_bytes()).ok();
}

#[test]
fn another_content_type_is_400() {
    let (_server, client) = shared();
    let error = client.post_bytes(TEST, "text/xml", b"<a/>").error(400, "INVALID_ARGUMENT");
    assert_eq!(error, "invalid argument: request with application/json content type expected, received: text/xml");
}

#[test]
fn a_missing_query_parameter_is_named() {
    let (_server, client) = shared();
    let body = client.get("/api/v1/streams/x/logs").fails(400, "INVALID_ARGUMENT");
    assert_eq!(body["error"], "invalid argument: validation failed");
    assert_eq!(body["context"]["query:from"], json!(["missing value"]));
    let body = client.get("/api/v1/streams/x/logs?from=2026-01-01T00:00:00Z").fails(400, "INVALID_ARGUMENT");
    assert_eq!(body["context"]["query:to"], json!(["missing value"]));
}

#[test]
fn a_malformed_query_parameter_is_named() {
    let (_server, client) = shared();
    let body = client.get("/api/v1/streams/x/logs?from=yesterday&to=2026-01-01T00:00:00Z").fails(400, "INVALID_ARGUMENT");
    assert_eq!(body["error"], "invalid argument: bad request");
    let message = body["context"]["query:from"][0].as_str().expect("a message").to_owned();
    assert!(message.starts_with("#: "), "{message}");
}

#[test]
fn authentication_comes_before_the_body() {
    let (_server, client) = shared();
    let answer = client.anonymous().send(Method::PUT, "/api/v1/pipelines/x", &[], Some(b"{"));
    answer.fails(401, "UNAUTHENTICATED");
    let answer = client.anonymous().get("/api/v1/streams/x/logs");
    answer.fails(401, "UNAUTHENTICATED");
}

#[test]
fn text_that_is_not_utf8_is_400() {
    let (_server, client) = shared();
    client
        .post_bytes("/api/v1/pipelines/default/logs/struct", "application/json", b"{\"records\":[{\"a\":\"\xff\"}]}")
        .fails(400, "INVALID_ARGUMENT");
    assert_eq!(client.post_bytes("/api/v1/pipelines/default/logs/text", "text/plain", b"\xff\xfe").status, 400);
}

#[test]
fn deeply_nested_json_is_refused_and_harmless() {
    let (_server, client) = shared();
    let deep = "[".repeat(200_000);
    client.send(Method::POST, TEST, &[], Some(deep.as_bytes())).fails(400, "INVALID_ARGUMENT");
    client.get("/api/v1/pipelines").ok();
}

#[test]
fn every_answer_carries_a_request_id() {
    let (_server, client) = shared();
    let (first, second) = (client.get("/api/v1/pipelines"), client.get("/api/v1/nothing"));
    assert!(!first.header("x-request-id").is_empty(), "{:?}", first.headers);
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

#[test]
fn an_early_refusal_reaches_a_client_that_is_still_sending() {
    let (server, client) = shared();
    let mut connection = TcpStream::connect(server.address()).expect("a connection");
    for _ in 0..3 {
        let head = "POST /api/v1/pipelines/default/logs/text HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer pat_wrong\r\nContent-Length: 400000\r\n\r\n";
        connection.write_all(head.as_bytes()).expect("the head is sent");
        for _ in 0..4 {
            std::thread::sleep(std::time::Duration::from_millis(20));
            connection.write_all(&[b'a'; 100_000]).expect("the body is sent");
        }
        let mut answer = String::new();
        while !answer.ends_with("}\n") {
            let mut bytes = [0; 4096];
            let read = connection.read(&mut bytes).expect("the answer");
            assert!(read > 0, "closed after {answer:?}");
            answer.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    }
    client.get("/api/v1/pipelines").ok();
}
