//! Settings of the syslog server (FlowG 17).

use crate::{contents, send_tcp, send_udp};
use headworks_tests::server::Folder;
use headworks_tests::{Server, Setup};

fn refused(setup: Setup) -> String {
    let Err(refusal) = setup.try_start_on(&Folder::new()) else { panic!("it started") };
    assert!(!refusal.output.contains("panicked"), "{}", refusal.output);
    refusal.output
}

#[test]
fn udp_and_tcp_share_a_free_port_that_is_written_and_printed() {
    let server = Server::start();
    let [udp, tcp] = server.syslog();
    assert_eq!(udp, tcp);
    assert!(!udp.ends_with(":0") && udp.starts_with("127.0.0.1:"), "{udp}");
    for shown in [format!("udp://{udp}"), format!("tcp://{tcp}"), "waiting 50000 messages".to_owned()] {
        assert!(server.output().contains(&shown), "no {shown} in\n{}", server.output());
    }
}

#[test]
fn the_protocol_can_be_chosen() {
    let server = Setup::new().env("FLOWG_SYSLOG_PROTOCOL", "tcp").start();
    assert_eq!(server.syslog()[0], "");
    send_tcp(&server, "<13>tcp\n");
    assert_eq!(contents(&server, "default", 1), ["tcp"]);
    let server = Setup::new().env("HEADWORKS_SYSLOG_PROTOCOL", "udp").start();
    assert_eq!(server.syslog()[1], "");
    send_udp(&server, &["<13>udp"]);
    assert_eq!(contents(&server, "default", 1), ["udp"]);
}

#[test]
fn the_server_runs_without_syslog() {
    let server = Setup::new().arg("--syslog").arg("off").start();
    assert_eq!(server.syslog(), ["", ""]);
    assert!(!server.output().contains("udp://"));
}

#[test]
fn mistakes_are_named() {
    let server = Server::start();
    let [udp, _] = server.syslog();
    let output = refused(Setup::new().arg("--syslog").arg(&udp));
    assert!(output.contains(&udp) && output.contains("syslog"), "{output}");
    for (name, value, expected) in [
        ("HEADWORKS_SYSLOG_PROTOCOL", "carrier pigeon", "carrier pigeon"),
        ("HEADWORKS_SYSLOG_ALLOWED_ORIGINS", "127.0.0.1,example.com", "example.com"),
        ("HEADWORKS_SYSLOG_TLS_ENABLED", "perhaps", "perhaps"),
        ("HEADWORKS_SYSLOG_TLS_ENABLED", "true", "syslog_tls.cert"),
        ("HEADWORKS_SYSLOG_TLS_CERT", "/nonexistent.pem", "syslog_tls.cert /nonexistent.pem"),
        ("HEADWORKS_SYSLOG_LIMITS_MESSAGE_BYTES", "3", "syslog_limits.message_bytes"),
    ] {
        let output = refused(Setup::new().env(name, value));
        assert!(output.contains(expected), "{name}={value}: no {expected} in\n{output}");
    }
}
