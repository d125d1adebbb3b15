//! What a tenant may use: more is answered 429 with the time to wait.

use crate::{create, update};
use headworks_tests::{Answer, Client, Flow, Server, Setup, eventually};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Every way to send one record: path, type and body.
fn ways() -> Vec<(String, &'static str, Vec<u8>)> {
    let json_type = "application/json";
    let otlp = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "a"}}]}]}]});
    let pipeline = |end: &str| format!("/api/v1/pipelines/default/logs{end}");
    let elastic = |end: &str| format!("/api/v1/middlewares/elastic/{end}");
    let document = b"{\"create\":{\"_index\":\"default\"}}\n{\"a\":\"b\"}\n".to_vec();
    vec![
        (pipeline(""), json_type, json!({"record": {"a": "b"}}).to_string().into_bytes()),
        (pipeline("/struct"), json_type, json!({"records": [{"a": "b"}]}).to_string().into_bytes()),
        (pipeline("/text"), "text/plain", b"a\n".to_vec()),
        (pipeline("/otlp"), json_type, otlp.to_string().into_bytes()),
        (elastic("_bulk"), "application/x-ndjson", document),
        (elastic("default/_doc"), json_type, b"{\"a\":\"b\"}".to_vec()),
    ]
}

fn wait_of(answer: &Answer) -> u64 {
    assert_eq!(answer.status, 429, "{}", answer.text());
    let seconds = answer.header("retry-after").parse().unwrap_or_else(|_| panic!("{:?}", answer.headers));
    assert!(seconds >= 1);
    seconds
}

#[test]
fn every_way_in_takes_from_the_records_of_the_quota() {
    let server = Server::start();
    for (index, (path, kind, body)) in ways().into_iter().enumerate() {
        let quotas = json!({"records_per_second": 1, "burst_seconds": 4});
        let client = create(&server, &format!("t{index}"), json!({"quotas": quotas}));
        let begin = Instant::now();
        let (mut taken, mut refused) = (0, 0);
        for _ in 0..12 {
            let answer = client.post_bytes(&path, kind, &body);
            if answer.status == 200 {
                taken += 1;
            } else {
                refused += 1;
                wait_of(&answer);
            }
        }
        let most = 4 + begin.elapsed().as_secs() + 1;
        assert!((4..=most).contains(&taken) && refused > 0, "{path}: {taken} of {most}, {refused} refused");
        assert_eq!(client.records("default").len() as u64, taken, "{path}");
        let usage = client.get("/platform/v1/tenant/usage").json()["since_start"].clone();
        assert_eq!((&usage["records"], &usage["requests_refused"]), (&json!(taken), &json!(refused)), "{path}: {usage}");
    }
}

#[test]
fn the_wait_that_is_told_is_long_enough() {
    let server = Server::start();
    let client = create(&server, "acme", json!({"quotas": {"records_per_second": 10, "burst_seconds": 1}}));
    let ten = json!([{}, {}, {}, {}, {}, {}, {}, {}, {}, {}]);
    assert_eq!(client.ingest("default", &ten).processed(), 10);
    let answer = client.ingest("default", &ten);
    assert!(answer.error(429, "RESOURCE_EXHAUSTED").contains("10 records per second"));
    std::thread::sleep(Duration::from_secs(wait_of(&answer)));
    assert_eq!(client.ingest("default", &ten).processed(), 10);
}

#[test]
fn a_request_larger_than_the_burst_is_taken_and_paid_for_afterwards() {
    let server = Server::start();
    let client = create(&server, "acme", json!({"quotas": {"records_per_second": 10, "burst_seconds": 1}}));
    let many: Vec<Value> = (0..40).map(|_| json!({"a": "b"})).collect();
    assert_eq!(client.ingest("default", &json!(many)).processed(), 40);
    let wait = wait_of(&client.ingest("default", &json!([{}])));
    assert!((2..=4).contains(&wait), "{wait}");
}

#[test]
fn bytes_are_counted_too() {
    let server = Server::start();
    let client = create(&server, "acme", json!({"quotas": {"bytes_per_second": 1000, "burst_seconds": 1}}));
    let line = "x".repeat(999);
    assert_eq!(client.ingest_text("default", &line).processed(), 1);
    let answer = client.ingest_text("default", &line);
    assert!(answer.error(429, "RESOURCE_EXHAUSTED").contains("1000 bytes per second"));
    wait_of(&answer);
}

#[test]
fn a_full_storage_takes_nothing_until_there_is_room() {
    let server = Server::start();
    let client = create(&server, "acme", json!({"quotas": {"stored_bytes": 20_000}}));
    let line = "x".repeat(9_000);
    let refused = eventually("the storage is full", || {
        let answer = client.ingest_text("default", &line);
        (answer.status != 200).then_some(answer)
    });
    assert!(refused.error(429, "RESOURCE_EXHAUSTED").contains("20000 is the most"));
    assert_eq!(wait_of(&refused), 60);
    let stored = client.get("/platform/v1/tenant/usage").json()["stored_bytes"].as_u64().expect("bytes");
    assert!(stored >= 20_000, "{stored}");
    client.delete("/api/v1/streams/default").ok();
    eventually("there is room", || (client.ingest_text("default", "x").status == 200).then_some(()));
}

#[test]
fn processor_time_of_scripts_is_bounded() {
    let server = Server::start();
    let client = create(&server, "acme", json!({"quotas": {"cpu_ms_per_second": 1, "burst_seconds": 1}}));
    client.save_transformer("work", ". = map_values(., recursive: true) -> |v| { sha3(to_string!(v)) }");
    client.save_pipeline("p", &Flow::through("work", "s"));
    // Each request costs some milliseconds: a call waits for a second of quota at most, so that a small debt is paced, not
    // refused.
    let records: Vec<Value> = (0..400).map(|n| json!({"a": format!("{n}").repeat(400), "b": "x".repeat(2000)})).collect();
    let records = json!(records);
    // Compiling the script counts too: a slow machine begins with a debt.
    let taken = || (client.ingest("p", &json!([{"a": "b"}])).status == 200).then_some(());
    eventually("what compiling the script cost is paid off", taken);
    let answer = eventually("the quota is used up", || {
        let answer = client.ingest("p", &records);
        (answer.status != 200).then_some(answer)
    });
    assert!(answer.error(429, "RESOURCE_EXHAUSTED").contains("1 ms of processor time"), "{}", answer.text());
    wait_of(&answer);
    let usage = client.get("/platform/v1/tenant/usage").json()["since_start"].clone();
    assert!(usage["cpu_ns"].as_u64() > Some(1_000_000) && usage["plugin_calls"].as_u64() > Some(0), "{usage}");
    let letters = server.client().get("/platform/v1/tenants/acme/usage").json();
    assert!(letters["since_start"]["host_bytes"].as_u64() > Some(0), "{letters}");
}

#[test]
fn quotas_of_the_plan_hold_for_all_but_the_first_tenant() {
    let plan = headworks_tests::Setup::new()
        .env("HEADWORKS_TENANTS_RECORDS_PER_SECOND", "3")
        .env("HEADWORKS_TENANTS_BURST_SECONDS", "1");
    let server = plan.start();
    let acme = create(&server, "acme", json!({}));
    let four = json!([{}, {}, {}, {}]);
    assert_eq!(acme.ingest("default", &four).processed(), 4);
    wait_of(&acme.ingest("default", &json!([{}])));
    for _ in 0..10 {
        assert_eq!(server.client().ingest("default", &four).processed(), 4);
    }
    // Its own come before the plan's, at once, and 0 is no limit.
    assert_eq!(update(&server, "acme", json!({"quotas": {"records_per_second": 0}})).status, 200);
    for _ in 0..10 {
        assert_eq!(acme.ingest("default", &four).processed(), 4);
    }
}

#[test]
fn a_bulk_request_that_is_refused_in_part_says_so_by_document() {
    let server = Server::start();
    let client: Client = create(&server, "acme", json!({"quotas": {"records_per_second": 1, "burst_seconds": 2}}));
    client.save_pipeline("other", &Flow::to_stream("other"));
    let mut body = String::new();
    for index in ["default", "other"] {
        body += &format!("{{\"create\":{{\"_index\":{index:?}}}}}\n{{\"a\":\"b\"}}\n").repeat(2);
    }
    let answer = client.post_bytes("/api/v1/middlewares/elastic/_bulk", "application/x-ndjson", body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
    let items = answer.json()["items"].clone();
    let mut statuses: Vec<u64> =
        items.as_array().expect("items").iter().filter_map(|item| item["create"]["status"].as_u64()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 429, 429]);
}

#[test]
fn what_waits_for_forwarders_counts_as_stored() {
    // Nobody listens at the target: records wait.
    let server = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").start();
    let client = create(&server, "acme", json!({"quotas": {"stored_bytes": 20_000}}));
    let config = json!({"type": "http", "url": "http://127.0.0.1:9", "headers": {}});
    let queued = json!({"forwarder": {"version": 2, "delivery": "queued", "config": config}});
    client.put("/api/v1/forwarders/f", &queued).ok();
    client.save_pipeline("p", &Flow::to_forwarder("f"));
    let line = "x".repeat(9_000);
    let refused = eventually("the storage is full", || {
        let answer = client.ingest_text("p", &line);
        (answer.status != 200).then_some(answer)
    });
    assert!(refused.error(429, "RESOURCE_EXHAUSTED").contains("20000 is the most"));
}

#[test]
fn a_restore_that_would_be_too_much_is_refused() {
    let server = Server::start();
    let client = create(&server, "acme", json!({"quotas": {"stored_bytes": 50_000}}));
    assert_eq!(server.client().ingest_text("default", &"x".repeat(60_000)).processed(), 1);
    let logs = headworks_tests::backup::download(&server.client(), "logs");
    let answer = headworks_tests::backup::upload(&client, "logs", &logs);
    assert!(answer.error(429, "RESOURCE_EXHAUSTED").contains("50000 is the most"), "{}", answer.text());
    assert_eq!(client.get("/api/v1/streams").ok()["streams"], json!({}));
    update(&server, "acme", json!({"quotas": {"stored_bytes": 0}}));
    headworks_tests::backup::upload(&client, "logs", &logs).ok();
    assert_eq!(client.records("default").len(), 1);
}
