//! What a success answer means when forwarders are on the way (FlowG 6.1, 7.3), and delivery from the durable queue.

use crate::capture::http::{Reply, start};
use crate::capture::sockets::nobody;
use crate::{pipeline_to, save, shared};
use headworks_tests::{Client, Flow, Setup, eventually, unique};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A target that writes `n` of each record down, and answers what `status` says of it.
fn numbers(status: impl Fn(&str) -> u16 + Send + Sync + 'static) -> (Value, impl FnMut() -> String) {
    let (url, taken) = start(move |request| Reply::new(status(request.json()["body"].as_str().unwrap_or_default()), ""));
    let next = move || taken.next().json()["body"].as_str().expect("a body").to_owned();
    (json!({ "type": "http", "url": url, "body": "@expr:log.n" }), next)
}

fn save_queued(client: &Client, config: &Value) -> String {
    let name = unique("forwarder");
    let forwarder = json!({ "forwarder": { "version": 2, "config": config, "delivery": "queued" } });
    client.put(&format!("/api/v1/forwarders/{name}"), &forwarder).ok();
    name
}

/// A free address that nobody listens on yet.
fn later() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, url)
}

/// Answers 200 to every request on this listener and hands its body on.
fn serve(listener: TcpListener, sender: std::sync::mpsc::Sender<String>) {
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (Ok(mut connection), sender) = (connection, sender.clone()) else { return };
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                let mut chunk = [0; 4096];
                while let Ok(len @ 1..) = connection.read(&mut chunk) {
                    bytes.extend_from_slice(&chunk[..len]);
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
                    let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                    if body.len() >= length.unwrap_or(0) {
                        let _ = sender.send(body.to_owned());
                        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
                        bytes.clear();
                    }
                }
            });
        }
    });
}

fn number(body: &str) -> String {
    let body: Value = serde_json::from_str(body).expect("JSON");
    body["body"].as_str().expect("a text").to_owned()
}

#[test]
fn the_first_record_that_fails_ends_its_request_and_the_ones_before_it_stay() {
    let (_server, client) = shared();
    let (config, mut next) = numbers(|n| if n == "3" { 400 } else { 200 });
    let (forwarder, pipeline, stream) = (save(&client, &config), unique("pipeline"), unique("stream"));
    let flow = Flow::direct().forwarder("f", &forwarder).router("r", &stream).edge("in", "f").edge("in", "r").build();
    client.save_pipeline(&pipeline, &flow);
    let records: Vec<Value> = (1..=5).map(|n| json!({ "n": n.to_string() })).collect();
    let error = client.ingest(&pipeline, &json!(records)).error(500, "INTERNAL");
    assert!(error.contains("400"), "{error}");
    assert_eq!([next(), next(), next()], ["1", "2", "3"]);
    // The branch beside the one that failed was run for the record that failed, and for none after it.
    let mut stored = client.values(&stream, "n");
    stored.sort();
    assert_eq!(stored, ["1", "2", "3"]);
    let metrics = client.get(&format!("/api/v1/pipelines/{pipeline}/metrics")).text();
    assert!(metrics.contains("pipeline_logs_total 3\n"), "{metrics}");
}

#[test]
fn one_request_learns_nothing_of_another_one_s_failure() {
    let (_server, client) = shared();
    let (config, _next) = numbers(|n| if n.starts_with("bad") { 400 } else { 200 });
    let pipeline = pipeline_to(&client, &save(&client, &config));
    std::thread::scope(|scope| {
        let send = |n: String| {
            let (client, pipeline) = (&client, &pipeline);
            scope.spawn(move || (n.clone(), client.ingest(pipeline, &json!([{ "n": n }])).status))
        };
        let sent: Vec<_> = (0..40).map(|n| send(if n % 4 == 0 { format!("bad {n}") } else { n.to_string() })).collect();
        for answer in sent {
            let (n, status) = answer.join().expect("an answer");
            assert_eq!(status == 200, !n.starts_with("bad"), "{n}: {status}");
        }
    });
}

#[test]
fn a_target_that_hangs_blocks_no_other_pipeline() {
    let (_server, client) = shared();
    let hangs = TcpListener::bind("127.0.0.1:0").expect("a port");
    let config = json!({ "type": "http", "url": format!("http://{}", hangs.local_addr().expect("an address")) });
    let slow = pipeline_to(&client, &save(&client, &config));
    let (stream, quick) = (unique("stream"), unique("pipeline"));
    client.save_pipeline(&quick, &Flow::to_stream(&stream));
    let worst = AtomicU64::new(0);
    std::thread::scope(|scope| {
        let stuck: Vec<_> = (0..24).map(|_| scope.spawn(|| client.ingest(&slow, &json!([{ "a": "1" }])).status)).collect();
        for _ in 0..100 {
            let begin = Instant::now();
            assert_eq!(client.ingest(&quick, &json!([{ "a": "1" }])).processed(), 1);
            worst.fetch_max(begin.elapsed().as_millis() as u64, Ordering::Relaxed);
        }
        drop(hangs);
        for answer in stuck {
            assert_eq!(answer.join().expect("an answer"), 500);
        }
    });
    // Delivery has ten seconds; whoever waited for it would have waited that long.
    assert!(worst.load(Ordering::Relaxed) < 5_000, "{worst:?} ms");
}

#[test]
fn what_is_queued_is_acknowledged_at_once_and_delivered_in_order_when_the_target_is_back() {
    let (_server, client) = shared();
    let (listener, url) = later();
    drop(listener);
    let config = json!({ "type": "http", "url": url, "body": "@expr:log.n" });
    let pipeline = pipeline_to(&client, &save_queued(&client, &config));
    for n in 0..30 {
        assert_eq!(client.ingest(&pipeline, &json!([{ "n": n.to_string() }])).processed(), 1);
    }
    std::thread::sleep(Duration::from_millis(300));
    let listener = TcpListener::bind(url.strip_prefix("http://").expect("an address")).expect("the same port");
    let (sender, taken) = std::sync::mpsc::channel();
    serve(listener, sender);
    let got: Vec<String> = (0..30).map(|_| number(&taken.recv_timeout(Duration::from_secs(60)).expect("a delivery"))).collect();
    assert_eq!(got, (0..30).map(|n: i32| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_is_queued_survives_a_kill() {
    let setup = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8");
    let mut server = setup.start();
    let client = server.client();
    let (listener, url) = later();
    drop(listener);
    let config = json!({ "type": "http", "url": url, "body": "@expr:log.n" });
    let pipeline = pipeline_to(&client, &save_queued(&client, &config));
    for n in 0..10 {
        assert_eq!(client.ingest(&pipeline, &json!([{ "n": n.to_string() }])).processed(), 1);
    }
    server.kill();
    let listener = TcpListener::bind(url.strip_prefix("http://").expect("an address")).expect("the same port");
    let (sender, taken) = std::sync::mpsc::channel();
    serve(listener, sender);
    server.restart();
    let mut got: Vec<String> =
        (0..10).map(|_| number(&taken.recv_timeout(Duration::from_secs(60)).expect("a delivery"))).collect();
    got.dedup();
    assert_eq!(got, (0..10).map(|n: i32| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_is_queued_and_rejected_or_given_up_goes_to_the_dead_letters() {
    let setup = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").env("HEADWORKS_DELIVERY_GIVE_UP_SECONDS", "1");
    let mut server = setup.start();
    let client = server.client();
    let (config, mut next) = numbers(|n| if n == "bad" { 400 } else { 200 });
    let pipeline = pipeline_to(&client, &save_queued(&client, &config));
    assert_eq!(client.ingest(&pipeline, &json!([{ "n": "bad" }, { "n": "good" }])).processed(), 2);
    assert_eq!([next(), next()], ["bad", "good"]);
    let down = pipeline_to(&client, &save_queued(&client, &json!({ "type": "http", "url": format!("http://{}", nobody()) })));
    assert_eq!(client.ingest(&down, &json!([{ "n": "too late" }])).processed(), 1);
    eventually("the record is given up", || server.output().contains("given-up").then_some(()));
    assert!(server.stop().success());
    let listed = headworks_tests::server::run(&[
        "dead-letters",
        "list",
        "--data",
        server.data().to_str().expect("a path"),
        "--output",
        "json",
    ]);
    let text = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert!(text.contains("\"bad\"") && text.contains("too late") && !text.contains("\"good\""), "{text}");
}

#[test]
fn a_queued_forwarder_does_not_have_to_be_reachable_to_be_used() {
    let (_server, client) = shared();
    let config = json!({ "type": "amqp", "url": format!("amqp://{}", nobody()), "exchange": "e" });
    let pipeline = pipeline_to(&client, &save_queued(&client, &config));
    assert_eq!(client.ingest(&pipeline, &json!([{ "a": "1" }])).processed(), 1);
}
