//! SIGKILL at any moment.

use crate::truth::{Numbers, Truth, record};
use headworks_tests::server::{self, Folder, Setup};
use headworks_tests::{Client, Flow, Server};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const KILLS: u64 = 24;
const WRITERS: u64 = 4;

/// One stream is written to directly, the other behind a script; one request has to be in both or in none.
fn save_graph(client: &Client) {
    client.save_transformer("same", ". = merge({}, .)");
    client.configure_stream("plain", 0, 0, &["kind"]);
    let flow = Flow::direct()
        .router("a", "plain")
        .transform("t", "same")
        .router("b", "scripted")
        .edge("in", "a")
        .edge("in", "t")
        .edge("t", "b")
        .build();
    client.save_pipeline("both", &flow);
}

/// Writes until told to stop or the server is gone.
fn write(client: &Client, truth: &Truth, writer: u64, round: u64, stop: &AtomicBool) {
    let mut numbers = Numbers::new(writer * 1_000 + round);
    for request in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let count = if numbers.below(4) == 0 { numbers.below(60) + 1 } else { 1 };
        let ids: Vec<String> = (0..count).map(|index| format!("{round}-{writer}-{request}-{index}")).collect();
        truth.sending(&ids);
        let records: Vec<Value> = ids.iter().map(|id| record(id)).collect();
        let body = json!({ "records": records }).to_string();
        let headers = [("Content-Type", "application/json")];
        match client.try_send(http::Method::POST, "/api/v1/pipelines/both/logs/struct", &headers, Some(body.as_bytes())) {
            Ok(answer) => {
                assert_eq!(answer.processed(), count, "{}", answer.text());
                truth.acknowledged(&ids);
            }
            Err(_) => return,
        }
    }
}

/// What has to hold after every start.
fn check(client: &Client, truth: &Truth) {
    let plain = client.records("plain");
    truth.check(&plain);
    truth.check(&client.records("scripted"));
    for kind in ["even", "odd"] {
        let by_index = client.query("plain", &[("indexing", &json!({ "kind": [kind] }).to_string())]).fields().len();
        let by_reading = plain.iter().filter(|fields| fields["kind"] == kind).count();
        assert_eq!(by_index, by_reading, "the index of {kind} differs from the records");
    }
}

#[test]
fn every_acknowledged_record_survives_kills_under_load_exactly_once_and_unchanged() {
    let outside = tempfile::tempdir().expect("a folder");
    let truth = Truth::new(&outside.path().join("truth"));
    let folder = Folder::new();
    let mut numbers = Numbers::new(0x5eed);
    let (saved, attempted) = (AtomicU64::new(0), AtomicU64::new(0));
    for round in 0..KILLS {
        let mut server = Setup::new().start_on(&folder);
        let client = server.client();
        if round == 0 {
            save_graph(&client);
        }
        let script = client.get("/api/v1/transformers/counted");
        if script.status == 200 {
            let count: u64 =
                script.json()["script"].as_str().and_then(|text| text.strip_prefix("# ")?.parse().ok()).expect("a count");
            let bounds = saved.load(Ordering::Relaxed)..=attempted.load(Ordering::Relaxed);
            assert!(bounds.contains(&count), "version {count} of a document is outside {bounds:?}");
        }
        if round % 4 == 1 {
            check(&client, &truth);
        }
        let stop = AtomicBool::new(false);
        std::thread::scope(|threads| {
            for writer in 0..WRITERS {
                let (client, truth, stop) = (&client, &truth, &stop);
                threads.spawn(move || write(client, truth, writer, round, stop));
            }
            threads.spawn(|| save_until_killed(&client, &saved, &attempted));
            std::thread::sleep(Duration::from_millis(30 + numbers.below(300)));
            server.kill();
            stop.store(true, Ordering::Relaxed);
        });
    }
    let mut server = Setup::new().start_on(&folder);
    check(&server.client(), &truth);
    eprintln!("{} records were acknowledged over {KILLS} kills", truth.count());
    assert!(truth.count() > 100 * KILLS as usize, "only {} records were acknowledged", truth.count());
    assert!(server.stop().success());
    let verified = server::run(&["verify", "--data", folder.data().to_str().expect("a path")]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// Saves ever higher versions of one document.
fn save_until_killed(client: &Client, saved: &AtomicU64, attempted: &AtomicU64) {
    loop {
        let version = attempted.fetch_add(1, Ordering::Relaxed) + 1;
        let body = json!({ "script": format!("# {version}") }).to_string();
        let headers = [("Content-Type", "application/json")];
        match client.try_send(http::Method::PUT, "/api/v1/transformers/counted", &headers, Some(body.as_bytes())) {
            Ok(answer) => {
                answer.ok();
                saved.store(version, Ordering::Relaxed);
            }
            Err(_) => return,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn kills_while_starting_lose_nothing() {
    let outside = tempfile::tempdir().expect("a folder");
    let truth = Truth::new(&outside.path().join("truth"));
    let mut server = Server::start();
    save_graph(&server.client());
    for request in 0..50 {
        let ids: Vec<String> = (0..20).map(|index| format!("{request}-{index}")).collect();
        truth.sending(&ids);
        let records: Vec<Value> = ids.iter().map(|id| record(id)).collect();
        server.client().ingest("both", &json!(records)).ok();
        truth.acknowledged(&ids);
    }
    server.kill();
    let mut numbers = Numbers::new(7);
    for _ in 0..10 {
        let mut child = Setup::new()
            .command(&server.data())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the server program starts");
        std::thread::sleep(Duration::from_millis(numbers.below(250)));
        child.kill().expect("SIGKILL");
        child.wait().expect("the end");
    }
    server.restart();
    check(&server.client(), &truth);
}

#[test]
fn a_stop_under_load_answers_or_refuses_every_request_and_loses_nothing() {
    let outside = tempfile::tempdir().expect("a folder");
    let truth = Truth::new(&outside.path().join("truth"));
    let mut server = Server::start();
    let client = server.client();
    save_graph(&client);
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for writer in 0..WRITERS {
            let (client, truth, stop) = (&client, &truth, &stop);
            threads.spawn(move || write(client, truth, writer, 0, stop));
        }
        std::thread::sleep(Duration::from_millis(300));
        let status = server.stop();
        assert!(status.success(), "{status}");
        stop.store(true, Ordering::Relaxed);
    });
    server.restart();
    check(&server.client(), &truth);
}
