//! Each rule of FlowG 13 that concerns a message.

use super::*;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// In March 2026.
const NOW: Timestamp = Timestamp::from_millis(1_772_500_000_000);

fn sender() -> SyslogSender {
    SyslogSender::new("192.0.2.7:40514".parse().unwrap(), "")
}

fn read(message: impl AsRef<[u8]>) -> Json {
    let mut batch = SyslogBatch::default();
    batch.message(message.as_ref(), &sender(), NOW);
    let batch = batch.finish().unwrap();
    assert_eq!(batch.len(), 1);
    assert_eq!(batch.record(0).unwrap().time(), NOW);
    serde_json::to_value(batch.record(0).unwrap()).unwrap()
}

/// The fields of an RFC 3164 message that differ: time, hostname, tag, content, priority.
fn traditional(message: &str) -> [String; 5] {
    let record = read(message);
    let names: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    let all = ["client", "content", "facility", "hostname", "priority", "severity", "tag", "timestamp", "tls_peer"];
    assert_eq!(names, all, "{message}");
    ["timestamp", "hostname", "tag", "content", "priority"].map(|name| record[name].as_str().unwrap().to_owned())
}

const NEVER: &str = "0001-01-01 00:00:00 +0000 UTC";

#[test]
fn rfc_3164_has_exactly_these_fields() {
    assert_eq!(
        read("<34>Oct 11 22:14:15 mymachine su[231]: 'su root' failed for lonvick on /dev/pts/8"),
        json!({
            "timestamp": "2026-10-11 22:14:15 +0000 UTC", "hostname": "mymachine", "tag": "su",
            "content": "'su root' failed for lonvick on /dev/pts/8", "priority": "34", "facility": "4", "severity": "2",
            "client": "192.0.2.7:40514", "tls_peer": "",
        })
    );
}

#[test]
fn rfc_5424_has_exactly_these_fields() {
    let message = "<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog 111 ID47 \
                   [exampleSDID@32473 iut=\"3\" eventSource=\"App\\] \\\"x\\\" ]\"][b] An application event";
    assert_eq!(
        read(message),
        json!({
            "priority": "165", "facility": "20", "severity": "5", "version": "1", "timestamp": "2003-10-11 22:14:15.003 +0000 UTC",
            "hostname": "mymachine.example.com", "app_name": "evntslog", "proc_id": "111", "msg_id": "ID47",
            "structured_data": "[exampleSDID@32473 iut=\"3\" eventSource=\"App\\] \\\"x\\\" ]\"][b]",
            "message": "An application event", "client": "192.0.2.7:40514", "tls_peer": "",
        })
    );
}

#[test]
fn rfc_3164_forms() {
    for (message, time, hostname, tag, content, priority) in [
        // No PRI: the whole line is the content.
        ("just text: with colon", NEVER, "192.0.2.7", "", "just text: with colon", "13"),
        ("Oct 11 22:14:15 h t: c", NEVER, "192.0.2.7", "", "Oct 11 22:14:15 h t: c", "13"),
        ("<192>x", NEVER, "192.0.2.7", "", "<192>x", "13"),
        ("<1234>x", NEVER, "192.0.2.7", "", "<1234>x", "13"),
        ("<>x", NEVER, "192.0.2.7", "", "<>x", "13"),
        ("<+1>x", NEVER, "192.0.2.7", "", "<+1>x", "13"),
        ("<13", NEVER, "192.0.2.7", "", "<13", "13"),
        // PRI without a time.
        ("<0>free text: here", NEVER, "192.0.2.7", "", "free text: here", "0"),
        ("<191>", NEVER, "192.0.2.7", "", "", "191"),
        // Days of one digit, padded or not.
        ("<13>Mar  1 01:02:03 h t: c", "2026-03-01 01:02:03 +0000 UTC", "h", "t", "c", "13"),
        ("<13>Mar 01 01:02:03 h t: c", "2026-03-01 01:02:03 +0000 UTC", "h", "t", "c", "13"),
        ("<13>Mar  1 01:02:03.25 h t: c", "2026-03-01 01:02:03.25 +0000 UTC", "h", "t", "c", "13"),
        // A day that this year does not have.
        ("<13>Feb 29 01:02:03 h t: c", NEVER, "h", "t", "c", "13"),
        ("<13>Foo 29 01:02:03 h t: c", NEVER, "192.0.2.7", "", "Foo 29 01:02:03 h t: c", "13"),
        ("<13>Mar  1 25:02:03 h t: c", NEVER, "192.0.2.7", "", "Mar  1 25:02:03 h t: c", "13"),
        // RFC 3339 times, as FlowG's own forwarder sends them.
        ("<13>2025-03-01T12:00:00+01:00 h flowg[7]: {}", "2025-03-01 11:00:00 +0000 UTC", "h", "flowg", "{}", "13"),
        // The tag ends at a bracket, a colon or a space.
        ("<13>Mar  1 01:02:03 h tag text", "2026-03-01 01:02:03 +0000 UTC", "h", "tag", "text", "13"),
        ("<13>Mar  1 01:02:03 h tag:text", "2026-03-01 01:02:03 +0000 UTC", "h", "tag", "text", "13"),
        ("<13>Mar  1 01:02:03 h tag[a b]: text", "2026-03-01 01:02:03 +0000 UTC", "h", "tag", "text", "13"),
        ("<13>Mar  1 01:02:03 h tag[1] text", "2026-03-01 01:02:03 +0000 UTC", "h", "tag", "text", "13"),
        ("<13>Mar  1 01:02:03 h tag[1 text", "2026-03-01 01:02:03 +0000 UTC", "h", "tag", "[1 text", "13"),
        ("<13>Mar  1 01:02:03 h [1] text", "2026-03-01 01:02:03 +0000 UTC", "h", "", "[1] text", "13"),
        ("<13>Mar  1 01:02:03 h kernel: [ 1.5] x", "2026-03-01 01:02:03 +0000 UTC", "h", "kernel", "[ 1.5] x", "13"),
        ("<13>Mar  1 01:02:03 h word", "2026-03-01 01:02:03 +0000 UTC", "h", "", "word", "13"),
        ("<13>Mar  1 01:02:03 h t:  two spaces ", "2026-03-01 01:02:03 +0000 UTC", "h", "t", " two spaces ", "13"),
        // An empty hostname is the sender's address.
        ("<13>Mar  1 01:02:03  t: c", "2026-03-01 01:02:03 +0000 UTC", "192.0.2.7", "t", "c", "13"),
        ("<13>Mar  1 01:02:03 t[1]: c", "2026-03-01 01:02:03 +0000 UTC", "192.0.2.7", "t", "c", "13"),
        ("<13>Mar  1 01:02:03 ::1 t: c", "2026-03-01 01:02:03 +0000 UTC", "::1", "t", "c", "13"),
        ("<13>Mar  1 01:02:03 2001:db8:: t: c", "2026-03-01 01:02:03 +0000 UTC", "2001:db8::", "t", "c", "13"),
        ("<13>Mar  1 01:02:03", "2026-03-01 01:02:03 +0000 UTC", "192.0.2.7", "", "", "13"),
        // What only begins like RFC 5424.
        ("<13>1 apple a day", NEVER, "192.0.2.7", "", "1 apple a day", "13"),
        ("<13>1 2003-10-11T22:14:15Z host app", NEVER, "192.0.2.7", "", "1 2003-10-11T22:14:15Z host app", "13"),
        ("<13>0 - h a p m - x", NEVER, "192.0.2.7", "", "0 - h a p m - x", "13"),
    ] {
        assert_eq!(traditional(message), [time, hostname, tag, content, priority].map(str::to_owned), "{message}");
    }
}

#[test]
fn rfc_5424_forms() {
    for (message, time, words, data, text) in [
        ("<13>1 - - - - - -", NEVER, "1 - - - -", "-", ""),
        ("<13>1 - - - - - - ", NEVER, "1 - - - -", "-", ""),
        ("<13>1 - h a p m - text", NEVER, "1 h a p m", "-", "text"),
        ("<13>1 - h a p m -  two spaces ", NEVER, "1 h a p m", "-", " two spaces "),
        ("<13>1 - h a p m [x]", NEVER, "1 h a p m", "[x]", ""),
        ("<13>1 - h a p m [x][y z=\"1\"] - dash", NEVER, "1 h a p m", "[x][y z=\"1\"]", "- dash"),
        ("<13>999 - h a p m - x", NEVER, "999 h a p m", "-", "x"),
        ("<13>1 - h a p m - \u{feff}text", NEVER, "1 h a p m", "-", "text"),
        ("<13>1 2025-03-01T12:00:00.000001-05:30 h a p m - x", "2025-03-01 17:30:00.000001 +0000 UTC", "1 h a p m", "-", "x"),
        ("<13>1 2025-03-01T12:00:00Z h a p m - x", "2025-03-01 12:00:00 +0000 UTC", "1 h a p m", "-", "x"),
        // Structured data that is missing or never ends.
        ("<13>1 - h a p m text", NEVER, "1 h a p m", "-", "text"),
        ("<13>1 - h a p m [x y=\"1] text", NEVER, "1 h a p m", "-", "[x y=\"1] text"),
        ("<13>1 - h a p m [x]text", NEVER, "1 h a p m", "-", "[x]text"),
        ("<13>1 - h a p m", NEVER, "1 h a p m", "-", ""),
    ] {
        let record = read(message);
        let words_read =
            ["version", "hostname", "app_name", "proc_id", "msg_id"].map(|name| record[name].as_str().unwrap_or("?"));
        let rest = ["timestamp", "structured_data", "message"].map(|name| record[name].as_str().unwrap_or("?"));
        assert_eq!((words_read.join(" ").as_str(), rest), (words, [time, data, text]), "{message}");
    }
}

#[test]
fn times_at_the_end_of_the_calendar_are_no_times() {
    let record = read("<13>1 9999-12-31T23:59:59-01:00 h a p m - x");
    assert_eq!(record["content"], "1 9999-12-31T23:59:59-01:00 h a p m - x");
    assert_eq!(record["timestamp"], NEVER);
}

#[test]
fn what_is_not_utf_8_is_replaced() {
    assert_eq!(read(b"<13>a\xffb")["content"], "a\u{fffd}b");
}

#[test]
fn senders_are_named_with_port_and_certificate() {
    let mut batch = SyslogBatch::default();
    let sender = SyslogSender::new("[::ffff:192.0.2.9]:514".parse().unwrap(), "device 7");
    batch.message(b"<13>x", &sender, NOW);
    batch.message(b"<13>1 - - - - - - x", &SyslogSender::new("[2001:db8::1]:99".parse().unwrap(), ""), NOW);
    let batch = batch.finish().unwrap();
    let field = |row: usize, name: &str| batch.record(row).unwrap().text(name).unwrap().to_owned();
    assert_eq!(["client", "tls_peer", "hostname"].map(|name| field(0, name)), ["192.0.2.9:514", "device 7", "192.0.2.9"]);
    assert_eq!(["client", "tls_peer", "hostname"].map(|name| field(1, name)), ["[2001:db8::1]:99", "", "-"]);
}

proptest! {
    /// Nothing panics, and a record holds little more than its message.
    #[test]
    fn any_bytes_become_one_bounded_record(message in prop::collection::vec(any::<u8>(), 0..600)) {
        let mut batch = SyslogBatch::default();
        batch.message(&message, &sender(), NOW);
        let batch = batch.finish().unwrap();
        prop_assert_eq!(batch.len(), 1);
        let size: usize = batch.record(0).unwrap().cells().map(|(.., value)| value.len()).sum();
        // An invalid byte becomes three.
        prop_assert!(size <= 3 * message.len() + 200);
    }

    /// The same for what looks like a message up to some point.
    #[test]
    fn mangled_messages_become_one_record(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<34>", "<", ">", "1 ", "Oct 11 22:14:15 ", "2003-10-11T22:14:15.003Z ", "- ", "[", "]", "\"", "\\", "host ", "é", ": ", " ", "app[1]: ",
        ]), 0..24),
    ) {
        let message: String = parts.concat();
        let record = read(&message);
        // The text behind the header is never lost: it is the end of the message.
        let text = record.get("content").or(record.get("message")).unwrap().as_str().unwrap();
        prop_assert!(message.ends_with(text), "{} in {}", text, message);
    }
}
