//! Users with limited rights.

use crate::client::{Client, segment};
use http::Method;
use serde_json::json;

/// Makes for each name a user of that name (its password too) with a role of these scopes. Answers a client of each, with a
/// token.
pub fn add(administrator: &Client, people: &[(&str, &[&str])]) -> Vec<Client> {
    people.iter().map(|(name, scopes)| one(administrator, name, scopes)).collect()
}

/// Makes one of them.
pub fn one(administrator: &Client, name: &str, scopes: &[&str]) -> Client {
    let role = format!("role of {name}");
    administrator.put(&format!("/api/v1/roles/{}", segment(&role)), &json!({ "scopes": scopes })).ok();
    let user = json!({ "roles": [role], "password": name });
    administrator.put(&format!("/api/v1/users/{}", segment(name)), &user).ok();
    with_token(administrator, name, name)
}

/// A client with the session of a user.
pub fn session(client: &Client, name: &str, password: &str) -> Client {
    let body = json!({ "username": name, "password": password });
    let session = client.anonymous().post("/api/v1/auth/login", &body).ok();
    client.with_token(session["token"].as_str().expect("a session"))
}

/// A client with a new token of a user.
pub fn with_token(client: &Client, name: &str, password: &str) -> Client {
    let token = session(client, name, password).send(Method::POST, "/api/v1/token", &[], None).ok();
    client.with_token(token["token"].as_str().expect("a token"))
}
