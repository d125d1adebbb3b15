//! More messages than the pipelines take: UDP loses and counts, TCP waits; and messages longer than allowed.

use crate::{contents, dropped, send_tcp, send_udp, stored};
use headworks_tests::{Flow, Server, Setup, eventually};

/// Takes about a millisecond or more per message.
const SLOW: &str = r#"
parts = split("x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,x", ",")
count = 0
for_each(parts) -> |_i, _v| { for_each(parts) -> |_j, _w| { for_each(parts) -> |_k, _x| { count = count + 1 } } }
.count = count
"#;

fn slow_server(setup: Setup) -> Server {
    let server = setup.env("HEADWORKS_SYSLOG_LIMITS_QUEUE_MESSAGES", "8").start();
    let client = server.client();
    client.delete("/api/v1/pipelines/default").ok();
    client.save_transformer("slow", SLOW);
    client.save_pipeline("slow", &Flow::syslog_through("slow", "out"));
    server
}

fn numbered(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("<13>{n}")).collect()
}

#[test]
fn udp_messages_beyond_the_queue_are_dropped_and_counted() {
    let server = slow_server(Setup::new());
    send_udp(&server, &numbered(3000));
    let (received, lost) = eventually("the flood is over", || {
        let counts = || (server.metric("headworks_syslog_received_total{transport=\"udp\"}"), dropped(&server, "overflow"));
        let before = (counts(), server.client().records("out").len());
        std::thread::sleep(std::time::Duration::from_millis(300));
        ((counts(), server.client().records("out").len()) == before).then_some(before.0)
    });
    assert!(lost > 0, "nothing was dropped of {received}");
    assert_eq!(stored(&server, "out", (received - lost) as usize).len() as u64 + lost, received);
    assert!(server.output().contains("UDP messages are dropped"), "{}", server.output());
}

#[test]
fn one_udp_sender_cannot_fill_the_queue_alone() {
    let setup = Setup::new().env("HEADWORKS_SYSLOG_LIMITS_SOURCE_BYTES", "1000");
    let server = slow_server(setup.env("HEADWORKS_SYSLOG_LIMITS_QUEUE_BYTES", "1000000"));
    send_udp(&server, &numbered(2000));
    eventually("the sender's part is full", || (dropped(&server, "source") > 0).then_some(()));
}

#[test]
fn tcp_senders_wait_and_lose_nothing() {
    let server = slow_server(Setup::new());
    let messages = numbered(1500);
    send_tcp(&server, messages.join("\n") + "\n");
    let mut stored: Vec<usize> = contents(&server, "out", 1500).iter().map(|text| text.parse().expect("a number")).collect();
    stored.sort_unstable();
    assert!(stored.into_iter().eq(0..1500));
    assert_eq!(dropped(&server, "overflow"), 0);
}

#[test]
fn a_message_over_the_limit_is_cut_and_counted() {
    let server = Setup::new().env("HEADWORKS_SYSLOG_LIMITS_MESSAGE_BYTES", "1000").start();
    let long = format!("<13>{}", "é".repeat(2000));
    send_udp(&server, &[&long]);
    send_tcp(&server, format!("{long}\n{} {long}<13>after\n", long.len()));
    let expected = ["after".to_owned(), "é".repeat(498), "é".repeat(498), "é".repeat(498)];
    assert_eq!(contents(&server, "default", 4), expected);
    assert_eq!(server.metric("headworks_syslog_truncated_total"), 3);
}

#[test]
fn a_message_as_long_as_a_datagram_can_be_is_kept_whole() {
    let server = Server::start();
    let long = "x".repeat(65_000);
    send_udp(&server, &[format!("<13>{long}")]);
    assert_eq!(contents(&server, "default", 1), [long]);
}
