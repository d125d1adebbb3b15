//! The server's own description: it says what the server does, and needs no other host.

use crate::shared;
use headworks_tests::openapi::{self, check_references, check_table, check_tests, is_public};
use headworks_tests::{Client, Setup, server::TOKEN};
use http::Method;
use serde_json::{Map, Value};

/// The fewest operations that there are.
const LEAST: usize = 60;

fn document(client: &Client) -> Value {
    openapi::document(client, "/api/docs/openapi.json")
}

pub(crate) fn operations(document: &Value) -> Vec<(Method, String, Map<String, Value>)> {
    openapi::operations(document, LEAST)
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
        let public = is_public(&operation);
        let path = path.replace(['{', '}'], "");
        let status = client.open(method.clone(), &path, &[], None).expect("an answer").status();
        assert_eq!(status != 401, public, "{method} {path}: {status}");
    }
}

#[test]
fn references_of_the_document_lead_somewhere_and_identifiers_are_unique() {
    let (_server, client) = shared();
    let references = check_references(&document(&client));
    assert!(references > 100, "{references}");
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

#[test]
fn the_table_of_operations_is_that_of_the_document() {
    let (_server, client) = shared();
    check_table(&document(&client), "flowg.md");
}

#[test]
fn the_tests_that_the_table_names_exist() {
    check_tests("flowg.md");
}
