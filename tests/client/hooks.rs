//! `headworks hook`.

use headworks_tests::plugins::component;
use headworks_tests::server::{TOKEN, clean_command};
use headworks_tests::{Server, eventually, people};
use http::Method;
use serde_json::{Value, json};
use std::process::Output;

fn run(server: &Server, token: &str, arguments: &[&str], input: &str) -> Output {
    let mut command = clean_command();
    command.env("FLOWG_API", format!("http://{}", server.address())).env("FLOWG_API_TOKEN", token);
    command.arg("hook").args(arguments);
    crate::run_with(command, input)
}

fn ok(server: &Server, arguments: &[&str], input: &str) -> String {
    let output = run(server, TOKEN, arguments, input);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn fails(server: &Server, token: &str, arguments: &[&str], input: &str) -> String {
    let output = run(server, token, arguments, input);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr).expect("text")
}

#[test]
fn a_hook_is_made_heard_shown_copied_and_deleted() {
    let server = Server::start();
    assert_eq!(ok(&server, &["list"], ""), "");
    ok(&server, &["set", "lines"], &json!({"type": "log", "events": ["CREATE_BUCKET", "DELETE_BUCKET"]}).to_string());
    assert_eq!(ok(&server, &["list"], ""), "lines\tlog\tCREATE_BUCKET,DELETE_BUCKET\t0 delivered, 0 failed, 0 waiting\n");
    server.client().anonymous().post("/nifi-registry-api/buckets", &json!({"name": "told"}));
    eventually("it was told", || ok(&server, &["list"], "").contains("1 delivered").then_some(()));
    let shown = ok(&server, &["show", "lines"], "");
    let hook: Value = serde_json::from_str(&shown).expect("JSON for people");
    assert_eq!((&hook["type"], &hook["status"]["delivered"]), (&json!("log"), &json!(1)));
    // What is shown comes back, from a file too.
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("hook.json");
    std::fs::write(&file, &shown).expect("a file");
    ok(&server, &["set", "copy", "--input", file.to_str().expect("text")], "");
    ok(&server, &["set", "lines"], r#"{"type": "log"}"#);
    let listed = ok(&server, &["list"], "");
    assert!(
        listed.contains("copy\tlog\tCREATE_BUCKET,DELETE_BUCKET\t") && listed.contains("lines\tlog\tall events\t"),
        "{listed}"
    );
    let all: Value = serde_json::from_str(&ok(&server, &["list", "--output", "json"], "")).expect("JSON");
    assert_eq!(all.as_array().map(Vec::len), Some(2), "{all}");
    ok(&server, &["rm", "copy"], "");
    assert!(!ok(&server, &["list"], "").contains("copy"));
}

#[test]
fn a_hook_may_be_a_component() {
    let server = Server::start();
    let pushed = server.client().upload(&component("test-hook"), &[("approve", "http://*:*"), ("release", "true")]);
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let hook = json!({"type": "component", "config": {"plugin": "test-hook", "config": "ok"}});
    ok(&server, &["set", "guest"], &hook.to_string());
    assert!(ok(&server, &["show", "guest"], "").contains("test-hook"));
}

#[test]
fn failures_say_what_the_server_said() {
    let server = Server::start();
    assert_eq!(fails(&server, TOKEN, &["show", "none"], ""), "headworks: there is no event hook \"none\"\n");
    assert_eq!(fails(&server, TOKEN, &["rm", "none"], ""), "headworks: there is no event hook \"none\"\n");
    let wrong = fails(&server, TOKEN, &["set", "x"], r#"{"type": "log", "events": ["NO_SUCH"]}"#);
    assert!(wrong.starts_with("headworks: events[0]: \"NO_SUCH\" is no type of event"), "{wrong}");
    assert!(fails(&server, TOKEN, &["set", "x"], r#"{"type": "log", "mroe": 1}"#).contains("mroe"));
    assert!(fails(&server, TOKEN, &["set", "x"], "{").contains("no JSON"));
    let reader = people::one(&server.client(), "reader", &["read_acls"]).send(Method::POST, "/api/v1/token", &[], None).ok();
    let reader = reader["token"].as_str().expect("a token");
    assert!(run(&server, reader, &["list"], "").status.success());
    assert!(fails(&server, reader, &["set", "x"], r#"{"type": "log"}"#).contains("write_acls"));
    assert_eq!(run(&server, TOKEN, &["set"], "").status.code(), Some(2));
}
