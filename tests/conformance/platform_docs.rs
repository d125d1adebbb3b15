//! The platform's own description: it says what the server does.

use crate::shared;
use headworks_tests::Client;
use headworks_tests::openapi::{self, check_references, check_table, check_tests, is_public};
use http::Method;
use serde_json::{Map, Value};

/// The fewest operations that there are.
const LEAST: usize = 29;

fn document(client: &Client) -> Value {
    openapi::document(client, "/platform/v1/openapi.json")
}

fn operations(document: &Value) -> Vec<(Method, String, Map<String, Value>)> {
    openapi::operations(document, LEAST)
}

#[test]
fn every_operation_of_the_document_is_answered() {
    let (_server, client) = shared();
    // Nobody asks, so that nothing happens: an operation that needs a user answers 401.
    let client = client.anonymous();
    for (method, path, operation) in operations(&document(&client)) {
        let path = path.replace(['{', '}'], "");
        let status = client.open(method.clone(), &path, &[], None).expect("an answer").status();
        assert_eq!(status.as_u16(), if is_public(&operation) { 200 } else { 401 }, "{method} {path}");
    }
}

#[test]
fn what_is_not_in_the_document_is_not_answered() {
    let (_server, client) = shared();
    let client = client.anonymous();
    for (path, item) in document(&client)["paths"].as_object().expect("paths") {
        let plain = path.replace(['{', '}'], "");
        for method in [Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE] {
            let is_said = item.get(method.as_str().to_lowercase()).is_some();
            let status = client.open(method.clone(), &plain, &[], None).expect("an answer").status();
            assert_eq!(status != 405, is_said, "{method} {path}");
        }
    }
}

#[test]
fn references_lead_somewhere_and_identifiers_are_unique() {
    let (_server, client) = shared();
    let document = document(&client);
    check_references(&document);
    for (_, path, operation) in operations(&document) {
        for tag in operation["tags"].as_array().expect("tags") {
            let known = document["tags"].as_array().expect("tags").iter().any(|known| known["name"] == *tag);
            assert!(known, "{tag} of {path}");
        }
    }
}

#[test]
fn the_table_of_operations_is_that_of_the_document() {
    let (_server, client) = shared();
    check_table(&document(&client), "platform.md");
}

#[test]
fn the_tests_that_the_table_names_exist() {
    check_tests("platform.md");
}

#[test]
fn the_page_shows_the_document_beside_the_other() {
    let (_server, client) = shared();
    let client = client.anonymous();
    assert!(client.get("/api/docs").text().contains("docs?document=platform"));
    assert!(client.get("/api/docs/page.js").text().contains("../platform/v1/openapi.json"));
}
