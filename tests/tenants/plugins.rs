//! Plugins of tenants: how many, and what the operator lets them be granted.

use crate::{create, update};
use headworks_tests::Server;
use headworks_tests::plugins::version;
use serde_json::json;

#[test]
fn a_tenant_has_as_many_plugins_as_its_quota_and_each_tenant_its_own() {
    let server = Server::start();
    let acme = create(&server, "acme", json!({"quotas": {"plugins": 1}}));
    let other = create(&server, "other", json!({}));
    assert_eq!(acme.upload(&version("one", "1.0.0", &[]), &[]).status, 201);
    let refused = acme.upload(&version("two", "1.0.0", &[]), &[]).problem(429, "exhausted");
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("1 is the most")), "{refused}");
    assert_eq!(acme.upload(&version("one", "1.1.0", &[]), &[]).status, 201, "another version is no other plugin");
    for client in [&other, &server.client()] {
        assert_eq!(client.get("/platform/v1/plugins").json()["plugins"], json!([]));
        client.get("/platform/v1/plugins/one").problem(404, "not-found");
        assert_eq!(client.upload(&version("one", "1.0.0", &[]), &[]).status, 201);
    }
    assert_eq!(server.client().delete("/platform/v1/plugins/one").status / 100, 2);
    assert_eq!(acme.get("/platform/v1/plugins/one").status, 200);
}

#[test]
fn what_the_operator_does_not_allow_cannot_be_granted() {
    let server = Server::start();
    let acme = create(&server, "acme", json!({"grants": ["secret:mine-*"]}));
    let asks = |name: &str, secret: &str| version(name, "1.0.0", &[&format!("grants=secret:{secret}")]);
    assert_eq!(acme.upload(&asks("good", "mine-1"), &[("approve", "secret:mine-1")]).json()["status"], "ready");
    let bad = asks("bad", "theirs");
    let refused = acme.upload(&bad, &[("approve", "secret:theirs")]).problem(403, "denied");
    assert!(refused["detail"].as_str().is_some_and(|text| text.contains("secret:theirs")), "{refused}");
    acme.get("/platform/v1/plugins/bad").problem(404, "not-found");
    assert_eq!(acme.upload(&bad, &[]).json()["status"], "waiting");
    let path = "/platform/v1/plugins/bad/versions/1.0.0/approve";
    acme.post(path, &json!({"grants": ["secret:theirs"]})).problem(403, "denied");
    assert_eq!(update(&server, "acme", json!({"grants": ["*"]})).status, 200);
    assert_eq!(acme.post(path, &json!({"grants": ["secret:theirs"]})).json()["status"], "ready");
}
