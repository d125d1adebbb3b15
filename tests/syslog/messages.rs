//! What becomes of a message, over both transports.

use crate::{contents, dropped, send_tcp, send_udp, stored};
use headworks_tests::{Flow, Server, eventually};
use serde_json::json;

const OLD: &str = "<34>Oct 11 22:14:15 mymachine su[231]: 'su root' failed";
const NEW: &str = "<165>1 2003-10-11T22:14:15.003Z host app 111 ID47 [a@1 b=\"c\"] An event";

#[test]
fn both_forms_over_udp_have_their_fields() {
    let server = Server::start();
    let client = send_udp(&server, &[OLD]);
    let mut record = stored(&server, "default", 1).remove(0);
    let time = record["timestamp"].take();
    let time = time.as_str().expect("a time");
    assert!(time.starts_with("20") && time.ends_with("-10-11 22:14:15 +0000 UTC"), "{time}");
    assert_eq!(
        record,
        json!({
            "timestamp": null, "hostname": "mymachine", "tag": "su", "content": "'su root' failed", "priority": "34",
            "facility": "4", "severity": "2", "client": client, "tls_peer": "",
        })
    );
    let client = send_udp(&server, &[NEW]);
    assert_eq!(
        stored(&server, "default", 2)[1],
        json!({
            "priority": "165", "facility": "20", "severity": "5", "version": "1", "timestamp": "2003-10-11 22:14:15.003 +0000 UTC",
            "hostname": "host", "app_name": "app", "proc_id": "111", "msg_id": "ID47", "structured_data": "[a@1 b=\"c\"]",
            "message": "An event", "client": client, "tls_peer": "",
        })
    );
}

#[test]
fn tcp_takes_lines_and_counted_messages() {
    let server = Server::start();
    send_tcp(&server, format!("{OLD}\n{} {NEW}<13>one\r\n\n8 <13>a\nb\n<13>two", NEW.len()));
    assert_eq!(contents(&server, "default", 5), ["'su root' failed", "An event", "a\nb", "one", "two"]);
    assert_eq!(server.metric("headworks_syslog_received_total{transport=\"tcp\"}"), 5);
}

#[test]
fn trailing_control_characters_of_a_datagram_are_removed() {
    let server = Server::start();
    send_udp(&server, &["<13>text\r\n\0\x07", "<13>a\nb\n", "\r\n"]);
    assert_eq!(contents(&server, "default", 2), ["a\nb", "text"]);
}

#[test]
fn a_message_without_pri_is_kept_whole_and_named_after_its_sender() {
    let server = Server::start();
    send_udp(&server, &["Oct 11 22:14:15 host su: no priority"]);
    let record = stored(&server, "default", 1).remove(0);
    let fields = ["priority", "facility", "severity", "content", "hostname", "timestamp", "tag"].map(|name| record[name].clone());
    let expected = ["13", "1", "5", "Oct 11 22:14:15 host su: no priority", "127.0.0.1", "0001-01-01 00:00:00 +0000 UTC", ""];
    assert_eq!(fields, expected.map(|text| json!(text)));
}

#[test]
fn what_is_no_message_at_all_is_kept_too() {
    let server = Server::start();
    send_udp(&server, &[&b"\xff\xfe\x01\x02"[..], b"<999999>", b"<13>1", b"[[[[\"\\"]);
    assert_eq!(contents(&server, "default", 4), ["1", "<999999>", "[[[[\"\\", "\u{fffd}\u{fffd}"]);
}

#[test]
fn every_pipeline_with_a_syslog_source_gets_every_message_and_others_none() {
    let server = Server::start();
    let client = server.client();
    client.save_pipeline("second", &Flow::syslog_to_stream("second"));
    client.save_pipeline("direct only", &Flow::to_stream("third"));
    send_udp(&server, &["<13>one"]);
    assert_eq!(contents(&server, "default", 1), ["one"]);
    assert_eq!(contents(&server, "second", 1), ["one"]);
    // Saved and deleted pipelines count from the next message on.
    client.save_pipeline("direct only", &Flow::syslog_to_stream("third"));
    client.delete("/api/v1/pipelines/second").ok();
    send_udp(&server, &["<13>two"]);
    assert_eq!(contents(&server, "third", 1), ["two"]);
    assert_eq!(contents(&server, "default", 2), ["one", "two"]);
    assert_eq!(contents(&server, "second", 1), ["one"]);
    assert_eq!(server.metric("headworks_syslog_failed_total"), 0);
    assert!(!server.output().contains("could not process"), "{}", server.output());
}

#[test]
fn a_message_that_fails_stops_no_other_and_is_counted() {
    let server = Server::start();
    let client = server.client();
    client.save_transformer("picky", "if .content == \"bad\" { abort }");
    client.save_pipeline("picky", &Flow::syslog_through("picky", "picked"));
    let lines: String = (0..400).map(|n| if n % 100 == 7 { "<13>bad\n".to_owned() } else { format!("<13>{n}\n") }).collect();
    send_tcp(&server, lines);
    assert_eq!(contents(&server, "picked", 396).len(), 396);
    assert_eq!(contents(&server, "default", 400).len(), 400);
    eventually("the failures are counted", || (server.metric("headworks_syslog_failed_total") == 4).then_some(()));
    assert!(server.output().contains("could not process"), "{}", server.output());
    assert_eq!(dropped(&server, "overflow"), 0);
}

#[test]
fn a_pipeline_that_cannot_be_built_stops_no_other() {
    let server = Server::start();
    server.client().save_pipeline("broken", &Flow::syslog_through("missing", "x"));
    send_udp(&server, &["<13>a"]);
    assert_eq!(contents(&server, "default", 1), ["a"]);
    eventually("the failure is counted", || (server.metric("headworks_syslog_failed_total") == 1).then_some(()));
    // Saving what was missing mends it.
    server.client().save_transformer("missing", ".ok = \"yes\"");
    send_udp(&server, &["<13>b"]);
    assert_eq!(stored(&server, "x", 1)[0]["ok"], "yes");
}
