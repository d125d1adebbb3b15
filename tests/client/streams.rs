//! Settings of streams, queries, live tail.

use crate::{command, fails, json, ok};
use headworks_tests::server::TOKEN;
use headworks_tests::{Client, Flow, Server, unique};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A stream of its own and a pipeline of the same name that writes into it.
fn stream(client: &Client) -> String {
    let name = unique("stream");
    client.save_pipeline(&name, &Flow::to_stream(&name));
    name
}

/// A command that runs until it is dropped, and the lines that it prints.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(server: &Server, arguments: &[&str]) -> Self {
        let mut child = command(server, TOKEN, arguments).stdout(Stdio::piped()).spawn().expect("the program starts");
        let output: ChildStdout = child.stdout.take().expect("its output");
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(60)).expect("a further line")
    }

    fn prints_nothing(&self) {
        let line = self.lines.recv_timeout(Duration::from_millis(300));
        assert!(line.is_err(), "{line:?}");
    }

    fn ended(mut self) -> Option<i32> {
        self.child.wait().expect("its end").code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a line of logfmt says after its time.
fn fields(line: &str) -> &str {
    let rest = line.strip_prefix("@timestamp=").unwrap_or_else(|| panic!("{line}"));
    rest.split_once(' ').expect("fields").1
}

#[test]
fn settings_are_changed_one_by_one() {
    let server = Server::shared();
    let name = stream(&server.client());
    let config = || json(&server, &["stream", "ls"])[&name].take();
    ok(&server, &["stream", "set", "--name", &name, "--ttl", "3600"]);
    ok(&server, &["stream", "set", "--name", &name, "--max-size", "5"]);
    ok(&server, &["stream", "index", "--name", &name, "--field", "b"]);
    ok(&server, &["stream", "index", "--name", &name, "--field", "a"]);
    ok(&server, &["stream", "index", "--name", &name, "--field", "a"]);
    assert_eq!(config(), json!({ "ttl": 3600, "size": 5, "indexed_fields": ["a", "b"] }));
    ok(&server, &["stream", "index", "--name", &name, "--field", "b", "--rm"]);
    assert_eq!(config()["indexed_fields"], json!(["a"]));
    assert!(ok(&server, &["stream", "ls"]).lines().any(|line| line == name));
    ok(&server, &["stream", "purge", "--name", &name]);
    assert!(!ok(&server, &["stream", "ls"]).lines().any(|line| line == name));
}

#[test]
fn history_prints_logfmt_newest_first() {
    let server = Server::shared();
    let client = server.client();
    let name = stream(&client);
    client.ingest(&name, &json!([{ "n": "1", "message": "two words", "a=b": "" }])).ok();
    client.ingest(&name, &json!([{ "n": "2", "message": "esc\u{1b}[31m\n" }])).ok();
    let text = ok(&server, &["stream", "history", "--name", &name]);
    let lines: Vec<&str> = text.lines().map(fields).collect();
    assert_eq!(lines, [r#"message="esc\u001b[31m\n" n=2"#, r#"a_b="" message="two words" n=1"#]);
    let records = json(&server, &["stream", "history", "--name", &name]);
    assert_eq!(records[1]["fields"], json!({ "n": "1", "message": "two words", "a=b": "" }));
}

#[test]
fn history_takes_times_filter_and_indexed_values() {
    let server = Server::shared();
    let client = server.client();
    let name = stream(&client);
    client.configure_stream(&name, 0, 0, &["user"]);
    let records = json!([{ "user": "a=1", "n": "1" }, { "user": "b", "n": "2" }, { "user": "c", "n": "3" }]);
    client.ingest(&name, &records).ok();
    let values = |arguments: &[&str]| {
        let records = json(&server, &[&["stream", "history", "--name", &name], arguments].concat());
        let records: Vec<Value> = records.as_array().expect("records").iter().map(|record| record["fields"].clone()).collect();
        headworks_tests::client::sorted_values(&records, "n")
    };
    assert_eq!(values(&["--filter", "n != \"2\""]), ["1", "3"]);
    assert_eq!(values(&["--index", "user=a=1", "--index", "user=b"]), ["1", "2"]);
    assert_eq!(values(&["--from", "2020-01-01T00:00:00Z", "--to", "2020-01-02T00:00:00Z"]), Vec::<String>::new());
    assert_eq!(values(&["--from", "2020-01-01T00:00:00+02:00"]), ["1", "2", "3"]);
    assert_eq!(values(&["--to", "2199-01-01T00:00:00Z"]), Vec::<String>::new(), "15 minutes before the end");
}

#[test]
fn tail_prints_the_latest_oldest_first_and_ends() {
    let server = Server::shared();
    let client = server.client();
    let name = stream(&client);
    for n in ["1", "2", "3"] {
        client.ingest(&name, &json!([{ "n": n }])).ok();
    }
    let text = ok(&server, &["stream", "tail", "--name", &name, "--period", "1h"]);
    assert_eq!(text.lines().map(fields).collect::<Vec<_>>(), ["n=1", "n=2", "n=3"]);
    let text = ok(&server, &["stream", "tail", "--name", &name, "--filter", "n == \"2\""]);
    assert_eq!(text.lines().map(fields).collect::<Vec<_>>(), ["n=2"]);
}

#[test]
fn tail_follows_without_gap_and_without_showing_anything_twice() {
    let server = Server::shared();
    let client = server.client();
    let name = stream(&client);
    let write = |n: usize| client.ingest(&name, &json!([{ "n": n.to_string() }])).ok();
    (0..20).for_each(|n| drop(write(n)));
    std::thread::scope(|threads| {
        // Records keep arriving while the command starts.
        threads.spawn(|| (20..300).for_each(|n| drop(write(n))));
        let tail = Running::start(&server, &["stream", "tail", "--name", &name, "--follow"]);
        for n in 0..300 {
            assert_eq!(fields(&tail.next()), format!("n={n}"));
        }
        tail.prints_nothing();
    });
}

#[test]
fn watch_prints_what_matches_as_it_arrives_until_the_server_ends() {
    let mut server = Server::start();
    let client = server.client();
    let text = Running::start(&server, &["stream", "watch", "--filter", "level == \"error\""]);
    let documents = Running::start(&server, &["stream", "watch", "--output", "json"]);
    // Nothing tells from outside when they watch, so the first records may be missed.
    let mut sent = 0;
    let first = loop {
        client.ingest("default", &json!([{ "level": "error", "n": sent.to_string() }])).ok();
        sent += 1;
        if let Ok(line) = text.lines.recv_timeout(Duration::from_millis(200)) {
            break line;
        }
        assert!(sent < 300, "nothing arrives");
    };
    assert!(fields(&first).starts_with("level=error n="), "{first}");
    while text.lines.recv_timeout(Duration::from_millis(300)).is_ok() {}
    while documents.lines.recv_timeout(Duration::from_millis(300)).is_ok() {}
    client.ingest("default", &json!([{ "level": "info" }, { "level": "error", "n": "ünï" }])).ok();
    assert_eq!(fields(&text.next()), "level=error n=ünï");
    let record = |line: String| serde_json::from_str::<Value>(&line).expect("JSON")["fields"].take();
    assert_eq!(record(documents.next()), json!({ "level": "info" }));
    assert_eq!(record(documents.next()), json!({ "level": "error", "n": "ünï" }));
    server.stop();
    assert_eq!((text.ended(), documents.ended()), (Some(1), Some(1)));
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let server = Server::shared();
    let client = server.client();
    let name = stream(&client);
    let records: Vec<Value> = (0..5000).map(|n| json!({ "n": n.to_string(), "text": "x".repeat(100) })).collect();
    client.ingest(&name, &json!(records)).ok();
    let mut history = Running::start(&server, &["stream", "history", "--name", &name]);
    drop(std::mem::replace(&mut history.lines, channel().1));
    assert_eq!(history.ended(), Some(0));
    assert_eq!(fails(&server, &["stream", "history", "--name", &name, "--filter", "n == 1 +"]).lines().count(), 1);
}
