//! Forwarders as objects (FlowG 12, 12.12); what they send is tested in `tests/forwarders`.

use crate::shared;
use headworks_tests::{Client, Flow, Setup, unique};
use serde_json::{Value, json};

fn save(client: &Client, name: &str, config: &Value) -> headworks_tests::Answer {
    client.put(&format!("/api/v1/forwarders/{name}"), &json!({ "forwarder": { "config": config } }))
}

fn get(client: &Client, name: &str) -> Value {
    client.get(&format!("/api/v1/forwarders/{name}")).ok()["forwarder"].take()
}

#[test]
fn forwarders_are_listed_saved_read_and_deleted() {
    let (_server, client) = shared();
    let name = unique("forwarder");
    let path = format!("/api/v1/forwarders/{name}");
    client.get(&path).fails(404, "NOT_FOUND");
    let config = json!({ "type": "http", "url": "https://example.com/in", "headers": { "X-Key": "k" }, "extra": 1 });
    save(&client, &name, &config).ok();
    let kept = json!({ "type": "http", "url": "https://example.com/in", "headers": { "X-Key": "k" } });
    assert_eq!(get(&client, &name), json!({ "version": 2, "config": kept }));
    let listed = client.get("/api/v1/forwarders").ok()["forwarders"].take();
    let listed: Vec<String> = serde_json::from_value(listed).expect("names");
    assert!(listed.contains(&name) && listed.is_sorted(), "{listed:?}");
    let syslog =
        json!({ "type": "syslog", "network": "udp", "address": "log:514", "tag": "", "severity": "info", "facility": "user" });
    save(&client, &name, &syslog).ok();
    assert_eq!(get(&client, &name)["config"], syslog);
    client.delete(&path).ok();
    client.delete(&path).ok();
    client.get(&path).fails(404, "NOT_FOUND");
}

#[test]
fn what_is_wrong_with_a_forwarder_is_named() {
    let (_server, client) = shared();
    let name = unique("forwarder");
    let syslog =
        json!({ "type": "syslog", "network": "tcp", "address": "log:514", "tag": "", "severity": "info", "facility": "user" });
    let with = |member: &str, value: Value| {
        let mut config = syslog.clone();
        config[member] = value;
        config
    };
    for (config, place) in [
        (json!({}), "#/forwarder/config: missing properties: \"type\""),
        (json!({ "type": "smtp" }), "#/forwarder/config/type: value must be one of"),
        (json!({ "type": "http" }), "#/forwarder/config: missing properties: \"url\""),
        (json!({ "type": "http", "url": "" }), "#/forwarder/config/url"),
        (json!({ "type": "datadog", "url": "https://a" }), "missing properties: \"apiKey\""),
        (with("network", json!("unix")), "#/forwarder/config/network"),
        (with("address", json!("log")), "#/forwarder/config/address"),
        (with("severity", json!("bad")), "#/forwarder/config/severity"),
    ] {
        let answer = save(&client, &name, &config).fails(400, "INVALID_ARGUMENT");
        assert!(answer["context"]["body"].to_string().replace("\\\"", "\"").contains(place), "{place}: {answer}");
    }
    for (config, part) in [
        (json!({ "type": "http", "url": 1 }), "#/forwarder/config/url: expected string"),
        (json!({ "type": "http", "url": "http://a", "headers": { "a": 1 } }), "#/forwarder/config/headers/a"),
    ] {
        let error = save(&client, &name, &config).error(400, "INVALID_ARGUMENT");
        assert!(error.contains(part), "{error}");
    }
    save(&client, &name, &with("severity", json!("@expr:log.severity"))).ok();
}

#[test]
fn member_names_are_matched_without_regard_to_case() {
    let (_server, client) = shared();
    let name = unique("forwarder");
    let body = json!({ "Forwarder": { "Config": { "Type": "http", "URL": "http://a/" } } });
    client.put(&format!("/api/v1/forwarders/{name}"), &body).ok();
    assert_eq!(get(&client, &name)["config"], json!({ "type": "http", "url": "http://a/" }));
}

#[test]
fn delivery_is_direct_or_queued() {
    let (_server, client) = shared();
    let name = unique("forwarder");
    let put = |delivery: &str| {
        let forwarder = json!({ "config": { "type": "http", "url": "http://a/" }, "delivery": delivery });
        client.put(&format!("/api/v1/forwarders/{name}"), &json!({ "forwarder": forwarder }))
    };
    put("queued").ok();
    assert_eq!(get(&client, &name)["delivery"], "queued");
    put("direct").ok();
    assert_eq!(get(&client, &name).get("delivery"), None);
    put("never").fails(400, "INVALID_ARGUMENT");
}

#[test]
fn an_unknown_forwarder_cannot_be_tested() {
    let (_server, client) = shared();
    client.post("/api/v1/test/forwarders/none", &json!({ "record": {} })).fails(404, "NOT_FOUND");
    client.post("/api/v1/test/forwarders/none", &json!({})).fails(400, "INVALID_ARGUMENT");
}

#[test]
fn a_pipeline_without_its_forwarder_is_saved_and_runs_once_the_forwarder_is_there() {
    let (_server, client) = shared();
    let (pipeline, forwarder) = (unique("pipeline"), unique("forwarder"));
    client.save_pipeline(&pipeline, &Flow::to_forwarder(&forwarder));
    let error = client.ingest(&pipeline, &json!([{ "a": "1" }])).error(500, "INTERNAL");
    assert!(error.contains("forwarder") && error.contains("not found"), "{error}");
    let body = json!({ "forwarder": { "config": { "type": "http", "url": "http://127.0.0.1:1" }, "delivery": "queued" } });
    client.put(&format!("/api/v1/forwarders/{forwarder}"), &body).ok();
    assert_eq!(client.ingest(&pipeline, &json!([{ "a": "1" }])).processed(), 1);
    client.delete(&format!("/api/v1/forwarders/{forwarder}")).ok();
    client.ingest(&pipeline, &json!([{ "a": "1" }])).error(500, "INTERNAL");
}

#[test]
fn addresses_that_are_not_public_are_out_of_reach_unless_the_operator_allows_them() {
    let (_server, client) = shared();
    let name = unique("forwarder");
    for host in
        ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0177.0.0.1", "169.254.169.254", "0.0.0.0"]
    {
        save(&client, &name, &json!({ "type": "http", "url": format!("http://{host}:9/") })).ok();
        let error = client.post(&format!("/api/v1/test/forwarders/{name}"), &json!({ "record": {} })).error(500, "INTERNAL");
        assert!(error.contains("outbound.allow"), "{host}: {error}");
    }
}

#[test]
fn secrets_of_forwarders_are_masked_where_the_operator_wants_it() {
    let server = Setup::new().env("HEADWORKS_MASK_SECRETS", "true").start();
    let client = server.client();
    save(&client, "d", &json!({ "type": "datadog", "url": "https://a", "apiKey": "hush" })).ok();
    let mut shown = get(&client, "d");
    assert_eq!(shown["config"]["apiKey"], "********");
    shown["config"]["url"] = json!("https://b");
    client.put("/api/v1/forwarders/d", &json!({ "forwarder": shown })).ok();
    let stored = headworks_tests::Setup::new().start_on(&{
        let folder = std::sync::Arc::clone(server.folder());
        drop(server);
        folder
    });
    let config = get(&stored.client(), "d")["config"].take();
    assert_eq!((config["apiKey"].as_str(), config["url"].as_str()), (Some("hush"), Some("https://b")));
    save(&stored.client(), "other", &json!({ "type": "splunk", "endpoint": "https://a", "token": "********" })).ok();
}
