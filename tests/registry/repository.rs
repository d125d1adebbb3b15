//! Bundles by their coordinates (NiFi Registry 16).

use crate::calls::{API, Nifi, done, each, refused, text};
use crate::uploads::salted;
use headworks_core::Digest;
use headworks_tests::Server;
use headworks_tests::archives::nar;
use http::Method;
use serde_json::{Value, json};

fn link(href: String, rel: &str) -> Value {
    json!({"href": href, "params": {"rel": rel}})
}

#[test]
fn names_lead_from_buckets_to_versions() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let root = "/extension-repository";
    assert_eq!(done(&nifi.get(root)), json!([]));
    let (bucket, _) = (nifi.bucket("My Bucket/ä"), nifi.bucket("A"));
    for (group, artifact, version) in
        [("org.b", "x", "1"), ("org.a", "z", "2"), ("org.a", "y", "2"), ("org.a", "y", "10"), ("org.a", "y", "1.5+b")]
    {
        nifi.uploaded(&bucket, group, artifact, version);
    }
    let base = format!("http://{}{API}{root}", server.address());
    let encoded = "My%20Bucket%2F%C3%A4";
    let buckets = done(&nifi.get(root));
    assert_eq!(each(&buckets, "bucketName"), ["A", "My Bucket/ä"]);
    assert_eq!(buckets[1], json!({"bucketName": "My Bucket/ä", "link": link(format!("{base}/{encoded}"), "self")}));

    let groups = done(&nifi.get(&format!("{root}/{encoded}")));
    assert_eq!(each(&groups, "groupId"), ["org.a", "org.b"]);
    assert_eq!(groups[0]["link"], link(format!("{base}/{encoded}/org.a"), "self"));
    let artifacts = done(&nifi.get(&format!("{root}/{encoded}/org.a")));
    assert_eq!(each(&artifacts, "artifactId"), ["y", "z"]);
    let expected = json!({
        "bucketName": "My Bucket/ä", "groupId": "org.a", "artifactId": "y", "link": link(format!("{base}/{encoded}/org.a/y"), "self"),
    });
    assert_eq!(artifacts[0], expected);
    let versions = done(&nifi.get(&format!("{root}/{encoded}/org.a/y")));
    assert_eq!(each(&versions, "version"), ["1.5+b", "10", "2"]);
    let expected = json!({
        "artifactId": "y", "author": "anonymous", "bucketName": "My Bucket/ä", "groupId": "org.a",
        "link": link(format!("{base}/{encoded}/org.a/y/1.5%2Bb"), "self"), "timestamp": versions[0]["timestamp"], "version": "1.5+b",
    });
    assert_eq!(versions[0], expected);
    for (path, list) in [("org.c", json!([])), ("org.c/y", json!([])), ("org.a/q", json!([]))] {
        assert_eq!(done(&nifi.get(&format!("{root}/{encoded}/{path}"))), list, "{path}");
    }
    for path in ["Unknown", "Unknown/g", "Unknown/g/a", "Unknown/g/a/1", "my%20bucket"] {
        let text = "The specified bucket name does not exist in this registry.";
        refused(&nifi.get(&format!("{root}/{path}")), 404, text);
    }
}

#[test]
fn a_version_leads_to_its_archive_and_digest() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("My Bucket");
    let archive = nar("x", "x-nar", "1.0", &[]);
    let digest = Digest::of(&archive).to_string();
    done(&nifi.send_form(&bucket, "nifi-nar", &[("file", &archive), ("sha256", digest.as_bytes())]));
    let path = "/extension-repository/My%20Bucket/x/x-nar/1.0";
    let at = format!("http://{}{API}{path}", server.address());
    let expected = json!({
        "downloadLink": link(format!("{at}/content"), "content"), "extensionsLink": link(format!("{at}/extensions"), "extensions"),
        "sha256Link": link(format!("{at}/sha256"), "sha256"), "sha256Supplied": true,
    });
    assert_eq!(done(&nifi.get(path)), expected);
    let content = nifi.get(&format!("{path}/content"));
    assert_eq!((content.status, content.header("content-disposition")), (200, "attachment; filename = x-nar-1.0.nar"));
    assert!(content.body == archive);
    for path in [format!("{path}/sha256"), "/extension-repository/x/x-nar/1.0/sha256".to_owned()] {
        let answer = nifi.get(&path);
        assert_eq!((answer.status, answer.text(), answer.header("content-type")), (200, digest.clone(), "text/plain"));
    }
    for path in ["1.1", "1.1/content", "1.1/sha256"] {
        let text = "The specified extension bundle version does not exist in this bucket.";
        refused(&nifi.get(&format!("/extension-repository/My%20Bucket/x/x-nar/{path}")), 404, text);
    }
    let text = "An extension bundle version does not exist with the specific group, artifact, and version";
    refused(&nifi.get("/extension-repository/x/x-nar/1.1/sha256"), 404, text);
}

#[test]
fn a_version_of_that_name_is_not_taken_for_a_digest() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("x");
    nifi.uploaded(&bucket, "x-nar", "1.0", "sha256");
    let text = "An extension bundle version does not exist with the specific group, artifact, and version";
    refused(&nifi.get("/extension-repository/x/x-nar/1.0/sha256"), 404, text);
    assert_eq!(nifi.get("/extension-repository/x/x-nar/1.0/sha256/sha256").text().len(), 64);
}

#[test]
fn of_several_buckets_the_newest_upload_says_the_digest() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let mut last = String::new();
    for (number, name) in ["b", "a", "c"].iter().enumerate() {
        let archive = salted("g", "a", "1-SNAPSHOT", &number.to_string());
        last = text(&done(&nifi.upload(&nifi.bucket(name), &archive))["versionMetadata"]["sha256"]);
        std::thread::sleep(std::time::Duration::from_millis(3));
    }
    assert_eq!(nifi.get("/extension-repository/g/a/1-SNAPSHOT/sha256").text(), last);
}

#[test]
fn links_are_those_that_the_client_sees_behind_a_proxy() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    nifi.bucket("b");
    let headers =
        [("X-ProxyScheme", "https"), ("X-ProxyHost", "nifi.example"), ("X-ProxyPort", "8443"), ("X-ProxyContextPath", "/up")];
    let seen = done(&nifi.send(Method::GET, "/extension-repository", &headers, None));
    assert_eq!(seen[0]["link"]["href"], format!("https://nifi.example:8443/up{API}/extension-repository/b"));
}
