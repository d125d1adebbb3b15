//! Allowed origins (FlowG 13).

use crate::{contents, dropped, send_tcp, send_udp};
use headworks_tests::{Server, Setup, eventually};
use serde_json::json;

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

/// Replaces the list of the system configuration of a running server.
fn configure(server: &Server, origins: &[&str]) {
    let body = json!({ "syslog_allowed_origins": origins, "default_roles": ["viewer"] });
    server.client().put("/api/v1/system-configuration", &body).ok();
}

#[test]
fn the_system_configuration_holds_at_once_and_comes_before_the_setting() {
    let mut server = Setup::new().env("HEADWORKS_SYSLOG_ALLOWED_ORIGINS", "127.0.0.1").start();
    configure(&server, &["192.0.2.0/24"]);
    send_udp(&server, &["<13>one"]);
    eventually("it is counted", || (dropped(&server, "origin") == 1).then_some(()));
    assert!(server.stop().success());
    server.restart();
    send_udp(&server, &["<13>two"]);
    eventually("it is counted", || (dropped(&server, "origin") == 1).then_some(()));
    configure(&server, &[]);
    send_udp(&server, &["<13>three"]);
    assert_eq!(contents(&server, "default", 1), ["three"]);
}
