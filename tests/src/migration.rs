//! What a registry is filled with before it is migrated, what it answers then, and the command that imports it elsewhere.

use crate::client::Client;
use crate::server::{Server, TOKEN, clean_command};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::Output;

/// Where the interface is.
const API: &str = "/nifi-registry-api";

/// The layouts that the original wrote, kept with what it answered.
pub fn layouts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/layouts")
}

fn post(client: &Client, path: &str, body: &Value) -> Value {
    let answer = client.post(&format!("{API}{path}"), body);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

fn snapshot(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/flows").join(name);
    serde_json::from_slice(&std::fs::read(&path).expect("a flow")).expect("JSON")
}

fn id(made: &Value) -> &str {
    made["identifier"].as_str().expect("an identifier")
}

/// Saves a version.
fn save(client: &Client, bucket: &Value, flow: &Value, number: u32, mut snapshot: Value, comments: Option<&str>) {
    let (bucket, flow) = (id(bucket), id(flow));
    snapshot["snapshotMetadata"] =
        json!({"bucketIdentifier": bucket, "flowIdentifier": flow, "version": number, "comments": comments});
    for owned in ["bucket", "flow", "latest"] {
        snapshot.as_object_mut().expect("an object").remove(owned);
    }
    post(client, &format!("/buckets/{bucket}/flows/{flow}/versions"), &snapshot);
}

/// Fills an empty registry with what is hard to carry over: texts that have to be escaped, flows without versions, flows of the
/// same name, a flow and a bucket that were deleted, bundles.
///
/// # Panics
/// When it refuses something.
pub fn fill(client: &Client) {
    let odd = "two\nlines, ünï 漢字 😀, 'quoted' \"twice\", \\ back\\n; -- no comment /* neither */ $$";
    let first = post(client, "/buckets", &json!({"name": "it's \"first\" ü", "description": odd, "allowPublicRead": true}));
    let second = post(client, "/buckets", &json!({"name": "second", "allowBundleRedeploy": true}));
    post(client, "/buckets", &json!({"name": "empty", "description": ""}));
    let gone = post(client, "/buckets", &json!({"name": "gone"}));
    let moved = post(client, &format!("/buckets/{}/flows", id(&first)), &json!({"name": "moved \\ größer", "description": odd}));
    save(client, &first, &moved, 1, snapshot("port-moved-groups-1.json"), None);
    save(client, &first, &moved, 2, snapshot("port-moved-groups-2.json"), Some(odd));
    post(client, &format!("/buckets/{}/flows", id(&first)), &json!({"name": "no versions"}));
    let deleted = post(client, &format!("/buckets/{}/flows", id(&first)), &json!({"name": "deleted"}));
    save(client, &first, &deleted, 1, json!({"flowContents": {"identifier": "x", "name": "x"}}), None);
    assert_eq!(client.delete(&format!("{API}/buckets/{}/flows/{}", id(&first), id(&deleted))).status, 200);
    let same = post(client, &format!("/buckets/{}/flows", id(&second)), &json!({"name": "moved \\ größer"}));
    save(client, &second, &same, 1, snapshot("write-to-file.json"), Some("first"));
    for number in 2..5 {
        let contents = json!({"identifier": "g", "name": format!("number {number}"), "comments": "x".repeat(5000)});
        save(client, &second, &same, number, json!({ "flowContents": contents }), Some(""));
    }
    let doomed = post(client, &format!("/buckets/{}/flows", id(&gone)), &json!({"name": "f"}));
    save(client, &gone, &doomed, 1, json!({"flowContents": {"identifier": "x", "name": "x"}}), None);
    assert_eq!(client.delete(&format!("{API}/buckets/{}", id(&gone))).status, 200);
    for name in ["nifi-foo-nar-1.0.0.nar", "nifi-foo-nar-2.0.0-SNAPSHOT-BUILD1.nar"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/nars").join(name);
        upload(client, id(&second), &std::fs::read(path).expect("an archive"));
    }
}

fn upload(client: &Client, bucket: &str, archive: &[u8]) {
    let mut body = b"--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.nar\"\r\n\r\n".to_vec();
    body.extend_from_slice(archive);
    body.extend_from_slice(b"\r\n--x--\r\n");
    let path = format!("{API}/buckets/{bucket}/bundles/nifi-nar");
    let answer = client.post_bytes(&path, "multipart/form-data; boundary=x", &body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// Everything that a registry answers about what it holds, by path.
///
/// # Panics
/// When it does not answer.
pub fn answers(client: &Client) -> Value {
    let mut all = Map::new();
    let mut ask = |path: String| {
        let answer = client.get(&format!("{API}{path}"));
        let value = if answer.status == 200 { answer.json() } else { json!(answer.status) };
        all.insert(path, value.clone());
        value
    };
    let each = |list: &Value| list.as_array().expect("a list").clone();
    for bucket in each(&ask("/buckets".to_owned())) {
        let path = format!("/buckets/{}", id(&bucket));
        ask(path.clone());
        for flow in each(&ask(format!("{path}/flows"))) {
            let path = format!("{path}/flows/{}", id(&flow));
            ask(path.clone());
            for version in each(&ask(format!("{path}/versions"))) {
                let number = version["version"].as_u64().expect("a number");
                ask(format!("{path}/versions/{number}"));
                if number > 1 {
                    ask(format!("{path}/diff/{}/{number}", number - 1));
                }
            }
        }
        for bundle in each(&ask(format!("{path}/bundles"))) {
            for version in each(&ask(format!("/bundles/{}/versions", id(&bundle)))) {
                let number = version["version"].as_str().expect("a version");
                ask(format!("/bundles/{}/versions/{number}", id(&bundle)));
            }
        }
    }
    ask("/items".to_owned());
    let mut all = Value::Object(all);
    plain(&mut all);
    all
}

/// Takes away the order of members and of lists: most lists of a flow have none, and the original mixes them.
pub fn plain(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.sort_keys();
            members.values_mut().for_each(plain);
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(plain);
            elements.sort_by_key(ToString::to_string);
        }
        _ => {}
    }
}

/// Checks that a registry answers the same as another one did.
///
/// # Panics
/// When it does not.
pub fn check_same(expected: &Value, found: &Value) {
    // What was kept in a file has been sorted by another one.
    let mut expected = expected.clone();
    plain(&mut expected);
    let (expected, found) = (expected.as_object().expect("answers"), found.as_object().expect("answers"));
    let paths = |of: &Map<String, Value>| of.keys().cloned().collect::<std::collections::BTreeSet<_>>();
    assert_eq!(paths(expected), paths(found));
    for (path, answer) in expected {
        let answers = [answer, found.get(path).expect("an answer")];
        if path.contains("/diff/") {
            let [expected, found] = answers.map(changes);
            assert_eq!(expected, found, "{path}");
        } else {
            assert_eq!(difference(answers[0], answers[1], path), None);
        }
    }
}

/// What a comparison found: which components differ, and in what. The original groups those that were moved as they come, and
/// describes some values by what Java calls them.
pub fn changes(comparison: &Value) -> Vec<String> {
    let groups = comparison["componentDifferenceGroups"].as_array().expect("groups").iter();
    let differences = groups.flat_map(|group| {
        let differences = group["differences"].as_array().expect("differences").iter();
        differences.map(|found| format!("{} {} {}", group["componentId"], group["componentType"], found["differenceType"]))
    });
    let mut all: Vec<String> = differences.collect();
    all.sort();
    all
}

/// What the two say in their own ways: the original shows revisions where they are off and not which version is the newest,
/// reads times in archives as those of its own zone, and tells more or less of where a bundle is.
const LOOSE: &[&str] =
    &["revision", "latest", "built", "groupId", "artifactId", "filename", "link", "permissions", "versionCount"];

/// Where two answers differ first.
fn difference(one: &Value, other: &Value, at: &str) -> Option<String> {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            // With the original, a bundle has not changed when another version of it came.
            let bundle = one.contains_key("bundleType");
            let loose = |name: &str| LOOSE.contains(&name) || bundle && name == "modifiedTimestamp";
            let names = one.keys().chain(other.keys()).filter(|name| !loose(name));
            let part = |of: &Map<String, Value>, name: &String| of.get(name).cloned().unwrap_or_default();
            names.into_iter().find_map(|name| difference(&part(one, name), &part(other, name), &format!("{at} {name}")))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).find_map(|(one, other)| difference(one, other, &format!("{at} []")))
        }
        (one, other) => (one != other).then(|| format!("{at}: {one} became {other}")),
    }
}

/// Runs `headworks registry import`.
///
/// # Panics
/// When it does not start.
pub fn import(server: &Server, token: &str, arguments: &[&str]) -> Output {
    let mut command = clean_command();
    command.env("FLOWG_API", format!("http://{}", server.address())).env("FLOWG_API_TOKEN", token);
    command.args(["--output", "json", "registry", "import"]).args(arguments).output().expect("the program runs")
}

/// Runs it for an administrator to its end, which has to be this; answers its report.
///
/// # Panics
/// When it ends otherwise.
pub fn imported(server: &Server, arguments: &[&str], code: i32) -> Value {
    let output = import(server, TOKEN, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{said}{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
}
