//! Names are free text in every kind of object (FlowG 2).

use crate::shared;
use headworks_tests::client::segment;
use headworks_tests::events::Events;
use headworks_tests::{Flow, people, unique};
use serde_json::json;

fn odd_names() -> Vec<String> {
    let names = [
        "with space",
        "dots.in.it",
        "..",
        "a/b",
        "/",
        "ünïcödé 漢字 🦀",
        "100%",
        "%2F",
        "q?a=b&c#d",
        "a+b",
        "UPPER",
        "upper",
        "\u{1b}:\u{0}",
        "*",
        "'\"<>",
    ];
    names.iter().map(|name| format!("{}{name}", unique("n"))).collect()
}

#[test]
fn transformers_have_any_name() {
    let (_server, client) = shared();
    for name in odd_names() {
        let path = format!("/api/v1/transformers/{}", segment(&name));
        client.put(&path, &json!({ "script": name })).ok();
        assert_eq!(client.get(&path).ok()["script"], name);
        assert!(
            client.get("/api/v1/transformers").ok()["transformers"].as_array().expect("names").contains(&json!(name)),
            "{name:?}"
        );
        client.delete(&path).ok();
        client.get(&path).fails(404, "NOT_FOUND");
    }
}

#[test]
fn pipelines_have_any_name() {
    let (_server, client) = shared();
    let stream = unique("stream");
    for name in odd_names() {
        let path = format!("/api/v1/pipelines/{}", segment(&name));
        client.put(&path, &json!({ "flow": Flow::to_stream(&stream) })).ok();
        client.get(&path).ok();
        client.ingest(&name, &json!([{ "p": name }])).ok();
        assert_eq!(client.get(&format!("{path}/metrics")).status, 200);
        client.delete(&path).ok();
        client.ingest(&name, &json!([{}])).fails(404, "NOT_FOUND");
    }
    assert_eq!(client.records(&stream).len(), odd_names().len());
}

#[test]
fn streams_have_any_name() {
    let (_server, client) = shared();
    for name in odd_names() {
        let pipeline = unique("pipeline");
        let path = format!("/api/v1/streams/{}", segment(&name));
        client.save_pipeline(&pipeline, &Flow::to_stream(&name));
        client.configure_stream(&name, 0, 0, &["a"]);
        let events = Events::watch(&client, &name, &[]);
        client.ingest(&pipeline, &json!([{ "a": "1" }])).ok();
        assert_eq!(client.records(&name), [json!({ "a": "1" })]);
        assert_eq!(events.next_fields(), json!({ "a": "1" }));
        assert!(client.get("/api/v1/streams").ok()["streams"].get(&name).is_some(), "{name:?}");
        for part in ["/fields", "/usage", "/indices", ""] {
            client.get(&format!("{path}{part}")).ok();
        }
        client.delete(&path).ok();
        assert!(client.records(&name).is_empty());
    }
}

#[test]
fn roles_and_users_have_any_name() {
    let (_server, client) = shared();
    for name in odd_names() {
        let (role, user) = (format!("/api/v1/roles/{}", segment(&name)), format!("/api/v1/users/{}", segment(&name)));
        client.put(&role, &json!({ "scopes": ["send_logs"] })).ok();
        client.put(&user, &json!({ "roles": [name], "password": name })).ok();
        assert_eq!(client.get(&role).ok()["role"], json!({ "name": name, "scopes": ["send_logs"] }));
        assert_eq!(client.get(&user).ok()["user"], json!({ "name": name, "roles": [name] }));
        let body = people::session(&client, &name, &name).get("/api/v1/auth/whoami").ok();
        assert_eq!((&body["user"]["name"], &body["permissions"]["can_send_logs"]), (&json!(name), &json!(true)));
        client.delete(&user).ok();
        client.delete(&role).ok();
        client.get(&user).fails(404, "NOT_FOUND");
        client.get(&role).fails(404, "NOT_FOUND");
    }
}

#[test]
fn names_are_case_sensitive() {
    let (_server, client) = shared();
    let name = unique("Case");
    client.save_transformer(&name, "upper");
    client.save_transformer(&name.to_lowercase(), "lower");
    assert_eq!(client.get(&format!("/api/v1/transformers/{name}")).ok()["script"], "upper");
}

#[test]
fn an_empty_name_is_no_name() {
    let (_server, client) = shared();
    for kind in ["transformers", "pipelines", "streams", "roles", "users"] {
        let path = &format!("/api/v1/{kind}/");
        let status = client.send(http::Method::PUT, path, &[], Some(b"{}")).status;
        assert!(matches!(status, 400 | 404 | 405), "{path}: {status}");
    }
}

#[test]
fn a_name_of_a_thousand_characters_works_and_an_endless_one_is_refused() {
    let (_server, client) = shared();
    let long = unique("n") + &"x".repeat(1000);
    client.save_transformer(&long, ".");
    client.get(&format!("/api/v1/transformers/{long}")).ok();
    let endless = client.put(&format!("/api/v1/transformers/{}", "x".repeat(30_000)), &json!({ "script": "." }));
    assert!((400..500).contains(&endless.status), "{}", endless.status);
}
