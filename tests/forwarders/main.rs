//! Each type of forwarder against a server that takes what it sends (FlowG 12): set up, tested and reached through a pipeline
//! over the API, with the bytes on the wire looked at.

mod capture;
mod cloud;
mod databases;
mod delivery;
mod flushing;
mod hostile;
mod http_types;
mod queues;
mod syslog;

use headworks_tests::{Client, Flow, Server, Setup, unique};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A server that may reach this machine and accept every certificate, shared by the tests that run at the same time.
fn shared() -> (Arc<Server>, Client) {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let server = shared.upgrade().unwrap_or_else(|| {
        let setup = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").env("HEADWORKS_OUTBOUND_INSECURE", "true");
        let server = Arc::new(setup.start());
        *shared = Arc::downgrade(&server);
        server
    });
    let client = server.client();
    (server, client)
}

/// Saves a forwarder under a name of its own.
fn save(client: &Client, config: &Value) -> String {
    let name = unique("forwarder");
    client.save_forwarder(&name, config);
    name
}

/// A pipeline that does nothing but forward.
fn pipeline_to(client: &Client, forwarder: &str) -> String {
    let name = unique("pipeline");
    client.save_pipeline(&name, &Flow::to_forwarder(forwarder));
    name
}

/// Sends a record with `test_forwarder` and then another through a pipeline; both must be delivered.
fn deliver_both(client: &Client, config: &Value, tested: &Value, ingested: &Value) {
    let forwarder = save(client, config);
    client.test_forwarder(&forwarder, tested).ok();
    let pipeline = pipeline_to(client, &forwarder);
    assert_eq!(client.ingest(&pipeline, &json!([ingested])).processed(), 1);
}

/// What both ways of sending answer when the target does not take the record.
fn fail_both(client: &Client, config: &Value) -> [String; 2] {
    let forwarder = save(client, config);
    let tested = client.test_forwarder(&forwarder, &json!({ "a": "1" })).error(500, "INTERNAL");
    let pipeline = pipeline_to(client, &forwarder);
    [tested, client.ingest(&pipeline, &json!([{ "a": "1" }])).error(500, "INTERNAL")]
}

/// Checks that a text is a moment of now in RFC 3339.
fn assert_now(text: &str) {
    let moment = headworks_core::Timestamp::parse_rfc3339(text).unwrap_or_else(|| panic!("{text:?} is no date-time"));
    let age = headworks_core::Timestamp::now().seconds() - moment.seconds();
    assert!((0..60).contains(&age), "{text} is {age} s old");
}
