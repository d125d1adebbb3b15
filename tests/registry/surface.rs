//! Paths, methods and headers (NiFi Registry 2).

use headworks_tests::Server;
use http::Method;

const API: &str = "/nifi-registry-api";

#[test]
fn what_is_not_there_is_said_in_one_line() {
    let server = Server::start();
    let client = server.client().anonymous();
    let unknown = client.get(&format!("{API}/nowhere"));
    assert_eq!((unknown.status, unknown.text().as_str()), (404, "HTTP 404 Not Found"));
    assert_eq!(unknown.header("content-type"), "text/plain");
    let wrong = client.send(Method::PATCH, &format!("{API}/about"), &[], None);
    assert_eq!((wrong.status, wrong.text().as_str()), (405, "HTTP 405 Method Not Allowed"));
}

#[test]
fn a_slash_at_the_end_and_another_method_in_a_header_are_understood() {
    let server = Server::start();
    let client = server.client().anonymous();
    assert_eq!(client.get(&format!("{API}/about/")).json()["registryAboutVersion"], "0.8.0");
    let posted = client.send(Method::POST, &format!("{API}/about"), &[("x-http-method-override", "get")], None);
    assert_eq!(posted.status, 200);
    assert_eq!(client.send(Method::POST, &format!("{API}/about?_method=GET"), &[], None).status, 200);
}

#[test]
fn every_answer_carries_the_headers_of_the_contract() {
    let server = Server::start();
    let client = server.client().anonymous();
    for path in ["about", "nowhere"] {
        let answer = client.get(&format!("{API}/{path}"));
        for (name, value) in [
            ("x-frame-options", "SAMEORIGIN"),
            ("content-security-policy", "frame-ancestors 'self'"),
            ("x-xss-protection", "1; mode=block"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),
            ("pragma", "no-cache"),
            ("expires", "0"),
        ] {
            assert_eq!(answer.header(name), value, "{path}: {name}");
        }
    }
}

#[test]
fn the_address_of_the_interface_answers() {
    let server = Server::start();
    assert_eq!(server.client().anonymous().get("/nifi-registry").status, 200);
    assert_eq!(server.client().anonymous().get("/nifi-registry/").status, 200);
}
