//! Revisions (NiFi Registry 5).

use crate::calls::{Nifi, done, refused, text};
use headworks_tests::{Server, Setup};
use serde_json::{Value, json};

fn on() -> Server {
    Setup::new().env("HEADWORKS_REGISTRY_REVISIONS", "true").start()
}

#[test]
fn while_they_are_off_nobody_has_to_know_them() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let made = done(&nifi.post("/buckets", &json!({"name": "a", "revision": {"version": 77, "clientId": "c"}})));
    assert_eq!(made["revision"], json!({"version": 0}));
    let path = format!("/buckets/{}", text(&made["identifier"]));
    for version in [json!(null), json!({"version": 5}), json!({})] {
        let changed = done(&nifi.put(&path, &json!({"description": "d", "revision": version})));
        assert_eq!(changed["revision"], json!({"version": 0}));
    }
    done(&nifi.delete(&format!("{path}?version=abc&clientId=x")));
}

#[test]
fn what_is_made_begins_at_0_and_is_then_at_1() {
    let server = on();
    let nifi = Nifi::of(&server);
    let needed = "A revision of 0 must be specified when creating a new Bucket.";
    refused(&nifi.post("/buckets", &json!({"name": "a"})), 400, needed);
    refused(&nifi.post("/buckets", &json!({"name": "a", "revision": {"version": 1}})), 400, needed);
    let made = done(&nifi.post("/buckets", &json!({"name": "a", "revision": {"version": 0, "clientId": "c"}})));
    assert_eq!(made["revision"], json!({"version": 1, "clientId": "c", "lastModifier": "anonymous"}));
    let bucket = text(&made["identifier"]);
    let read = done(&nifi.get(&format!("/buckets/{bucket}")));
    assert_eq!(read["revision"], json!({"version": 1, "clientId": "c"}));
    let flows = format!("/buckets/{bucket}/flows");
    let needed = "A revision of 0 must be specified when creating a new Versioned Flow.";
    refused(&nifi.post(&flows, &json!({"name": "f"})), 400, needed);
    let flow = done(&nifi.post(&flows, &json!({"name": "f", "revision": {"version": 0}})));
    assert_eq!(flow["revision"], json!({"version": 1, "lastModifier": "anonymous"}));
}

/// A bucket, or a flow in it, at revision 1 of client `c`.
fn made(nifi: &Nifi, flow: bool) -> (String, String) {
    let revision = json!({"version": 0, "clientId": "c"});
    let bucket = text(&done(&nifi.post("/buckets", &json!({"name": "a", "revision": revision})))["identifier"]);
    if !flow {
        return (format!("/buckets/{bucket}"), bucket);
    }
    let body = json!({"name": "f", "revision": revision});
    let flow = text(&done(&nifi.post(&format!("/buckets/{bucket}/flows"), &body))["identifier"]);
    (format!("/buckets/{bucket}/flows/{flow}"), flow)
}

#[test]
fn a_change_names_the_revision_it_is_of() {
    for (flow, what) in [(false, "Bucket"), (true, "Versioned Flow")] {
        let server = on();
        let nifi = Nifi::of(&server);
        let (path, id) = made(&nifi, flow);
        let put = |revision: Value| nifi.put(&path, &json!({"description": "d", "revision": revision}));
        refused(&nifi.put(&path, &json!({"description": "d"})), 400, "Revision info must be specified.");
        refused(&put(json!({"clientId": "c"})), 400, "Revision info must be specified.");
        let stale = |done: &str| {
            format!(
                "The {what} you attempted to {done} with id '{id}' is out of date with the server. \
                 You may need to refresh your client and try again."
            )
        };
        refused(&put(json!({"version": 0, "clientId": "other"})), 400, &stale("update"));
        refused(&put(json!({"version": 2})), 400, &stale("update"));
        assert_eq!(done(&put(json!({"version": 1, "clientId": "d"})))["revision"]["version"], 2);
        let again = done(&put(json!({"version": 0, "clientId": "d"})));
        assert_eq!(again["revision"], json!({"version": 3, "clientId": "d", "lastModifier": "anonymous"}));
        refused(&put(json!({"version": 0, "clientId": " "})), 400, &stale("update"));
        assert_eq!(put(json!({"version": 3, "clientId": "c".repeat(101)})).status, 400);

        refused(&nifi.delete(&path), 400, "Revision info must be specified.");
        refused(&nifi.delete(&format!("{path}?version=1")), 400, &stale("delete"));
        refused(&nifi.delete(&format!("{path}?version=x")), 400, "Invalid value for version");
        assert_eq!(done(&nifi.delete(&format!("{path}?version=3"))).get("revision"), None);
    }
}

#[test]
fn what_does_not_exist_is_missing_whatever_the_revision_says() {
    let server = on();
    let nifi = Nifi::of(&server);
    let (path, _) = made(&nifi, false);
    assert_eq!(nifi.put("/buckets/none", &json!({"name": "x"})).status, 404);
    assert_eq!(nifi.delete("/buckets/none").status, 404);
    assert_eq!(nifi.put(&format!("{path}/flows/none"), &json!({"name": "x"})).status, 404);
    assert_eq!(nifi.delete(&format!("{path}/flows/none?version=x")).status, 404);
    assert_eq!(nifi.post("/buckets/none/flows", &json!({"name": "x"})).status, 404);
}

#[test]
fn a_saved_version_moves_no_revision() {
    let server = on();
    let nifi = Nifi::of(&server);
    let (path, _) = made(&nifi, true);
    let body = json!({"snapshotMetadata": {"version": 1}, "flowContents": {}});
    let saved = done(&nifi.post(&format!("{path}/versions"), &body));
    assert_eq!(saved["flow"]["revision"], json!({"version": 1, "clientId": "c"}));
}

#[test]
fn of_two_changes_of_one_revision_one_wins() {
    let server = on();
    let (path, _) = made(&Nifi::of(&server), false);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let put = |number: i32| {
            let (server, path) = (&server, &path);
            move || {
                let revision = json!({"version": 1, "clientId": format!("client {number}")});
                Nifi::of(server).put(path, &json!({"name": format!("n{number}"), "revision": revision})).status
            }
        };
        let threads: Vec<_> = (0..8).map(|number| scope.spawn(put(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 7, "{statuses:?}");
}
