//! Forwarders that keep records back until they are flushed: a success answer means that the target has them, and what was not
//! delivered is delivered by the server or by nobody. Also what the usage of a plugin tells of it, and shares of its versions.

use crate::capture::Taken;
use crate::capture::http::{Reply, Request, start};
use crate::{pipeline_to, save};
use headworks_tests::plugins::version_of;
use headworks_tests::{Client, Server, Setup, eventually, unique};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const GRANT: &str = "http://*:*";

fn server() -> Server {
    Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").env("HEADWORKS_SANDBOX_INSTANCE_IDLE_MS", "1000").start()
}

/// Uploads a version of the forwarder that keeps back, and puts it into use.
fn push(client: &Client, plugin: &str, number: &str, settings: &[&str], release: bool) {
    let component = version_of("test-buffer", plugin, number, settings);
    let release = if release { "true" } else { "false" };
    let answer = client.upload(&component, &[("approve", GRANT), ("release", release)]);
    assert_eq!(answer.status, 201, "{}", answer.text());
}

fn config(plugin: &str, url: &str) -> Value {
    json!({ "type": "plugin", "plugin": plugin, "config": { "url": url } })
}

/// A plugin of its own and a pipeline to it.
fn running(client: &Client, url: &str, settings: &[&str]) -> (String, String) {
    let plugin = unique("plugin");
    push(client, &plugin, "1.0.0", settings, true);
    let pipeline = pipeline_to(client, &save(client, &config(&plugin, url)));
    (plugin, pipeline)
}

/// The same with a queue in front of it.
fn running_queued(client: &Client, url: &str) -> String {
    let (plugin, forwarder) = (unique("plugin"), unique("forwarder"));
    push(client, &plugin, "1.0.0", &[], true);
    let body = json!({ "forwarder": { "version": 2, "config": config(&plugin, url), "delivery": "queued" } });
    client.put(&format!("/api/v1/forwarders/{forwarder}"), &body).ok();
    pipeline_to(client, &forwarder)
}

fn numbers(request: &Request) -> Vec<String> {
    let body = request.json();
    body["n"].as_array().expect("numbers").iter().map(|n| n.as_str().expect("a text").to_owned()).collect()
}

/// A target that answers with these, one after the other, and then with 200.
fn scripted(answers: &'static [(u16, &'static str)]) -> (String, Taken<Request>) {
    let next = AtomicUsize::new(0);
    start(move |_| {
        let (status, body) = answers.get(next.fetch_add(1, Ordering::Relaxed)).unwrap_or(&(200, ""));
        Reply::new(*status, body)
    })
}

fn records(numbers: std::ops::Range<u32>) -> Value {
    numbers.map(|n| json!({ "n": n.to_string() })).collect()
}

#[test]
fn a_success_answer_means_that_what_was_kept_back_is_delivered() {
    let server = server();
    let client = server.client();
    let (url, taken) = scripted(&[]);
    let (_, pipeline) = running(&client, &url, &[]);
    for n in 0..3 {
        assert_eq!(client.ingest(&pipeline, &records(n..n + 1)).processed(), 1);
        assert_eq!(numbers(&taken.next()), [n.to_string()]);
    }
    taken.is_over();
}

#[test]
fn what_a_flush_does_not_deliver_fails_its_request_and_comes_with_no_later_one() {
    let server = server();
    let client = server.client();
    let (url, taken) = scripted(&[(503, "0")]);
    let (_, pipeline) = running(&client, &url, &[]);
    let error = client.ingest(&pipeline, &records(1..2)).error(500, "INTERNAL");
    assert!(error.contains("the target answers 503"), "{error}");
    assert_eq!(client.ingest(&pipeline, &records(2..3)).processed(), 1);
    // The guest forgets nothing by itself: it would send the first one again.
    assert_eq!([numbers(&taken.next()), numbers(&taken.next())], [["1"], ["2"]]);
}

#[test]
fn from_a_queue_only_what_a_flush_did_not_deliver_is_sent_again() {
    let server = server();
    let client = server.client();
    let (url, taken) = scripted(&[(503, "0"), (503, "2")]);
    let pipeline = running_queued(&client, &url);
    assert_eq!(client.ingest(&pipeline, &records(1..5)).processed(), 4);
    assert_eq!(numbers(&taken.next()), ["1", "2", "3", "4"]);
    assert_eq!(numbers(&taken.next()), ["1", "2", "3", "4"]);
    assert_eq!(numbers(&taken.next()), ["3", "4"]);
    taken.is_over();
}

#[test]
fn what_a_flush_can_never_deliver_goes_to_the_dead_letters_and_the_rest_goes_on() {
    let server = server();
    let client = server.client();
    let (url, taken) = scripted(&[(400, "1")]);
    let pipeline = running_queued(&client, &url);
    assert_eq!(client.ingest(&pipeline, &records(1..4)).processed(), 3);
    assert_eq!(numbers(&taken.next()), ["1", "2", "3"]);
    assert_eq!(numbers(&taken.next()), ["3"]);
    let letter = eventually("a dead letter", || {
        client.get("/platform/v1/dead-letters").json()["dead_letters"].as_array().and_then(|all| all.first().cloned())
    });
    assert_eq!((&letter["code"], &letter["reason"]), (&json!("rejected"), &json!("the target answers 400")), "{letter}");
    let whole = client.get(&format!("/platform/v1/dead-letters/{}", letter["number"])).json().to_string();
    assert!(whole.contains(r#""n":"2""#), "{whole}");
}

/// Sends numbered requests until it is told to stop; answers those that were acknowledged.
fn load(client: &Client, pipelines: &[String], from: usize, stop: &AtomicBool) -> Vec<usize> {
    let mut acknowledged = Vec::new();
    for n in (from..).step_by(4) {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let pipeline = &pipelines[n / 4 % pipelines.len()];
        let body = json!({ "records": [{ "n": n.to_string() }] }).to_string();
        let path = format!("/api/v1/pipelines/{pipeline}/logs/struct");
        let sent = client.try_send(http::Method::POST, &path, &[("Content-Type", "application/json")], Some(body.as_bytes()));
        match sent {
            Ok(answer) if answer.status == 200 => acknowledged.push(n),
            // Told to stop, the server takes nothing more.
            _ if stop.load(Ordering::Relaxed) => break,
            other => panic!("{n}: {other:?}"),
        }
    }
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_when_instances_are_replaced_idle_or_stopped() {
    let mut server = server();
    let client = server.client();
    let arrived = std::sync::Arc::new(Mutex::new(BTreeMap::<String, usize>::new()));
    let noted = std::sync::Arc::clone(&arrived);
    let (url, _taken) = start(move |request| {
        let mut arrived = noted.lock().expect("the arrived");
        numbers(request).into_iter().for_each(|n| *arrived.entry(n).or_default() += 1);
        Reply::new(200, "")
    });
    let (plugin, direct) = running(&client, &url, &[]);
    let changing = unique("forwarder");
    client.save_forwarder(&changing, &config(&plugin, &url));
    let pipelines = [direct, pipeline_to(&client, &changing), running_queued(&client, &url)];
    for number in ["1.1.0", "1.2.0"] {
        push(&client, &plugin, number, &[], false);
    }
    let stop = AtomicBool::new(false);
    let acknowledged: Vec<usize> = std::thread::scope(|threads| {
        let loads: Vec<_> = (0..4)
            .map(|from| {
                threads.spawn({
                    let (client, pipelines, stop) = (client.clone(), &pipelines, &stop);
                    move || load(&client, pipelines, from, stop)
                })
            })
            .collect();
        for turn in 0..40 {
            let number = ["1.1.0", "1.2.0"][turn % 2];
            assert_eq!(client.release(&plugin, number, json!({})).json()["active"], number);
            client.save_forwarder(&changing, &config(&plugin, &format!("{url}/{turn}")));
        }
        stop.store(true, Ordering::Relaxed);
        loads.into_iter().flat_map(|load| load.join().expect("every request succeeds")).collect()
    });
    // Everything idle is given up; then the first call opens anew.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    client.ingest(&pipelines[0], &json!([{ "n": "after" }])).ok();
    // And the server is told to stop under load.
    stop.store(false, Ordering::Relaxed);
    let more: Vec<usize> = std::thread::scope(|threads| {
        let loads: Vec<_> = (0..4)
            .map(|from| {
                threads.spawn({
                    let (client, pipelines, stop) = (client.clone(), &pipelines[..2], &stop);
                    move || load(&client, pipelines, 1_000_000 + from, stop)
                })
            })
            .collect();
        std::thread::sleep(std::time::Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
        server.signal_stop();
        loads.into_iter().flat_map(|load| load.join().expect("a load")).collect()
    });
    assert!(server.wait().success(), "{}", server.output());
    assert!(acknowledged.len() > 100 && more.len() > 10, "{} {}", acknowledged.len(), more.len());
    let arrived = arrived.lock().expect("the arrived");
    for n in acknowledged.iter().chain(&more).map(ToString::to_string).chain(["after".to_owned()]) {
        assert_eq!(arrived.get(&n), Some(&1), "{n}");
    }
    assert!(arrived.values().all(|times| *times == 1));
}

#[test]
fn a_share_of_the_batches_goes_through_another_version_of_a_forwarder() {
    let server = server();
    let client = server.client();
    let (url, taken) = scripted(&[]);
    let (plugin, pipeline) = running(&client, &url, &[]);
    push(&client, &plugin, "2.0.0", &[], false);
    let release = client.release(&plugin, "2.0.0", json!({"canary_percent": 25})).json();
    assert_eq!((&release["active"], &release["candidate"]["canary_percent"]), (&json!("1.0.0"), &json!(25)));
    let mut through = BTreeMap::<String, usize>::new();
    for n in 0..40 {
        assert_eq!(client.ingest(&pipeline, &records(n..n + 1)).processed(), 1);
        let request = taken.next();
        assert_eq!(numbers(&request), [n.to_string()]);
        *through.entry(request.json()["version"].as_str().expect("a version").to_owned()).or_default() += 1;
    }
    assert_eq!(through, BTreeMap::from([("1.0.0".to_owned(), 30), ("2.0.0".to_owned(), 10)]));
    assert_eq!(client.release(&plugin, "2.0.0", json!({})).json()["active"], "2.0.0");
    client.ingest(&pipeline, &records(40..41)).ok();
    assert_eq!(taken.next().json()["version"], "2.0.0");
}

#[test]
fn a_share_that_traps_is_taken_back_and_its_batch_is_sent_by_nobody_else() {
    let server = server();
    let client = server.client();
    let (url, taken) = scripted(&[]);
    let (plugin, pipeline) = running(&client, &url, &[]);
    push(&client, &plugin, "2.0.0", &["work=trap"], false);
    assert_eq!(client.release(&plugin, "2.0.0", json!({"canary_percent": 50})).status, 200);
    let refused: Vec<u32> = (0..10).filter(|n| client.ingest(&pipeline, &records(*n..n + 1)).status == 500).collect();
    assert_eq!(refused.len(), 1, "the first that the new version got: {refused:?}");
    let release = eventually("the version is taken back", || {
        let release = client.released(&plugin);
        (release["outcome"]["result"] == "rolled-back").then_some(release)
    });
    assert_eq!((&release["active"], &release["candidate"]), (&json!("1.0.0"), &Value::Null));
    // It may have been delivered before the trap, which nobody knows: whoever sent it was told, and it is kept.
    let sent: Vec<String> = (0..9).flat_map(|_| numbers(&taken.next())).collect();
    let expected: Vec<String> = (0..10).filter(|n| !refused.contains(n)).map(|n| n.to_string()).collect();
    assert_eq!(sent, expected);
    taken.is_over();
    let letters = client.get("/platform/v1/dead-letters").json();
    assert_eq!(letters["dead_letters"][0]["code"], "plugin-trap", "{letters}");
}

#[test]
fn a_version_of_a_forwarder_runs_in_nobodys_shadow() {
    let server = server();
    let client = server.client();
    let (url, taken) = scripted(&[]);
    let (plugin, pipeline) = running(&client, &url, &[]);
    push(&client, &plugin, "2.0.0", &[], false);
    for shadow in [json!({"shadow": {"records": 1}}), json!({"shadow": {"records": 1}, "canary_percent": 5})] {
        let problem = client.release(&plugin, "2.0.0", shadow).problem(400, "invalid");
        assert_eq!(problem["member"], "shadow");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains("would deliver every record twice") && detail.contains("canary_percent"), "{detail}");
    }
    client.ingest(&pipeline, &records(1..2)).ok();
    assert_eq!(taken.next().json()["version"], "1.0.0");
    taken.is_over();
}

#[test]
fn the_usage_of_a_plugin_tells_how_much_it_sent() {
    let server = server();
    let client = server.client();
    let (url, taken) = scripted(&[]);
    let (plugin, pipeline) = running(&client, &url, &[]);
    let usage = |plugin: &str| client.get(&format!("/platform/v1/plugins/{plugin}/usage")).json();
    assert_eq!(usage(&plugin)["outbound_bytes"], 0);
    let n = "x".repeat(5000);
    client.ingest(&pipeline, &json!([{ "n": n }])).ok();
    let body = taken.next().body.len() as u64;
    let first = usage(&plugin)["outbound_bytes"].as_u64().expect("a number");
    assert!(first >= body && first < body + 2000, "{first} for a body of {body}");
    client.ingest(&pipeline, &json!([{ "n": n }])).ok();
    assert_eq!(usage(&plugin)["outbound_bytes"], 2 * first);
    let (other, _) = running(&client, &url, &[]);
    assert_eq!(usage(&other)["outbound_bytes"], 0, "each has its own");
}
