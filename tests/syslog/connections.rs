//! TCP connections: slow ones, broken ones, many, and those that are open when the server stops.

use crate::{connect, contents, dropped, send_tcp};
use headworks_tests::{Server, Setup, eventually};
use std::io::{Read, Write};
use std::time::Duration;

#[test]
fn a_line_that_the_end_of_the_connection_cuts_is_kept_and_a_counted_message_is_not() {
    let server = Server::start();
    send_tcp(&server, "<13>whole\n<13>half a li");
    send_tcp(&server, "40 <13>half a message");
    assert_eq!(contents(&server, "default", 2), ["half a li", "whole"]);
    eventually("the half message is counted", || (dropped(&server, "incomplete") == 1).then_some(()));
}

#[test]
fn a_sender_that_drips_is_understood() {
    let server = Server::start();
    let mut stream = connect(&server);
    for byte in b"<13>one\n7 <13>two" {
        stream.write_all(&[*byte]).expect("a byte");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(contents(&server, "default", 2), ["one", "two"]);
}

#[test]
fn a_sender_that_never_ends_its_message_is_let_go() {
    let server = Setup::new().env("HEADWORKS_SYSLOG_LIMITS_MESSAGE_TIMEOUT_MS", "300").start();
    let mut stream = connect(&server);
    stream.write_all(b"<13>one\n").expect("a message");
    assert_eq!(contents(&server, "default", 1), ["one"]);
    // Between messages there is time.
    std::thread::sleep(Duration::from_millis(600));
    // Bytes that come within the limit do not prolong it.
    for _ in 0..200 {
        if stream.write_all(b"x").is_err() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(stream.write_all(b"x").is_err(), "the connection is open after ten seconds");
    send_tcp(&server, "<13>another\n");
    eventually("others are served", || {
        server.client().values("default", "content").contains(&"another".to_owned()).then_some(())
    });
}

#[test]
fn a_silent_connection_is_closed() {
    let server = Setup::new().env("HEADWORKS_SYSLOG_LIMITS_IDLE_TIMEOUT_MS", "200").start();
    let mut stream = connect(&server);
    assert_eq!(stream.read(&mut [0]).expect("the end"), 0);
}

#[test]
fn one_sender_has_so_many_connections_and_no_more() {
    let server = Setup::new().env("HEADWORKS_SYSLOG_LIMITS_SOURCE_CONNECTIONS", "2").start();
    let open: Vec<_> = (0..2).map(|_| connect(&server)).collect();
    eventually("both are open", || (server.metric("headworks_syslog_connections") == 2).then_some(()));
    assert_eq!(connect(&server).read(&mut [0]).unwrap_or(0), 0);
    assert_eq!(server.metric("headworks_syslog_connections_refused_total"), 1);
    drop(open);
    eventually("the places are free", || (server.metric("headworks_syslog_connections") == 0).then_some(()));
    send_tcp(&server, "<13>again\n");
    assert_eq!(contents(&server, "default", 1), ["again"]);
}

#[test]
fn what_was_sent_before_the_stop_is_stored() {
    let mut server = Server::start();
    let mut stream = connect(&server);
    stream.write_all(b"<13>first\n").expect("a message");
    assert_eq!(contents(&server, "default", 1), ["first"]);
    let lines: String = (0..5000).map(|n| format!("<13>{n}\n")).collect();
    stream.write_all(lines.as_bytes()).expect("the messages");
    stream.write_all(b"<13>last without its end").expect("a line");
    assert_eq!(server.stop().code(), Some(0), "{}", server.output());
    server.restart();
    assert_eq!(server.client().records("default").len(), 5002);
}
