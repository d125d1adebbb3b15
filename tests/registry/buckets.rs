//! Buckets (NiFi Registry 7).

use crate::calls::{Nifi, done, each, refused, text};
use headworks_tests::Server;
use http::Method;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const ALL: &str = r#"{"canDelete":true,"canRead":true,"canWrite":true}"#;

#[test]
fn a_bucket_is_made_with_everything_the_contract_says() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64;
    let made = done(&nifi.post("/buckets", &json!({"name": "ops", "unknown": 1, "createdTimestamp": 5, "description": null})));
    let id = text(&made["identifier"]);
    assert_eq!(id.len(), 36);
    let created = made["createdTimestamp"].as_i64().unwrap();
    assert!(created >= before);
    let expected = json!({
        "allowBundleRedeploy": false, "allowPublicRead": false, "createdTimestamp": created, "identifier": id,
        "link": {"href": format!("buckets/{id}"), "params": {"rel": "self"}}, "name": "ops",
        "permissions": serde_json::from_str::<Value>(ALL).unwrap(), "revision": {"version": 0},
    });
    assert_eq!(made, expected);
    assert_eq!(done(&nifi.get(&format!("/buckets/{id}"))), expected);
    assert_eq!(done(&nifi.get("/buckets")), json!([expected]));
}

#[test]
fn what_cannot_be_a_bucket_is_refused() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let post = |body: &Value| nifi.post("/buckets", body);
    refused(&post(&json!({})), 400, "Cannot create Bucket - name must not be blank");
    refused(&post(&json!({"name": " "})), 400, "Cannot create Bucket - name must not be blank");
    let given = "Bucket identifier cannot be specified when creating a new bucket.";
    refused(&post(&json!({"name": "x", "identifier": "mine"})), 400, given);
    refused(
        &post(&json!({"name": "n".repeat(1001)})),
        400,
        "Cannot create Bucket - name must not have more than 1000 characters",
    );
    done(&post(&json!({"name": "ß".repeat(1000), "description": "d".repeat(100_000)})));
    refused(&post(&Value::Null), 400, "Bucket cannot be null");
    let none = nifi.send(Method::POST, "/buckets", &[("Content-Type", "application/json")], None);
    refused(&none, 400, "Bucket cannot be null");
    for body in ["{", "[]", r#"{"name": 1}"#, r#"{"name": "x", "allowPublicRead": "maybe"}"#] {
        let answer = nifi.send(Method::POST, "/buckets", &[("Content-Type", "application/json")], Some(body.as_bytes()));
        assert_eq!((answer.status, answer.header("content-type")), (400, "text/plain"), "{body}");
        assert!(!answer.text().ends_with('\n'));
    }
}

#[test]
fn a_name_belongs_to_one_bucket_and_is_compared_exactly() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let ops = nifi.bucket("ops");
    refused(&nifi.post("/buckets", &json!({"name": "ops"})), 409, "A bucket with the same name already exists");
    let other = nifi.bucket("Ops");
    let rename = |name: &str| nifi.put(&format!("/buckets/{other}"), &json!({"name": name}));
    refused(&rename("ops"), 409, "A bucket with the same name already exists - ops");
    assert_eq!(done(&rename("Ops"))["name"], "Ops");
    assert_eq!(done(&rename("free"))["name"], "free");
    nifi.bucket("Ops");
    done(&nifi.delete(&format!("/buckets/{ops}")));
    nifi.bucket("ops");
}

#[test]
fn an_update_changes_what_it_names() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let made = done(&nifi.post("/buckets", &json!({"name": "a", "description": "d", "allowPublicRead": true})));
    let path = format!("/buckets/{}", text(&made["identifier"]));
    let changed =
        done(&nifi.put(&path, &json!({"allowBundleRedeploy": true, "createdTimestamp": 1, "permissions": {}, "link": {}})));
    let mut expected = made.clone();
    expected["allowBundleRedeploy"] = true.into();
    assert_eq!(changed, expected);
    let changed = done(
        &nifi.put(&path, &json!({"identifier": made["identifier"], "name": "b", "description": "", "allowPublicRead": false})),
    );
    assert_eq!(
        (&changed["name"], &changed["description"], &changed["allowPublicRead"]),
        (&json!("b"), &json!(""), &json!(false))
    );
    assert_eq!(done(&nifi.get(&path)), changed);
    refused(&nifi.put(&path, &json!({"name": ""})), 400, "Bucket name cannot be blank");
    refused(&nifi.put(&path, &json!({"identifier": "x"})), 400, "Bucket id in path param must match bucket id in body");
}

#[test]
fn buckets_are_listed_by_name_in_parts_for_those_who_ask() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    assert_eq!(done(&nifi.get("/buckets")), json!([]));
    for name in ["b", "a", "B", "c"] {
        nifi.bucket(name);
    }
    let names = |query: &str| each(&done(&nifi.get(&format!("/buckets{query}"))), "name");
    assert_eq!(names(""), ["B", "a", "b", "c"]);
    assert_eq!(names("?limit=2&offset=1&other=x"), ["a", "b"]);
    assert_eq!(names("?limit=1&limit=3"), ["B"]);
    assert_eq!(names("?offset=9"), [] as [&str; 0]);
    refused(&nifi.get("/buckets?limit=x"), 400, "Invalid value for limit");
    refused(&nifi.get("/buckets?offset=-1"), 400, "Invalid value for offset");
}

#[test]
fn a_bucket_that_is_not_there_is_said_so() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let missing = "The specified bucket ID does not exist in this registry.";
    refused(&nifi.get("/buckets/unknown"), 404, missing);
    refused(&nifi.put("/buckets/unknown", &json!({"name": "x"})), 404, missing);
    refused(&nifi.delete("/buckets/unknown"), 404, missing);
    refused(&nifi.get("/buckets/unknown/flows"), 404, missing);
    refused(&nifi.post("/buckets/unknown/flows", &json!({"name": "x"})), 404, missing);
    refused(&nifi.get("/items/unknown"), 404, missing);
}

#[test]
fn a_deletion_answers_the_bucket_and_takes_everything_in_it() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let flows: Vec<String> = (0..300).map(|number| nifi.flow(&bucket, &format!("flow {number}"))).collect();
    let headers = [("Content-Type", "application/json")];
    let deleted = done(&nifi.send(Method::DELETE, &format!("/buckets/{bucket}?version=0"), &headers, None));
    assert_eq!((&deleted["identifier"], &deleted["name"]), (&json!(bucket), &json!("ops")));
    for absent in ["link", "permissions"] {
        assert_eq!(deleted.get(absent), None);
    }
    assert_eq!(deleted["revision"], json!({"version": 0}));
    assert_eq!(nifi.get(&format!("/buckets/{bucket}")).status, 404);
    assert_eq!(nifi.get(&format!("/flows/{}", flows[7])).status, 404);
    assert_eq!(done(&nifi.get("/items")), json!([]));
    // The identifiers are free again.
    let again = nifi.bucket("ops");
    for flow in [&flows[0], &flows[299]] {
        let body = json!({"name": flow, "identifier": flow});
        assert_eq!(done(&nifi.post(&format!("/buckets/{again}/flows"), &body))["identifier"], **flow);
    }
}

#[test]
fn who_moves_buckets_here_keeps_identifier_and_time() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let body =
        json!({"name": "moved", "identifier": "11111111-2222-3333-4444-555555555555", "createdTimestamp": 1_600_000_000_000_i64});
    let post = |body: &Value| nifi.post("/buckets?preserveSourceProperties=true", body);
    let made = done(&post(&body));
    assert_eq!((&made["identifier"], &made["createdTimestamp"]), (&body["identifier"], &body["createdTimestamp"]));
    let mut same = body.clone();
    same["name"] = "another".into();
    refused(&post(&same), 409, "A bucket with the same identifier already exists");
    same["identifier"] = "x".repeat(51).into();
    assert_eq!(post(&same).status, 400);
    assert!(done(&post(&json!({"name": "own"})))["createdTimestamp"].as_i64().unwrap() > 1_600_000_000_000);
}

#[test]
fn of_two_buckets_with_one_name_made_at_once_one_wins() {
    let server = Server::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| Nifi::of(&server).post("/buckets", &json!({"name": "one"})).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 7, "{statuses:?}");
}

#[test]
fn buckets_survive_the_end_of_the_server() {
    let mut server = Server::start();
    let bucket = Nifi::of(&server).bucket("kept");
    server.kill();
    server.restart();
    assert_eq!(done(&Nifi::of(&server).get(&format!("/buckets/{bucket}")))["name"], "kept");
}
