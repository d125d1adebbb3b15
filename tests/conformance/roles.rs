//! Roles: scopes by name (FlowG 4, 5, 23).

use crate::shared;
use headworks_tests::{Client, Server, people, unique};
use http::Method;
use serde_json::{Value, json};

fn save(client: &Client, role: &str, scopes: &Value) -> headworks_tests::Answer {
    client.put(&format!("/api/v1/roles/{role}"), &json!({ "scopes": scopes }))
}

fn get(client: &Client, role: &str) -> Value {
    client.get(&format!("/api/v1/roles/{role}")).ok()["role"].take()
}

#[test]
fn a_role_keeps_its_scopes_sorted_and_merged_without_what_they_include() {
    let (_server, client) = shared();
    let role = unique("role");
    save(&client, &role, &json!(["write_streams", "send_logs", "write_streams", "read_acls"])).ok();
    let expected = json!({ "name": role, "scopes": ["read_acls", "send_logs", "write_streams"] });
    assert_eq!(get(&client, &role), expected);
    let roles = client.get("/api/v1/roles").ok()["roles"].take();
    assert!(roles.as_array().expect("roles").contains(&expected), "{roles}");
}

#[test]
fn saving_again_replaces_the_scopes() {
    let (_server, client) = shared();
    let role = unique("role");
    save(&client, &role, &json!(["send_logs"])).ok();
    save(&client, &role, &json!(["read_streams"])).ok();
    assert_eq!(get(&client, &role)["scopes"], json!(["read_streams"]));
}

#[test]
fn a_role_without_scopes_has_an_empty_list() {
    let (_server, client) = shared();
    for scopes in [json!([]), Value::Null] {
        let role = unique("role");
        save(&client, &role, &scopes).ok();
        assert_eq!(get(&client, &role), json!({ "name": role, "scopes": [] }));
    }
}

#[test]
fn every_scope_can_be_given() {
    let (_server, client) = shared();
    let role = unique("role");
    let scopes = json!([
        "read_acls",
        "read_auth_providers",
        "read_forwarders",
        "read_pipelines",
        "read_streams",
        "read_system_configuration",
        "read_transformers",
        "send_logs",
        "write_acls",
        "write_auth_providers",
        "write_forwarders",
        "write_pipelines",
        "write_streams",
        "write_system_configuration",
        "write_transformers"
    ]);
    save(&client, &role, &scopes).ok();
    assert_eq!(get(&client, &role)["scopes"], scopes);
}

#[test]
fn an_unknown_scope_is_named_and_nothing_is_saved() {
    let (_server, client) = shared();
    let role = unique("role");
    let error = save(&client, &role, &json!(["send_logs", "nope"])).error(400, "INVALID_ARGUMENT");
    assert_eq!(error, "invalid argument: invalid scope: nope");
    client.get(&format!("/api/v1/roles/{role}")).fails(404, "NOT_FOUND");
}

#[test]
fn save_role_requires_scopes() {
    let (_server, client) = shared();
    let path = format!("/api/v1/roles/{}", unique("role"));
    let body = client.put(&path, &json!({})).fails(400, "INVALID_ARGUMENT");
    assert_eq!(body["error"], "invalid argument: validation failed");
    assert_eq!(body["context"], json!({ "body": ["#: missing properties: \"scopes\""] }));
    for scopes in [json!("send_logs"), json!([1]), json!({})] {
        let error = client.put(&path, &json!({ "scopes": scopes })).error(400, "INVALID_ARGUMENT");
        assert!(error.starts_with("invalid argument: failed to decode json: "), "{error}");
    }
    let error = client.send(Method::PUT, &path, &[], None).error(400, "INVALID_ARGUMENT");
    assert_eq!(error, "invalid argument: missing request body");
    client.send(Method::PUT, &path, &[], Some(br#"{"Scopes":["send_logs"]}"#)).ok();
}

#[test]
fn an_unknown_role_is_404_and_deleting_it_is_not() {
    let (_server, client) = shared();
    let path = format!("/api/v1/roles/{}", unique("role"));
    assert_eq!(client.get(&path).fails(404, "NOT_FOUND"), json!({ "status": "NOT_FOUND", "error": "not found" }));
    client.delete(&path).ok();
    client.put(&path, &json!({ "scopes": [] })).ok();
    client.delete(&path).ok();
    client.get(&path).fails(404, "NOT_FOUND");
}

#[test]
fn roles_are_listed_in_ascending_order() {
    let server = Server::start();
    let client = server.client();
    for role in ["b", "B", "ä", "a"] {
        save(&client, &headworks_tests::client::segment(role), &json!([])).ok();
    }
    let roles = client.get("/api/v1/roles").ok()["roles"].take();
    let names: Vec<&str> = roles.as_array().expect("roles").iter().filter_map(|role| role["name"].as_str()).collect();
    assert_eq!(names, ["B", "a", "admin", "b", "viewer", "ä"]);
}

#[test]
fn a_changed_role_works_at_once_on_sessions_and_tokens() {
    let (_server, client) = shared();
    let user = unique("user");
    let token = people::one(&client, &user, &[]);
    let session = people::session(&client, &user, &user);
    let role = headworks_tests::client::segment(&format!("role of {user}"));
    let check = |status: u16| {
        for caller in [&token, &session] {
            assert_eq!(caller.get("/api/v1/streams").status, status);
        }
    };
    check(403);
    save(&client, &role, &json!(["read_streams"])).ok();
    check(200);
    client.delete(&format!("/api/v1/roles/{role}")).ok();
    check(403);
    // The user kept the name of the role: making it again revives it.
    assert_eq!(client.get(&format!("/api/v1/users/{user}")).ok()["user"]["roles"], json!([format!("role of {user}")]));
    save(&client, &role, &json!(["write_streams"])).ok();
    check(200);
}

#[test]
fn roles_survive_a_restart() {
    let mut server = Server::start();
    save(&server.client(), "kept", &json!(["send_logs"])).ok();
    server.client().delete("/api/v1/roles/viewer").ok();
    server.kill();
    server.restart();
    let roles = server.client().get("/api/v1/roles").ok()["roles"].take();
    let names: Vec<&str> = roles.as_array().expect("roles").iter().filter_map(|role| role["name"].as_str()).collect();
    assert_eq!(names, ["admin", "kept"]);
}
