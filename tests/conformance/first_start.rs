//! What an empty data folder is filled with (FlowG 15, architecture 7).

use headworks_tests::server::{PASSWORD, USER};
use headworks_tests::{Server, Setup};
use serde_json::json;

#[test]
fn a_fresh_server_has_the_default_pipeline_and_nothing_else() {
    let server = Server::start();
    let client = server.client();
    assert_eq!(client.get("/api/v1/pipelines").ok()["pipelines"], json!(["default"]));
    assert_eq!(client.get("/api/v1/streams").ok()["streams"], json!({}));
    assert_eq!(client.get("/api/v1/transformers").ok()["transformers"], json!([]));
}

#[test]
fn the_default_pipeline_leads_both_sources_into_the_stream_default() {
    let server = Server::start();
    let client = server.client();
    let flow = client.get("/api/v1/pipelines/default").ok()["flow"].take();
    let ids = |member: &str| {
        let mut ids: Vec<String> =
            flow[member].as_array().expect(member).iter().map(|item| item["id"].as_str().expect("an id").to_owned()).collect();
        ids.sort();
        ids
    };
    let router = "node-37da64b3-6243-4620-b0f2-ba484a71b053";
    assert_eq!(ids("nodes"), ["__builtin__source_direct", "__builtin__source_syslog", router]);
    assert_eq!(
        ids("edges"),
        [format!("xy-edge____builtin__source_direct-{router}"), format!("xy-edge____builtin__source_syslog-{router}")]
    );
    assert_eq!(flow["hasLayout"], false);
    assert_eq!(flow["version"], 2);
    assert_eq!(flow["version.minor"], 1);

    assert_eq!(client.ingest("default", &json!([{ "a": "1" }, { "a": "2" }])).processed(), 2);
    assert_eq!(client.values("default", "a"), ["1", "2"]);
}

#[test]
fn what_was_deleted_is_not_made_again_while_others_exist() {
    let mut server = Server::start();
    server.client().save_pipeline("mine", &headworks_tests::Flow::to_stream("x"));
    server.client().delete("/api/v1/pipelines/default").ok();
    server.stop();
    server.restart();
    assert_eq!(server.client().get("/api/v1/pipelines").ok()["pipelines"], json!(["mine"]));
}

#[test]
fn the_bootstrap_user_can_have_another_name() {
    let server = Setup::new().env("HEADWORKS_BOOTSTRAP_USER", "operator").start();
    assert_eq!(server.client().get("/api/v1/auth/whoami").ok()["user"]["name"], "operator");
    let login = json!({ "username": USER, "password": PASSWORD });
    server.client().post("/api/v1/auth/login", &login).fails(401, "UNAUTHENTICATED");
}

#[test]
fn a_random_password_is_printed_once_when_none_is_given() {
    let mut server = Setup::new().without("HEADWORKS_BOOTSTRAP_PASSWORD").start();
    let client = server.client();
    let printed = server.output();
    let login = |password: &str| client.post("/api/v1/auth/login", &json!({ "username": USER, "password": password }));
    let candidates = printed
        .split(|c: char| c.is_whitespace() || "\"'`,;()=".contains(c))
        .filter(|word| word.len() >= 12 && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
    let password =
        candidates.map(str::to_owned).filter(|word| !word.starts_with("127.")).take(5).find(|word| login(word).status == 200);
    let password = password.unwrap_or_else(|| panic!("no printed word is the password:\n{printed}"));
    server.stop();
    server.restart();
    assert_eq!(server.output().matches(&password).count(), 1, "printed again");
}
