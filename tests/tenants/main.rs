//! Tenants through the front door: what each sees, how it gets in, what it may use, and how it comes and goes.

mod commands;
mod connections;
mod credentials;
mod isolation;
mod life;
mod noise;
mod plugins;
mod quotas;
mod sharing;
mod syslog;
mod usage;

use headworks_tests::server::PASSWORD;
use headworks_tests::{Answer, Client, Server};
use http::Method;
use serde_json::{Value, json};
use std::net::TcpStream;

/// The first user of every tenant.
const USER: &str = "root";

/// Makes a tenant with these further members.
fn try_create(operator: &Client, name: &str, members: Value) -> Answer {
    let mut body = json!({"name": name, "administrator": {"name": USER, "password": PASSWORD}});
    for (member, value) in members.as_object().expect("an object") {
        body[member] = value.clone();
    }
    operator.post("/platform/v1/tenants", &body)
}

/// Makes a tenant, and answers a client with a token of its administrator.
fn create(server: &Server, name: &str, members: Value) -> Client {
    let made = try_create(&server.client(), name, members);
    assert_eq!(made.status, 201, "{}", made.text());
    administrator(server, name)
}

/// A client with a new token of the administrator of a tenant.
fn administrator(server: &Server, name: &str) -> Client {
    let session = login(&server.client(), &format!("{USER}@{name}"), PASSWORD, &[]).ok();
    let session = server.client().with_token(session["token"].as_str().expect("a session"));
    let token = session.send(Method::POST, "/api/v1/token", &[], None).ok();
    server.client().with_token(token["token"].as_str().expect("a token"))
}

/// Tries to log in, with further headers.
fn login(client: &Client, user: &str, password: &str, headers: &[(&str, &str)]) -> Answer {
    let body = json!({"username": user, "password": password}).to_string();
    let mut all = vec![("Content-Type", "application/json")];
    all.extend_from_slice(headers);
    client.anonymous().send(Method::POST, "/api/v1/auth/login", &all, Some(body.as_bytes()))
}

/// Changes a tenant and leaves the rest as it is.
fn update(server: &Server, name: &str, members: Value) -> Answer {
    let path = format!("/platform/v1/tenants/{name}");
    let tenant = server.client().get(&path).json();
    let mut body = json!({
        "display_name": tenant["display_name"], "hosts": tenant["hosts"], "suspended": tenant["state"] == "suspended",
        "quotas": tenant["quotas"], "grants": tenant["grants"],
    });
    for (member, value) in members.as_object().expect("an object") {
        body[member] = value.clone();
    }
    server.client().put(&path, &body)
}

/// A client of the administrator that sends its password with each request, as shippers do.
fn basic(server: &Server, user: &str, password: &str) -> Client {
    use base64::Engine;
    let value = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    server.client().with_authorization(&format!("Basic {value}"))
}

/// Sends bytes to the syslog server over a connection of their own.
fn send_syslog(server: &Server, bytes: &[u8]) {
    use std::io::Write;
    let [_, tcp] = server.syslog();
    TcpStream::connect(tcp).expect("a connection").write_all(bytes).expect("the bytes are sent");
}

/// What `verify` says of the data of a stopped server: the numbers of the tenants that have anything.
fn numbers_on_disk(server: &Server) -> Vec<u64> {
    let data = server.data();
    let output = headworks_tests::server::run(&["verify", "--output", "json", "--data", data.to_str().expect("a path")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["problem_count"], 0, "{report}");
    report["tenants"].as_array().expect("tenants").iter().filter_map(|tenant| tenant["number"].as_u64()).collect()
}
