//! Users: passwords and roles by name (FlowG 4, 23).

use crate::shared;
use headworks_tests::server::{PASSWORD, USER};
use headworks_tests::{Answer, Client, Server, people, unique};
use serde_json::{Value, json};

fn path(user: &str) -> String {
    format!("/api/v1/users/{user}")
}

fn save(client: &Client, user: &str, roles: &Value, password: &str) -> Answer {
    client.put(&path(user), &json!({ "roles": roles, "password": password }))
}

fn login(client: &Client, user: &str, password: &str) -> Answer {
    client.anonymous().post("/api/v1/auth/login", &json!({ "username": user, "password": password }))
}

fn whoami(client: &Client) -> Answer {
    client.get("/api/v1/auth/whoami")
}

#[test]
fn a_user_keeps_its_roles_sorted_and_merged_unknown_ones_included() {
    let (_server, client) = shared();
    let user = unique("user");
    save(&client, &user, &json!(["viewer", "no such role", "admin", "viewer"]), "x").ok();
    let expected = json!({ "name": user, "roles": ["admin", "no such role", "viewer"] });
    assert_eq!(client.get(&path(&user)).ok()["user"], expected);
    let users = client.get("/api/v1/users").ok()["users"].take();
    assert!(users.as_array().expect("users").contains(&expected), "{users}");
}

#[test]
fn a_user_without_roles_has_an_empty_list_and_no_permission() {
    let (_server, client) = shared();
    for roles in [json!([]), Value::Null] {
        let user = unique("user");
        save(&client, &user, &roles, "x").ok();
        assert_eq!(client.get(&path(&user)).ok()["user"], json!({ "name": user, "roles": [] }));
        let body = whoami(&people::session(&client, &user, "x")).ok();
        assert_eq!(body["user"]["roles"], json!([]));
        assert!(body["permissions"].as_object().expect("permissions").values().all(|allowed| allowed == false), "{body}");
    }
}

#[test]
fn neither_passwords_nor_hashes_are_shown() {
    let (_server, client) = shared();
    let user = unique("user");
    save(&client, &user, &json!([]), "gone with the wind").ok();
    for answer in [client.get("/api/v1/users"), client.get(&path(&user))] {
        let text = answer.text();
        assert!(!text.contains("gone with") && !text.contains("argon2") && !text.contains("password"), "{text}");
    }
}

#[test]
fn save_user_requires_roles_and_password() {
    let (_server, client) = shared();
    let path = path(&unique("user"));
    for body in [json!({}), json!({ "roles": [] }), json!({ "password": "x" }), json!({ "roles": [""], "password": "x" })] {
        let answer = client.put(&path, &body).fails(400, "INVALID_ARGUMENT");
        assert_eq!(answer["error"], "invalid argument: validation failed", "{body}");
    }
    for body in [json!({ "roles": "admin", "password": "x" }), json!({ "roles": [], "password": 1 })] {
        let error = client.put(&path, &body).error(400, "INVALID_ARGUMENT");
        assert!(error.starts_with("invalid argument: failed to decode json: "), "{error}");
    }
    client.get(&path).fails(404, "NOT_FOUND");
}

#[test]
fn any_text_is_a_password() {
    let (_server, client) = shared();
    for password in ["", " ", "päß 漢字 🦀", "\u{0}\n", &"x".repeat(5000)] {
        let user = unique("user");
        save(&client, &user, &json!([]), password).ok();
        login(&client, &user, password).ok();
        login(&client, &user, &format!("{password}x")).fails(401, "UNAUTHENTICATED");
    }
}

#[test]
fn saving_again_replaces_roles_and_password_and_leaves_tokens_and_sessions() {
    let (_server, client) = shared();
    let user = unique("user");
    let token = people::one(&client, &user, &["read_streams"]);
    let session = people::session(&client, &user, &user);
    save(&client, &user, &json!(["viewer"]), "new").ok();
    login(&client, &user, &user).fails(401, "UNAUTHENTICATED");
    login(&client, &user, "new").ok();
    for caller in [&token, &session] {
        assert_eq!(whoami(caller).ok()["user"]["roles"], json!(["viewer"]));
    }
}

#[test]
fn patch_replaces_roles_at_once_and_keeps_the_password() {
    let (_server, client) = shared();
    let user = unique("user");
    let token = people::one(&client, &user, &[]);
    let session = people::session(&client, &user, &user);
    let patch = |roles: Value| client.send_json(http::Method::PATCH, &path(&user), &json!({ "roles": roles }));
    for caller in [&token, &session] {
        assert_eq!(caller.get("/api/v1/streams").status, 403);
    }
    patch(json!(["viewer"])).ok();
    for caller in [&token, &session] {
        assert_eq!(caller.get("/api/v1/streams").status, 200);
    }
    login(&client, &user, &user).ok();
    patch(Value::Null).ok();
    assert_eq!(client.get(&path(&user)).ok()["user"]["roles"], json!([]));
    for caller in [&token, &session] {
        assert_eq!(caller.get("/api/v1/streams").status, 403);
    }
    let answer = client.send_json(http::Method::PATCH, &path(&user), &json!({})).fails(400, "INVALID_ARGUMENT");
    assert_eq!(answer["context"], json!({ "body": ["#: missing properties: \"roles\""] }));
}

#[test]
fn an_unknown_user_is_404_to_get_and_patch_and_is_not_made() {
    let (_server, client) = shared();
    let path = path(&unique("user"));
    let expected = json!({ "status": "NOT_FOUND", "error": "not found" });
    assert_eq!(client.get(&path).fails(404, "NOT_FOUND"), expected);
    let patched = client.send_json(http::Method::PATCH, &path, &json!({ "roles": ["admin"] }));
    assert_eq!(patched.fails(404, "NOT_FOUND"), expected);
    client.get(&path).fails(404, "NOT_FOUND");
    client.delete(&path).ok();
}

#[test]
fn a_deleted_user_loses_its_tokens_and_sessions_at_once() {
    let (_server, client) = shared();
    let user = unique("user");
    let token = people::one(&client, &user, &["send_logs"]);
    let session = people::session(&client, &user, &user);
    client.delete(&path(&user)).ok();
    for caller in [&token, &session] {
        assert_eq!(whoami(caller).error(401, "UNAUTHENTICATED"), "unauthenticated: invalid token");
    }
    login(&client, &user, &user).fails(401, "UNAUTHENTICATED");
    client.delete(&path(&user)).ok();
}

#[test]
fn a_user_of_the_same_name_made_later_inherits_nothing() {
    let (_server, client) = shared();
    let user = unique("user");
    let token = people::one(&client, &user, &["send_logs"]);
    let session = people::session(&client, &user, &user);
    client.delete(&path(&user)).ok();
    save(&client, &user, &json!(["admin"]), "other").ok();
    for caller in [&token, &session] {
        whoami(caller).fails(401, "UNAUTHENTICATED");
    }
    let later = people::session(&client, &user, "other");
    assert_eq!(later.get("/api/v1/tokens").ok()["token_uuids"], json!([]));
}

#[test]
fn the_caller_and_the_last_administrator_can_be_deleted() {
    let server = Server::start();
    let client = server.client();
    client.delete(&path(USER)).ok();
    whoami(&client).fails(401, "UNAUTHENTICATED");
    login(&client, USER, PASSWORD).fails(401, "UNAUTHENTICATED");
}

#[test]
fn users_and_their_tokens_survive_a_restart() {
    let mut server = Server::start();
    people::one(&server.client(), "anna", &["read_acls"]);
    let token = server.client();
    server.client().delete(&path("anna")).ok();
    let berta = people::one(&token, "berta", &["read_acls"]);
    drop(berta);
    server.kill();
    server.restart();
    let names: Value = server.client().get("/api/v1/users").ok()["users"].take();
    let names: Vec<&str> = names.as_array().expect("users").iter().filter_map(|user| user["name"].as_str()).collect();
    assert_eq!(names, ["berta", USER]);
    people::session(&server.client(), "berta", "berta").get("/api/v1/users").ok();
}
