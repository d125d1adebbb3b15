//! Tokens for credentials that only a component knows (NiFi Registry 19.5).

use crate::calls::{Nifi, refused};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use headworks_tests::plugins::component;
use headworks_tests::{Answer, Client, Server, Setup, people};
use http::Method;
use serde_json::{Value, json};

const PROVIDER: &str = "/platform/v1/identity-provider";
const TOKEN: &str = "/access/token/identity-provider";

fn secured() -> Setup {
    Setup::new().env("HEADWORKS_REGISTRY_SECURITY", "secured")
}

/// A server whose provider has this configuration.
fn server(setup: &Setup, config: &str) -> (Server, Client, Nifi) {
    let server = setup.start();
    let client = server.client();
    client.push(&component("test-provider"));
    let set = client.put(PROVIDER, &json!({"plugin": "test-provider", "config": config}));
    assert_eq!(set.status, 200, "{}", set.text());
    let nifi = Nifi::of(&server);
    (server, client, nifi)
}

fn log_in(nifi: &Nifi, word: &str) -> Answer {
    nifi.send(Method::POST, TOKEN, &[("X-Do", word)], None)
}

/// What a token says.
fn payload(token: &str) -> Value {
    let payload = token.split('.').nth(1).expect("a payload");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}

#[test]
fn without_a_provider_there_is_no_custom_login() {
    let server = secured().start();
    let nifi = Nifi::of(&server);
    let text = "Custom login not supported by this NiFi Registry";
    refused(&nifi.send(Method::POST, TOKEN, &[], None), 409, text);
    refused(&nifi.send(Method::POST, &format!("{TOKEN}/test"), &[], None), 409, text);
    refused(&nifi.get(&format!("{TOKEN}/usage")), 409, text);
}

#[test]
fn where_nobody_is_asked_there_are_no_tokens() {
    let (_server, _, nifi) = server(&Setup::new(), "send x-do");
    refused(&log_in(&nifi, "alice"), 409, "Access tokens are only issued over HTTPS");
}

#[test]
fn whoever_the_component_names_gets_a_token() {
    let (_server, _, nifi) = server(&secured(), "send x-do");
    let made = log_in(&nifi, "whole");
    assert_eq!((made.status, made.header("content-type")), (201, "text/plain"));
    assert!(made.header("location").ends_with("/nifi-registry-api/access/token"), "{}", made.header("location"));
    let claims = payload(&made.text());
    for (claim, value) in [("sub", "alice"), ("iss", "test-provider"), ("aud", "test-provider"), ("preferred_username", "Alice")]
    {
        assert_eq!(claims[claim], value, "{claim}");
    }
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 600);
    let status = Nifi(nifi.0.with_token(&made.text())).get("/access").json();
    assert_eq!((&status["identity"], &status["anonymous"]), (&json!("alice"), &json!(false)));
    // The component sees the request as it came.
    let told = payload(&log_in(&nifi, "tell").text())["sub"].as_str().unwrap().to_owned();
    assert!(told.starts_with("POST [") && told.contains(r#"("x-do", "tell")"#), "{told}");
}

#[test]
fn mappings_rewrite_the_names_that_the_component_gives() {
    let setup = secured()
        .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_OWN_PATTERN", "(al)(ice)")
        .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_OWN_VALUE", "$2-$1")
        .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_OWN_TRANSFORM", "upper");
    let (_server, _, nifi) = server(&setup, "send x-do");
    let token = log_in(&nifi, "alice").text();
    let claims = payload(&token);
    assert_eq!((&claims["sub"], &claims["preferred_username"]), (&json!("ICE-AL"), &json!("alice")));
    assert_eq!(Nifi(nifi.0.with_token(&token)).get("/access").json()["identity"], "ICE-AL");
    assert_eq!(payload(&log_in(&nifi, "bob").text())["sub"], "bob");
}

#[test]
fn whoever_it_does_not_name_gets_none() {
    let (server, _, nifi) = server(&secured(), "send x-do");
    refused(&nifi.send(Method::POST, TOKEN, &[], None), 401, "The client credentials are missing from the request.");
    refused(&log_in(&nifi, "refuse"), 401, "The supplied client credentials are not valid.");
    let later = "The identity provider cannot verify credentials at the moment: try again later.";
    refused(&log_in(&nifi, "fail"), 503, later);
    for cause in ["no\\\\u{1b}[2J", "the directory is down"] {
        let plain = cause.replace("\\\\", "\\");
        assert!(server.output().contains(cause) || server.output().contains(&plain), "{cause}: {}", server.output());
    }
}

#[test]
fn the_form_of_credentials_can_be_tried_and_is_explained() {
    let (server, client, nifi) = server(&secured(), "send x-do");
    let test = |headers: &[(&str, &str)]| nifi.send(Method::POST, &format!("{TOKEN}/test"), headers, None);
    let known = test(&[("X-Do", "refuse")]);
    assert_eq!(
        (known.status, known.header("content-type"), known.text().as_str()),
        (200, "text/plain", "test-provider recognized the format of the credentials in the HTTP request.")
    );
    let unknown = test(&[]);
    assert_eq!(unknown.status, 401);
    for part in ["did not recognize the format", "Usage Instructions for 'test-provider': send x-do"] {
        assert!(unknown.text().contains(part), "{}", unknown.text());
    }
    let usage = nifi.get(&format!("{TOKEN}/usage"));
    assert_eq!((usage.status, usage.text().as_str()), (200, "Usage Instructions for 'test-provider': send x-do"));
    assert_eq!(client.put(PROVIDER, &json!({"plugin": "test-provider", "config": "silent"})).status, 200);
    assert_eq!(nifi.get(&format!("{TOKEN}/usage")).status, 501);
    drop(server);
}

#[test]
fn a_provider_that_misbehaves_lets_nobody_in_and_the_next_request_is_judged() {
    let setup = secured()
        .env("HEADWORKS_SANDBOX_CALL_CPU_MS", "500")
        .env("HEADWORKS_SANDBOX_CALL_WAIT_MS", "20000")
        .env("HEADWORKS_SANDBOX_NETWORK_WAIT_MS", "1000");
    let (mut server, _, nifi) = server(&setup, "send x-do");
    for word in ["trap", "hang", "grow", "huge-answer", "long-name", "no-name"] {
        assert_eq!(log_in(&nifi, word).status, 500, "{word}");
        assert_eq!(log_in(&nifi, "bob").status, 201, "after {word}");
    }
    assert!(server.is_alive());
}

#[test]
fn the_provider_is_set_by_those_who_may_and_goes_on_with_its_plugin() {
    let server = secured().start();
    let client = server.client();
    client.get(PROVIDER).problem(404, "not-found");
    client.delete(PROVIDER).problem(404, "not-found");
    let set = |body: Value| client.put(PROVIDER, &body);
    assert_eq!(set(json!({"plugin": "test-provider"})).problem(400, "invalid")["member"], "plugin");
    client.push(&component("test-provider"));
    let refused = set(json!({"plugin": "test-provider", "config": "bad"})).problem(400, "invalid");
    assert!(refused["detail"].as_str().unwrap().contains("this configuration is bad"), "{refused}");
    assert_eq!(set(json!({"plugin": "test-provider", "config": "x", "more": 1})).problem(400, "invalid")["member"], "body");
    let shown = set(json!({"plugin": "test-provider", "config": "one"})).json();
    assert_eq!((&shown["plugin"], &shown["config"], &shown["revision"]), (&json!("test-provider"), &json!("one"), &json!(1)));
    assert_eq!(client.get(PROVIDER).json(), shown);
    client.delete("/platform/v1/plugins/test-provider").problem(409, "in-use");
    let reader = people::one(&client, "reader", &["read_auth_providers"]);
    assert_eq!(reader.get(PROVIDER).json(), shown);
    reader.put(PROVIDER, &json!({"plugin": "test-provider", "config": "x"})).problem(403, "denied");
    people::one(&client, "other", &["read_acls"]).get(PROVIDER).problem(403, "denied");
    assert_eq!(client.delete(PROVIDER).status, 204);
    refused_again(&Nifi::of(&server));
    assert_eq!(client.delete("/platform/v1/plugins/test-provider").status, 204);
}

fn refused_again(nifi: &Nifi) {
    refused(&log_in(nifi, "bob"), 409, "Custom login not supported by this NiFi Registry");
}
