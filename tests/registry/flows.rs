//! Flows (NiFi Registry 8).

use crate::calls::{Nifi, done, each, refused, text};
use headworks_tests::Server;
use serde_json::{Value, json};

#[test]
fn a_flow_is_made_with_everything_the_contract_says() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let body = json!({"bucketIdentifier": bucket, "name": "ingest", "type": "Bundle", "versionCount": 9, "bucketName": "x"});
    let made = done(&nifi.post(&format!("/buckets/{bucket}/flows"), &body));
    let id = text(&made["identifier"]);
    let expected = json!({
        "bucketIdentifier": bucket, "bucketName": "ops", "createdTimestamp": made["createdTimestamp"], "identifier": id,
        "link": {"href": format!("buckets/{bucket}/flows/{id}"), "params": {"rel": "self"}},
        "modifiedTimestamp": made["createdTimestamp"], "name": "ingest",
        "permissions": {"canDelete": true, "canRead": true, "canWrite": true}, "revision": {"version": 0}, "type": "Flow",
        "versionCount": 0,
    });
    assert_eq!(made, expected);
    assert_eq!(done(&nifi.get(&format!("/buckets/{bucket}/flows/{id}"))), expected);
    assert_eq!(done(&nifi.get(&format!("/flows/{id}"))), expected);
    assert_eq!(done(&nifi.get(&format!("/buckets/{bucket}/flows"))), json!([expected]));
}

#[test]
fn a_client_brings_its_own_identifier_once() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let (one, other) = (nifi.bucket("one"), nifi.bucket("other"));
    let post = |bucket: &str, body: &Value| nifi.post(&format!("/buckets/{bucket}/flows"), body);
    assert_eq!(done(&post(&one, &json!({"name": "a", "identifier": "mine"})))["identifier"], "mine");
    let taken = "A versioned flow with the same identifier already exists";
    refused(&post(&one, &json!({"name": "b", "identifier": "mine"})), 409, taken);
    refused(&post(&other, &json!({"name": "b", "identifier": "mine"})), 409, taken);
    done(&nifi.delete(&format!("/buckets/{one}/flows/mine")));
    done(&post(&other, &json!({"name": "b", "identifier": "mine"})));
}

#[test]
fn a_name_belongs_to_one_flow_of_a_bucket() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let (one, other) = (nifi.bucket("one"), nifi.bucket("other"));
    let first = nifi.flow(&one, "flow");
    let taken = "A versioned flow with the same name already exists in the selected bucket";
    refused(&nifi.post(&format!("/buckets/{one}/flows"), &json!({"name": "flow"})), 409, taken);
    nifi.flow(&other, "flow");
    let second = nifi.flow(&one, "Flow");
    refused(&nifi.put(&format!("/buckets/{one}/flows/{second}"), &json!({"name": "flow"})), 409, taken);
    done(&nifi.put(&format!("/buckets/{one}/flows/{first}"), &json!({"name": "renamed"})));
    done(&nifi.put(&format!("/buckets/{one}/flows/{second}"), &json!({"name": "flow"})));
}

#[test]
fn what_cannot_be_a_flow_is_refused() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let flow = nifi.flow(&bucket, "flow");
    let post = |body: &Value| nifi.post(&format!("/buckets/{bucket}/flows"), body);
    let put = |body: &Value| nifi.put(&format!("/buckets/{bucket}/flows/{flow}"), body);
    refused(&post(&json!({})), 400, "Cannot create versioned flow - name must not be blank");
    refused(&put(&json!({"name": " "})), 400, "Cannot update versioned flow - name must not be blank");
    let long = json!({"name": "n".repeat(1001), "identifier": "i".repeat(51)});
    let text = "Cannot create versioned flow - name must not have more than 1000 characters, \
                identifier must not have more than 50 characters";
    refused(&post(&long), 400, text);
    refused(&post(&Value::Null), 400, "Flow cannot be null");
    let other = "Bucket id in path param must match bucket id in body";
    refused(&post(&json!({"name": "x", "bucketIdentifier": "y"})), 400, other);
    refused(&put(&json!({"name": "x", "bucketIdentifier": "y"})), 400, other);
    refused(&put(&json!({"identifier": "y"})), 400, "Item id in path param must match item id in body");
}

#[test]
fn an_update_changes_what_it_names_and_when() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let made = done(&nifi.post(&format!("/buckets/{bucket}/flows"), &json!({"name": "a", "description": "d"})));
    let path = format!("/buckets/{bucket}/flows/{}", text(&made["identifier"]));
    std::thread::sleep(std::time::Duration::from_millis(2));
    let changed = done(&nifi.put(&path, &json!({"name": "b", "versionCount": 5, "identifier": made["identifier"]})));
    assert_eq!((&changed["name"], &changed["description"], &changed["versionCount"]), (&json!("b"), &json!("d"), &json!(0)));
    assert_eq!(changed["createdTimestamp"], made["createdTimestamp"]);
    assert!(changed["modifiedTimestamp"].as_i64() > made["modifiedTimestamp"].as_i64());
    assert_eq!(done(&nifi.put(&path, &json!({"description": ""})))["description"], "");
}

#[test]
fn a_flow_is_looked_for_in_its_bucket() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let (one, other) = (nifi.bucket("one"), nifi.bucket("other"));
    let flow = nifi.flow(&one, "flow");
    let elsewhere = "The requested flow is not located in the given bucket";
    let none = "The specified flow ID does not exist in this bucket.";
    for (bucket, flow, status, text) in [(&other, flow.as_str(), 409, elsewhere), (&one, "unknown", 404, none)] {
        let path = format!("/buckets/{bucket}/flows/{flow}");
        refused(&nifi.get(&path), status, text);
        refused(&nifi.put(&path, &json!({"name": "x"})), status, text);
        refused(&nifi.delete(&path), status, text);
    }
    refused(&nifi.get("/buckets/unknown/flows/unknown"), 404, "The specified bucket ID does not exist in this registry.");
    refused(&nifi.get("/flows/unknown"), 404, "The specified flow ID does not exist.");
}

#[test]
fn a_deletion_answers_the_flow_as_it_was() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    let flow = nifi.flow(&bucket, "flow");
    let deleted = done(&nifi.delete(&format!("/buckets/{bucket}/flows/{flow}")));
    assert_eq!((&deleted["identifier"], &deleted["bucketName"], &deleted["type"]), (&json!(flow), &json!("ops"), &json!("Flow")));
    for absent in ["link", "permissions"] {
        assert_eq!(deleted.get(absent), None);
    }
    assert_eq!(deleted["revision"], json!({"version": 0}));
    refused(&nifi.get(&format!("/flows/{flow}")), 404, "The specified flow ID does not exist.");
    nifi.flow(&bucket, "flow");
}

#[test]
fn flows_are_listed_by_name_in_parts_for_those_who_ask() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("ops");
    assert_eq!(done(&nifi.get(&format!("/buckets/{bucket}/flows"))), json!([]));
    for name in ["b", "a", "c"] {
        nifi.flow(&bucket, name);
    }
    let names = |query: &str| each(&done(&nifi.get(&format!("/buckets/{bucket}/flows{query}"))), "name");
    assert_eq!(names(""), ["a", "b", "c"]);
    assert_eq!(names("?offset=2&limit=5"), ["c"]);
}
