//! Settings of identity providers (FlowG 5, 22, 23).

use crate::shared;
use headworks_tests::{Client, Server, client::segment, unique};
use serde_json::{Value, json};

fn oidc(title: &str) -> Value {
    let config = json!({
        "type": "oidc", "issuer": "https://id.example.com", "client_id": "headworks", "client_secret": "hush"
    });
    json!({ "auth_provider": { "name": "ignored", "display_name": title, "config": config } })
}

fn path(name: &str) -> String {
    format!("/api/v1/auth-providers/{}", segment(name))
}

fn listed(client: &Client, path: &str) -> Vec<Value> {
    client.get(path).ok()["auth_providers"].as_array().expect("a list").clone()
}

#[test]
fn a_provider_is_kept_whole_under_the_name_of_the_path() {
    let (_server, client) = shared();
    let name = unique("a provider/ä");
    client.put(&path(&name), &oidc("Corporate")).ok();
    let mut expected = oidc("Corporate")["auth_provider"].take();
    expected["name"] = json!(name);
    assert_eq!(client.get(&path(&name)).ok()["auth_provider"], expected);

    let config = json!({ "type": "saml", "idp_metadata_url": "https://id.example.com/metadata" });
    let saml = json!({ "auth_provider": { "name": "", "display_name": "Other", "config": config } });
    client.put(&path(&name), &saml).ok();
    let provider = client.get(&path(&name)).ok()["auth_provider"].take();
    assert_eq!(provider, json!({ "name": name, "display_name": "Other", "config": config }));
}

#[test]
fn the_list_is_public_with_and_without_the_last_slash_and_holds_no_secret() {
    let server = Server::start();
    let client = server.client();
    for address in ["/api/v1/auth-providers/", "/api/v1/auth-providers"] {
        assert_eq!(listed(&client.anonymous(), address), Vec::<Value>::new());
    }
    for name in ["b", "a"] {
        client.put(&path(name), &oidc(&format!("Title of {name}"))).ok();
    }
    for address in ["/api/v1/auth-providers/", "/api/v1/auth-providers"] {
        assert_eq!(
            listed(&client.anonymous(), address),
            [json!({ "name": "a", "display_name": "Title of a" }), json!({ "name": "b", "display_name": "Title of b" })]
        );
    }
    client.anonymous().get(&path("a")).fails(401, "UNAUTHENTICATED");
}

#[test]
fn an_unknown_provider_is_404_and_deleting_it_is_not() {
    let (_server, client) = shared();
    let path = path(&unique("provider"));
    client.get(&path).fails(404, "NOT_FOUND");
    client.delete(&path).ok();
    client.put(&path, &oidc("x")).ok();
    client.delete(&path).ok();
    client.get(&path).fails(404, "NOT_FOUND");
}

#[test]
fn what_a_provider_lacks_is_named() {
    let (_server, client) = shared();
    let path = path(&unique("provider"));
    for (at, member) in [
        ("/auth_provider/name", "#/auth_provider: missing properties: \"name\""),
        ("/auth_provider/display_name", "#/auth_provider: missing properties: \"display_name\""),
        ("/auth_provider/config", "#/auth_provider: missing properties: \"config\""),
        ("/auth_provider/config/type", "#/auth_provider/config: missing properties: \"type\""),
        ("/auth_provider/config/client_secret", "#/auth_provider/config: missing properties: \"client_secret\""),
    ] {
        let mut body = oidc("x");
        let (parent, name) = at.rsplit_once('/').expect("a parent");
        body.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(name);
        let answer = client.put(&path, &body).fails(400, "INVALID_ARGUMENT");
        assert_eq!(answer["context"], json!({ "body": [member] }));
    }
    let config = json!({ "type": "saml", "issuer": "https://id.example.com" });
    let body = json!({ "auth_provider": { "name": "x", "display_name": "x", "config": config } });
    let answer = client.put(&path, &body).fails(400, "INVALID_ARGUMENT");
    assert_eq!(answer["context"]["body"][0], "#/auth_provider/config: missing properties: \"idp_metadata_url\"");
    for (member, value) in [("type", json!("ldap")), ("issuer", json!("no address")), ("issuer", json!("/path"))] {
        let mut body = oidc("x");
        body["auth_provider"]["config"][member] = value;
        let answer = client.put(&path, &body).fails(400, "INVALID_ARGUMENT");
        let message = answer["context"]["body"][0].as_str().expect("a message").to_owned();
        assert!(message.starts_with(&format!("#/auth_provider/config/{member}: ")), "{message}");
    }
    client.get(&path).fails(404, "NOT_FOUND");
}

#[test]
fn providers_survive_a_restart() {
    let mut server = Server::start();
    server.client().put(&path("kept"), &oidc("Kept")).ok();
    server.kill();
    server.restart();
    assert_eq!(server.client().get(&path("kept")).ok()["auth_provider"]["config"]["client_secret"], "hush");
}

#[test]
fn secrets_are_masked_where_the_operator_wants_it_and_survive_being_saved() {
    let folder = headworks_tests::server::Folder::new();
    let masked = || headworks_tests::Setup::new().env("HEADWORKS_MASK_SECRETS", "true").start_on(&folder);
    let mut server = masked();
    let secret = |server: &Server| server.client().get(&path("p")).ok()["auth_provider"]["config"]["client_secret"].take();
    // A mask of nothing is refused, so that nobody believes that there is a secret.
    let mut body = oidc("Title");
    body["auth_provider"]["config"]["client_secret"] = json!("********");
    let answer = server.client().put(&path("p"), &body).fails(400, "INVALID_ARGUMENT");
    let message = answer["context"]["body"][0].as_str().expect("a message").to_owned();
    assert!(message.starts_with("#/auth_provider/config/client_secret: "), "{message}");

    server.client().put(&path("p"), &oidc("Title")).ok();
    assert_eq!(secret(&server), "********");
    let mut read = server.client().get(&path("p")).ok();
    read["auth_provider"]["display_name"] = json!("New title");
    server.client().put(&path("p"), &read).ok();
    server.stop();

    let mut server = headworks_tests::Setup::new().start_on(&folder);
    assert_eq!(secret(&server), "hush");
    assert_eq!(server.client().get(&path("p")).ok()["auth_provider"]["display_name"], "New title");
    server.stop();
    let server = masked();
    server.client().put(&path("p"), &json!({ "auth_provider": oidc("x")["auth_provider"] })).ok();
    assert_eq!(secret(&server), "********");
}
