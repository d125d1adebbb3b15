//! Logging in, sessions, the caller's profile and password (FlowG 4).

use crate::shared;
use headworks_tests::server::{PASSWORD, Setup, TOKEN, USER};
use headworks_tests::{Client, Server, eventually};
use serde_json::{Value, json};

fn login(client: &Client, user: &str, password: &str) -> headworks_tests::Answer {
    client.anonymous().post("/api/v1/auth/login", &json!({ "username": user, "password": password }))
}

fn session(client: &Client) -> String {
    let answer = login(client, USER, PASSWORD).ok();
    answer["token"].as_str().expect("a token").to_owned()
}

fn whoami(client: &Client) -> headworks_tests::Answer {
    client.get("/api/v1/auth/whoami")
}

#[test]
fn login_answers_a_token_that_begins_with_jwt_and_sets_no_cookie() {
    let (_server, client) = shared();
    let answer = login(&client, USER, PASSWORD);
    let body = answer.ok();
    let token = body["token"].as_str().expect("a token");
    let jwt = token.strip_prefix("jwt_").expect("the prefix jwt_");
    assert_eq!(jwt.split('.').count(), 3, "{jwt}");
    assert_eq!(answer.header("set-cookie"), "");
}

#[test]
fn login_needs_no_authorization_and_ignores_a_wrong_one() {
    let (_server, client) = shared();
    let body = json!({ "username": USER, "password": PASSWORD });
    client.with_token("pat_nobody").post("/api/v1/auth/login", &body).ok();
}

#[test]
fn login_requires_username_and_password() {
    let (_server, client) = shared();
    for body in [json!({}), json!({ "username": USER }), json!({ "password": PASSWORD })] {
        let answer = client.anonymous().post("/api/v1/auth/login", &body).fails(400, "INVALID_ARGUMENT");
        assert_eq!(answer["error"], "invalid argument: validation failed");
    }
}

#[test]
fn session_tokens_are_accepted_in_both_generations_forms() {
    let (_server, client) = shared();
    let token = session(&client);
    let jwt = token.strip_prefix("jwt_").expect("the prefix");
    for header in [
        format!("Bearer jwt_{jwt}"),
        format!("Bearer jwt:{jwt}"),
        format!("Bearer jwt:jwt_{jwt}"),
        format!("bearer jwt_{jwt}"),
        format!("BEARER jwt_{jwt}"),
    ] {
        assert_eq!(whoami(&client.with_authorization(&header)).ok()["user"]["name"], USER, "{header}");
    }
}

#[test]
fn the_bare_jwt_is_no_known_form() {
    let (_server, client) = shared();
    let token = session(&client);
    let jwt = token.strip_prefix("jwt_").expect("the prefix");
    let error = whoami(&client.with_token(jwt)).error(401, "UNAUTHENTICATED");
    assert_eq!(error, "unauthenticated: missing token");
}

#[test]
fn session_claims_are_issuer_subject_and_expiry_in_a_day() {
    let (_server, client) = shared();
    let token = session(&client);
    let claims = token.split('.').nth(1).expect("the claims");
    let claims: Value = serde_json::from_slice(&decode_base64url(claims)).expect("JSON claims");
    assert_eq!(claims["iss"], "flowg");
    assert_eq!(claims["sub"], USER);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the time").as_secs();
    let rest = claims["exp"].as_u64().expect("exp in seconds") - now;
    assert!((23 * 3600..=24 * 3600).contains(&rest), "expires in {rest} s");
}

fn decode_base64url(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (mut bits, mut held, mut bytes) = (0u32, 0, Vec::new());
    for character in text.bytes() {
        let value = ALPHABET.iter().position(|&known| known == character).expect("base64url") as u32;
        (bits, held) = ((bits << 6 | value) & 0xff_ffff, held + 6);
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

#[test]
fn a_missing_header_and_unknown_forms_are_a_missing_token() {
    let (_server, client) = shared();
    let error = whoami(&client.anonymous()).error(401, "UNAUTHENTICATED");
    assert_eq!(error, "unauthenticated: missing token");
    for header in ["", "Bearer", "Bearer ", "Bearer abc", "Basic cm9vdDpyb290", TOKEN, "Token pat_x"] {
        let error = whoami(&client.with_authorization(header)).error(401, "UNAUTHENTICATED");
        assert_eq!(error, "unauthenticated: missing token", "{header}");
    }
}

#[test]
fn an_unknown_token_is_invalid() {
    let (_server, client) = shared();
    let error = whoami(&client.with_token("pat_00000000000000000000000000000000")).error(401, "UNAUTHENTICATED");
    assert_eq!(error, "unauthenticated: invalid token");
}

#[test]
fn an_expired_session_is_refused() {
    let server = Setup::new().env("HEADWORKS_SESSION_SECONDS", "3").start();
    let client = server.client();
    let token = session(&client);
    whoami(&client.with_token(&token)).ok();
    let refused =
        eventually("the session expires", || Some(whoami(&client.with_token(&token))).filter(|answer| answer.status != 200));
    assert_eq!(refused.error(401, "UNAUTHENTICATED"), "unauthenticated: failed to parse JWT: token is expired");
    // Logging in again helps, and personal access tokens have no end.
    whoami(&client.with_token(&session(&client))).ok();
    whoami(&client).ok();
}

#[test]
fn a_forged_session_is_refused() {
    let (_server, client) = shared();
    let token = session(&client);
    let mut parts: Vec<&str> = token.split('.').collect();
    // {"iss":"flowg","sub":"root","exp":4102444800}, under the signature of another.
    parts[1] = "eyJpc3MiOiJmbG93ZyIsInN1YiI6InJvb3QiLCJleHAiOjQxMDI0NDQ4MDB9";
    for forged in [parts.join("."), "jwt_".to_owned(), "jwt_a.b.c".to_owned(), "jwt:x".to_owned()] {
        let error = whoami(&client.with_token(&forged)).error(401, "UNAUTHENTICATED");
        assert!(error.starts_with("unauthenticated: failed to parse JWT: "), "{error}");
    }
}

#[test]
fn a_session_without_signature_is_refused() {
    let (_server, client) = shared();
    // {"alg":"none","typ":"JWT"} and the claims of the test above.
    let unsigned = "jwt_eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJmbG93ZyIsInN1YiI6InJvb3QiLCJleHAiOjQxMDI0NDQ4MDB9.";
    let error = whoami(&client.with_token(unsigned)).error(401, "UNAUTHENTICATED");
    assert!(error.starts_with("unauthenticated: failed to parse JWT: "), "{error}");
}

#[test]
fn sessions_end_with_the_process_but_tokens_stay() {
    let mut server = Server::start();
    let session = session(&server.client());
    server.stop();
    server.restart();
    whoami(&server.client().with_token(&session)).fails(401, "UNAUTHENTICATED");
    whoami(&server.client()).ok();
}

#[test]
fn sessions_outlive_the_process_when_a_key_is_set() {
    let mut server = headworks_tests::Setup::new().env("HEADWORKS_SECRET_KEY", "kept by the operator").start();
    let session = session(&server.client());
    server.stop();
    server.restart();
    whoami(&server.client().with_token(&session)).ok();
}

#[test]
fn login_answers_the_same_for_an_unknown_user_and_a_wrong_password() {
    let server = Server::start();
    let wrong = login(&server.client(), USER, "wrong");
    let unknown = login(&server.client(), "nobody", "wrong");
    assert_eq!(wrong.error(401, "UNAUTHENTICATED"), "unauthenticated: invalid credentials");
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(wrong.status, unknown.status);
}

#[test]
fn login_is_throttled_with_429() {
    let server = Server::start();
    let client = server.client();
    let throttled = (0..200).map(|_| login(&client, USER, "wrong")).find(|answer| answer.status != 401);
    let throttled = throttled.expect("some limit within 200 wrong passwords");
    assert!(throttled.error(429, "RESOURCE_EXHAUSTED").starts_with("resource exhausted"));
    whoami(&client).ok();
}

#[test]
fn whoami_names_the_user_its_roles_and_all_fifteen_permissions() {
    let (_server, client) = shared();
    let body = whoami(&client).ok();
    assert_eq!(body["user"], json!({ "name": USER, "roles": ["admin"] }));
    let permissions = body["permissions"].as_object().expect("permissions");
    let expected = [
        "can_edit_acls",
        "can_edit_forwarders",
        "can_edit_pipelines",
        "can_edit_streams",
        "can_edit_transformers",
        "can_read_auth_providers",
        "can_read_system_configuration",
        "can_send_logs",
        "can_view_acls",
        "can_view_forwarders",
        "can_view_pipelines",
        "can_view_streams",
        "can_view_transformers",
        "can_write_auth_providers",
        "can_write_system_configuration",
    ];
    let mut names: Vec<&str> = permissions.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, expected);
    assert!(permissions.values().all(|allowed| allowed == &Value::Bool(true)), "{body}");
}

#[test]
fn change_password_needs_the_old_one_and_leaves_sessions_and_tokens_alone() {
    let server = Server::start();
    let client = server.client();
    let session = client.with_token(&session(&client));
    let change =
        |old: &str, new: &str| session.post("/api/v1/auth/change-password", &json!({ "old_password": old, "new_password": new }));

    let error = change("wrong", "new").error(403, "PERMISSION_DENIED");
    assert_eq!(error, "permission denied: invalid credentials");
    change(PASSWORD, "neues Paßwort").ok();

    login(&client, USER, PASSWORD).fails(401, "UNAUTHENTICATED");
    login(&client, USER, "neues Paßwort").ok();
    whoami(&session).ok();
    whoami(&client).ok();
}

#[test]
fn change_password_refuses_empty_passwords() {
    let (_server, client) = shared();
    for body in
        [json!({ "old_password": "", "new_password": "x" }), json!({ "old_password": PASSWORD, "new_password": "" }), json!({})]
    {
        let answer = client.post("/api/v1/auth/change-password", &body).fails(400, "INVALID_ARGUMENT");
        assert_eq!(answer["error"], "invalid argument: validation failed");
    }
    login(&client, USER, PASSWORD).ok();
}

#[test]
fn a_changed_password_survives_a_restart_with_another_bootstrap_password() {
    let mut server = Server::start();
    let change = json!({ "old_password": PASSWORD, "new_password": "other" });
    server.client().post("/api/v1/auth/change-password", &change).ok();
    server.stop();
    server.restart();
    login(&server.client(), USER, "other").ok();
}
