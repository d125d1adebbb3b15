//! What plugins get from outside: logs, state, secrets, and the count of what they use.

use crate::shared;
use headworks_tests::events::Events;
use headworks_tests::plugins::version;
use headworks_tests::{Client, Server, eventually, people, unique};
use serde_json::{Value, json};

/// A plugin in use, and a pipeline of its own through it into a stream of its own: their names.
fn running(client: &Client, settings: &[&str]) -> (String, String, String) {
    let name = unique("plugin");
    client.push(&version(&name, "1.0.0", settings));
    let (pipeline, stream) = crate::pipeline_through(client, &format!("#!plugin {name}\n{{}}"));
    (name, pipeline, stream)
}

fn lines(client: &Client, plugin: &str, parameters: &str) -> Vec<Value> {
    let answer = client.get(&format!("/platform/v1/plugins/{plugin}/logs{parameters}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()["lines"].as_array().expect("lines").clone()
}

#[test]
fn lines_that_a_plugin_logs_are_kept_in_order() {
    let (_server, client) = shared();
    let (name, pipeline, _) = running(&client, &["work=log"]);
    client.ingest(&pipeline, &json!([{"message": "one"}, {"message": "two\nthree"}])).ok();
    let kept = lines(&client, &name, "");
    let texts: Vec<&str> = kept.iter().map(|line| line["text"].as_str().expect("a text")).collect();
    assert_eq!(texts, ["one", "two\\nthree"]);
    assert_eq!((&kept[0]["number"], &kept[0]["level"]), (&json!(1), &json!("info")));
    assert_eq!(lines(&client, &name, "?after=1").len(), 1);
    client.get(&format!("/platform/v1/plugins/{name}/logs?after=x")).problem(400, "invalid");
    client.get("/platform/v1/plugins/none/logs").problem(404, "not-found");
}

#[test]
fn a_log_can_be_followed() {
    let (_server, client) = shared();
    let (name, pipeline, _) = running(&client, &["work=log"]);
    client.ingest(&pipeline, &json!([{"message": "before"}])).ok();
    let mut events = Events::open(&client, &format!("/platform/v1/plugins/{name}/logs?follow=true"));
    let next = |events: &mut Events| {
        let event = events.next();
        assert_eq!(event.name, "log");
        serde_json::from_str::<Value>(&event.data).expect("a line")["text"].clone()
    };
    assert_eq!(next(&mut events), "before");
    client.ingest(&pipeline, &json!([{"message": "after"}])).ok();
    assert_eq!(next(&mut events), "after");
}

#[test]
fn what_a_plugin_remembers_survives_a_restart_and_ends_with_it() {
    let mut server = Server::start();
    let client = server.client();
    let count = |client: &Client, pipeline: &str| client.ingest(pipeline, &json!([{"a": "1"}])).ok();
    let bytes = version("counting", "1.0.0", &["work=count"]);
    client.push(&bytes);
    let (pipeline, stream) = crate::pipeline_through(&client, "#!plugin counting\n{}");
    (0..3).for_each(|_| drop(count(&client, &pipeline)));
    assert!(server.stop().success());
    server.restart();
    let client = server.client();
    count(&client, &pipeline);
    // Killed, it keeps what is older than a second.
    std::thread::sleep(std::time::Duration::from_millis(2500));
    server.kill();
    server.restart();
    let client = server.client();
    count(&client, &pipeline);
    assert_eq!(client.values(&stream, "count"), ["1", "2", "3", "4", "5"]);
    // Another version goes on.
    client.push(&version("counting", "1.1.0", &["work=count"]));
    count(&client, &pipeline);
    assert_eq!(client.values(&stream, "count").len(), 6);
    assert_eq!(client.records(&stream)[0]["count"], "6");
    for transformer in client.get("/api/v1/transformers").ok()["transformers"].as_array().expect("names") {
        client.delete(&format!("/api/v1/transformers/{}", transformer.as_str().expect("a name"))).ok();
    }
    assert_eq!(client.delete("/platform/v1/plugins/counting").status, 204);
    client.push(&bytes);
    let (pipeline, stream) = crate::pipeline_through(&client, "#!plugin counting\n{}");
    count(&client, &pipeline);
    assert_eq!(client.values(&stream, "count"), ["1"]);
}

#[test]
fn a_secret_is_for_plugins_that_were_granted_it_and_for_nobody_else() {
    let mut server = Server::start();
    let client = server.client();
    const SECRET: &str = "hunter2-is-no-password";
    let put = client.put("/platform/v1/secrets/token", &json!({"value": SECRET}));
    assert_eq!((put.status, put.body.len()), (204, 0));
    let granted = version("granted", "1.0.0", &["work=secret", "grants=secret:token"]);
    assert_eq!(client.upload(&granted, &[("approve", "secret:token"), ("release", "true")]).status, 201);
    client.push(&version("curious", "1.0.0", &["work=secret"]));
    for (plugin, expected) in [("granted", SECRET), ("curious", "none")] {
        let (pipeline, stream) = crate::pipeline_through(&client, &format!("#!plugin {plugin}\n{{}}"));
        client.ingest(&pipeline, &json!([{"a": "1"}])).ok();
        assert_eq!(client.values(&stream, "secret"), [expected]);
        client.delete(&format!("/api/v1/streams/{stream}")).ok();
    }
    let shown = client.get("/platform/v1/secrets");
    assert_eq!(shown.json()["secrets"][0]["name"], "token");
    assert!(!shown.text().contains(SECRET));
    assert_eq!(client.get("/platform/v1/secrets/token").status, 405);
    assert_eq!(client.delete("/platform/v1/secrets/token").status, 204);
    client.delete("/platform/v1/secrets/token").problem(404, "not-found");
    const UNUSED: &str = "never-shown-to-any-plugin";
    client.put("/platform/v1/secrets/kept", &json!({"value": UNUSED}));
    for part in ["auth", "config", "logs"] {
        let backup = client.get(&format!("/api/v1/backup/{part}"));
        assert!(!backup.text().contains(UNUSED), "{part}");
    }
    assert!(server.stop().success());
    assert!(!server.output().contains(SECRET) && !server.output().contains(UNUSED));
    for file in files(&server.data()) {
        let bytes = std::fs::read(&file).expect("a file");
        assert!(!bytes.windows(UNUSED.len()).any(|window| window == UNUSED.as_bytes()), "{}", file.display());
    }
    let key = std::fs::metadata(server.data().join("secrets.key")).expect("the key");
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key.permissions()) & 0o777, 0o600);
}

/// All files below a folder.
fn files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn secrets_are_for_administrators() {
    let (_server, client) = shared();
    let name = unique("secret");
    let path = format!("/platform/v1/secrets/{name}");
    let writer = people::one(&client, &unique("person"), &["write_transformers"]);
    writer.put(&path, &json!({"value": "x"})).problem(403, "denied");
    writer.delete(&path).problem(403, "denied");
    writer.get("/platform/v1/secrets").problem(403, "denied");
    assert_eq!(client.put("/platform/v1/secrets/a%20b", &json!({"value": "x"})).problem(400, "invalid")["member"], "name");
    client.put(&path, &json!({"value": "x".repeat((64 << 10) + 1)})).problem(413, "too-large");
    client.put(&path, &json!({"secret": "x"})).problem(400, "invalid");
    client.delete(&path).problem(404, "not-found");
}

#[test]
fn use_is_counted_by_plugin() {
    let (_server, client) = shared();
    let (name, pipeline, _) = running(&client, &["work=tag"]);
    client.ingest(&pipeline, &json!([{"a": "1"}, {"a": "2"}])).ok();
    let usage = client.get(&format!("/platform/v1/plugins/{name}/usage")).json();
    assert_eq!((&usage["calls"], &usage["failures"]), (&json!(1), &json!(0)));
    assert_eq!((&usage["records_in"], &usage["records_out"]), (&json!(2), &json!(2)));
    assert!(usage["cpu_nanos"].as_u64().is_some_and(|nanos| nanos > 0), "{usage}");
    let all = client.get("/platform/v1/usage").json();
    let own = all["plugins"].as_array().expect("plugins").iter().find(|one| one["plugin"] == json!(name)).expect("the plugin");
    assert_eq!(own["records_in"], 2);
    assert_eq!(all["since"], usage["since"]);
    client.get("/platform/v1/plugins/none/usage").problem(404, "not-found");
    eventually("nothing more is counted", || {
        (client.get(&format!("/platform/v1/plugins/{name}/usage")).json() == usage).then_some(())
    });
}
