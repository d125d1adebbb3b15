//! Versions of flows (NiFi Registry 9, 22.4, 23.4 and 23.5).

use crate::calls::{API, Nifi, done, refused, text};
use headworks_tests::server::Folder;
use headworks_tests::{Answer, Server, Setup};
use http::Method;
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;

/// A flow in a bucket of an open registry.
pub(crate) struct Place {
    pub(crate) nifi: Nifi,
    pub(crate) bucket: String,
    pub(crate) flow: String,
}

impl Place {
    pub(crate) fn in_server(server: &Server) -> Self {
        let nifi = Nifi::of(server);
        let bucket = nifi.bucket("ops");
        let flow = nifi.flow(&bucket, "my first flow");
        Self { nifi, bucket, flow }
    }

    /// Below the flow.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/buckets/{}/flows/{}{rest}", self.bucket, self.flow)
    }

    pub(crate) fn save(&self, body: &Value) -> Answer {
        self.nifi.post(&self.path("/versions"), body)
    }

    pub(crate) fn version(&self, number: i64) -> Answer {
        self.save(&snapshot(number))
    }

    pub(crate) fn read(&self, number: u32) -> Value {
        done(&self.nifi.get(&self.path(&format!("/versions/{number}"))))
    }

    fn count(&self) -> Value {
        done(&self.nifi.get(&self.path("")))["versionCount"].clone()
    }
}

fn contents(text: &str) -> Value {
    json!({"identifier": "root", "name": text, "componentType": "PROCESS_GROUP", "processors": []})
}

fn snapshot(number: i64) -> Value {
    json!({"snapshotMetadata": {"version": number, "comments": format!("asked for {number}")}, "flowContents": contents("g")})
}

#[test]
fn a_saved_version_is_answered_whole_and_read_the_same() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let (bucket, flow) = (&place.bucket, &place.flow);
    let sent = json!({
        "snapshotMetadata": {"bucketIdentifier": bucket, "flowIdentifier": flow, "version": 1, "comments": "first",
            "author": "somebody", "timestamp": 5, "link": {"href": "x"}},
        "flow": {"name": "ignored"}, "bucket": {"name": "ignored"}, "latest": false, "link": {},
        "flowContents": contents("g"), "parameterContexts": {"p": {"name": "p"}}, "flowEncodingVersion": "1.0",
        "externalControllerServices": {"s": {"identifier": "s", "name": "S"}}, "later": [null],
    });
    let saved = done(&place.save(&sent));
    let now = done(&place.nifi.get(&place.path("")));
    let metadata = json!({
        "author": "anonymous", "bucketIdentifier": bucket, "comments": "first", "flowIdentifier": flow,
        "link": {"href": format!("buckets/{bucket}/flows/{flow}/versions/1"), "params": {"rel": "content"}},
        "timestamp": saved["snapshotMetadata"]["timestamp"], "version": 1,
    });
    assert_eq!(saved["snapshotMetadata"], metadata);
    assert!(metadata["timestamp"].as_i64().unwrap() >= now["createdTimestamp"].as_i64().unwrap());
    let mut in_snapshot = now.clone();
    in_snapshot.as_object_mut().unwrap().remove("permissions");
    assert_eq!(saved["flow"], in_snapshot);
    assert_eq!((&now["versionCount"], &now["modifiedTimestamp"]), (&json!(1), &metadata["timestamp"]));
    assert_eq!(saved["bucket"], done(&place.nifi.get(&format!("/buckets/{bucket}"))));
    for kept in ["flowContents", "parameterContexts", "flowEncodingVersion", "externalControllerServices", "later"] {
        assert_eq!(saved[kept], sent[kept], "{kept}");
    }
    assert_eq!(saved["latest"], true);
    for path in [
        place.path("/versions/1"),
        place.path("/versions/latest"),
        format!("/flows/{flow}/versions/1"),
        format!("/flows/{flow}/versions/latest"),
    ] {
        assert_eq!(done(&place.nifi.get(&path)), saved, "{path}");
    }
    let of_latest = [place.path("/versions/latest/metadata"), format!("/flows/{flow}/versions/latest/metadata")];
    for path in of_latest {
        assert_eq!(done(&place.nifi.get(&path)), metadata, "{path}");
    }
    for path in [place.path("/versions"), format!("/flows/{flow}/versions")] {
        assert_eq!(done(&place.nifi.get(&path)), json!([metadata]), "{path}");
    }
}

#[test]
fn numbers_are_the_next_one_or_refused() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let positive = "Version must be greater than zero, or use -1 to indicate latest version";
    refused(&place.version(0), 400, positive);
    refused(&place.version(-2), 400, positive);
    refused(&place.save(&json!({"flowContents": {}})), 400, positive);
    refused(&place.save(&json!({"flowContents": {}, "snapshotMetadata": null})), 400, positive);
    refused(&place.version(2), 409, "Version of first snapshot must be 1");
    assert_eq!(done(&place.version(-1))["snapshotMetadata"]["version"], 1);
    assert_eq!(done(&place.version(2))["snapshotMetadata"]["version"], 2);
    refused(&place.version(2), 409, "A Versioned flow snapshot with the same version already exists: 2");
    refused(&place.version(1), 409, "A Versioned flow snapshot with the same version already exists: 1");
    let gap = "Version must be a one-up number, last version was 2 and version for this snapshot was 7";
    refused(&place.version(7), 409, gap);
    assert_eq!(place.version(3_000_000_000).status, 400);
    assert_eq!(done(&place.version(-1))["snapshotMetadata"]["version"], 3);
    assert_eq!(place.count(), 3);
    let numbers: Vec<Value> =
        done(&place.nifi.get(&place.path("/versions"))).as_array().unwrap().iter().map(|one| one["version"].clone()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    let one = done(&place.nifi.get(&place.path("/versions?offset=1&limit=1")));
    assert_eq!((one.as_array().unwrap().len(), &one[0]["version"]), (1, &json!(2)));
    assert_eq!(place.read(1)["latest"], false);
}

#[test]
fn what_cannot_be_saved_is_refused_in_the_order_of_the_contract() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let other = place.nifi.bucket("other");
    let null = "Cannot create versioned flow snapshot - flowContents must not be null";
    let with = |metadata: Value, contents: Value| json!({"snapshotMetadata": metadata, "flowContents": contents});
    refused(&place.save(&with(json!({"version": 0}), Value::Null)), 400, null);
    refused(&place.save(&json!({})), 400, null);
    let wrong = "Cannot create versioned flow snapshot - flowContents must be an object";
    refused(&place.save(&with(json!({"version": 1}), json!([]))), 400, wrong);
    let bucket = "Bucket id in path param must match bucket id in body";
    refused(&place.save(&with(json!({"bucketIdentifier": "x", "flowIdentifier": "y"}), Value::Null)), 400, bucket);
    let flow = "Flow id in path param must match flow id in body";
    refused(&place.save(&with(json!({"flowIdentifier": "y"}), Value::Null)), 400, flow);
    let at = |path: &str, body: &Value| place.nifi.post(path, body);
    let missing = "The specified bucket ID does not exist in this registry.";
    refused(&at("/buckets/none/flows/none/versions", &json!({})), 400, null);
    refused(&at("/buckets/none/flows/none/versions", &snapshot(0)), 404, missing);
    let unknown = "The specified flow ID does not exist in this bucket.";
    refused(&at(&format!("/buckets/{other}/flows/none/versions"), &snapshot(0)), 404, unknown);
    let elsewhere = "The requested flow is not located in the given bucket";
    refused(&at(&format!("/buckets/{other}/flows/{}/versions", place.flow), &snapshot(0)), 409, elsewhere);
    let raw = |kind: &str, body: &str| {
        place.nifi.send(Method::POST, &place.path("/versions"), &[("Content-Type", kind)], Some(body.as_bytes()))
    };
    refused(&raw("application/json", " "), 400, "Versioned flow snapshot cannot be null");
    refused(&raw("application/json", "null"), 400, "Versioned flow snapshot cannot be null");
    for broken in [
        "{",
        "[1]",
        r#"{"flowContents":{}}}"#,
        r#"{"flowContents":{},"flowContents":{}}"#,
        r#"{"snapshotMetadata":{"version":"one"}}"#,
    ] {
        let answer = raw("application/json; charset=UTF-8", broken);
        assert_eq!((answer.status, answer.header("content-type")), (400, "text/plain"), "{broken}");
        assert!(!answer.text().contains('\n'), "{}", answer.text());
    }
    assert_eq!(raw("text/xml", "{}").status, 415);
    let deep = format!(r#"{{"flowContents":{}{}}}"#, r#"{"a":"#.repeat(100_000), "}".repeat(100_000));
    assert_eq!(raw("application/json", &deep).status, 400);
    assert_eq!(place.count(), 0);
}

#[test]
fn what_is_not_there_is_said_so() {
    let server = Server::start();
    let place = Place::in_server(&server);
    assert_eq!(done(&place.nifi.get(&place.path("/versions"))), json!([]));
    for path in ["/versions/latest", "/versions/latest/metadata"] {
        refused(&place.nifi.get(&place.path(path)), 404, "The specified flow ID has no versions");
        refused(&place.nifi.get(&format!("/flows/{}{path}", place.flow)), 404, "The specified flow ID has no versions");
    }
    let none = "The specified versioned flow snapshot does not exist for this flow.";
    for number in ["1", "0", "007", "99999999999"] {
        refused(&place.nifi.get(&place.path(&format!("/versions/{number}"))), 404, none);
        refused(&place.nifi.get(&place.path(&format!("/versions/{number}/export"))), 404, none);
    }
    for no_number in ["one", "-1", "1x", "+1"] {
        refused(&place.nifi.get(&place.path(&format!("/versions/{no_number}"))), 404, "HTTP 404 Not Found");
        refused(&place.nifi.get(&format!("/flows/{}/versions/{no_number}", place.flow)), 404, "HTTP 404 Not Found");
    }
    refused(&place.nifi.get("/flows/none/versions"), 404, "The specified flow ID does not exist.");
    assert_eq!(place.nifi.delete(&place.path("/versions/1")).status, 405);
    assert_eq!(place.nifi.put(&place.path("/versions"), &json!({})).status, 405);
}

#[test]
fn of_concurrent_saves_each_number_is_given_once() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let save = |number: i64| {
        let place = &place;
        move || (place.version(number).status, number)
    };
    let all = |numbers: Vec<i64>| -> Vec<(u16, i64)> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = numbers.into_iter().map(|number| scope.spawn(save(number))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    };
    let same = all(vec![1; 8]);
    assert_eq!(same.iter().filter(|(status, _)| *status == 200).count(), 1, "{same:?}");
    assert!(same.iter().all(|(status, _)| [200, 409].contains(status)), "{same:?}");
    let next = all(vec![-1; 24]);
    assert!(next.iter().all(|(status, _)| *status == 200), "{next:?}");
    assert_eq!(place.count(), 25);
    for number in 1..=25 {
        assert_eq!(place.read(number)["snapshotMetadata"]["version"], number);
    }
}

#[test]
fn who_has_a_version_is_not_sent_it_again() {
    let server = Server::start();
    let place = Place::in_server(&server);
    done(&place.version(1));
    let path = place.path("/versions/1");
    let first = place.nifi.get(&path);
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    let asked = |known: &str| place.nifi.send(Method::GET, &path, &[("If-None-Match", known)], None);
    for known in [tag.clone(), format!("\"other\", {tag}"), tag.trim_start_matches("W/").to_owned(), "*".to_owned()] {
        let answer = asked(&known);
        assert_eq!((answer.status, answer.body.len(), answer.header("etag")), (304, 0, tag.as_str()), "{known}");
    }
    assert_eq!(asked("\"other\"").status, 200);
    // The flow in the answer is another one now.
    done(&place.version(2));
    let again = asked(&tag);
    assert_eq!((again.status, &again.json()["flow"]["versionCount"]), (200, &json!(2)));
}

#[test]
fn a_flow_with_many_versions_goes_with_all_of_them() {
    let server = Server::start();
    let place = Place::in_server(&server);
    for _ in 0..300 {
        done(&place.version(-1));
    }
    assert_eq!(done(&place.nifi.delete(&place.path("")))["versionCount"], 300);
    let body = json!({"name": "again", "identifier": place.flow});
    done(&place.nifi.post(&format!("/buckets/{}/flows", place.bucket), &body));
    assert_eq!(done(&place.nifi.get(&place.path("/versions"))), json!([]));
    assert_eq!(done(&place.version(-1))["snapshotMetadata"]["version"], 1);
    done(&place.nifi.delete(&format!("/buckets/{}", place.bucket)));
    assert_eq!(place.nifi.get(&format!("/flows/{}/versions/1", place.flow)).status, 404);
}

#[test]
fn who_moves_versions_here_keeps_author_and_time() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let save = |metadata: Value| {
        let body = json!({"snapshotMetadata": metadata, "flowContents": contents("g")});
        place.nifi.post(&place.path("/versions?preserveSourceProperties=true"), &body)
    };
    refused(&save(json!({"version": -1, "timestamp": 1})), 400, "Author must not be blank");
    refused(&save(json!({"version": -1, "author": " ", "timestamp": 1})), 400, "Author must not be blank");
    refused(&save(json!({"version": -1, "author": "a"})), 400, "Invalid timestamp");
    refused(&save(json!({"version": -1, "author": "a", "timestamp": 0})), 400, "Invalid timestamp");
    assert_eq!(save(json!({"version": -1, "author": "a".repeat(4097), "timestamp": 1})).status, 400);
    let saved = done(&save(json!({"version": 1, "author": "ann", "timestamp": 1_600_000_000_000_i64})));
    let metadata = &saved["snapshotMetadata"];
    assert_eq!((&metadata["author"], &metadata["timestamp"]), (&json!("ann"), &json!(1_600_000_000_000_i64)));
}

#[test]
fn a_version_is_exported_and_imported_elsewhere() {
    let server = Server::start();
    let place = Place::in_server(&server);
    let sent = json!({"snapshotMetadata": {"version": 1, "comments": "first"}, "flowContents": contents("g"), "later": null});
    let saved = done(&place.save(&sent));
    let answer = place.nifi.get(&place.path("/versions/1/export"));
    let exported = done(&answer);
    let time = &saved["snapshotMetadata"]["timestamp"];
    let expected = json!({
        "snapshotMetadata": {"author": "anonymous", "comments": "first", "timestamp": time, "version": 1},
        "flowContents": saved["flowContents"], "later": null,
    });
    assert_eq!(exported, expected);
    let name = "my-first-flow-version-1.json";
    assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"{name}\""));
    assert_eq!(answer.header("filename"), name);

    let target = place.nifi.flow(&place.bucket, "target");
    let path = format!("/buckets/{}/flows/{target}/versions/import", place.bucket);
    let body = exported.to_string();
    let import = |headers: &[(&str, &str)]| {
        let headers = [&[("Content-Type", "application/json")], headers].concat();
        place.nifi.send(Method::POST, &path, &headers, Some(body.as_bytes()))
    };
    for (headers, number, comments) in [(&[][..], 1, "first"), (&[("Comments", "from elsewhere")][..], 2, "from elsewhere")] {
        let answer = import(headers);
        assert_eq!(answer.status, 201, "{}", answer.text());
        let location = answer.header("location");
        let tail = format!("{API}/buckets/{}/flows/{target}/versions/{number}", place.bucket);
        assert!(location.starts_with("http://") && location.ends_with(&tail), "{location}");
        let metadata = answer.json()["snapshotMetadata"].take();
        assert_eq!((&metadata["version"], &metadata["comments"]), (&json!(number), &json!(comments)));
        assert_eq!((&metadata["author"], &metadata["flowIdentifier"]), (&json!("anonymous"), &json!(target)));
        assert!(metadata["timestamp"].as_i64() >= time.as_i64());
    }
    let missing = place.nifi.post(&format!("/buckets/{}/flows/none/versions/import", place.bucket), &exported);
    refused(&missing, 404, "The specified flow ID does not exist in this bucket.");
}

#[test]
fn addresses_of_registries_have_other_names_inside() {
    let folder = Folder::new();
    let with = |aliases: &str| Setup::new().env("HEADWORKS_REGISTRY_ALIASES", aliases).start_on(&folder);
    let coordinates = |address: &str| json!({"registryUrl": address, "bucketId": "b", "flowId": "f", "version": 1});
    let flow = |address: &str| {
        let inner =
            json!({"identifier": "i", "componentType": "PROCESS_GROUP", "versionedFlowCoordinates": coordinates(address)});
        json!({"identifier": "root", "componentType": "PROCESS_GROUP", "processGroups": [inner]})
    };
    let mut server = with("MAIN=http://old.example:18080,SECOND=http://second.example");
    let place = Place::in_server(&server);
    let mut sent = snapshot(1);
    sent["flowContents"] = flow("http://old.example:18080/nifi-registry");
    assert_eq!(done(&place.save(&sent))["flowContents"], sent["flowContents"]);
    sent["snapshotMetadata"]["version"] = 2.into();
    sent["flowContents"] = flow("http://unknown.example");
    done(&place.save(&sent));
    assert!(server.stop().success());
    let server = with("MAIN=https://new.example");
    let place = Place { nifi: Nifi::of(&server), ..place };
    assert_eq!(place.read(1)["flowContents"], flow("https://new.example/nifi-registry"));
    assert_eq!(place.read(2)["flowContents"], flow("http://unknown.example"));
    assert_eq!(
        done(&place.nifi.get(&place.path("/versions/1/export")))["flowContents"],
        flow("https://new.example/nifi-registry")
    );
}

#[test]
fn a_snapshot_has_a_size_of_its_own() {
    let server =
        Setup::new().env("HEADWORKS_REGISTRY_SNAPSHOT_BYTES", "5000000").env("HEADWORKS_HTTP_BODY_BYTES", "10000").start();
    let place = Place::in_server(&server);
    let mut body = snapshot(1);
    body["flowContents"]["comments"] = "c".repeat(4_000_000).into();
    done(&place.save(&body));
    body["snapshotMetadata"]["version"] = 2.into();
    body["flowContents"]["comments"] = "c".repeat(5_000_000).into();
    let answer = place.nifi.0.try_send(
        Method::POST,
        &format!("{API}{}", place.path("/versions")),
        &[("Content-Type", "application/json")],
        Some(body.to_string().as_bytes()),
    );
    // A client that is still sending may not see the answer.
    if let Ok(answer) = answer {
        assert_eq!(answer.status, 413);
        assert!(answer.text().contains("registry.snapshot_bytes"), "{}", answer.text());
    }
    assert_eq!(place.count(), 1);
}

#[test]
fn a_snapshot_counts_against_what_a_tenant_may_store() {
    let server = Server::start();
    let path = "/platform/v1/tenants/default";
    let tenant = server.client().get(path).json();
    let bounded = json!({
        "display_name": tenant["display_name"], "hosts": tenant["hosts"], "suspended": false, "grants": tenant["grants"],
        "quotas": {"stored_bytes": 1_000_000},
    });
    let answer = server.client().put(path, &bounded);
    assert_eq!(answer.status, 200, "{}", answer.text());
    let place = Place::in_server(&server);
    let mut body = snapshot(1);
    body["flowContents"]["comments"] = "c".repeat(900_000).into();
    done(&place.save(&body));
    body["snapshotMetadata"]["version"] = 2.into();
    let refused = place.save(&body);
    assert_eq!((refused.status, refused.header("content-type")), (429, "text/plain"));
    assert_eq!(place.count(), 1);
    // What is deleted is free again.
    done(&place.nifi.delete(&place.path("")));
    let flow = place.nifi.flow(&place.bucket, "another");
    body["snapshotMetadata"]["version"] = 1.into();
    done(&place.nifi.post(&format!("/buckets/{}/flows/{flow}/versions", place.bucket), &body));
}

#[test]
fn a_save_that_is_broken_off_leaves_nothing() {
    let mut server = Server::start();
    let place = Place::in_server(&server);
    done(&place.version(1));
    let half = |server: &Server| {
        let mut stream = TcpStream::connect(server.address()).unwrap();
        let head = format!(
            "POST {API}{} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50000000\r\n\r\n",
            place.path("/versions")
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(br#"{"snapshotMetadata":{"version":2},"flowContents":{"comments":""#).unwrap();
        for _ in 0..20 {
            stream.write_all(&[b'x'; 1 << 20]).unwrap();
        }
        stream
    };
    drop(half(&server));
    done(&place.version(2));
    let sending = half(&server);
    server.kill();
    drop(sending);
    server.restart();
    let place = Place { nifi: Nifi::of(&server), ..place };
    assert_eq!(place.count(), 2);
    assert_eq!(place.read(2)["flowContents"], contents("g"));
    done(&place.version(3));
}

#[test]
fn what_was_acknowledged_before_a_kill_is_there_and_nothing_is_half() {
    let mut server = Server::start();
    let mut place = Place::in_server(&server);
    let mut known = 0;
    for round in 0..3 {
        known += std::thread::scope(|scope| {
            let saving = scope.spawn(|| {
                let path = format!("{API}{}", place.path("/versions"));
                let body = snapshot(-1).to_string();
                let headers = [("Content-Type", "application/json")];
                let send = || place.nifi.0.try_send(Method::POST, &path, &headers, Some(body.as_bytes()));
                std::iter::from_fn(|| send().ok().filter(|answer| answer.status == 200)).count()
            });
            std::thread::sleep(std::time::Duration::from_millis(300 + round * 137));
            server.kill();
            saving.join().unwrap()
        });
        server.restart();
        place = Place { nifi: Nifi::of(&server), ..place };
        let count = place.count().as_u64().unwrap() as usize;
        // One that was saved may not have been told any more.
        assert!(count == known || count == known + 1, "{count} of {known}");
        known = count;
        let listed = done(&place.nifi.get(&place.path("/versions"))).as_array().unwrap().len();
        assert_eq!(listed, count);
        for number in 1..=count {
            assert_eq!(text(&place.read(number as u32)["flowContents"]["name"]), "g");
        }
    }
    assert!(known > 0);
}
