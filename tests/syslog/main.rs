//! The syslog server (FlowG 13, 17), from its sockets to the records in a stream.
//!
//! Every message goes to every pipeline with a `syslog` source, so each test has a server of its own.

mod connections;
mod flood;
mod messages;
mod origins;
mod peers;
mod settings;
mod tls;

use headworks_tests::{Server, eventually};
use serde_json::Value;
use std::io::Write;
use std::net::{TcpStream, UdpSocket};

/// Sends datagrams from one socket; answers its address.
fn send_udp(server: &Server, messages: &[impl AsRef<[u8]>]) -> String {
    let [udp, _] = server.syslog();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    for message in messages {
        socket.send_to(message.as_ref(), &udp).expect("a datagram is sent");
    }
    socket.local_addr().expect("its address").to_string()
}

/// A connection to the TCP listener.
fn connect(server: &Server) -> TcpStream {
    let [_, tcp] = server.syslog();
    TcpStream::connect(tcp).expect("a connection")
}

/// Sends bytes over a connection of their own, which is closed behind them.
fn send_tcp(server: &Server, bytes: impl AsRef<[u8]>) {
    connect(server).write_all(bytes.as_ref()).expect("the bytes are sent");
}

/// Waits until a stream has so many records, and answers them oldest first.
fn stored(server: &Server, stream: &str, count: usize) -> Vec<Value> {
    let client = server.client();
    let mut records = eventually("the messages are stored", || {
        let records = client.records(stream);
        (records.len() >= count).then_some(records)
    });
    assert_eq!(records.len(), count, "{records:?}");
    records.reverse();
    records
}

/// The texts of the records of a stream once there are so many, sorted.
fn contents(server: &Server, stream: &str, count: usize) -> Vec<String> {
    let text = |record: &Value| record.get("content").or(record.get("message")).and_then(Value::as_str).unwrap_or("?").to_owned();
    let mut contents: Vec<String> = stored(server, stream, count).iter().map(text).collect();
    contents.sort();
    contents
}

/// A count of messages that were not kept.
fn dropped(server: &Server, reason: &str) -> u64 {
    server.metric(&format!("headworks_syslog_dropped_total{{reason=\"{reason}\"}}"))
}
