//! Plugins of Headworks as bundles: published, promoted from bucket to bucket, taken from there.

use crate::calls::{Nifi, done, refused};
use headworks_tests::plugins::version;
use headworks_tests::server::{TOKEN, clean_command};
use headworks_tests::{Answer, Client, Flow, Server};
use http::Method;
use serde_json::{Value, json};

const SCHEMA: &str = r#"schema={"type":"object","properties":{"mark":{"type":"string"}}}"#;

fn publish(client: &Client, plugin: &str, version: &str, body: &Value) -> Answer {
    client.post(&format!("/platform/v1/plugins/{plugin}/versions/{version}/publish"), body)
}

fn install(client: &Client, from: &str) -> Answer {
    client.upload(&[], &[("from", from), ("release", "true")])
}

#[test]
fn a_plugin_goes_through_buckets_with_its_digest() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    let (test, production) = (nifi.bucket("test"), nifi.bucket("production"));
    let component = version("mark", "1.0.0", &["work=mark", SCHEMA]);
    let digest = client.push(&component)["sha256"].clone();
    let published = publish(&client, "mark", "1.0.0", &json!({"bucket": "test", "group": "org.example"}));
    assert_eq!(published.status, 201, "{}", published.text());
    let published = published.json();
    assert_eq!((&published["sha256"], &published["artifact"], &published["version"]), (&digest, &json!("mark"), &json!("1.0.0")));
    // It is a bundle like any other.
    let bundle = done(&nifi.get(&format!("/bundles/{}", published["bundle"].as_str().expect("an identifier"))));
    assert_eq!((&bundle["bundleType"], &bundle["name"]), (&json!("headworks-plugin"), &json!("org.example:mark")));
    let content = nifi.get("/extension-repository/test/org.example/mark/1.0.0/content");
    assert_eq!((content.status, content.body == component), (200, true));
    assert_eq!(nifi.get("/extension-repository/test/org.example/mark/1.0.0/sha256").text(), digest.as_str().expect("a digest"));
    publish(&client, "mark", "1.0.0", &json!({"bucket": test, "group": "org.example"})).problem(409, "already-exists");

    // Promotion: the same bytes under the same coordinates.
    let parts: [(&str, &[u8]); 4] =
        [("groupId", b"org.example"), ("artifactId", b"mark"), ("version", b"1.0.0"), ("file", &content.body)];
    let promoted = done(&nifi.send_form(&production, "headworks-plugin", &parts));
    assert_eq!(promoted["versionMetadata"]["sha256"], digest);
    let other = version("mark", "1.0.0", &["work=tag"]);
    let staging = nifi.bucket("staging");
    let parts: [(&str, &[u8]); 4] =
        [("groupId", b"org.example"), ("artifactId", b"mark"), ("version", b"1.0.0"), ("file", &other)];
    let text = "Found existing extension bundle with same group, artifact, and version, but different SHA-256 checksums";
    refused(&nifi.send_form(&staging, "headworks-plugin", &parts), 409, text);

    // From there it goes into use, also after it was deleted here.
    assert_eq!(client.delete("/platform/v1/plugins/mark").status, 204);
    let installed = install(&client, "production/org.example:mark:1.0.0");
    assert_eq!((installed.status, &installed.json()["sha256"]), (201, &digest), "{}", installed.text());
    client.put("/platform/v1/transformers/t", &json!({"plugin": "mark", "config": {"mark": "x"}}));
    client.save_pipeline("p", &Flow::through("t", "s"));
    client.ingest("p", &json!([{"a": "1"}])).ok();
    assert_eq!(client.values("s", "mark"), ["x"]);
}

#[test]
fn a_snapshot_that_is_replaced_changes_nothing_that_was_installed() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    nifi.bucket("test");
    client.push(&version("mark", "1.0.0", &["work=mark"]));
    client.push(&version("mark", "1.1.0", &["work=mark"]));
    let snapshot = |of: &str| publish(&client, "mark", of, &json!({"bucket": "test", "version": "2-SNAPSHOT"})).json();
    let first = snapshot("1.0.0")["sha256"].clone();
    let from = "test/headworks:mark:2-SNAPSHOT";
    assert_eq!(install(&client, from).json()["sha256"], first);
    let second = snapshot("1.1.0")["sha256"].clone();
    assert_ne!(first, second);
    // A component keeps the version that it says it has, and that has one digest.
    assert_eq!(client.get("/platform/v1/plugins/mark/versions/1.0.0").json()["sha256"], first);
    assert_eq!(install(&client, from).json()["version"], "1.1.0");
    let digest = first.as_str().expect("a digest");
    let problem = client.upload(&[], &[("from", from), ("sha256", digest)]).problem(400, "invalid");
    assert_eq!(problem["member"], "sha256");
}

#[test]
fn what_is_no_component_or_has_no_coordinates_is_refused() {
    let server = Server::start();
    let (client, nifi) = (server.client(), Nifi::of(&server));
    let bucket = nifi.bucket("test");
    let component = version("mark", "1.0.0", &["work=mark"]);
    let named: [(&str, &[u8]); 3] = [("groupId", b"g"), ("artifactId", b"a"), ("version", b"1")];
    let send = |file: &[u8], parts: &[(&str, &[u8])]| {
        let parts: Vec<_> = parts.iter().copied().chain([("file", file)]).collect();
        nifi.send_form(&bucket, "headworks-plugin", &parts)
    };
    for file in [&b"\0asm\x01\0\0\0"[..], b"PK\x03\x04", b""] {
        refused(&send(file, &named), 400, "The archive cannot be used: it is no WebAssembly component");
    }
    let unnamed = send(&component, &named[..2]);
    assert_eq!((unnamed.status, unnamed.text().contains("groupId, artifactId and version")), (400, true), "{}", unnamed.text());
    assert_eq!(done(&nifi.get(&format!("/buckets/{bucket}/bundles"))), json!([]), "nothing is left behind");
    nifi.uploaded(&bucket, "g", "nar", "1");
    for (from, status, code) in [
        ("test/g:a", 400, "invalid"),
        ("g:a:1", 400, "invalid"),
        ("nowhere/g:a:1", 404, "not-found"),
        ("test/g:a:1", 404, "not-found"),
        ("test/g:nar:1", 400, "invalid"),
    ] {
        install(&client, from).problem(status, code);
    }
    let nobody = headworks_tests::people::one(&client, "nobody", &["read_transformers"]);
    install(&nobody, "test/g:a:1").problem(403, "denied");
    publish(&nobody, "mark", "1.0.0", &json!({"bucket": "test"})).problem(403, "denied");
    let answer = nifi.send(Method::POST, &format!("/buckets/{bucket}/bundles/plugin"), &[], None);
    assert_eq!(answer.status, 400);
}

#[test]
fn the_command_line_publishes_and_installs() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    nifi.bucket("test");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mark.wasm");
    std::fs::write(&file, version("mark", "1.0.0", &["work=mark"])).expect("a file");
    let run = |arguments: &[&str]| {
        let mut command = clean_command();
        command.env("FLOWG_API", format!("http://{}", server.address())).env("FLOWG_API_TOKEN", TOKEN);
        let output = command.arg("plugin").args(arguments).output().expect("the program runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    };
    let pushed = run(&["push", file.to_str().expect("text"), "--bucket", "test"]);
    assert!(pushed.contains("published as test/headworks:mark:1.0.0\n") && pushed.contains("mark 1.0.0 is in use"), "{pushed}");
    run(&["delete", "mark"]);
    assert!(run(&["install", "test/headworks:mark:1.0.0"]).starts_with("mark 1.0.0 is on the server ("));
    run(&["release", "mark", "1.0.0"]);
}
