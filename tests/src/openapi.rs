//! An OpenAPI document that the server shows, beside the page that tells people the same.

use crate::client::Client;
use http::Method;
use serde_json::{Map, Value};

/// A document that anybody may read.
pub fn document(client: &Client, path: &str) -> Value {
    let answer = client.anonymous().get(path);
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{path}");
    answer.json()
}

/// Every operation of a document: method, path and what is said of it. Fewer than `least` are too few.
pub fn operations(document: &Value, least: usize) -> Vec<(Method, String, Map<String, Value>)> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            operations.push((method, path.clone(), operation.as_object().expect("an operation").clone()));
        }
    }
    assert!(operations.len() >= least, "{}", operations.len());
    operations
}

/// Whether an operation needs no user.
pub fn is_public(operation: &Map<String, Value>) -> bool {
    operation.get("security").is_some_and(|schemes| schemes.as_array().is_some_and(Vec::is_empty))
}

/// Fails unless every reference of the document leads somewhere and no two operations have one name; answers how many
/// references there are.
pub fn check_references(document: &Value) -> usize {
    let mut waiting = vec![document];
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
    let mut names: Vec<String> =
        operations(document, 1).into_iter().map(|(_, _, said)| said["operationId"].to_string()).collect();
    names.sort();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
    references
}

/// The rows of the table of a page in `docs/`: operation, method and path, scopes, test.
fn table(page: &str) -> Vec<[String; 4]> {
    let path = format!("{}/../docs/{page}", env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    rows.map(|line| {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
        cells.try_into().unwrap_or_else(|_| panic!("four cells: {line}"))
    })
    .collect()
}

/// Fails unless the table of a page has the operations of the document, with their scopes.
pub fn check_table(document: &Value, page: &str) {
    let mut said: Vec<[String; 3]> = operations(document, 1)
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
        table(page).into_iter().map(|[operation, path, scopes, _]| [operation, path, scopes]).collect();
    said.sort();
    written.sort();
    assert_eq!(written, said);
}

/// Fails unless every test that the table of a page names is there: `module::name` in `tests/conformance`, or with the folder.
pub fn check_tests(page: &str) {
    for [operation, _, _, test] in table(page) {
        let (module, name) = test.split_once("::").unwrap_or_else(|| panic!("{operation} has no test"));
        let module = if module.contains('/') { module.to_owned() } else { format!("conformance/{module}") };
        let file = format!("{}/{module}.rs", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert!(source.contains(&format!("#[test]\nfn {name}(")), "{test} of {operation}");
    }
}
