//! Personal access tokens (FlowG 4).

use crate::shared;
use headworks_tests::server::{PASSWORD, TOKEN, USER};
use headworks_tests::{Client, Server};
use std::path::Path;

fn create(client: &Client) -> (String, String) {
    let body = client.send(http::Method::POST, "/api/v1/token", &[], None).ok();
    let text = |member: &str| body[member].as_str().unwrap_or_else(|| panic!("{member} in {body}")).to_owned();
    (text("token"), text("token_uuid"))
}

fn list(client: &Client) -> Vec<String> {
    let body = client.get("/api/v1/tokens").ok();
    let tokens = body["token_uuids"].as_array().expect("token_uuids");
    tokens.iter().map(|uuid| uuid.as_str().expect("a text").to_owned()).collect()
}

#[test]
fn create_token_takes_no_body_and_answers_the_token_once() {
    let (_server, client) = shared();
    let (token, uuid) = create(&client);
    let random = token.strip_prefix("pat_").expect("the prefix pat_");
    assert_eq!(random.len(), 32);
    assert!(random.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
    assert_eq!(uuid.len(), 36);
    assert!(list(&client).contains(&uuid));
    assert!(!client.get("/api/v1/tokens").text().contains(&token));
    assert_ne!(create(&client).0, token);
}

#[test]
fn tokens_are_accepted_in_both_generations_forms() {
    let (_server, client) = shared();
    for header in
        [format!("Bearer {TOKEN}"), format!("Bearer pat:{TOKEN}"), format!("bearer {TOKEN}"), format!("bEARER pat:{TOKEN}")]
    {
        let body = client.with_authorization(&header).get("/api/v1/auth/whoami").ok();
        assert_eq!(body["user"]["name"], USER, "{header}");
    }
}

#[test]
fn the_token_is_matched_exactly() {
    let (_server, client) = shared();
    for token in [TOKEN.to_uppercase(), format!("{TOKEN}x"), TOKEN[..TOKEN.len() - 1].to_owned(), TOKEN.replace("pat_", "PAT_")] {
        client.with_token(&token).get("/api/v1/auth/whoami").fails(401, "UNAUTHENTICATED");
    }
}

#[test]
fn delete_token_works_at_once_and_again() {
    let (_server, client) = shared();
    let (token, uuid) = create(&client);
    let other = client.with_token(&token);
    other.get("/api/v1/auth/whoami").ok();
    client.delete(&format!("/api/v1/tokens/{uuid}")).ok();
    assert_eq!(other.get("/api/v1/auth/whoami").error(401, "UNAUTHENTICATED"), "unauthenticated: invalid token");
    assert!(!list(&client).contains(&uuid));
    client.delete(&format!("/api/v1/tokens/{uuid}")).ok();
    client.delete("/api/v1/tokens/00000000-0000-4000-8000-000000000000").ok();
}

#[test]
fn delete_token_refuses_what_is_no_uuid() {
    let (_server, client) = shared();
    client.delete("/api/v1/tokens/nonsense").fails(400, "INVALID_ARGUMENT");
}

#[test]
fn tokens_belong_to_the_user_a_session_or_token_stands_for() {
    let (_server, client) = shared();
    let login = serde_json::json!({ "username": USER, "password": PASSWORD });
    let session = client.anonymous().post("/api/v1/auth/login", &login).ok();
    let session = client.with_token(session["token"].as_str().expect("a token"));
    let (_, uuid) = create(&session);
    assert!(list(&client).contains(&uuid));
}

#[test]
fn tokens_survive_a_restart_and_deletions_too() {
    let mut server = Server::start();
    let (kept, _) = create(&server.client());
    let (deleted, uuid) = create(&server.client());
    server.client().delete(&format!("/api/v1/tokens/{uuid}")).ok();
    server.kill();
    server.restart();
    server.client().with_token(&kept).get("/api/v1/auth/whoami").ok();
    server.client().with_token(&deleted).get("/api/v1/auth/whoami").fails(401, "UNAUTHENTICATED");
}

#[test]
fn neither_tokens_nor_passwords_reach_the_disk_or_the_output() {
    let mut server = Server::start();
    let (token, _) = create(&server.client());
    let login = serde_json::json!({ "username": USER, "password": PASSWORD });
    let session = server.client().anonymous().post("/api/v1/auth/login", &login).ok();
    let session = session["token"].as_str().expect("a token").to_owned();
    server.stop();
    for secret in [token.as_str(), TOKEN, PASSWORD, &session] {
        let found = files_with(&server.data(), secret.as_bytes());
        assert!(found.is_empty(), "a secret is in {found:?}");
        assert!(!server.output().contains(secret), "a secret was printed:\n{}", server.output());
    }
}

fn files_with(folder: &Path, bytes: &[u8]) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of the data").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else if std::fs::read(&path).expect("a file").windows(bytes.len()).any(|window| window == bytes) {
            found.push(path);
        }
    }
    found
}
