//! Which operation needs which scope, and when that is checked (FlowG 3.2, 5).

use headworks_tests::{Answer, Client, Flow, Server, people};
use http::Method;
use serde_json::{Value, json};

/// Each of the scopes that operations of this dialect ask for has a user of its own.
const SCOPES: &[&str] = &[
    "read_pipelines",
    "write_pipelines",
    "read_transformers",
    "write_transformers",
    "read_streams",
    "write_streams",
    "read_forwarders",
    "write_forwarders",
    "read_acls",
    "write_acls",
    "send_logs",
    "read_system_configuration",
    "write_system_configuration",
    "read_auth_providers",
    "write_auth_providers",
];

/// A server with a user for each scope, named after it, and the user `nobody` whose role has none.
fn start() -> (Server, Vec<(String, Client)>) {
    let server = Server::start();
    let mut wanted: Vec<(&str, &[&str])> = SCOPES.iter().map(|scope| (*scope, std::slice::from_ref(scope))).collect();
    wanted.push(("nobody", &[]));
    let clients = people::add(&server.client(), &wanted);
    let named = wanted.iter().zip(clients).map(|((name, _), client)| ((*name).to_owned(), client)).collect();
    (server, named)
}

fn client<'a>(clients: &'a [(String, Client)], name: &str) -> &'a Client {
    clients.iter().find(|(known, _)| known == name).map(|(_, client)| client).expect("a user")
}

/// Method, path, body and the scope that it needs.
type Operation = (Method, &'static str, Option<Value>, &'static str);

fn operations() -> Vec<Operation> {
    let flow = Flow::to_stream("s");
    let config = json!({ "type": "saml", "idp_metadata_url": "https://id.example.com" });
    let provider = json!({ "auth_provider": { "name": "a", "display_name": "A", "config": config } });
    let forwarder = json!({ "forwarder": { "config": { "type": "http", "url": "http://example.com" } } });
    vec![
        (Method::GET, "/api/v1/roles", None, "read_acls"),
        (Method::GET, "/api/v1/roles/admin", None, "read_acls"),
        (Method::PUT, "/api/v1/roles/r", Some(json!({ "scopes": [] })), "write_acls"),
        (Method::DELETE, "/api/v1/roles/r", None, "write_acls"),
        (Method::GET, "/api/v1/users", None, "read_acls"),
        (Method::GET, "/api/v1/users/root", None, "read_acls"),
        (Method::PUT, "/api/v1/users/u", Some(json!({ "roles": [], "password": "p" })), "write_acls"),
        (Method::PATCH, "/api/v1/users/u", Some(json!({ "roles": [] })), "write_acls"),
        (Method::DELETE, "/api/v1/users/u", None, "write_acls"),
        (Method::GET, "/api/v1/system-configuration", None, "read_system_configuration"),
        (Method::PUT, "/api/v1/system-configuration", Some(json!({})), "write_system_configuration"),
        (Method::GET, "/api/v1/auth-providers/a", None, "read_auth_providers"),
        (Method::PUT, "/api/v1/auth-providers/a", Some(provider), "write_auth_providers"),
        (Method::DELETE, "/api/v1/auth-providers/a", None, "write_auth_providers"),
        (Method::GET, "/api/v1/pipelines", None, "read_pipelines"),
        (Method::GET, "/api/v1/pipelines/default", None, "read_pipelines"),
        (Method::GET, "/api/v1/pipelines/default/metrics", None, "read_pipelines"),
        (Method::PUT, "/api/v1/pipelines/p", Some(json!({ "flow": flow })), "write_pipelines"),
        (Method::DELETE, "/api/v1/pipelines/p", None, "write_pipelines"),
        (Method::POST, "/api/v1/pipelines/default/logs", Some(json!({ "record": {} })), "send_logs"),
        (Method::POST, "/api/v1/pipelines/default/logs/struct", Some(json!({ "records": [] })), "send_logs"),
        (Method::POST, "/api/v1/pipelines/default/logs/otlp", Some(json!({ "resourceLogs": [] })), "send_logs"),
        (Method::POST, "/api/v1/test/pipeline/p", Some(json!({ "flow": flow, "records": [] })), "send_logs"),
        (Method::GET, "/api/v1/transformers", None, "read_transformers"),
        (Method::GET, "/api/v1/transformers/t", None, "read_transformers"),
        (Method::POST, "/api/v1/test/transformer", Some(json!({ "code": ".", "record": {} })), "read_transformers"),
        (Method::PUT, "/api/v1/transformers/t", Some(json!({ "script": "." })), "write_transformers"),
        (Method::DELETE, "/api/v1/transformers/t", None, "write_transformers"),
        (Method::GET, "/api/v1/forwarders", None, "read_forwarders"),
        (Method::GET, "/api/v1/forwarders/f", None, "read_forwarders"),
        (Method::PUT, "/api/v1/forwarders/f", Some(forwarder), "write_forwarders"),
        (Method::DELETE, "/api/v1/forwarders/f", None, "write_forwarders"),
        (Method::POST, "/api/v1/test/forwarders/f", Some(json!({ "record": {} })), "write_forwarders"),
        (Method::GET, "/api/v1/streams", None, "read_streams"),
        (Method::GET, "/api/v1/streams/s", None, "read_streams"),
        (Method::GET, "/api/v1/streams/s/fields", None, "read_streams"),
        (Method::GET, "/api/v1/streams/s/usage", None, "read_streams"),
        (Method::GET, "/api/v1/streams/s/indices", None, "read_streams"),
        (Method::GET, "/api/v1/streams/s/logs?from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z", None, "read_streams"),
        (Method::PUT, "/api/v1/streams/s", Some(json!({ "config": { "ttl": 0, "size": 0 } })), "write_streams"),
        (Method::DELETE, "/api/v1/streams/s", None, "write_streams"),
    ]
}

fn call(client: &Client, method: &Method, path: &str, body: Option<&Value>) -> Answer {
    client.send(method.clone(), path, &[], body.map(|body| body.to_string().into_bytes()).as_deref())
}

/// Whether a user named after its one scope has this scope (FlowG 5).
fn has(user: &str, scope: &str) -> bool {
    let family = scope.strip_prefix("read_").unwrap_or_default();
    let implied = !matches!(family, "system_configuration" | "auth_providers") && user == format!("write_{family}");
    user == scope || implied
}

#[test]
fn every_operation_is_allowed_with_its_scope_only() {
    let (server, mut clients) = start();
    // A user without any role, beside the one whose role has no scope.
    server.client().put("/api/v1/users/roleless", &json!({ "roles": [], "password": "roleless" })).ok();
    clients.push(("roleless".to_owned(), people::with_token(&server.client(), "roleless", "roleless")));
    for (method, path, body, scope) in operations() {
        for (user, client) in &clients {
            let answer = call(client, &method, path, body.as_ref());
            if has(user, scope) {
                assert!(matches!(answer.status, 200 | 404), "{user} {method} {path}: {} {}", answer.status, answer.text());
            } else {
                assert_eq!(answer.error(403, "PERMISSION_DENIED"), "permission denied", "{user} {method} {path}");
            }
        }
    }
}

#[test]
fn the_table_above_has_every_operation_that_the_server_says_needs_a_scope() {
    let (_server, client) = crate::shared();
    let document = client.get("/api/docs/openapi.json").json();
    let table = operations();
    for (method, path, said) in crate::api_docs::operations(&document) {
        let scopes: Vec<&str> = said["x-required-scopes"].as_array().expect("scopes").iter().filter_map(Value::as_str).collect();
        // Those that take a name and password have tests of their own, and so have these.
        let ends = ["/logs/text", "/logs/watch"].iter().any(|end| path.ends_with(end));
        let moves = ["/api/v1/backup/", "/api/v1/restore/"].iter().any(|start| path.starts_with(start));
        if scopes.is_empty() || said.contains_key("security") || ends || moves {
            continue;
        }
        let matches = |known: &str| {
            let known = known.split('?').next().unwrap_or_default();
            let parts = || known.split('/').zip(path.split('/'));
            known.split('/').count() == path.split('/').count() && parts().all(|(a, b)| a == b || b.starts_with('{'))
        };
        let row = table.iter().find(|(other, known, ..)| *other == method && matches(known));
        assert_eq!(row.map(|(.., scope)| vec![*scope]), Some(scopes), "{method} {path}");
    }
}

#[test]
fn text_ingestion_needs_send_logs_and_watching_needs_read_streams() {
    let (_server, clients) = start();
    for (user, client) in &clients {
        let answer = client.ingest_text("default", "");
        assert_eq!(answer.status, if user == "send_logs" { 200 } else { 403 }, "{user}");
        let watch = client.open(Method::GET, "/api/v1/streams/s/logs/watch", &[], None).expect("an answer");
        let allowed = user == "read_streams" || user == "write_streams";
        assert_eq!(watch.status(), if allowed { 200 } else { 403 }, "{user}");
    }
}

#[test]
fn a_caller_without_the_scope_learns_400_for_a_malformed_body() {
    let (_server, clients) = start();
    let nobody = client(&clients, "nobody");
    nobody.put("/api/v1/pipelines/p", &json!({})).fails(400, "INVALID_ARGUMENT");
    nobody.put("/api/v1/transformers/t", &json!({ "script": 1 })).fails(400, "INVALID_ARGUMENT");
    nobody.get("/api/v1/streams/s/logs").fails(400, "INVALID_ARGUMENT");
    nobody.send(Method::POST, "/api/v1/test/transformer", &[], Some(b"{")).fails(400, "INVALID_ARGUMENT");
}

#[test]
fn what_needs_no_scope_works_for_any_user() {
    let (_server, clients) = start();
    let nobody = client(&clients, "nobody");
    let body = nobody.get("/api/v1/auth/whoami").ok();
    assert_eq!(body["user"], json!({ "name": "nobody", "roles": ["role of nobody"] }));
    assert!(body["permissions"].as_object().expect("permissions").values().all(|allowed| allowed == false), "{body}");
    assert_eq!(nobody.get("/api/v1/tokens").ok()["token_uuids"].as_array().map(Vec::len), Some(1));
    nobody.send(Method::POST, "/api/v1/token", &[], None).ok();
    nobody.post("/api/v1/auth/change-password", &json!({ "old_password": "nobody", "new_password": "x" })).ok();
}

#[test]
fn write_includes_read_in_five_families_and_not_in_the_other_two() {
    let (_server, clients) = start();
    let permissions = |user: &str| client(&clients, user).get("/api/v1/auth/whoami").ok()["permissions"].take();
    for (scope, view, edit) in [
        ("write_pipelines", "can_view_pipelines", "can_edit_pipelines"),
        ("write_transformers", "can_view_transformers", "can_edit_transformers"),
        ("write_streams", "can_view_streams", "can_edit_streams"),
        ("write_forwarders", "can_view_forwarders", "can_edit_forwarders"),
        ("write_acls", "can_view_acls", "can_edit_acls"),
    ] {
        let permissions = permissions(scope);
        assert_eq!((&permissions[view], &permissions[edit]), (&json!(true), &json!(true)), "{scope}");
    }
    for (scope, read, write) in [
        ("write_system_configuration", "can_read_system_configuration", "can_write_system_configuration"),
        ("write_auth_providers", "can_read_auth_providers", "can_write_auth_providers"),
    ] {
        let permissions = permissions(scope);
        assert_eq!((&permissions[read], &permissions[write]), (&json!(false), &json!(true)), "{scope}");
    }
    assert_eq!(permissions("read_streams")["can_edit_streams"], false);
}

#[test]
fn tokens_are_seen_and_revoked_by_their_owner_only() {
    let (_server, clients) = start();
    let (owner, other) = (client(&clients, "nobody"), client(&clients, "write_acls"));
    let uuid = owner.get("/api/v1/tokens").ok()["token_uuids"][0].as_str().expect("a uuid").to_owned();
    assert!(!other.get("/api/v1/tokens").text().contains(&uuid));
    other.delete(&format!("/api/v1/tokens/{uuid}")).ok();
    owner.get("/api/v1/auth/whoami").ok();
}

#[test]
fn a_token_of_another_server_is_unknown() {
    let (server, other) = (Server::shared(), Server::start());
    let body = other.client().send(Method::POST, "/api/v1/token", &[], None).ok();
    let foreign = body["token"].as_str().expect("a token");
    server.client().with_token(foreign).get("/api/v1/auth/whoami").fails(401, "UNAUTHENTICATED");
}
