//! syslog (FlowG 12.2).

use crate::capture::sockets::{nobody, tcp, udp};
use crate::{assert_now, deliver_both, fail_both, pipeline_to, save, shared};
use serde_json::{Value, json};

fn config(network: &str, address: &str, more: &Value) -> Value {
    let mut config = json!({ "type": "syslog", "network": network, "address": address, "tag": "web", "severity": "err", "facility": "local7" });
    config.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    config
}

/// Checks a frame up to its message, and answers the message.
fn message<'a>(frame: &'a [u8], priority: &str, tag: &str) -> &'a str {
    let frame = std::str::from_utf8(frame).expect("text");
    let mut words = frame.strip_prefix(priority).unwrap_or_else(|| panic!("{frame:?}: not {priority}")).splitn(4, ' ');
    let time = words.next().expect("a time");
    assert_now(time);
    assert!(!time.contains('.'), "{time}: to the second");
    let host = words.next().expect("a host");
    assert!(!host.is_empty() && !host.contains(':'), "{host:?}");
    let tagged = words.next().expect("a tag");
    let pid = tagged.strip_prefix(&format!("{tag}[")).and_then(|rest| rest.strip_suffix("]:"));
    assert!(pid.is_some_and(|pid| pid.parse::<u32>().is_ok()), "{tagged:?}");
    words.next().expect("a message")
}

#[test]
fn syslog_over_tcp_opens_a_connection_for_each_message_and_closes_it() {
    let (_server, client) = shared();
    let (address, taken) = tcp();
    let config = config("tcp", &address, &json!({ "message": "@expr:log.m" }));
    deliver_both(&client, &config, &json!({ "m": "tested" }), &json!({ "m": "ends with a line feed\n" }));
    assert_eq!(message(&taken.next(), "<187>", "web"), "tested\n");
    assert_eq!(message(&taken.next(), "<187>", "web"), "ends with a line feed\n");
    let pipeline = pipeline_to(&client, &save(&client, &config));
    assert_eq!(client.ingest(&pipeline, &json!([{ "m": "1" }, { "m": "2" }])).processed(), 2);
    assert_eq!(message(&taken.next(), "<187>", "web"), "1\n");
    assert_eq!(message(&taken.next(), "<187>", "web"), "2\n");
}

#[test]
fn syslog_over_udp_sends_one_datagram_with_the_same_frame() {
    let (_server, client) = shared();
    let (address, taken) = udp();
    deliver_both(&client, &config("udp", &address, &json!({})), &json!({ "b": "&", "a": "1" }), &json!({}));
    assert_eq!(message(&taken.next(), "<187>", "web"), "{\n  \"a\": \"1\",\n  \"b\": \"\\u0026\"\n}\n");
    assert_eq!(message(&taken.next(), "<187>", "web"), "{}\n");
    taken.is_over();
}

#[test]
fn computed_severities_and_facilities_outside_of_the_lists_count_as_info_and_user() {
    let (_server, client) = shared();
    let (address, taken) = udp();
    let dynamic = json!({ "severity": "@expr:log.s", "facility": "@expr:log.f", "tag": "@expr:log.t", "message": "m" });
    let known = json!({ "s": "debug", "f": "authpriv", "t": "known" });
    deliver_both(&client, &config("udp", &address, &dynamic), &known, &json!({ "s": "loud", "f": "nowhere" }));
    assert_eq!(message(&taken.next(), "<87>", "known"), "m\n");
    assert_eq!(message(&taken.next(), "<14>", "headworks"), "m\n");
}

#[test]
fn a_syslog_server_that_does_not_answer_fails_the_run() {
    let (_server, client) = shared();
    let address = nobody();
    for error in fail_both(&client, &config("tcp", &address, &json!({}))) {
        assert!(error.contains(&address), "{error}");
    }
}
