//! What tenants used.

use crate::create;
use headworks_tests::{Client, Server};
use serde_json::{Value, json};

fn usage(client: &Client) -> Value {
    let answer = client.get("/platform/v1/tenant/usage");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[test]
fn use_is_counted_since_the_start_and_by_day() {
    let mut server = Server::start();
    let acme = create(&server, "acme", json!({}));
    assert_eq!(usage(&acme)["days"], json!([]));
    for _ in 0..3 {
        assert_eq!(acme.ingest("default", &json!([{"a": "12345"}, {"a": "67890"}])).processed(), 2);
    }
    let before = usage(&acme);
    assert_eq!(
        (&before["tenant"], &before["since_start"]["records"], &before["since_start"]["bytes"]),
        (&json!("acme"), &json!(6), &json!(30))
    );
    assert_eq!(before["days"].as_array().map(Vec::len), Some(1));
    assert_eq!((&before["days"][0]["records"], &before["days"][0]["bytes"]), (&json!(6), &json!(30)));
    assert!(before["stored_bytes"].as_u64() > Some(30));
    // The total of the day outlives the process, the rest begins anew.
    server.restart();
    let acme = crate::administrator(&server, "acme");
    assert_eq!(acme.ingest("default", &json!([{"a": "b"}])).processed(), 1);
    let after = usage(&acme);
    assert_eq!((&after["since_start"]["records"], &after["days"][0]["records"]), (&json!(1), &json!(7)));
    assert_eq!(after["stored_bytes"].as_u64() > before["stored_bytes"].as_u64(), true);
    let seen = server.client().get("/platform/v1/tenants/acme/usage?days=1").json();
    assert_eq!(seen["days"][0]["records"], 7);
    assert_eq!(usage(&server.client())["since_start"]["records"], 0, "each has its own");
    for days in ["0", "401", "x"] {
        let answer = acme.get(&format!("/platform/v1/tenant/usage?days={days}"));
        assert_eq!((answer.status, answer.json()["member"].as_str()), (400, Some("days")));
    }
}
