//! Transformers and forwarders as the platform shows them: the same documents as FlowG's.

use crate::shared;
use headworks_tests::plugins::{component, version};
use headworks_tests::{Flow, Setup, people, unique};
use serde_json::{Value, json};

const SCHEMA: &str =
    r#"schema={"type":"object","properties":{"mark":{"type":"string"}},"required":["mark"],"additionalProperties":false}"#;

#[test]
fn a_transformer_is_made_from_a_plugin_and_a_configuration() {
    let (_server, client) = shared();
    let (plugin, name, pipeline, stream) = (unique("plugin"), unique("transformer"), unique("pipeline"), unique("stream"));
    client.push(&version(&plugin, "1.0.0", &["work=mark", SCHEMA]));
    let path = format!("/platform/v1/transformers/{name}");
    let saved = client.put(&path, &json!({"plugin": plugin, "config": {"mark": "x"}})).json();
    assert_eq!((&saved["plugin"], &saved["config"], &saved["script"]), (&json!(plugin), &json!({"mark": "x"}), &Value::Null));
    assert_eq!(client.get(&path).json(), saved);
    let script = client.get(&format!("/api/v1/transformers/{name}")).ok()["script"].clone();
    assert!(script.as_str().is_some_and(|script| script.starts_with(&format!("#!plugin {plugin}\n"))), "{script}");
    client.save_pipeline(&pipeline, &Flow::through(&name, &stream));
    client.ingest(&pipeline, &json!([{"a": "1"}])).ok();
    assert_eq!(client.values(&stream, "mark"), ["x"]);
    let all = client.get("/platform/v1/transformers").json();
    assert!(all["transformers"].as_array().expect("a list").contains(&saved));
    assert_eq!(client.delete(&path).status, 204);
    client.get(&path).problem(404, "not-found");
    client.delete(&path).problem(404, "not-found");
}

#[test]
fn a_configuration_that_does_not_fit_is_refused_with_its_place() {
    let (_server, client) = shared();
    let (plugin, name) = (unique("plugin"), unique("transformer"));
    client.push(&version(&plugin, "1.0.0", &["work=mark", SCHEMA]));
    let path = format!("/platform/v1/transformers/{name}");
    for (body, member) in [
        (json!({"plugin": plugin, "config": {"mark": 5}}), "config.mark"),
        (json!({"plugin": plugin}), "config.mark"),
        (json!({"plugin": plugin, "config": {"mark": "a", "more": 1}}), "config.more"),
        (json!({"plugin": "none"}), "plugin"),
        (json!({"plugin": plugin, "script": "."}), "body"),
        (json!({}), "body"),
    ] {
        let problem = client.put(&path, &body).json();
        assert_eq!((&problem["status"], &problem["member"]), (&json!(400), &json!(member)), "{problem}");
    }
    client.get(&path).problem(404, "not-found");
}

#[test]
fn a_script_is_a_transformer_too() {
    let (_server, client) = shared();
    let name = unique("transformer");
    client.save_transformer(&name, ".a = 1");
    let path = format!("/platform/v1/transformers/{name}");
    let shown = client.get(&path).json();
    assert_eq!((&shown["script"], &shown["plugin"]), (&json!(".a = 1"), &Value::Null));
    assert_eq!(client.put(&path, &json!({"script": ".a = 2"})).json()["script"], ".a = 2");
    assert_eq!(client.get(&format!("/api/v1/transformers/{name}")).ok()["script"], ".a = 2");
}

#[test]
fn a_plugin_that_wants_text_gets_the_text_itself() {
    let (_server, client) = shared();
    let vrl = client.push(&component("vrl"))["plugin"].clone();
    let (name, pipeline, stream) = (unique("transformer"), unique("pipeline"), unique("stream"));
    let path = format!("/platform/v1/transformers/{name}");
    let script = ".b = \"two\\nlines\"\n.c = 1";
    assert_eq!(client.put(&path, &json!({"plugin": vrl, "config": script})).json()["config"], script);
    client.save_pipeline(&pipeline, &Flow::through(&name, &stream));
    client.ingest(&pipeline, &json!([{"a": "x"}])).ok();
    assert_eq!(client.records(&stream), [json!({"a": "x", "b": "two\nlines", "c": "1"})]);
}

#[test]
fn a_forwarder_is_made_from_a_plugin_and_a_configuration() {
    let server = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").start();
    let client = server.client();
    let said = client.upload(&component("forwarder-syslog"), &[]).json();
    let grants: Vec<&str> = said["grants"].as_array().expect("grants").iter().filter_map(Value::as_str).collect();
    client.upload(&component("forwarder-syslog"), &[("approve", &grants.join(",")), ("release", "true")]);
    let plugin = said["plugin"].clone();
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a timeout");
    let address = socket.local_addr().expect("an address").to_string();
    let config = json!({"type": "syslog", "network": "udp", "address": address, "tag": "t", "severity": "info", "facility": "user", "message": "plain"});
    let path = "/platform/v1/forwarders/mine";
    let saved = client.put(path, &json!({"plugin": plugin, "config": config, "delivery": "queued"})).json();
    assert_eq!((&saved["plugin"], &saved["config"], &saved["delivery"]), (&plugin, &config, &json!("queued")), "{saved}");
    assert_eq!(client.get(path).json(), saved);
    client.save_pipeline("out", &Flow::to_forwarder("mine"));
    client.ingest("out", &json!([{"a": "1"}])).ok();
    let mut message = [0; 2048];
    assert!(socket.recv(&mut message).expect("a message") > 0);
    client.save_forwarder("theirs", &json!({"type": "http", "url": "http://127.0.0.1:1/", "headers": {"Authorization": "hush"}}));
    let all = client.get("/platform/v1/forwarders");
    assert!(!all.text().contains("hush"));
    assert_eq!(all.json()["forwarders"][1]["type"], "http");
    assert_eq!(client.put(path, &json!({"plugin": "none"})).problem(400, "invalid-program")["member"], "plugin");
    assert_eq!(client.delete(path).status, 204);
    client.delete(path).problem(404, "not-found");
}

#[test]
fn scopes_of_transformers_and_forwarders_are_those_of_flowg() {
    let (_server, client) = shared();
    let reader = people::one(&client, &unique("person"), &["read_transformers", "read_forwarders"]);
    let other = people::one(&client, &unique("person"), &["read_streams"]);
    for kind in ["transformers", "forwarders"] {
        assert_eq!(reader.get(&format!("/platform/v1/{kind}")).status, 200);
        other.get(&format!("/platform/v1/{kind}")).problem(403, "denied");
        other.get(&format!("/platform/v1/{kind}/x")).problem(403, "denied");
        reader.put(&format!("/platform/v1/{kind}/x"), &json!({"plugin": "p"})).problem(403, "denied");
        reader.delete(&format!("/platform/v1/{kind}/x")).problem(403, "denied");
    }
}
