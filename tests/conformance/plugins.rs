//! Plugins: uploading, looking at them, approving, using, deleting.

use crate::shared;
use headworks_tests::client::segment;
use headworks_tests::people;
use headworks_tests::plugins::{component, version};
use headworks_tests::{Client, Server, Setup, unique};
use serde_json::{Value, json};

/// A pipeline of its own through a plugin, into a stream of its own: their names.
fn pipeline_through_plugin(client: &Client, plugin: &str, config: &str) -> (String, String) {
    crate::pipeline_through(client, &format!("#!plugin {plugin}\n{config}"))
}

fn names(answer: &Value, member: &str, of: &str) -> Vec<String> {
    answer[member].as_array().expect("a list").iter().map(|one| one[of].as_str().expect("a name").to_owned()).collect()
}

#[test]
fn an_uploaded_component_is_described_and_stored() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let bytes = version(&name, "1.2.3", &["work=tag", r#"schema={"type":"object"}"#]);
    let answer = client.upload(&bytes, &[]);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let said = answer.json();
    assert_eq!((&said["plugin"], &said["version"], &said["status"]), (&json!(name), &json!("1.2.3"), &json!("ready")));
    assert_eq!((&said["interface"], &said["size"]), (&json!("0.1.1"), &json!(bytes.len())));
    assert_eq!(said["config_schema"], json!({"type": "object"}));
    assert_eq!((&said["grants"], &said["approved"], &said["updated_by"]), (&json!([]), &json!([]), &json!("root")));
    let path = format!("/platform/v1/plugins/{name}");
    assert_eq!(client.get(&format!("{path}/versions/1.2.3")).json(), said);
    let plugin = client.get(&path).json();
    assert_eq!((&plugin["name"], &plugin["world"], &plugin["active"]), (&json!(name), &json!("transformer"), &Value::Null));
    assert!(names(&client.get("/platform/v1/plugins").json(), "plugins", "name").contains(&name));
    let stored = client.get(&format!("{path}/versions/1.2.3/component"));
    assert_eq!((stored.header("content-type"), stored.body == bytes), ("application/wasm", true));
    client.upload(&version(&name, "1.10.0", &[]), &[]);
    assert_eq!(names(&client.get(&format!("{path}/versions")).json(), "versions", "version"), ["1.2.3", "1.10.0"]);
}

#[test]
fn the_digest_is_compared() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let bytes = version(&name, "1.0.0", &[]);
    let wrong = client.upload(&bytes, &[("sha256", &"0".repeat(64))]).problem(400, "invalid");
    assert_eq!(wrong["member"], "sha256");
    assert_eq!(client.upload(&bytes, &[("sha256", "12")]).problem(400, "invalid")["member"], "sha256");
    client.get(&format!("/platform/v1/plugins/{name}")).problem(404, "not-found");
    let digest = client.upload(&bytes, &[]).json()["sha256"].as_str().expect("a digest").to_owned();
    assert_eq!(client.upload(&bytes, &[("sha256", &digest)]).status, 201);
}

#[test]
fn what_is_no_plugin_is_refused_and_leaves_nothing() {
    let server = Server::start();
    let client = server.client();
    for (bytes, part) in [
        (Vec::new(), "not a WebAssembly component"),
        (b"\x7fELF\x02\x01\x01\0".to_vec(), "native code"),
        (b"\0asm\x01\0\0\0".to_vec(), "core module"),
        (version("Bad Name", "1.0.0", &[]), "cannot name a plugin"),
        (version("fine", "1.0", &[]), "no semantic version"),
        (version("fine", "1.0.0", &["grants=everything"]), "everything"),
        (version("fine", "1.0.0", &[r#"schema={"type":"nonsense"}"#]), "config-schema"),
        (version("fine", "1.0.0", &["schema={"]), "no JSON"),
    ] {
        let problem = client.upload(&bytes, &[("release", "true")]).problem(400, "plugin-refused");
        let detail = problem["detail"].as_str().expect("a detail");
        assert!(detail.contains(part), "{detail}");
    }
    let cut = component("vrl");
    client.upload(&cut[..cut.len() / 2], &[]).problem(400, "plugin-refused");
    assert_eq!(client.get("/platform/v1/plugins").json(), json!({"plugins": []}));
}

#[test]
fn a_version_is_never_replaced() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let bytes = version(&name, "1.0.0", &["work=tag"]);
    let first = client.upload(&bytes, &[]).json();
    assert_eq!(client.upload(&bytes, &[]).json(), first);
    let problem = client.upload(&version(&name, "1.0.0", &["work=trap"]), &[]).problem(409, "already-exists");
    assert!(problem["detail"].as_str().expect("a detail").contains("raise the version"));
    assert_eq!(client.get(&format!("/platform/v1/plugins/{name}/versions/1.0.0")).json(), first);
}

#[test]
fn two_uploads_of_one_version_at_once_store_one() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let uploads: Vec<_> = (0..4)
        .map(|number| {
            let (client, bytes) = (client.clone(), version(&name, "1.0.0", &[&format!("work=tag\nnumber={}", number % 2)]));
            std::thread::spawn(move || client.upload(&bytes, &[]).status)
        })
        .collect();
    let mut statuses: Vec<u16> = uploads.into_iter().map(|upload| upload.join().expect("an answer")).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409]);
    assert_eq!(names(&client.get(&format!("/platform/v1/plugins/{name}/versions")).json(), "versions", "version"), ["1.0.0"]);
}

#[test]
fn a_plugin_runs_in_pipelines_beside_scripts() {
    let (_server, client) = shared();
    let name = unique("plugin");
    client.push(&version(&name, "1.0.0", &["work=tag"]));
    let (pipeline, stream) = pipeline_through_plugin(&client, &name, "{}");
    assert_eq!(client.ingest(&pipeline, &json!([{"a": "1"}, {"a": "2"}])).processed(), 2);
    assert_eq!(client.records(&stream), [json!({"a": "2", "version": "1.0.0"}), json!({"a": "1", "version": "1.0.0"})]);
}

#[test]
fn the_language_of_scripts_can_be_a_plugin() {
    let (_server, client) = shared();
    let vrl = client.push(&component("vrl"))["plugin"].as_str().expect("a name").to_owned();
    let (pipeline, stream) = pipeline_through_plugin(&client, &vrl, ".b = upcase(string!(.a))");
    client.ingest(&pipeline, &json!([{"a": "x"}])).ok();
    assert_eq!(client.records(&stream), [json!({"a": "x", "b": "X"})]);
    let (pipeline, _) = pipeline_through_plugin(&client, &vrl, ".b = = 1");
    assert_eq!(client.ingest(&pipeline, &json!([{"a": "x"}])).status, 500);
}

#[test]
fn a_forwarder_can_be_made_from_a_plugin() {
    let server = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").start();
    let client = server.client();
    let said = client.upload(&component("forwarder-syslog"), &[]).json();
    let (name, version) = (said["plugin"].as_str().expect("a name"), said["version"].as_str().expect("a version"));
    let path = format!("/platform/v1/plugins/{name}");
    if said["status"] == "waiting" {
        client.post(&format!("{path}/versions/{version}/approve"), &json!({"grants": said["grants"]}));
    }
    assert_eq!(client.release(name, version, json!({})).status, 200);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a timeout");
    let address = socket.local_addr().expect("an address").to_string();
    let forwarder = unique("forwarder");
    let config = json!({"type": "syslog", "network": "udp", "address": address, "tag": "t", "severity": "info", "facility": "user", "message": "log.a"});
    client.save_forwarder(&forwarder, &json!({"type": "plugin", "plugin": name, "config": config}));
    let shown = client.get(&format!("/api/v1/forwarders/{forwarder}")).ok();
    assert_eq!(shown["forwarder"]["config"], json!({"type": "plugin", "plugin": name, "config": config}));
    client.test_forwarder(&forwarder, &json!({"a": "hello"})).ok();
    let mut message = [0; 2048];
    let length = socket.recv(&mut message).expect("a message");
    assert!(length > 0);
    client.delete(&path).problem(409, "in-use");
}

#[test]
fn a_configuration_is_checked_against_the_schema() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let schema = r#"schema={"type":"object","properties":{"rules":{"items":{"type":"string"}}},"additionalProperties":false}"#;
    client.push(&version(&name, "1.0.0", &["work=tag", schema]));
    for (config, part) in [
        (r#"{"rules": ["a", 1]}"#, "config.rules[1]: it has to be of the type string"),
        (r#"{"rule": []}"#, "config.rule: there is no such member"),
        ("not json", "no JSON"),
    ] {
        let (pipeline, _) = pipeline_through_plugin(&client, &name, config);
        let told = client.ingest(&pipeline, &json!([{"a": "1"}])).text();
        assert!(told.contains(part), "{told}");
    }
}

#[test]
fn a_pipeline_runs_once_its_plugin_is_there() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let (pipeline, stream) = pipeline_through_plugin(&client, &name, "");
    let told = client.ingest(&pipeline, &json!([{"a": "1"}])).text();
    assert!(told.contains("there is no plugin"), "{told}");
    let bytes = version(&name, "1.0.0", &["work=tag"]);
    client.upload(&bytes, &[]);
    let told = client.ingest(&pipeline, &json!([{"a": "1"}])).text();
    assert!(told.contains("no version of the plugin"), "{told}");
    assert_eq!(client.release(&name, "1.0.0", json!({})).status, 200);
    client.ingest(&pipeline, &json!([{"a": "1"}])).ok();
    assert_eq!(client.values(&stream, "version"), ["1.0.0"]);
}

#[test]
fn a_version_that_asks_for_more_waits_for_approval() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let path = format!("/platform/v1/plugins/{name}");
    let status = |version: &str| client.get(&format!("{path}/versions/{version}")).json()["status"].clone();
    let asks = |number: &str, grants: &str| version(&name, number, &["work=tag", &format!("grants={grants}")]);
    let said = client.push(&asks("1.0.0", "https://a.example.com:443 secret:token"));
    assert_eq!((&said["status"], &said["approved"]), (&json!("waiting"), &json!([])));
    client.release(&name, "1.0.0", json!({})).problem(409, "not-approved");
    let approve = format!("{path}/versions/1.0.0/approve");
    let said = client.post(&approve, &json!({"grants": ["https://*.example.com:443"]})).json();
    assert_eq!((&said["status"], &said["approved"]), (&json!("waiting"), &json!(["https://a.example.com:443"])));
    let said = client.post(&approve, &json!({"grants": ["secret:token"]})).json();
    assert_eq!(said["status"], "ready");
    assert_eq!(client.release(&name, "1.0.0", json!({})).status, 200);
    // No more than the one before.
    client.push(&asks("1.1.0", "secret:token"));
    assert_eq!((status("1.1.0"), &client.released(&name)["active"]), (json!("ready"), &json!("1.1.0")));
    client.push(&asks("1.2.0", "secret:token secret:other"));
    assert_eq!((status("1.2.0"), &client.released(&name)["active"]), (json!("waiting"), &json!("1.1.0")));
    let approved = client.upload(&asks("1.3.0", "secret:more"), &[("approve", "secret:more,secret:token"), ("release", "true")]);
    assert_eq!((approved.json()["status"].clone(), &client.released(&name)["active"]), (json!("ready"), &json!("1.3.0")));
}

#[test]
fn a_plugin_in_use_is_not_deleted() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let path = format!("/platform/v1/plugins/{name}");
    client.push(&version(&name, "1.0.0", &["work=tag"]));
    client.push(&version(&name, "1.1.0", &["work=tag"]));
    let transformer = unique("transformer");
    client.save_transformer(&transformer, &format!("#!plugin {name}\n{{}}"));
    let detail = client.delete(&path).problem(409, "in-use")["detail"].to_string();
    assert!(detail.contains(&transformer), "{detail}");
    client.delete(&format!("{path}/versions/1.1.0")).problem(409, "in-use");
    assert_eq!(client.delete(&format!("{path}/versions/1.0.0")).status, 204);
    client.get(&format!("{path}/versions/1.0.0")).problem(404, "not-found");
    assert_eq!(client.released(&name)["previous"], Value::Null);
    client.delete(&format!("/api/v1/transformers/{}", segment(&transformer))).ok();
    assert_eq!(client.delete(&path).status, 204);
    for gone in [path.clone(), format!("{path}/versions/1.1.0"), format!("{path}/versions"), format!("{path}/release")] {
        client.get(&gone).problem(404, "not-found");
    }
    client.delete(&path).problem(404, "not-found");
    // The same can come again.
    assert_eq!(client.push(&version(&name, "1.1.0", &["work=tag"]))["status"], "ready");
}

#[test]
fn plugins_survive_a_restart() {
    let mut server = Server::start();
    let client = server.client();
    client.push(&version("kept", "1.0.0", &["work=tag"]));
    let (pipeline, stream) = pipeline_through_plugin(&client, "kept", "{}");
    let before = client.get("/platform/v1/plugins/kept").json();
    server.kill();
    server.restart();
    let client = server.client();
    assert_eq!(client.get("/platform/v1/plugins/kept").json(), before);
    client.ingest(&pipeline, &json!([{"a": "1"}])).ok();
    assert_eq!(client.values(&stream, "version"), ["1.0.0"]);
}

#[test]
fn scopes_decide_who_may_do_what_with_plugins() {
    let (_server, client) = shared();
    let name = unique("plugin");
    let bytes = version(&name, "1.0.0", &["grants=secret:a"]);
    let path = format!("/platform/v1/plugins/{name}");
    let reader = people::one(&client, &unique("person"), &["read_transformers"]);
    let writer = people::one(&client, &unique("person"), &["write_transformers"]);
    let other = people::one(&client, &unique("person"), &["write_streams", "write_forwarders"]);
    reader.upload(&bytes, &[]).problem(403, "denied");
    writer.upload(&bytes, &[("approve", "secret:a")]).problem(403, "denied");
    assert_eq!(writer.upload(&bytes, &[]).status, 201);
    assert_eq!(reader.get(&path).status, 200);
    other.get(&path).problem(403, "denied");
    other.get("/platform/v1/plugins").problem(403, "denied");
    client.anonymous().get(&path).problem(401, "unauthenticated");
    writer.post(&format!("{path}/versions/1.0.0/approve"), &json!({"grants": ["secret:a"]})).problem(403, "denied");
    reader.release(&name, "1.0.0", json!({})).problem(403, "denied");
    reader.post(&format!("{path}/rollback"), &json!({})).problem(403, "denied");
    reader.delete(&path).problem(403, "denied");
    reader.delete(&format!("{path}/versions/1.0.0")).problem(403, "denied");
    assert_eq!(reader.get(&format!("{path}/versions/1.0.0/component")).body, bytes);
    assert_eq!(writer.delete(&path).status, 204);
}

#[test]
fn requests_that_cannot_be_are_named() {
    let (_server, client) = shared();
    let name = unique("plugin");
    client.push(&version(&name, "1.0.0", &[]));
    assert_eq!(client.upload(b"", &[("release", "perhaps")]).problem(400, "invalid")["member"], "release");
    client.post(&format!("/platform/v1/plugins/{name}/release"), &json!({"version": 5})).problem(400, "invalid");
    client.post(&format!("/platform/v1/plugins/{name}/release"), &json!({"version": "1.0.0", "more": 1})).problem(400, "invalid");
    client.release(&name, "9.9.9", json!({})).problem(404, "not-found");
    client.release("no-such-plugin", "1.0.0", json!({})).problem(404, "not-found");
    client.post(&format!("/platform/v1/plugins/{name}/rollback"), &json!({})).problem(404, "not-found");
}
