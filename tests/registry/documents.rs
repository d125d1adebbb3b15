//! The registry's own description, and its page in `docs/`: they say what the server does.

use headworks_tests::Server;
use headworks_tests::openapi::{check_references, check_table, check_tests, document, operations};

const DOCUMENT: &str = "/nifi-registry-api/swagger/swagger.json";

#[test]
fn every_operation_of_the_document_is_there_and_leads_somewhere() {
    let server = Server::start();
    let client = server.client().anonymous();
    let document = document(&client, DOCUMENT);
    assert!(check_references(&document) > 100);
    assert_eq!(document["info"]["version"], "0.8.0");
    let all = operations(&document, 91);
    assert_eq!(all.len(), 91);
    for (method, path, _) in all {
        let number = path.replace("{versionNumber}", "1").replace("{versionA}", "1").replace("{versionB}", "2");
        let path = format!("/nifi-registry-api{}", number.replace(['{', '}'], ""));
        let answer = client.send(method.clone(), &path, &[], None);
        assert!(
            answer.text() != "HTTP 404 Not Found" && answer.status != 405 && answer.status < 500,
            "{method} {path}: {}",
            answer.status
        );
    }
}

#[test]
fn the_page_of_the_registry_lists_every_operation_with_its_right() {
    let server = Server::start();
    check_table(&document(&server.client().anonymous(), DOCUMENT), "registry.md");
}

#[test]
fn every_test_that_the_page_names_is_there() {
    check_tests("registry.md");
}
