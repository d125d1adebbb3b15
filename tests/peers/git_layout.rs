//! The layout of flows in a Git repository (NiFi Registry 22.1): the original reads what we write, and we what it writes.

use headworks_tests::original::Original;
use headworks_tests::{Client, Setup, eventually};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const API: &str = "/nifi-registry-api";

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

fn get(client: &Client, path: &str) -> Value {
    let answer = client.get(&format!("{API}{path}"));
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn made(client: &Client, path: &str, body: &Value) -> Value {
    let answer = client.post(&format!("{API}{path}"), body);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn id(object: &Value) -> String {
    object["identifier"].as_str().expect("an identifier").to_owned()
}

fn save(client: &Client, bucket: &str, flow: &str, version: u32, comments: Option<&str>) {
    let port = json!({"identifier": "p", "name": "in", "type": "INPUT_PORT", "componentType": "INPUT_PORT", "allowRemoteAccess": false, "position": {"x": 1.0, "y": 2.5}});
    let body = json!({
        "snapshotMetadata": {"version": version, "bucketIdentifier": bucket, "flowIdentifier": flow, "comments": comments},
        "flowContents": {"identifier": "g", "name": format!("größe {version} 😀"), "inputPorts": [port]},
        "parameterContexts": {"c": {"name": "c", "parameters": [{"name": "a", "value": "b", "sensitive": false}]}},
        "flowEncodingVersion": "1.0",
    });
    made(client, &format!("/buckets/{bucket}/flows/{flow}/versions"), &body);
}

/// A snapshot with what both of them know, all of it but links, in the form that has empty collections left out.
fn snapshot(client: &Client, bucket: &str, flow: &str, version: u32) -> Value {
    let whole = get(client, &format!("/buckets/{bucket}/flows/{flow}/versions/{version}"));
    let mut kept = json!({});
    for member in ["flowContents", "parameterContexts", "flowEncodingVersion"] {
        kept[member] = slim(&whole[member]);
    }
    for member in ["author", "comments", "timestamp", "version"] {
        kept[member] = whole["snapshotMetadata"][member].clone();
    }
    kept
}

fn slim(value: &Value) -> Value {
    match value {
        Value::Array(all) => all.iter().map(slim).collect(),
        Value::Object(members) => {
            let empty = |value: &Value| matches!(value, Value::Null) || *value == json!([]) || *value == json!({});
            let kept = members.iter().filter(|(_, value)| !empty(value));
            Value::Object(kept.map(|(name, value)| (name.clone(), slim(value))).collect())
        }
        other => other.clone(),
    }
}

fn committed(folder: &Path, count: usize) {
    eventually("the commits are there", || {
        let output = Command::new("git").arg("-C").arg(folder).args(["rev-list", "--count", "HEAD"]).output().unwrap();
        (String::from_utf8_lossy(&output.stdout).trim() == count.to_string()).then_some(())
    });
}

#[test]
fn the_original_reads_what_we_write_and_goes_on_with_it() {
    let jars = Original::jars().expect("the original registry: `make peers` installs it");
    let place = TempDir::with_prefix("git-").unwrap();
    let flows = place.path().join("flows");
    let setup = Setup::new().env("HEADWORKS_REGISTRY_GIT_REPOSITORY", flows.to_str().unwrap());
    let mut server = setup.start();
    let client = server.client().anonymous();
    let bucket = id(&made(&client, "/buckets", &json!({"name": "größe 1: a/b"})));
    let dated = json!({"name": "2020-01-01", "description": "12:30\nyes 😀"});
    let one = id(&made(&client, &format!("/buckets/{bucket}/flows"), &dated));
    let two = id(&made(&client, &format!("/buckets/{bucket}/flows"), &json!({"identifier": "123", "name": "null"})));
    for (flow, version, comments) in
        [(&one, 1, Some("first: 'x' \"y\" # 😀")), (&two, 1, None), (&one, 2, Some("1e3")), (&one, 3, None)]
    {
        save(&client, &bucket, flow, version, comments);
    }
    let gone = id(&made(&client, "/buckets", &json!({"name": "empty"})));
    committed(&flows, 6);
    client.put(&format!("{API}/buckets/{bucket}/flows/{two}"), &json!({"name": "true"}));
    client.delete(&format!("{API}/buckets/{gone}"));
    committed(&flows, 8);
    let all = [(&one, 1), (&one, 2), (&one, 3), (&two, 1)];
    let ours = all.map(|(flow, version)| snapshot(&client, &bucket, flow, version));
    assert!(server.stop().success());
    git(&flows, &["config", "user.name", "the original"]);
    git(&flows, &["config", "user.email", "original@example.com"]);

    let original = Original::start_on_git(&jars, &flows);
    let client = original.client();
    let buckets = get(&client, "/buckets");
    assert_eq!(
        (buckets.as_array().unwrap().len(), &buckets[0]["identifier"], &buckets[0]["name"]),
        (1, &json!(bucket), &json!("größe_1__a_b"))
    );
    let flow = get(&client, &format!("/buckets/{bucket}/flows/{one}"));
    assert_eq!((&flow["name"], &flow["description"], &flow["versionCount"]), (&dated["name"], &dated["description"], &json!(3)));
    assert_eq!(get(&client, &format!("/buckets/{bucket}/flows/{two}"))["name"], "true");
    for ((flow, version), ours) in all.into_iter().zip(&ours) {
        assert_eq!(&snapshot(&client, &bucket, flow, version), ours);
    }
    // It takes the work tree for clean, and what it adds is found by the next registry of ours.
    save(&client, &bucket, &one, 4, Some("theirs"));
    let theirs = snapshot(&client, &bucket, &one, 4);
    drop(original);
    let server = setup.start();
    let client = server.client().anonymous();
    assert_eq!(snapshot(&client, &bucket, &one, 4), theirs);
    for ((flow, version), ours) in all.into_iter().zip(&ours) {
        assert_eq!(&snapshot(&client, &bucket, flow, version), ours);
    }
}

#[test]
fn we_take_over_what_the_original_wrote() {
    let jars = Original::jars().expect("the original registry: `make peers` installs it");
    let place = TempDir::with_prefix("git-").unwrap();
    git(place.path(), &["init", "--quiet", "flows"]);
    let flows = place.path().join("flows");
    git(&flows, &["config", "user.name", "the original"]);
    git(&flows, &["config", "user.email", "original@example.com"]);
    let original = Original::start_on_git(&jars, &flows);
    let client = original.client();
    let bucket = id(&made(&client, "/buckets", &json!({"name": "ops: a/b", "description": "d"})));
    let path = format!("/buckets/{bucket}/flows");
    let [one, gone] =
        ["2020-01-01", "gone"].map(|name| id(&made(&client, &path, &json!({"name": name, "description": "yes: no"}))));
    save(&client, &bucket, &one, 1, Some("first\n\nand # more"));
    save(&client, &bucket, &gone, 1, None);
    save(&client, &bucket, &one, 2, None);
    client.put(&format!("{API}{path}/{one}"), &json!({"name": "renamed"}));
    save(&client, &bucket, &one, 3, Some(""));
    client.delete(&format!("{API}{path}/{gone}"));
    let theirs = [1, 2, 3].map(|version| snapshot(&client, &bucket, &one, version));
    drop(original);

    let setup = Setup::new().env("HEADWORKS_REGISTRY_GIT_REPOSITORY", flows.to_str().unwrap());
    let server = setup.start();
    let client = server.client().anonymous();
    let buckets = get(&client, "/buckets");
    assert_eq!((&buckets[0]["identifier"], &buckets[0]["name"]), (&json!(bucket), &json!("ops__a_b")));
    let found = get(&client, &path);
    assert_eq!(
        (found.as_array().unwrap().len(), &found[0]["name"], &found[0]["description"]),
        (1, &json!("renamed"), &json!("yes: no"))
    );
    for (version, theirs) in (1..).zip(&theirs) {
        assert_eq!(&snapshot(&client, &bucket, &one, version), theirs);
    }
    save(&client, &bucket, &one, 4, None);
    eventually("ours is added", || git(&flows, &["log", "-1", "--format=%cn"]).eq("Headworks").then_some(()));
}
