//! Connections of a tenant: a connection belongs to the tenant of its first request with a credential.

use crate::{create, update};
use headworks_tests::{Client, Server, eventually};
use http::Method;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A token of an administrator: connections of its own requests are counted too, so that a test makes it first.
fn token(client: &Client) -> String {
    let made = client.send(Method::POST, "/api/v1/token", &[("Connection", "close")], None).ok();
    made["token"].as_str().expect("a token").to_owned()
}

/// One connection that stays open.
struct Connection(TcpStream);

impl Connection {
    fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address()).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        Self(stream)
    }

    /// Sends a request with this token or none; answers the status line and the headers.
    fn ask(&mut self, path: &str, authorization: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{authorization}\r\n");
        self.0.write_all(request.as_bytes()).expect("it is sent");
        let (mut seen, mut chunk) = (Vec::new(), [0; 4096]);
        loop {
            let text = String::from_utf8_lossy(&seen).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let head = head.to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
                if body.len() >= length {
                    return head;
                }
            }
            match self.0.read(&mut chunk).expect("an answer") {
                0 => panic!("the connection ended: {text}"),
                read => seen.extend_from_slice(&chunk[..read]),
            }
        }
    }

    fn ask_as(&mut self, token: &str) -> String {
        self.ask("/api/v1/streams", &format!("Authorization: Bearer {token}\r\n"))
    }

    /// Whether the server ends it, without having been asked anything more.
    fn is_ended(&mut self) -> bool {
        matches!(self.0.read(&mut [0; 1]), Ok(0))
    }
}

fn is_taken(answer: &str) -> bool {
    answer.starts_with("http/1.1 200")
}

#[test]
fn connections_of_a_tenant_are_bounded_and_others_notice_nothing() {
    let server = Server::start();
    let acme = token(&create(&server, "acme", json!({})));
    let quiet = token(&create(&server, "quiet", json!({})));
    assert_eq!(update(&server, "acme", json!({"quotas": {"connections": 3}})).status, 200);
    let mut held: Vec<Connection> = (0..3).map(|_| Connection::open(&server)).collect();
    for connection in &mut held {
        // However much is asked on it, it is one.
        for _ in 0..3 {
            assert!(is_taken(&connection.ask_as(&acme)));
        }
    }
    for path in ["/api/v1/streams", "/platform/v1/tenant"] {
        let mut refused = Connection::open(&server);
        let answer = refused.ask(path, &format!("Authorization: Bearer {acme}\r\n"));
        assert!(answer.starts_with("http/1.1 429"), "{path}: {answer}");
        assert!(answer.contains("\r\nretry-after: 1") && answer.contains("\r\nconnection: close"), "{answer}");
        assert!(refused.is_ended());
    }
    // Those of others, and those without a credential.
    let mut others: Vec<Connection> = (0..20).map(|_| Connection::open(&server)).collect();
    for connection in &mut others {
        assert!(is_taken(&connection.ask_as(&quiet)));
    }
    assert!(Connection::open(&server).ask("/api/v1/streams", "").starts_with("http/1.1 401"));
    // A connection is that of its first credential: the quiet tenant's may carry a request of the other one.
    assert!(is_taken(&others[0].ask_as(&acme)));
    // One that ends makes room.
    held.pop();
    eventually("there is room", || is_taken(&Connection::open(&server).ask_as(&acme)).then_some(()));
    let refused = server.client().get("/platform/v1/tenants/acme/usage").json()["since_start"]["requests_refused"].as_u64();
    assert!(refused >= Some(2), "{refused:?}");
    assert!(is_taken(&held[0].ask_as(&acme)), "those that were there stay");
}

#[test]
fn a_shipper_that_sends_its_password_is_counted_too() {
    let server = Server::start();
    create(&server, "acme", json!({}));
    assert_eq!(update(&server, "acme", json!({"quotas": {"connections": 1}})).status, 200);
    let basic = {
        use base64::Engine;
        let text = format!("root@acme:{}", headworks_tests::server::PASSWORD);
        format!("Authorization: Basic {}\r\n", base64::engine::general_purpose::STANDARD.encode(text))
    };
    let path = "/api/v1/middlewares/elastic/";
    let mut first = Connection::open(&server);
    assert!(is_taken(&first.ask(path, &basic)));
    let answer = Connection::open(&server).ask(path, &basic);
    assert!(answer.starts_with("http/1.1 429") && answer.contains("\r\nconnection: close"), "{answer}");
    assert!(is_taken(&first.ask(path, &basic)));
}

#[test]
fn the_plan_bounds_connections_and_the_first_tenant_has_no_bound() {
    let server = headworks_tests::Setup::new().env("HEADWORKS_TENANTS_CONNECTIONS", "2").start();
    let acme = token(&create(&server, "acme", json!({"quotas": {"connections": 0}})));
    update(&server, "acme", json!({"quotas": {}}));
    let limits = server.client().get("/platform/v1/tenants/acme").json();
    assert_eq!(limits["limits"]["connections"], 2, "{limits}");
    let mut held: Vec<Connection> = (0..2).map(|_| Connection::open(&server)).collect();
    assert!(held.iter_mut().all(|connection| is_taken(&connection.ask_as(&acme))));
    assert!(Connection::open(&server).ask_as(&acme).starts_with("http/1.1 429"));
    let mut first: Vec<Connection> = (0..10).map(|_| Connection::open(&server)).collect();
    assert!(first.iter_mut().all(|connection| is_taken(&connection.ask_as(headworks_tests::server::TOKEN))));
}
