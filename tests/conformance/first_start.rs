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

#[test]
fn a_fresh_server_has_two_roles_and_one_user() {
    let server = Server::start();
    let roles = server.client().get("/api/v1/roles").ok()["roles"].take();
    let admin = [
        "read_auth_providers",
        "read_system_configuration",
        "send_logs",
        "write_acls",
        "write_auth_providers",
        "write_forwarders",
        "write_pipelines",
        "write_streams",
        "write_system_configuration",
        "write_transformers",
    ];
    assert_eq!(roles, json!([{ "name": "admin", "scopes": admin }, { "name": "viewer", "scopes": ["read_streams"] }]));
    assert_eq!(server.client().get("/api/v1/users").ok()["users"], json!([{ "name": USER, "roles": ["admin"] }]));
}

#[test]
fn roles_are_not_made_again_while_others_exist() {
    let mut server = Server::start();
    server.client().put("/api/v1/roles/mine", &json!({ "scopes": [] })).ok();
    server.client().delete("/api/v1/roles/viewer").ok();
    server.stop();
    server.restart();
    let roles = server.client().get("/api/v1/roles").ok()["roles"].take();
    let names: Vec<&str> = roles.as_array().expect("roles").iter().filter_map(|role| role["name"].as_str()).collect();
    assert_eq!(names, ["admin", "mine"]);
}

#[test]
fn a_password_is_reset_at_every_start_and_an_unknown_user_stops_it() {
    let folder = headworks_tests::server::Folder::new();
    let reset = |user: &str| Setup::new().env("FLOWG_AUTH_RESET_USER", user).env("FLOWG_AUTH_RESET_PASSWORD", "anew");
    let mut server = reset(USER).start_on(&folder);
    let login = |server: &Server, password: &str| {
        server.client().anonymous().post("/api/v1/auth/login", &json!({ "username": USER, "password": password })).status
    };
    assert_eq!((login(&server, "anew"), login(&server, PASSWORD)), (200, 401));
    let change = json!({ "old_password": "anew", "new_password": "mine" });
    server.client().post("/api/v1/auth/change-password", &change).ok();
    server.stop();
    server.restart();
    assert_eq!((login(&server, "anew"), login(&server, "mine")), (200, 401));
    server.stop();
    let Err(refusal) = reset("nobody").try_start_on(&folder) else { panic!("it started") };
    assert!(refusal.output.contains("nobody"), "{}", refusal.output);
}

#[test]
fn demo_mode_makes_its_user_anew_and_bounds_every_stream() {
    let folder = headworks_tests::server::Folder::new();
    let mut usual = Setup::new().start_on(&folder);
    usual.client().configure_stream("old", 0, 0, &["a"]);
    usual.stop();

    let mut server = Setup::new().env("FLOWG_DEMO_MODE", "true").start_on(&folder);
    let client = server.client();
    let demo = headworks_tests::people::session(&client, "demo", "demo");
    let scopes = ["read_acls", "send_logs", "write_forwarders", "write_pipelines", "write_streams", "write_transformers"];
    assert_eq!(client.get("/api/v1/roles/demo").ok()["role"]["scopes"], json!(scopes));
    demo.configure_stream("new", 5, 7, &["b"]);
    assert_eq!(demo.ingest("default", &json!([{ "a": "1" }])).processed(), 1);
    let bounded = json!({ "ttl": 900, "size": 10, "indexed_fields": [] });
    let streams = client.get("/api/v1/streams").ok()["streams"].take();
    assert_eq!(streams, json!({ "default": bounded, "new": bounded, "old": bounded }));

    demo.post("/api/v1/auth/change-password", &json!({ "old_password": "demo", "new_password": "mine" })).ok();
    client.put("/api/v1/roles/demo", &json!({ "scopes": [] })).ok();
    server.stop();
    server.restart();
    headworks_tests::people::session(&server.client(), "demo", "demo").get("/api/v1/users").ok();
}

#[test]
fn variables_that_mean_nothing_here_are_told() {
    let server = Setup::new().env("FLOWG_BADGER_LOG_DIR", "/nowhere").start();
    assert!(server.output().contains("FLOWG_BADGER_LOG_DIR"), "{}", server.output());
}
