//! Pipelines, transformers and forwarders under version control in a bucket of the registry.

use crate::shared;
use headworks_tests::client::segment;
use headworks_tests::plugins::component;
use headworks_tests::{Answer, Client, Flow, Server, people, unique};
use http::Method;
use serde_json::{Value, json};

const NIFI: &str = "/nifi-registry-api";
const SECRET: &str = "s3cr3t-value";

/// An object with its versions in a bucket.
struct Versions<'c> {
    client: &'c Client,
    path: String,
}

impl<'c> Versions<'c> {
    fn of(client: &'c Client, bucket: &str, kind: &str, name: &str) -> Self {
        Self { client, path: format!("/platform/v1/versions/{}/{kind}/{}", segment(bucket), segment(name)) }
    }

    fn try_save(&self, body: &Value) -> Answer {
        self.client.post(&self.path, body)
    }

    /// Saves what has to become this version.
    fn saved(&self, version: u32) -> Value {
        let answer = self.try_save(&json!({"comments": format!("number {version}")}));
        assert_eq!((answer.status, &answer.json()["version"]), (201, &json!(version)), "{}", answer.text());
        answer.json()
    }

    fn list(&self) -> Value {
        get(self.client, &self.path)["versions"].clone()
    }

    fn document(&self, version: u32) -> Value {
        get(self.client, &format!("{}/{version}", self.path))["document"].clone()
    }

    fn diff(&self, from: u32, to: Option<u32>) -> Value {
        let to = to.map(|to| format!("?to={to}")).unwrap_or_default();
        get(self.client, &format!("{}/{from}/diff{to}", self.path))["changes"].clone()
    }

    fn restore(&self, version: u32, body: &Value) -> Answer {
        self.client.post(&format!("{}/{version}/restore", self.path), body)
    }
}

fn get(client: &Client, path: &str) -> Value {
    let answer = client.get(path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// A new bucket and its identifier.
fn bucket(client: &Client) -> (String, String) {
    let name = unique("bucket of versions");
    let made = client.anonymous().post(&format!("{NIFI}/buckets"), &json!({ "name": name }));
    assert_eq!(made.status, 200, "{}", made.text());
    (name, made.json()["identifier"].as_str().expect("an identifier").to_owned())
}

#[test]
fn a_pipeline_is_saved_compared_and_rolled_back() {
    let (_server, client) = shared();
    let ((bucket, id), name, one, two) = (bucket(&client), unique("pipe/line"), unique("stream"), unique("stream"));
    let versions = Versions::of(&client, &bucket, "pipeline", &name);
    versions.try_save(&json!({})).problem(404, "not-found");
    client.get(&versions.path).problem(404, "not-found");
    client.save_pipeline(&name, &Flow::to_stream(&one));
    let first = versions.saved(1);
    assert_eq!((&first["kind"], &first["name"], &first["bucket"]), (&json!("pipeline"), &json!(name), &json!(bucket)));
    assert_eq!((&first["author"], &first["comments"]), (&json!("root"), &json!("number 1")));
    // What did not change is no new version.
    let again = versions.try_save(&json!({"comments": "again"}));
    assert_eq!((again.status, again.json()), (200, first.clone()));
    client.save_pipeline(&name, &Flow::to_stream(&two));
    let changes = versions.diff(1, None);
    let router = &changes[0];
    assert!(
        router["path"].as_str().is_some_and(|path| path.starts_with("/nodes/") && path.ends_with("/data/stream")),
        "{changes}"
    );
    assert_eq!((&router["change"], &router["from"], &router["to"]), (&json!("changed"), &json!(one), &json!(two)));
    versions.saved(2);
    assert_eq!(versions.diff(1, Some(2)), changes);
    assert_eq!(versions.diff(2, None), json!([]));
    let numbers: Vec<_> =
        versions.list().as_array().expect("versions").iter().map(|version| version["version"].clone()).collect();
    assert_eq!(numbers, [2, 1]);
    // The bucket is found by its identifier too.
    assert_eq!(Versions::of(&client, &id, "pipeline", &name).list(), versions.list());
    let objects = get(&client, &format!("/platform/v1/versions/{}", segment(&bucket)))["objects"].clone();
    assert_eq!(
        (&objects[0]["kind"], &objects[0]["name"], &objects[0]["versions"]),
        (&json!("pipeline"), &json!(name), &json!(2))
    );

    let restored = versions.restore(1, &json!({}));
    assert_eq!((restored.status, &restored.json()["version"]), (200, &json!(1)), "{}", restored.text());
    client.ingest(&name, &json!([{"a": "1"}])).ok();
    assert_eq!(client.values(&one, "a"), ["1"]);
    assert_eq!(versions.diff(1, None), json!([]));
    // The last version is what was saved last, not what is in use.
    assert_eq!(versions.list().as_array().map(Vec::len), Some(2));
}

#[test]
fn scripts_are_compared_line_by_line_and_come_back_after_they_were_deleted() {
    let (_server, client) = shared();
    let ((bucket, _), name) = (bucket(&client), unique("transformer"));
    let versions = Versions::of(&client, &bucket, "transformer", &name);
    let script = ".a = 1\n.b = 2\n.c = \"ü\"\n";
    client.save_transformer(&name, script);
    versions.saved(1);
    client.save_transformer(&name, ".a = 1\n.b = 3\n.c = \"ü\"\n");
    let change = versions.diff(1, None)[0].clone();
    assert_eq!(
        (&change["path"], &change["lines"]),
        (&json!("/script"), &json!("@@ -1,3 +1,3 @@\n .a = 1\n-.b = 2\n+.b = 3\n .c = \"ü\"\n"))
    );
    client.delete(&format!("/api/v1/transformers/{name}")).ok();
    client.get(&format!("{}/1/diff", versions.path)).problem(404, "not-found");
    assert_eq!(versions.restore(1, &Value::Null).status, 400, "null is no body");
    assert_eq!(versions.restore(1, &json!({})).status, 200);
    assert_eq!(client.get(&format!("/api/v1/transformers/{name}")).ok()["script"], script);
}

#[test]
fn no_secret_of_a_forwarder_gets_into_a_bucket_and_none_is_lost_by_a_restore() {
    let (_server, client) = shared();
    let ((bucket, id), name) = (bucket(&client), unique("forwarder"));
    let versions = Versions::of(&client, &bucket, "forwarder", &name);
    let forwarder = |url: &str| json!({"type": "http", "url": url, "headers": {"Authorization": SECRET}, "body": "@expr:log"});
    client.save_forwarder(&name, &forwarder(&format!("https://user:{SECRET}@example.com/?sig={SECRET}")));
    let saved = versions.saved(1);
    let expected = json!({"version": 2, "config": {"type": "http", "url": "https://user:********@example.com/?sig=********",
        "headers": {"Authorization": "********"}, "body": "@expr:log"}});
    assert_eq!(versions.document(1), expected);
    let flow = saved["flow"].as_str().expect("a flow");
    let snapshot = client.anonymous().get(&format!("{NIFI}/buckets/{id}/flows/{flow}/versions/1")).text();
    assert!(!snapshot.contains(SECRET) && snapshot.contains("********"), "{snapshot}");
    // Another secret is no change.
    let stored = || client.get(&format!("/api/v1/forwarders/{name}")).ok()["forwarder"]["config"].clone();
    client.save_forwarder(&name, &forwarder(&format!("https://user:other@example.com/?sig={SECRET}")));
    assert_eq!(versions.diff(1, None), json!([]));
    // A restore keeps the secrets of today.
    let today = stored();
    client.save_forwarder(
        &name,
        &json!({"type": "http", "url": format!("https://user:other@example.com/?sig={SECRET}"),
        "headers": {"Authorization": SECRET, "More": "x"}, "body": "changed"}),
    );
    assert_eq!(versions.restore(1, &json!({})).status, 200);
    assert_eq!(stored(), today);
    // Where there are none today, they are asked for by their places.
    client.delete(&format!("/api/v1/forwarders/{name}")).ok();
    let problem = versions.restore(1, &json!({})).problem(400, "invalid");
    assert_eq!(problem["member"], "secrets");
    for place in ["/config/url", "/config/headers/Authorization"] {
        assert!(problem["detail"].as_str().is_some_and(|text| text.contains(place)), "{problem}");
    }
    let nowhere = json!({"secrets": {"/config/body": "x"}});
    assert_eq!(versions.restore(1, &nowhere).problem(400, "invalid")["member"], "secrets");
    let secrets = json!({"/config/headers/Authorization": "new", "/config/url": "https://example.com/"});
    assert_eq!(versions.restore(1, &json!({ "secrets": secrets })).status, 200);
    assert_eq!(
        stored(),
        json!({"type": "http", "url": "https://example.com/", "headers": {"Authorization": "new"}, "body": "@expr:log"})
    );
}

#[test]
fn clients_of_nifi_see_a_valid_flow_and_cannot_change_it() {
    let (_server, client) = shared();
    let nifi = client.anonymous();
    let ((bucket, id), name) = (bucket(&client), unique("transformer"));
    let versions = Versions::of(&client, &bucket, "transformer", &name);
    client.save_transformer(&name, ".a = 1");
    let flow = versions.saved(1)["flow"].as_str().expect("a flow").to_owned();
    client.save_transformer(&name, ".a = 2");
    versions.saved(2);
    let at = format!("{NIFI}/buckets/{id}/flows/{flow}");
    let seen = get(&nifi, &at);
    assert_eq!(
        (&seen["name"], &seen["type"], &seen["versionCount"]),
        (&json!(format!("transformer/{name}")), &json!("Flow"), &json!(2))
    );
    let snapshot = get(&nifi, &format!("{at}/versions/latest"));
    let contents = &snapshot["flowContents"];
    for collection in ["processors", "connections", "processGroups", "inputPorts", "controllerServices"] {
        assert_eq!(contents[collection], json!([]));
    }
    assert_eq!(contents["labels"][0]["label"], "{\n  \"script\": \".a = 2\"\n}");
    assert_eq!(snapshot["headworks"], json!({"kind": "transformer", "name": name, "document": {"script": ".a = 2"}}));
    assert_eq!(
        (&snapshot["snapshotMetadata"]["author"], &snapshot["snapshotMetadata"]["comments"]),
        (&json!("root"), &json!("number 2"))
    );
    let diff = get(&nifi, &format!("{at}/diff/1/2"));
    assert_eq!(diff["componentDifferenceGroups"][0]["differences"][0]["differenceType"], "LABEL_VALUE_CHANGED");
    // Whoever may write the bucket plants nothing that somebody else restores.
    let refused = |answer: Answer| {
        assert_eq!(answer.status, 409, "{}", answer.text());
        assert!(answer.text().contains("saved through /platform/v1 only"), "{}", answer.text());
    };
    let mut planted = snapshot.clone();
    planted["snapshotMetadata"] = json!({"version": -1});
    planted["headworks"]["document"]["script"] = json!(".a = 3");
    refused(nifi.post(&format!("{at}/versions"), &planted));
    refused(nifi.put(&at, &json!({"name": "another"})));
    assert_eq!(nifi.put(&at, &json!({"description": "free"})).status, 200);
    assert_eq!(versions.list().as_array().map(Vec::len), Some(2));
    // A flow of NiFi that has the name already stays what it is.
    let other = unique("transformer");
    client.save_transformer(&other, ".");
    let made = nifi.post(&format!("{NIFI}/buckets/{id}/flows"), &json!({"name": format!("transformer/{other}")}));
    assert_eq!(made.status, 200, "{}", made.text());
    Versions::of(&client, &bucket, "transformer", &other).try_save(&json!({})).problem(409, "already-exists");
    // With the flow go the versions, and the object may be put there anew.
    assert_eq!(nifi.delete(&at).status, 200);
    client.get(&versions.path).problem(404, "not-found");
    versions.saved(1);
}

#[test]
fn versions_need_the_scopes_of_their_kind() {
    let server = Server::start();
    let client = server.client();
    let (bucket, _) = bucket(&client);
    client.save_transformer("t", ".");
    Versions::of(&client, &bucket, "transformer", "t").saved(1);
    let people = people::add(
        &client,
        &[
            ("reader", &["read_transformers"]),
            ("writer", &["write_transformers"]),
            ("other", &["write_pipelines"]),
            ("nobody", &[]),
        ],
    );
    for (person, reads, writes) in
        people.iter().zip([(true, false), (true, true), (false, false), (false, false)]).map(|(p, (r, w))| (p, r, w))
    {
        let path = Versions::of(person, &bucket, "transformer", "t").path;
        for (method, path, allowed, success) in [
            (Method::GET, path.clone(), reads, 200),
            (Method::GET, format!("{path}/1"), reads, 200),
            (Method::GET, format!("{path}/1/diff"), reads, 200),
            (Method::POST, path.clone(), writes, 200),
            (Method::POST, format!("{path}/1/restore"), writes, 200),
        ] {
            let answer = person.send(method.clone(), &path, &[], None);
            assert_eq!(answer.status, if allowed { success } else { 403 }, "{method} {path}: {}", answer.text());
        }
    }
    let listed = |person: &Client| person.get(&format!("/platform/v1/versions/{}", segment(&bucket)));
    assert_eq!(listed(&people[0]).json()["objects"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed(&people[2]).json()["objects"], json!([]), "of kinds that the caller may not read nothing is told");
    listed(&people[3]).problem(403, "denied");
}

#[test]
fn what_is_restored_is_judged_by_the_rules() {
    let server = Server::start();
    let client = server.client();
    let (bucket, _) = bucket(&client);
    client.save_transformer("t", ".a = 1");
    let versions = Versions::of(&client, &bucket, "transformer", "t");
    versions.saved(1);
    client.save_transformer("t", ".a = 2");
    client.push(&component("test-rule"));
    let rule =
        json!({"plugin": "test-rule", "config": "refuse", "kinds": ["transformer"], "mode": "enforce", "operations": ["update"]});
    assert_eq!(client.put("/platform/v1/validators/strict", &rule).status, 200);
    let problem = versions.restore(1, &json!({})).problem(400, "rule-violation");
    assert_eq!(problem["violations"][0]["rule"], "strict");
    assert_eq!(client.get("/api/v1/transformers/t").ok()["script"], ".a = 2");
}

#[test]
fn what_is_not_there_is_named() {
    let (_server, client) = shared();
    let ((bucket, _), name) = (bucket(&client), unique("transformer"));
    client.save_transformer(&name, ".");
    let versions = Versions::of(&client, &bucket, "transformer", &name);
    versions.saved(1);
    let at = |rest: &str| client.get(&format!("{}{rest}", versions.path));
    for (rest, status, code) in [
        ("/2", 404, "not-found"),
        ("/0", 404, "not-found"),
        ("/one", 400, "invalid"),
        ("/-1", 400, "invalid"),
        ("/1/diff?to=2", 404, "not-found"),
        ("/1/diff?to=x", 400, "invalid"),
    ] {
        at(rest).problem(status, code);
    }
    let nowhere = Versions::of(&client, "no such bucket", "transformer", &name).try_save(&json!({})).problem(404, "not-found");
    assert!(nowhere["detail"].as_str().is_some_and(|text| text.contains("no such bucket")), "{nowhere}");
    Versions::of(&client, &bucket, "stream", &name).try_save(&json!({})).problem(404, "not-found");
    assert_eq!(versions.try_save(&json!({"comment": "?"})).problem(400, "invalid")["member"], "body");
}

#[test]
fn a_tenant_has_versions_of_its_own() {
    let server = Server::start();
    let client = server.client();
    let (bucket, id) = bucket(&client);
    client.save_transformer("t", ".");
    Versions::of(&client, &bucket, "transformer", "t").saved(1);
    let asked = json!({"name": "acme", "administrator": {"name": "root", "password": "a password of acme"}});
    let made = client.post("/platform/v1/tenants", &asked);
    assert!(made.status < 300, "{}", made.text());
    let other = people::session(&client, "root@acme", "a password of acme");
    other.save_transformer("t", ".");
    for bucket in [&bucket, &id] {
        other.get(&format!("/platform/v1/versions/{}", segment(bucket))).problem(404, "not-found");
        Versions::of(&other, bucket, "transformer", "t").try_save(&json!({})).problem(404, "not-found");
    }
}
