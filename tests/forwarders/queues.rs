//! amqp (FlowG 12.4).

use crate::capture::amqp;
use crate::capture::sockets::nobody;
use crate::{assert_now, deliver_both, fail_both, pipeline_to, save, shared};
use serde_json::{Value, json};

fn config(address: &str) -> Value {
    json!({ "type": "amqp", "url": format!("amqp://us%2Fer:pass@{address}/logs"), "exchange": "ex", "routing_key": "@expr:log.k",
        "body": "@expr:log.m" })
}

#[test]
fn amqp_publishes_body_and_timestamp_and_waits_for_the_confirmation() {
    let (_server, client) = shared();
    let (address, taken) = amqp::start(usize::MAX);
    deliver_both(&client, &config(&address), &json!({ "k": "a.b", "m": "hello" }), &json!({ "m": "second" }));
    let message = taken.next();
    assert_eq!((message.virtual_host.as_str(), message.login.as_str()), ("logs", "\0us/er\0pass"));
    assert_eq!((message.exchange.as_str(), message.routing_key.as_str()), ("ex", "a.b"));
    assert_eq!(message.content_type, "application/json");
    let body: Value = serde_json::from_slice(&message.body).expect("JSON");
    assert_eq!((&body["body"], body.as_object().map(serde_json::Map::len)), (&json!("hello"), Some(2)));
    assert_now(body["timestamp"].as_str().expect("a timestamp"));
    assert_eq!(taken.next().routing_key, "");
}

#[test]
fn amqp_connects_again_when_the_broker_has_closed_the_connection() {
    let (_server, client) = shared();
    let (address, taken) = amqp::start(1);
    let pipeline = pipeline_to(&client, &save(&client, &config(&address)));
    for number in 0..3 {
        assert_eq!(client.ingest(&pipeline, &json!([{ "k": number.to_string() }])).processed(), 1);
        assert_eq!(taken.next().routing_key, number.to_string());
    }
}

#[test]
fn a_broker_that_does_not_answer_fails_the_set_up() {
    let (_server, client) = shared();
    let address = nobody();
    for error in fail_both(&client, &config(&address)) {
        assert!(error.contains(&address), "{error}");
    }
}
