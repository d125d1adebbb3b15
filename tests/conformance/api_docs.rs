//! The server's own description: it says what the server does, and needs no other host.

use crate::shared;
use headworks_tests::{Client, Setup, server::TOKEN};
use http::Method;
use serde_json::{Map, Value};

fn document(client: &Client) -> Value {
    let answer = client.anonymous().get("/api/docs/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    answer.json()
}

/// Every operation of a document: method, path and what is said of it.
pub(crate) fn operations(document: &Value) -> Vec<(Method, String, Map<String, Value>)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            operations.push((method, path.clone(), operation.as_object().expect("an operation").clone()));
        }
    }
    assert!(operations.len() >= 60, "{}", operations.len());
    operations
}

/// Whether the router knows a path and method: it is neither the answer to an unknown path nor that to a wrong method.
fn is_known(client: &Client, method: &Method, path: &str) -> bool {
    let path = path.replace("{token-uuid}", "00000000-0000-4000-8000-000000000000").replace(['{', '}'], "");
    let response = client.open(method.clone(), &path, &[], None).expect("an answer");
    let status = response.status();
    if status == 404 && response.headers().get("content-type").is_none_or(|kind| kind != "application/json") {
        return false;
    }
    status != 405
}

#[test]
fn every_operation_of_the_document_is_answered() {
    let (_server, client) = shared();
    // Nobody asks, so that nothing happens: an operation that needs a user answers 401.
    let client = client.anonymous();
    for (method, path, _) in operations(&document(&client)) {
        assert!(is_known(&client, &method, &path), "{method} {path}");
    }
}

#[test]
fn what_is_not_in_the_document_is_not_answered() {
    let (_server, client) = shared();
    let client = client.anonymous();
    let document = document(&client);
    let methods = [Method::GET, Method::PUT, Method::POST, Method::PATCH, Method::DELETE];
    for (path, item) in document["paths"].as_object().expect("paths") {
        for method in &methods {
            let said = item.get(method.as_str().to_lowercase()).is_some();
            assert_eq!(is_known(&client, method, path), said, "{method} {path}");
        }
    }
}

#[test]
fn public_operations_are_those_without_a_requirement() {
    let (_server, client) = shared();
    let client = client.anonymous();
    for (method, path, operation) in operations(&document(&client)) {
        let public = operation.get("security").is_some_and(|schemes| schemes.as_array().is_some_and(Vec::is_empty));
        let path = path.replace(['{', '}'], "");
        let status = client.open(method.clone(), &path, &[], None).expect("an answer").status();
        assert_eq!(status != 401, public, "{method} {path}: {status}");
    }
}

#[test]
fn references_of_the_document_lead_somewhere_and_identifiers_are_unique() {
    let (_server, client) = shared();
    let document = document(&client);
    let mut waiting = vec![&document];
    let mut references = 0;
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(members) => {
                if let Some(reference) = members.get("$ref") {
                    let pointer = reference.as_str().and_then(|text| text.strip_prefix('#')).expect("a local reference");
                    assert!(document.pointer(pointer).is_some(), "{pointer}");
                    references += 1;
                }
                waiting.extend(members.values());
            }
            Value::Array(items) => waiting.extend(items),
            _ => {}
        }
    }
    assert!(references > 100, "{references}");
    let mut names: Vec<String> = operations(&document).into_iter().map(|(_, _, said)| said["operationId"].to_string()).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn the_page_names_only_this_server() {
    let (_server, client) = shared();
    let client = client.anonymous();
    let page = client.get("/api/docs");
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'"));
    let mut parts = vec![page.text()];
    for (name, kind) in [("page.js", "text/javascript; charset=utf-8"), ("page.css", "text/css; charset=utf-8")] {
        assert!(parts[0].contains(&format!("\"docs/{name}\"")), "the page uses {name}");
        let part = client.get(&format!("/api/docs/{name}"));
        assert_eq!((part.status, part.header("content-type")), (200, kind));
        parts.push(part.text());
    }
    for part in parts {
        assert!(!part.contains("http://") && !part.contains("https://") && !part.contains("//cdn"), "{part}");
    }
}

#[test]
fn everything_moves_below_a_mount_path() {
    let server = Setup::new().env("FLOWG_HTTP_MOUNT_PATH", "/some/where/").start();
    let root = server.client();
    for path in ["/", "/api/v1/pipelines", "/api/docs", "/health", "/some"] {
        let answer = root.get(path);
        assert_eq!((answer.status, answer.text().as_str()), (404, "404 page not found"), "{path}");
    }
    let below = Client::new(&format!("http://{}/some/where", server.address())).with_token(TOKEN);
    assert_eq!(below.get("/api/v1/pipelines").ok()["pipelines"], serde_json::json!(["default"]));
    below.save_transformer("a/b", ".");
    assert_eq!(below.get("/api/v1/transformers/a%2Fb").ok()["script"], ".");
    assert_eq!(below.get("/health").status, 200);
    assert_eq!(below.get("/nothing").status, 404);
    for path in ["", "/"] {
        let answer = below.get(path);
        assert_eq!((answer.status, answer.header("location")), (308, "/some/where/web/"), "{path:?}");
    }
    assert_eq!(document(&below)["servers"][0]["url"], "/some/where");
}

/// The rows of the table in `docs/flowg.md`: operation, method and path, scopes, test.
fn table() -> Vec<[String; 4]> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/flowg.md")).expect("docs/flowg.md");
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
            let public = operation.get("security").is_some_and(|schemes| schemes.as_array().is_some_and(Vec::is_empty));
            let scopes = match (scopes.is_empty(), public) {
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
        let file = format!("{}/conformance/{module}.rs", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("#[test]\nfn {name}(")), "{test} of {operation}");
    }
}
