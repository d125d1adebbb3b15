//! What is held for as long as a client takes it, and what leaves the server, by tenant.

use crate::{create, update};
use headworks_tests::{Answer, Client, Flow, Server, Setup, eventually};
use http::Method;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;

/// An answer whose headers are there and whose body is not read.
fn open(client: &Client, path: &str) -> http::Response<impl Sized + use<>> {
    let answer = client.open(Method::GET, path, &[], None).expect("an answer");
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer
}

fn refused(answer: &Answer, text: &str) {
    assert_eq!((answer.status, answer.header("retry-after")), (429, "1"), "{}", answer.text());
    assert!(answer.text().contains(text), "{}", answer.text());
}

#[test]
fn queries_of_a_tenant_are_bounded_until_their_answers_are_taken() {
    let server = Server::start();
    let client = create(&server, "acme", json!({"quotas": {"queries": 2}}));
    let other = create(&server, "quiet", json!({}));
    let long = "x".repeat(4000);
    let records: Vec<Value> = (0..500).map(|_| json!({"long": long})).collect();
    for _ in 0..8 {
        assert_eq!(client.ingest("default", &json!(records)).processed(), 500);
    }
    // 16 MB: more than stands in buffers anywhere.
    let path = "/api/v1/streams/default/logs?from=2020-01-01T00:00:00Z&to=2099-01-01T00:00:00Z";
    let (first, _second) = (open(&client, path), open(&client, path));
    refused(&client.get(path), "2 queries at once");
    assert_eq!(other.get(path).status, 200, "another tenant has its own");
    drop(first);
    eventually("a place is free", || (client.get(path).status == 200).then_some(()));
    assert!(client.get("/platform/v1/tenant/usage").json()["since_start"]["requests_refused"].as_u64() >= Some(1));
}

#[test]
fn clients_of_a_tenant_that_follow_something_are_bounded() {
    let server = Server::start();
    let client = create(&server, "acme", json!({"quotas": {"live_tails": 2}}));
    let path = "/api/v1/streams/default/logs/watch";
    let (first, _second) = (open(&client, path), open(&client, path));
    refused(&client.get(path), "2 streams and logs at once");
    drop(first);
    // The server notices that a client is gone when it has something to say.
    eventually("a place is free", || {
        client.ingest_text("default", "x").ok();
        client.open(Method::GET, path, &[], None).ok().filter(|answer| answer.status().as_u16() == 200)
    });
    update(&server, "acme", json!({"quotas": {"live_tails": 0}}));
    let _many: Vec<_> = (0..10).map(|_| open(&client, path)).collect();
}

#[test]
fn what_forwarders_send_is_counted_for_their_tenant() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut bytes = [0; 65536];
                while connection.read(&mut bytes).is_ok_and(|read| read > 0) {
                    let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                }
            });
        }
    });
    let server = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").start();
    let client = create(&server, "acme", json!({}));
    let sent = |client: &Client| {
        let usage = client.get("/platform/v1/tenant/usage").json();
        usage["since_start"]["outbound_bytes"].as_u64().expect("a number")
    };
    assert_eq!(sent(&client), 0);
    let config = json!({"type": "http", "url": format!("http://{address}/"), "headers": {}});
    client.put("/api/v1/forwarders/f", &json!({"forwarder": {"version": 2, "config": config}})).ok();
    client.save_pipeline("p", &Flow::to_forwarder("f"));
    client.ingest_text("p", &"x".repeat(5000)).ok();
    let first = sent(&client);
    assert!((5000..10_000).contains(&first), "{first}");
    client.ingest_text("p", &"x".repeat(5000)).ok();
    assert_eq!(sent(&client), 2 * first);
    assert_eq!(sent(&server.client()), 0, "each has its own");
}

#[test]
fn figures_of_a_deleted_tenant_are_not_shown_any_more() {
    let server = Server::start();
    for name in ["acme", "quiet"] {
        create(&server, name, json!({})).ingest_text("default", "x").ok();
    }
    let shows = |number: u64| server.management().get("/metrics").text().contains(&format!("tenant=\"{number}\""));
    assert!(shows(2) && shows(3));
    assert_eq!(server.client().delete("/platform/v1/tenants/acme").status, 202);
    eventually("its figures are gone", || (!shows(2)).then_some(()));
    assert!(shows(3));
}
