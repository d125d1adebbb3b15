//! Archives that nobody should accept, uploaded: each is refused with the reason, and nothing of it stays (NiFi Registry 13).

use crate::calls::{Nifi, done};
use crate::uploads::real;
use headworks_tests::archives::hostile;
use headworks_tests::{Server, eventually};
use serde_json::json;

fn stored(server: &Server) -> u64 {
    server.client().get("/platform/v1/tenant/usage").json()["stored_bytes"].as_u64().unwrap()
}

#[test]
fn every_hostile_archive_is_refused_and_leaves_nothing() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    done(&nifi.upload(&bucket, &real("nifi-foo-nar-1.0.0.nar")));
    let (items, memory) = (done(&nifi.get("/items")), server.memory());
    let (mut sent, before) = (0, stored(&server));
    for case in hostile(true) {
        sent += case.bytes.len();
        let answer = nifi.upload(&bucket, &case.bytes);
        assert_eq!((answer.status, answer.header("content-type")), (400, "text/plain"), "{}: {}", case.name, answer.text());
        let told = answer.text();
        assert!(told.starts_with("The archive cannot be used: ") && told.contains(case.says), "{}: {told}", case.name);
        assert_eq!(told.lines().count(), 1, "{}: {told}", case.name);
    }
    assert!(sent > 150 << 20, "only {sent} bytes were sent");
    assert_eq!(done(&nifi.get("/items")), items);
    assert_eq!(done(&nifi.get("/extensions"))["numResults"], 1);
    assert_eq!(done(&nifi.get("/extensions/tags")), json!([{"tag": "foo", "count": 1}, {"tag": "processor", "count": 1}]));
    eventually("no bytes of them are stored", || (stored(&server) < before + (1 << 20)).then_some(()));
    assert!(server.memory() < memory + (300 << 20), "{} bytes, before {memory}", server.memory());
}

#[test]
fn damaged_archives_are_taken_or_refused_but_never_our_failure() {
    let server = Server::start();
    let nifi = Nifi::of(&server);
    let bucket = nifi.bucket("b");
    let good = real("nifi-foo-nar-2.0.0-SNAPSHOT-BUILD1.nar");
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let answer = nifi.upload(&bucket, &bad);
        assert!([200, 400].contains(&answer.status), "byte {at}: {} {}", answer.status, answer.text());
        if at % 10 == 0 {
            assert_eq!(nifi.upload(&bucket, &good[..at]).status, 400, "cut off at {at}");
        }
    }
}
