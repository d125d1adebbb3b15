//! Allowed origins (FlowG 13).

use crate::{contents, dropped, send_tcp, send_udp};
use headworks_tests::{Setup, eventually};

#[test]
fn others_than_the_allowed_origins_are_dropped_and_counted() {
    let server = Setup::new().env("HEADWORKS_SYSLOG_ALLOWED_ORIGINS", "192.0.2.7,10.0.0.0/8,2001:db8::/32").start();
    send_udp(&server, &["<13>one", "<13>two"]);
    send_tcp(&server, "<13>three\n");
    eventually("all are counted", || (dropped(&server, "origin") == 3).then_some(()));
    assert!(server.client().records("default").is_empty());
}

#[test]
fn an_address_or_a_block_of_the_list_may_send() {
    for origins in ["127.0.0.1", "10.0.0.0/8,127.0.0.0/8", "::1/128,127.0.0.1/32"] {
        let server = Setup::new().env("FLOWG_SYSLOG_INITIAL_ALLOWED_ORIGINS", origins).start();
        send_udp(&server, &["<13>udp"]);
        send_tcp(&server, "<13>tcp\n");
        assert_eq!(contents(&server, "default", 2), ["tcp", "udp"], "{origins}");
    }
}
