//! Paths, methods and headers (NiFi Registry 2).

use headworks_tests::Server;
use http::Method;
use std::io::Read;

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

#[test]
fn what_a_client_does_not_take_or_cannot_send_is_refused() {
    let server = Server::start();
    let client = server.client().anonymous();
    let buckets = format!("{API}/buckets");
    let get = |accept: &str| client.send(Method::GET, &buckets, &[("Accept", accept)], None);
    for taken in ["application/json", "*/*", "application/*;q=0.1", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"] {
        assert_eq!(get(taken).status, 200, "{taken}");
    }
    let refused = get("application/xml");
    assert_eq!((refused.status, refused.header("content-type")), (406, "text/plain"));
    // What answers with something else than JSON is given to those who ask for just that.
    for (path, accept) in [("content", "application/octet-stream"), ("sha256", "text/plain"), ("extensions/e/docs", "text/html")]
    {
        let path = format!("{API}/extension-repository/b/g/a/1/{path}");
        assert_eq!(client.send(Method::GET, &path, &[("Accept", accept)], None).status, 404, "{path}");
        assert_eq!(client.send(Method::GET, &path, &[("Accept", "application/xml")], None).status, 406, "{path}");
    }
    let missing = client.send(Method::GET, &format!("{buckets}/none"), &[("Accept", "application/json")], None);
    assert_eq!((missing.status, missing.header("content-type")), (404, "text/plain"));
    let post = |kind: &str| client.send(Method::POST, &buckets, &[("Content-Type", kind)], Some(br#"{"name": "x"}"#));
    assert_eq!((post("application/xml").status, post("text/plain").status), (415, 415));
    assert_eq!(post("Application/JSON; charset=utf-8").status, 200);
}

#[test]
fn of_a_repeated_parameter_the_first_counts_and_names_are_decoded_once() {
    let server = Server::start();
    let client = server.client().anonymous();
    for name in ["a", "b", "c"] {
        assert_eq!(client.post(&format!("{API}/buckets"), &serde_json::json!({"name": name})).status, 200);
    }
    let listed = client.get(&format!("{API}/buckets?limit=1&limit=3&unknown=%20")).json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let bucket = listed[0]["identifier"].as_str().unwrap().to_owned();
    let body = serde_json::json!({"name": "f", "identifier": "a b/c%20+"});
    let flow = client.post(&format!("{API}/buckets/{bucket}/flows"), &body).json();
    let href = flow["link"]["href"].as_str().unwrap();
    assert_eq!(href, format!("buckets/{bucket}/flows/a%20b%2Fc%2520%2B"));
    assert_eq!(client.get(&format!("{API}/{href}")).json()["identifier"], "a b/c%20+");
}

#[test]
fn known_paths_have_the_methods_of_the_contract_and_no_others() {
    let server = Server::start();
    let client = server.client().anonymous();
    for (path, allowed) in [
        ("/about", &["GET"][..]),
        ("/buckets", &["GET", "POST"]),
        ("/buckets/fields", &["GET"]),
        ("/buckets/b", &["GET", "PUT", "DELETE"]),
        ("/buckets/b/flows", &["GET", "POST"]),
        ("/buckets/b/flows/f", &["GET", "PUT", "DELETE"]),
        ("/buckets/b/flows/f/versions", &["GET", "POST"]),
        ("/buckets/b/flows/f/versions/latest", &["GET"]),
        ("/buckets/b/flows/f/versions/latest/metadata", &["GET"]),
        ("/buckets/b/flows/f/versions/1", &["GET"]),
        ("/buckets/b/flows/f/versions/1/export", &["GET"]),
        ("/buckets/b/flows/f/versions/import", &["POST"]),
        ("/flows/fields", &["GET"]),
        ("/flows/f", &["GET"]),
        ("/flows/f/versions", &["GET"]),
        ("/flows/f/versions/latest", &["GET"]),
        ("/flows/f/versions/latest/metadata", &["GET"]),
        ("/flows/f/versions/1", &["GET"]),
        ("/items", &["GET"]),
        ("/items/fields", &["GET"]),
        ("/items/b", &["GET"]),
    ] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let answer = client.send(method.parse().unwrap(), &format!("{API}{path}"), &[], None);
            if allowed.contains(&method) {
                assert_ne!(answer.text(), "HTTP 404 Not Found", "{method} {path}");
                assert_ne!(answer.status, 405, "{method} {path}");
            } else {
                assert_eq!((answer.status, answer.text().as_str()), (405, "HTTP 405 Method Not Allowed"), "{method} {path}");
            }
        }
    }
}

#[test]
fn what_is_no_number_of_a_version_is_no_path_whatever_the_method() {
    let server = Server::start();
    let client = server.client().anonymous();
    for path in ["versions/abc", "versions/-1", "versions/1x/export", "diff/1/latest", "diff/a/1"] {
        for method in ["GET", "POST", "PUT", "DELETE", "PATCH"] {
            let answer = client.send(method.parse().unwrap(), &format!("{API}/buckets/b/flows/f/{path}"), &[], None);
            assert_eq!((answer.status, answer.text().as_str()), (404, "HTTP 404 Not Found"), "{method} {path}");
        }
    }
    let answer = client.send(Method::POST, &format!("{API}/flows/f/versions/abc"), &[], None);
    assert_eq!((answer.status, answer.text().as_str()), (404, "HTTP 404 Not Found"));
    // Versions of bundles are any text.
    assert_eq!(client.send(Method::POST, &format!("{API}/bundles/b/versions/abc"), &[], None).status, 405);
    // A number that no version can have is one all the same.
    let answer = client.get(&format!("{API}/flows/f/versions/99999999999999999999"));
    assert_ne!(answer.text(), "HTTP 404 Not Found");
    assert_eq!(answer.status, 404);
}

#[test]
fn the_bounds_of_the_registry_are_printed_at_the_start() {
    let server = Server::start();
    let printed = server.output();
    assert!(printed.contains("snapshot 268435456 bytes"), "{printed}");
}

#[test]
fn answers_are_compressed_for_those_who_take_gzip() {
    let server = Server::start();
    let client = server.client().anonymous();
    let body = serde_json::json!({"name": "a", "description": "description ".repeat(1000)});
    let path = format!("{API}/buckets/{}", client.post(&format!("{API}/buckets"), &body).json()["identifier"].as_str().unwrap());
    let plain = client.get(&path);
    assert_eq!((plain.header("content-encoding"), plain.header("vary")), ("", "accept-encoding"));
    let gzip = client.send(Method::GET, &path, &[("Accept-Encoding", "gzip, deflate")], None);
    assert_eq!((gzip.header("content-encoding"), gzip.header("vary")), ("gzip", "accept-encoding"));
    let mut inflated = Vec::new();
    flate2::read::GzDecoder::new(gzip.body.as_slice()).read_to_end(&mut inflated).unwrap();
    assert_eq!(inflated, plain.body);
    assert!(gzip.body.len() < plain.body.len() / 10);
    let small = client.send(Method::GET, &format!("{API}/about"), &[("Accept-Encoding", "gzip")], None);
    assert_eq!(small.header("content-encoding"), "");
}
