//! Releases of plugins: taking over, trials, going back by hand and by themselves, and replacing a plugin under load.

use crate::shared;
use headworks_tests::plugins::{component, version};
use headworks_tests::{Client, Flow, Server, Setup, eventually, unique};
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How often a plugin is replaced under load. Every tenth version is broken.
const SWAPS: usize = 1000;
/// After so many replacements everything has been used that is kept for reuse.
const WARM: usize = 200;
/// The most bytes that the server may grow by from then on: less than a version that stays in memory would take each time.
const GROWTH: usize = 48 << 20;
/// Records of a request under load.
const RECORDS: usize = 20;

/// A plugin whose version 1.0.0 is in use, and a pipeline of its own through it into a stream of its own: their names.
fn running(client: &Client, settings: &[&str]) -> (String, String, String) {
    let name = unique("plugin");
    client.push(&version(&name, "1.0.0", settings));
    let (pipeline, stream) = crate::pipeline_through(client, &format!("#!plugin {name}\n{{}}"));
    (name, pipeline, stream)
}

fn send(client: &Client, pipeline: &str, times: usize) {
    for _ in 0..times {
        client.ingest(pipeline, &json!([{"a": "1"}])).ok();
    }
}

fn upload(client: &Client, name: &str, number: &str, settings: &[&str]) {
    assert_eq!(client.upload(&version(name, number, settings), &[]).status, 201);
}

/// How often each value of a field occurs.
fn count(client: &Client, stream: &str, field: &str, value: &str) -> usize {
    client.values(stream, field).iter().filter(|found| *found == value).count()
}

fn status(client: &Client, plugin: &str, number: &str) -> Value {
    client.get(&format!("/platform/v1/plugins/{plugin}/versions/{number}")).json()["status"].clone()
}

/// Waits until the release of a version ended so, and answers it.
fn ended(client: &Client, plugin: &str, number: &str, result: &str) -> Value {
    eventually("the end of a release", || {
        let release = client.released(plugin);
        (release["outcome"]["version"] == number && release["outcome"]["result"] == result).then_some(release)
    })
}

#[test]
fn the_next_batch_takes_the_released_version() {
    let (_server, client) = shared();
    let (name, pipeline, stream) = running(&client, &["work=tag"]);
    send(&client, &pipeline, 1);
    upload(&client, &name, "2.0.0", &["work=tag"]);
    send(&client, &pipeline, 1);
    let release = client.release(&name, "2.0.0", json!({})).json();
    assert_eq!((&release["active"], &release["previous"]), (&json!("2.0.0"), &json!("1.0.0")));
    assert_eq!((&release["outcome"]["result"], &release["candidate"]), (&json!("active"), &Value::Null));
    send(&client, &pipeline, 1);
    let back = client.send(Method::POST, &format!("/platform/v1/plugins/{name}/rollback"), &[], None).json();
    assert_eq!(
        (&back["active"], &back["previous"], &back["outcome"]["result"]),
        (&json!("1.0.0"), &Value::Null, &json!("rolled-back"))
    );
    send(&client, &pipeline, 1);
    let newest_first: Vec<Value> = client.records(&stream).into_iter().map(|mut record| record["version"].take()).collect();
    assert_eq!(newest_first, ["1.0.0", "2.0.0", "1.0.0", "1.0.0"]);
    assert_eq!(status(&client, &name, "2.0.0"), "ready");
}

#[test]
fn a_version_that_does_not_open_never_takes_over() {
    let (_server, client) = shared();
    let (name, pipeline, stream) = running(&client, &["work=tag"]);
    send(&client, &pipeline, 1);
    upload(&client, &name, "2.0.0", &["work=refuse"]);
    let before = client.released(&name);
    let problem = client.release(&name, "2.0.0", json!({})).problem(409, "release-refused");
    assert!(problem["detail"].as_str().expect("a detail").contains("this version does not open"), "{problem}");
    assert_eq!(client.released(&name), before);
    send(&client, &pipeline, 1);
    assert_eq!(client.values(&stream, "version"), ["1.0.0", "1.0.0"]);
}

#[test]
fn a_version_whose_schema_refuses_what_is_saved_never_takes_over() {
    let (_server, client) = shared();
    let name = unique("plugin");
    client.push(&version(&name, "1.0.0", &["work=tag"]));
    let transformer = unique("transformer");
    client.save_transformer(&transformer, &format!("#!plugin {name}\n{{\"old\": 1}}"));
    let schema = r#"schema={"type":"object","properties":{"new":{}},"additionalProperties":false}"#;
    upload(&client, &name, "2.0.0", &["work=tag", schema]);
    let problem = client.release(&name, "2.0.0", json!({})).problem(409, "release-refused");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains(&transformer) && detail.contains("config.old"), "{detail}");
    assert_eq!(client.released(&name)["active"], "1.0.0");
}

#[test]
fn a_version_passes_its_tests_before_it_takes_over() {
    let (_server, client) = shared();
    let (name, _, _) = running(&client, &["work=tag"]);
    upload(&client, &name, "2.0.0", &["work=tag"]);
    let path = format!("/platform/v1/plugins/{name}/versions/2.0.0/tests");
    let case = |tag: &str| json!({"name": "tags", "input": [{"a": 1}], "output": [{"a": 1, "version": tag}]});
    assert_eq!(client.put(&path, &json!({"cases": [case("2.0.0"), case("other")]})).status, 204);
    let problem = client.release(&name, "2.0.0", json!({})).problem(409, "release-refused");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("1 of its tests fail") && detail.contains(r#"expected "other", got "2.0.0""#), "{detail}");
    assert_eq!(client.released(&name)["active"], "1.0.0");
    assert_eq!(client.put(&path, &json!({"cases": [{"name": "none"}]})).problem(400, "invalid")["member"], "cases[0]");
    assert_eq!(client.put(&path, &json!({"cases": [case("2.0.0")]})).status, 204);
    assert_eq!(client.release(&name, "2.0.0", json!({})).json()["active"], "2.0.0");
    client.put(&format!("/platform/v1/plugins/{name}/versions/9.9.9/tests"), &json!({"cases": []})).problem(404, "not-found");
}

#[test]
fn a_canary_gets_its_share_of_the_batches() {
    let (_server, client) = shared();
    let (name, pipeline, stream) = running(&client, &["work=tag"]);
    send(&client, &pipeline, 1);
    upload(&client, &name, "2.0.0", &["work=tag"]);
    let release = client.release(&name, "2.0.0", json!({"canary_percent": 25})).json();
    assert_eq!((&release["active"], &release["candidate"]["canary_percent"]), (&json!("1.0.0"), &json!(25)));
    send(&client, &pipeline, 40);
    assert_eq!(count(&client, &stream, "version", "2.0.0"), 10);
    assert_eq!(client.release(&name, "2.0.0", json!({})).json()["candidate"], Value::Null);
    send(&client, &pipeline, 4);
    assert_eq!(count(&client, &stream, "version", "2.0.0"), 14);
    for (more, member) in [
        (json!({"canary_percent": 0}), "canary_percent"),
        (json!({"canary_percent": 100}), "canary_percent"),
        (json!({"shadow": {"records": 0}}), "shadow.records"),
        (json!({"canary_percent": 5}), "canary_percent"),
    ] {
        assert_eq!(client.release(&name, "2.0.0", more).problem(400, "invalid")["member"], member);
    }
}

#[test]
fn a_canary_that_traps_is_taken_back_and_its_batch_goes_to_the_other_version() {
    let (_server, client) = shared();
    let (name, pipeline, stream) = running(&client, &["work=tag"]);
    upload(&client, &name, "2.0.0", &["work=trap"]);
    client.release(&name, "2.0.0", json!({"canary_percent": 50}));
    send(&client, &pipeline, 10);
    let release = ended(&client, &name, "2.0.0", "rolled-back");
    assert_eq!((&release["active"], &release["candidate"]), (&json!("1.0.0"), &Value::Null));
    assert_eq!(count(&client, &stream, "version", "1.0.0"), 10);
}

#[test]
fn a_version_that_traps_or_hangs_is_taken_back_by_itself() {
    let server = Server::start();
    let client = server.client();
    for work in ["trap", "loop"] {
        let (name, pipeline, stream) = running(&client, &["work=tag"]);
        upload(&client, &name, "2.0.0", &[&format!("work={work}")]);
        send(&client, &pipeline, 1);
        assert_eq!(client.release(&name, "2.0.0", json!({})).status, 200);
        send(&client, &pipeline, 2);
        let release = ended(&client, &name, "2.0.0", "rolled-back");
        assert_eq!((&release["active"], &release["previous"]), (&json!("1.0.0"), &Value::Null));
        let reason = release["outcome"]["reason"].as_str().expect("a reason");
        assert!(reason.contains("the plugin t"), "{reason}");
        assert_eq!(status(&client, &name, "2.0.0"), "withdrawn");
        assert_eq!(count(&client, &stream, "version", "1.0.0"), 3);
        let lines = client.get(&format!("/platform/v1/plugins/{name}/logs")).json()["lines"].to_string();
        assert!(lines.contains("version 2.0.0 was taken back"), "{lines}");
        // It may be tried again by hand.
        assert_eq!(client.release(&name, "2.0.0", json!({})).json()["active"], "2.0.0");
        assert_eq!(status(&client, &name, "2.0.0"), "ready");
    }
}

#[test]
fn what_both_versions_cannot_do_takes_nothing_back() {
    let server = Server::start();
    let client = server.client();
    let (name, pipeline, _) = running(&client, &["work=trap"]);
    upload(&client, &name, "2.0.0", &["work=trap"]);
    client.release(&name, "2.0.0", json!({}));
    assert_eq!(client.ingest(&pipeline, &json!([{"a": "1"}])).status, 500);
    assert_eq!(client.released(&name)["active"], "2.0.0");
}

#[test]
fn a_version_in_the_shadow_takes_over_when_it_does_the_same() {
    let (_server, client) = shared();
    let (name, pipeline, stream) = running(&client, &["work=count"]);
    send(&client, &pipeline, 1);
    // It sees what the plugin remembers, and what it writes goes nowhere: else the numbers would have gaps.
    upload(&client, &name, "2.0.0", &["work=pass"]);
    let release = client.release(&name, "2.0.0", json!({"shadow": {"records": 5, "max_different": 100}})).json();
    assert_eq!((&release["active"], &release["candidate"]["shadow"]["records"]), (&json!("1.0.0"), &json!(5)));
    let mut sent = 1;
    eventually("the shadow run ends", || {
        send(&client, &pipeline, 1);
        sent += 1;
        (client.released(&name)["active"] == "2.0.0").then_some(())
    });
    assert_eq!(client.released(&name)["outcome"]["result"], "active");
    // Before it ended nothing of it was stored: each record has its number, but those after.
    let counted = client.values(&stream, "count").len();
    assert_eq!(client.records(&stream).len(), sent);
    assert!(counted >= 6 && counted <= sent, "{counted} of {sent}");
}

#[test]
fn what_a_version_in_the_shadow_remembers_is_forgotten() {
    let (_server, client) = shared();
    let (name, pipeline, stream) = running(&client, &["work=count"]);
    upload(&client, &name, "2.0.0", &["work=count"]);
    client.release(&name, "2.0.0", json!({"shadow": {"records": 1000, "max_different": 1000}}));
    send(&client, &pipeline, 10);
    let mut numbers: Vec<u64> = client.values(&stream, "count").iter().map(|count| count.parse().expect("a number")).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=10).collect::<Vec<_>>());
    let seen =
        eventually("a comparison", || client.released(&name)["candidate"]["compared"].as_u64().filter(|compared| *compared > 0));
    assert!(seen <= 10);
}

#[test]
fn a_version_in_the_shadow_that_differs_is_taken_back() {
    let (_server, client) = shared();
    let (name, pipeline, stream) = running(&client, &["work=tag"]);
    for (number, settings) in [("2.0.0", "work=tag"), ("3.0.0", "work=trap"), ("4.0.0", "work=fail")] {
        upload(&client, &name, number, &[settings]);
        assert_eq!(client.release(&name, number, json!({"shadow": {"records": 100, "max_different": 2}})).status, 200);
        eventually("it is taken back", || {
            send(&client, &pipeline, 1);
            (client.released(&name)["outcome"]["result"] == "rolled-back").then_some(())
        });
        let release = ended(&client, &name, number, "rolled-back");
        assert_eq!(release["active"], "1.0.0");
        let reason = release["outcome"]["reason"].as_str().expect("a reason");
        assert!(
            reason.contains(if number == "3.0.0" { "trapped" } else { "came out differently, and 2 is the most" }),
            "{reason}"
        );
    }
    let versions = client.values(&stream, "version");
    assert_eq!(count(&client, &stream, "version", "1.0.0"), versions.len());
}

#[test]
fn forwarders_are_tested_and_cannot_be_shadowed() {
    let server = Setup::new().start();
    let client = server.client();
    let bytes = component("forwarder-syslog");
    let said = client.upload(&bytes, &[]).json();
    let grants: Vec<&str> = said["grants"].as_array().expect("grants").iter().filter_map(Value::as_str).collect();
    client.upload(&bytes, &[("approve", &grants.join(",")), ("release", "true")]);
    let (name, number) = (said["plugin"].as_str().expect("a name"), said["version"].as_str().expect("a version"));
    let path = format!("/platform/v1/plugins/{name}/versions/{number}/tests");
    assert_eq!(client.put(&path, &json!({"cases": []})).status, 204);
    let shadow = client.release(name, number, json!({"shadow": {"records": 1}}));
    assert_eq!(shadow.problem(400, "invalid")["member"], "shadow");
}

/// Sends numbered records until it is told to stop; answers how many.
fn load(client: Client, pipeline: String, stop: Arc<AtomicBool>) -> usize {
    let mut next = 0;
    while !stop.load(Ordering::Relaxed) {
        let records: Vec<Value> = (next..next + RECORDS).map(|number| json!({"n": number.to_string()})).collect();
        assert_eq!(client.ingest(&pipeline, &json!(records)).processed(), RECORDS as u64);
        next += RECORDS;
    }
    next
}

#[test]
fn replacing_a_plugin_under_load_loses_nothing_doubles_nothing_keeps_the_order_and_takes_no_more_memory() {
    let server = Server::start();
    let client = server.client();
    client.push(&version("swapped", "1.0.0", &["work=tag"]));
    for number in 1..=9 {
        upload(&client, "swapped", &format!("1.{number}.0"), &["work=tag"]);
    }
    upload(&client, "swapped", "2.0.0", &["work=trap"]);
    client.save_transformer("t", "#!plugin swapped\n{}");
    let stop = Arc::new(AtomicBool::new(false));
    let loads: Vec<_> = ["one", "two"]
        .map(|name| {
            client.save_pipeline(name, &Flow::through("t", name));
            let (client, stop) = (client.clone(), Arc::clone(&stop));
            std::thread::spawn(move || load(client, name.to_owned(), stop))
        })
        .into_iter()
        .collect();
    let mut warm = 0;
    for swap in 1..=SWAPS {
        if swap == WARM {
            warm = server.memory();
        }
        if swap % 10 == 0 {
            assert_eq!(client.release("swapped", "2.0.0", json!({})).status, 200);
            ended(&client, "swapped", "2.0.0", "rolled-back");
            continue;
        }
        let number = format!("1.{}.0", swap % 10);
        assert_eq!(client.release("swapped", &number, json!({})).json()["active"], number);
    }
    let memory = server.memory();
    assert!(memory < warm + GROWTH, "after {WARM} replacements {warm} bytes, after {SWAPS} {memory}");
    stop.store(true, Ordering::Relaxed);
    let mut tagged = std::collections::BTreeSet::new();
    for (name, load) in ["one", "two"].into_iter().zip(loads) {
        let sent = load.join().expect("every request succeeds");
        assert!(sent > 0);
        let records = client.records(name);
        let numbers: Vec<usize> =
            records.iter().map(|record| record["n"].as_str().expect("n").parse().expect("a number")).collect();
        assert_eq!(numbers, (0..sent).rev().collect::<Vec<_>>(), "newest first");
        tagged.extend(records.iter().map(|record| record["version"].as_str().expect("a version").to_owned()));
    }
    assert!(tagged.len() > 3 && !tagged.contains("2.0.0"), "{tagged:?}");
    assert_eq!(client.get("/platform/v1/plugins/swapped/usage").json()["log_dropped"], 0);
}
