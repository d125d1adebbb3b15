//! Targets and components that mean harm (design: the sandbox): what they send is bounded, what they hold is given back, and
//! others do not notice.

use crate::capture::http::{Reply, start};
use crate::capture::sockets::{nobody, raw};
use crate::{pipeline_to, save, shared};
use headworks_tests::server::components;
use headworks_tests::{Client, Flow, Server, Setup, eventually, unique};
use serde_json::json;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long one exchange may take in these tests.
const WAIT: &str = "3000";

fn setup() -> Setup {
    // 127.0.0.1 stands for the public internet, the rest of its block for what may not be reached.
    let setup = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.1").env("HEADWORKS_SANDBOX_NETWORK_WAIT_MS", WAIT);
    // On a busy machine the time of the call must not come before that of the exchange.
    setup.env("HEADWORKS_SANDBOX_CALL_WAIT_MS", "30000")
}

/// A server whose forwarders of type `http` are the component that misbehaves.
fn misbehaving() -> Server {
    let folder = tempfile::TempDir::new().expect("a folder");
    for (name, component) in [("vrl", "vrl"), ("forwarder-http", "test-network")] {
        let from = components().join(format!("{component}.wasm"));
        std::fs::copy(&from, folder.path().join(format!("{name}.wasm"))).unwrap_or_else(|error| panic!("{component}: {error}"));
    }
    let server = setup().env("HEADWORKS_COMPONENTS", folder.path().to_str().expect("text")).start();
    // The component is read when it is first used.
    let client = server.client();
    let first = save(&client, &json!({ "type": "http", "url": format!("http://{}/nothing", nobody()) }));
    assert!(client.test_forwarder(&first, &json!({})).error(500, "INTERNAL").contains("no such misbehaviour"));
    server
}

/// What the component says of its misbehaviour.
fn misbehave(client: &Client, address: &str, kind: &str) -> String {
    let forwarder = save(client, &json!({ "type": "http", "url": format!("http://{address}/{kind}") }));
    client.test_forwarder(&forwarder, &json!({})).error(500, "INTERNAL")
}

fn files(server: &Server) -> usize {
    let folder = format!("/proc/{}/fd", server.pid().expect("a running server"));
    std::fs::read_dir(folder).expect("the open files of the server").count()
}

/// Sends one record to a target over HTTP; answers what the client is told, and how long it took.
fn deliver(client: &Client, url: &str) -> (String, Duration) {
    let pipeline = pipeline_to(client, &save(client, &json!({ "type": "http", "url": url })));
    let begin = Instant::now();
    let error = client.ingest(&pipeline, &json!([{ "a": "1" }])).error(500, "INTERNAL");
    (error, begin.elapsed())
}

/// Checks that a pipeline that has nothing to do with it still works.
fn works(client: &Client) {
    let (stream, pipeline) = (unique("stream"), unique("pipeline"));
    client.save_pipeline(&pipeline, &Flow::to_stream(&stream));
    assert_eq!(client.ingest(&pipeline, &json!([{ "a": "1" }])).processed(), 1);
}

/// Writes the same thing for ever, a pause behind each.
fn for_ever(connection: &mut TcpStream, head: &str, piece: &[u8], pause: u64) -> io::Result<()> {
    connection.write_all(head.as_bytes())?;
    loop {
        connection.write_all(piece)?;
        std::thread::sleep(Duration::from_millis(pause));
    }
}

type Answer = fn(&mut TcpStream) -> io::Result<()>;

const OK: &str = "HTTP/1.1 200 OK\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";

/// Answers of targets, and what the client is told of each; `|` is between alternatives.
const ANSWERS: &[(&str, Answer, &str)] = &[
    (
        "40,000 header fields",
        |to| to.write_all(format!("{OK}{}\r\n", "a: b\r\n".repeat(40_000)).as_bytes()),
        "message head is too large",
    ),
    (
        "a header of 1 MiB",
        |to| to.write_all(format!("{OK}a: {}\r\n\r\n", "b".repeat(1 << 20)).as_bytes()),
        "message head is too large",
    ),
    ("endless headers", |to| for_ever(to, OK, &[b'a'; 4096], 0), "message head is too large"),
    ("endless informational answers", |to| for_ever(to, "", b"HTTP/1.1 103 Early Hints\r\n\r\n", 1), "no answer within 3s"),
    ("CRLF where there is none", |to| to.write_all(format!("{OK}a\r\n b: c\r\n\r\n").as_bytes()), "invalid HTTP header"),
    ("an endless body", |to| for_ever(to, &format!("{OK}\r\n"), &[b'x'; 65_536], 0), "more than 8388608 bytes"),
    (
        "a body of a byte too many",
        |to| {
            to.write_all(format!("{OK}content-length: {}\r\n\r\n", (8 << 20) + 1).as_bytes())?;
            to.write_all(&vec![b'x'; (8 << 20) + 1])
        },
        "more than 8388608 bytes",
    ),
    (
        "endless chunks",
        |to| for_ever(to, CHUNKED, &format!("40\r\n{}\r\n", "x".repeat(64)).repeat(1000).into_bytes(), 0),
        "more than 8388608 bytes",
    ),
    // Which of the two comes first is a matter of the machine.
    (
        "endless chunks of a byte",
        |to| for_ever(to, CHUNKED, &b"1\r\nx\r\n".repeat(1000), 0),
        "more than 8388608 bytes|no answer within 3s",
    ),
    ("a chunk of 2^64 bytes", |to| for_ever(to, CHUNKED, b"fffffffffffffffff\r\n", 0), "chunk size"),
    ("endless digits of a chunk", |to| for_ever(to, CHUNKED, &[b'0'; 4096], 0), "no answer within 3s"),
    ("an endless chunk extension", |to| for_ever(to, &format!("{CHUNKED}1;"), &[b'x'; 4096], 0), "chunk extensions over limit"),
    ("endless trailers", |to| for_ever(to, &format!("{CHUNKED}0\r\n"), &b"a: b\r\n".repeat(1000), 0), "railers"),
    (
        "two lengths",
        |to| to.write_all(format!("{OK}content-length: 1\r\ncontent-length: 2\r\n\r\nxx").as_bytes()),
        "content-length",
    ),
    ("a byte of the head at a time", |to| for_ever(to, OK, b"a", 100), "no answer within 3s"),
    (
        "a byte of the body at a time",
        |to| for_ever(to, &format!("{OK}content-length: 1000\r\n\r\n"), b"a", 100),
        "no answer within 3s",
    ),
    ("silence", |to| to.read(&mut [0; 1]).map(drop), "no answer within 3s"),
];

#[test]
fn a_hostile_answer_ends_at_a_limit_and_nothing_is_left_of_it() {
    let server = setup().start();
    let client = server.client();
    works(&client);
    deliver(&client, &format!("http://{}", nobody()));
    let (files_before, memory_before) = (files(&server), server.memory());
    for (name, answer, expected) in ANSWERS {
        let (error, took) = deliver(&client, &format!("http://{}/", raw(*answer)));
        assert!(expected.split('|').any(|expected| error.contains(expected)), "{name}: {error}");
        assert!(took < Duration::from_secs(15), "{name}: {took:?}");
        works(&client);
    }
    // A few belong to the database and to the client of this test.
    eventually("the connections are closed", || (files(&server) < files_before + ANSWERS.len() / 2).then_some(()));
    let grown = server.memory().saturating_sub(memory_before);
    assert!(grown < 128 << 20, "{} MiB more than before", grown >> 20);
}

#[test]
fn an_answer_as_large_as_allowed_is_taken() {
    let (_server, client) = shared();
    let most = "x".repeat(8 << 20);
    let (url, _taken) = start(move |_| Reply::new(200, &most));
    client.test_forwarder(&save(&client, &json!({ "type": "http", "url": url })), &json!({})).ok();
}

#[test]
fn redirects_are_checked_counted_and_timed_together() {
    let server = setup().start();
    let client = server.client();
    let (loops, taken) = start(|_| Reply::new(307, "").header("location", "/again"));
    let (error, _) = deliver(&client, &loops);
    assert!(error.contains("more than 10 redirects"), "{error}");
    (0..11).for_each(|_| drop(taken.next()));
    taken.is_over();

    let private = TcpListener::bind("127.0.0.2:0").expect("a port");
    let reached = private.local_addr().expect("an address");
    let (leads, _taken) = start(move |_| Reply::new(307, "").header("location", &format!("http://{reached}/")));
    let (error, _) = deliver(&client, &leads);
    assert!(error.contains("127.0.0.2 is no public address"), "{error}");
    private.set_nonblocking(true).expect("a listener");
    assert!(private.accept().is_err(), "nobody connects");

    for location in ["file:///etc/passwd", "gopher://127.0.0.1:1/", "tcp://127.0.0.1:1/"] {
        let (leads, _taken) = start(move |_| Reply::new(302, "").header("location", location));
        let (error, _) = deliver(&client, &leads);
        assert!(error.contains("only http:// and https://") || error.contains("status code: 302"), "{location}: {error}");
    }

    let (slow, _taken) = start(|_| {
        std::thread::sleep(Duration::from_millis(700));
        Reply::new(307, "").header("location", "/again")
    });
    let (error, took) = deliver(&client, &slow);
    assert!(error.contains("no answer within 3s") && took < Duration::from_secs(6), "{took:?}: {error}");
}

#[test]
fn a_connection_that_answers_a_byte_at_a_time_ends() {
    let server = setup().start();
    let client = server.client();
    // AMQP: the beginning of a frame of 64 KiB; ClickHouse: a text of that length.
    let amqp = raw(|to| for_ever(to, "\u{1}\0\0\0\u{1}\0\0", b"x", 100));
    let clickhouse = raw(|to| for_ever(to, "\0\u{7f}", b"x", 100));
    for config in [
        json!({ "type": "amqp", "url": format!("amqp://{amqp}"), "exchange": "e" }),
        json!({ "type": "clickhouse", "address": clickhouse, "db": "d", "table": "t", "user": "u", "pass": "p", "tls": false }),
    ] {
        let forwarder = save(&client, &config);
        // The first use of a type also loads its component.
        client.test_forwarder(&forwarder, &json!({ "a": "1" })).error(500, "INTERNAL");
        let begin = Instant::now();
        let error = client.test_forwarder(&forwarder, &json!({ "a": "1" })).error(500, "INTERNAL");
        assert!(error.contains("no answer within 3s"), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(9), "{:?}", begin.elapsed());
    }
}

#[test]
fn headers_with_line_breaks_are_never_sent() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(200, ""));
    for (name, value) in
        [("X-A", "1\r\nX-Evil: 1"), ("X-A", "1\nX-Evil: 1"), ("X-A\r\nX-Evil", "1"), ("X-A: 1\r\nX-Evil", "1"), ("X A", "1")]
    {
        let config = json!({ "type": "http", "url": url, "headers": { name: value } });
        let forwarder = unique("forwarder");
        let body = json!({ "forwarder": { "version": 2, "config": config } });
        let saved = client.put(&format!("/api/v1/forwarders/{forwarder}"), &body);
        // Refused when it is saved or when it is used, but named.
        let error = match saved.status {
            200 => client.test_forwarder(&forwarder, &json!({})).error(500, "INTERNAL"),
            _ => saved.error(400, "INVALID_ARGUMENT"),
        };
        assert!(error.to_lowercase().contains("header"), "{name:?}: {value:?}: {error}");
    }
    taken.is_over();
}

#[test]
fn a_configuration_cannot_make_a_target_misread_where_a_request_ends() {
    let (_server, client) = shared();
    let (url, taken) = start(|_| Reply::new(200, ""));
    for headers in
        [json!({ "Content-Length": "3" }), json!({ "Transfer-Encoding": "chunked" }), json!({ "Connection": "x", "X": "y" })]
    {
        let config = json!({ "type": "http", "url": url, "headers": headers, "body": "whole" });
        client.test_forwarder(&save(&client, &config), &json!({})).ok();
        let request = taken.next();
        assert_eq!((request.json()["body"].as_str(), request.header("connection")), (Some("whole"), ""), "{headers}");
    }
}

#[test]
fn a_component_cannot_make_a_target_misread_where_a_request_ends() {
    let server = misbehaving();
    let (url, taken) = start(|_| Reply::new(200, ""));
    let said = misbehave(&server.client(), url.strip_prefix("http://").expect("an address"), "smuggle");
    assert!(said.contains("done: sent 8"), "{said}");
    for round in 0..8 {
        let request = taken.next();
        assert_eq!((request.method.as_str(), request.body.as_slice()), ("POST", if round % 2 == 0 { &b""[..] } else { b"body" }));
        assert_eq!([request.header("upgrade"), request.header("connection"), request.header("trailer")], [""; 3]);
    }
    taken.is_over();
}

#[test]
fn a_component_reaches_nothing_but_what_it_named() {
    let server = misbehaving();
    for kind in ["elsewhere", "proxy-elsewhere"] {
        let said = misbehave(&server.client(), &nobody(), kind);
        assert!(said.contains("was not granted http://127.0.0.1:1"), "{kind}: {said}");
    }
}

/// Takes connections and keeps them until the peer ends them. Answers the address, how many are open and the most that were.
fn keeps() -> (String, Arc<[AtomicUsize; 2]>) {
    let counts = Arc::new([const { AtomicUsize::new(0) }; 2]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let counted = Arc::clone(&counts);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, counts) = (connection.expect("a connection"), Arc::clone(&counted));
            let open = counts[0].fetch_add(1, Ordering::SeqCst) + 1;
            counts[1].fetch_max(open, Ordering::SeqCst);
            std::thread::spawn(move || {
                let _ = io::copy(&mut connection, &mut io::sink());
                counts[0].fetch_sub(1, Ordering::SeqCst);
            });
        }
    });
    (address, counts)
}

#[test]
fn connections_that_a_component_forgets_are_bounded_and_closed() {
    let server = misbehaving();
    let client = server.client();
    let before = files(&server);
    let (address, counts) = keeps();
    for round in 0..3 {
        let said = misbehave(&client, &address, "leak");
        assert!(said.contains("the plugin holds 16 connections"), "{said}");
        eventually("the connections are closed", || (counts[0].load(Ordering::SeqCst) == 0).then_some(()));
        assert!(counts[1].load(Ordering::SeqCst) <= 16, "round {round}");
    }
    // A few belong to the database and to the client of this test; what is forgotten would be sixteen each time.
    eventually("nothing is left", || (files(&server) < before + 16).then_some(()));
    let said = misbehave(&client, &address, "open-and-close");
    assert!(said.contains("done: opened 200"), "{said}");
    works(&client);
}

#[test]
fn a_component_that_reads_for_ever_is_ended() {
    let server = misbehaving();
    let client = server.client();
    let (silent, counts) = keeps();
    let said = misbehave(&client, &silent, "read-for-ever");
    assert!(said.contains("no answer within 3s"), "{said}");
    eventually("the connection is closed", || (counts[0].load(Ordering::SeqCst) == 0).then_some(()));
    let flood = floods();
    let said = misbehave(&client, &flood, "read-for-ever");
    assert!(said.contains("bytes between itself and the host"), "{said}");
    works(&client);
}

/// Writes as long as the peer reads. Answers the address.
fn floods() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let _ = for_ever(&mut connection.expect("a connection"), "", &[b'x'; 65_536], 0);
        }
    });
    address
}

#[test]
fn a_forwarder_has_sixteen_requests_in_flight_at_most() {
    let server = setup().env("HEADWORKS_SANDBOX_NETWORK_WAIT_MS", "8000").start();
    let client = server.client();
    let (address, counts) = keeps();
    let [open, most] = &*counts;
    // The first use of a type also loads its component.
    deliver(&client, &format!("http://{}", nobody()));
    let forwarder = save(&client, &json!({ "type": "http", "url": format!("http://{address}/") }));
    let pipelines: Vec<String> = (0..24).map(|_| pipeline_to(&client, &forwarder)).collect();
    std::thread::scope(|scope| {
        for pipeline in &pipelines {
            let client = &client;
            scope.spawn(move || client.ingest(pipeline, &json!([{ "a": "1" }])).error(500, "INTERNAL"));
        }
        eventually("sixteen are in flight", || (open.load(Ordering::SeqCst) == 16).then_some(()));
        works(&client);
        // The other eight would have come by now.
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(most.load(Ordering::SeqCst), 16);
    });
    eventually("the connections are closed", || (open.load(Ordering::SeqCst) == 0).then_some(()));
}
