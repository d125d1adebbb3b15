//! The platform's own description: it says what the server does.

use crate::shared;
use headworks_tests::Client;
use http::Method;
use serde_json::{Map, Value};

fn document(client: &Client) -> Value {
    let answer = client.anonymous().get("/platform/v1/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

fn operations(document: &Value) -> Vec<(Method, String, Map<String, Value>)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            operations.push((method, path.clone(), operation.as_object().expect("an operation").clone()));
        }
    }
    assert!(operations.len() >= 29, "{}", operations.len());
    operations
}

fn is_public(operation: &Map<String, Value>) -> bool {
    operation.get("security").is_some_and(|schemes| schemes.as_array().is_some_and(Vec::is_empty))
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
    let mut waiting = vec![&document];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref") {
                    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{pointer}");
                }
                waiting.extend(members.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    let mut names: Vec<String> = operations(&document).into_iter().map(|(_, _, said)| said["operationId"].to_string()).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    for (_, path, operation) in operations(&document) {
        for tag in operation["tags"].as_array().expect("tags") {
            let known = document["tags"].as_array().expect("tags").iter().any(|known| known["name"] == *tag);
            assert!(known, "{tag} of {path}");
        }
    }
}

/// The rows of the table in `docs/platform.md`: operation, method and path, scopes, test.
fn table() -> Vec<[String; 4]> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/platform.md")).expect("docs/platform.md");
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
        cells.try_into().unwrap_or_else(|_| panic!("four cells: {line}"))
    })
    .collect()
}

#[test]
fn the_table_of_operations_is_that_of_the_document() {
    let (_server, client) = shared();
    let mut said: Vec<[String; 3]> = operations(&document(&client))
        .into_iter()
        .map(|(method, path, operation)| {
            let scopes: Vec<&str> =
                operation["x-required-scopes"].as_array().expect("scopes").iter().filter_map(Value::as_str).collect();
            let scopes = match (scopes.is_empty(), is_public(&operation)) {
                (true, true) => "public".to_owned(),
                (true, false) => "any".to_owned(),
                _ => scopes.join(", "),
            };
            [operation["operationId"].as_str().expect("a name").to_owned(), format!("{method} {path}"), scopes]
        })
        .collect();
    let mut written: Vec<[String; 3]> =
        table().into_iter().map(|[operation, path, scopes, _]| [operation, path, scopes]).collect();
    said.sort();
    written.sort();
    assert_eq!(written, said);
}

#[test]
fn the_tests_that_the_table_names_exist() {
    for [operation, _, _, test] in table() {
        let (module, name) = test.split_once("::").unwrap_or_else(|| panic!("{operation} has no test"));
        let module = if module.contains('/') { module.to_owned() } else { format!("conformance/{module}") };
        let file = format!("{}/{module}.rs", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("#[test]\nfn {name}(")), "{test} of {operation}");
    }
}

#[test]
fn the_page_shows_the_document_beside_the_other() {
    let (_server, client) = shared();
    let client = client.anonymous();
    assert!(client.get("/api/docs").text().contains("docs?document=platform"));
    assert!(client.get("/api/docs/page.js").text().contains("../platform/v1/openapi.json"));
}
