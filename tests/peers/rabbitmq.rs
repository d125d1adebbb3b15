//! amqp with a RabbitMQ of its own: started on a folder of the test, with free ports, and stopped in the end.

use crate::capture::amqp::{content, method, read, short};
use headworks_tests::{Client, Flow, Server, Setup, eventually};
use serde_json::{Value, json};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// Where Debian's package keeps the scripts that need no service and no user of their own.
const SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

struct Broker {
    folder: TempDir,
    child: Child,
    port: u16,
    epmd: u16,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl Broker {
    fn start() -> Self {
        let server = Path::new(SCRIPTS).join("rabbitmq-server");
        assert!(server.is_file(), "{} is missing: `make peers` installs it", server.display());
        let folder = TempDir::with_prefix("rabbitmq-").expect("a folder");
        let (port, distribution, epmd) = (free_port(), free_port(), free_port());
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("plugins"), "[].").expect("the list of plugins");
        let child = Command::new(server)
            .env("HOME", folder.path())
            .env("RABBITMQ_NODENAME", format!("test{port}@localhost"))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", path("data"))
            .env("RABBITMQ_LOG_BASE", path("log"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
            .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("ERL_EPMD_PORT", epmd.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("RabbitMQ starts");
        let broker = Self { folder, child, port, epmd };
        eventually("RabbitMQ takes connections", || TcpStream::connect(("127.0.0.1", port)).ok());
        broker
    }

    fn url(&self, login: &str, virtual_host: &str) -> String {
        format!("amqp://{login}@127.0.0.1:{}/{virtual_host}", self.port)
    }

    /// Calls `rabbitmqctl`.
    fn control(&self, arguments: &[&str]) -> Output {
        let node = format!("test{}@localhost", self.port);
        let mut command = Command::new(Path::new(SCRIPTS).join("rabbitmqctl"));
        command.args(["-n", &node]).args(arguments).env("HOME", self.folder.path()).env("RABBITMQ_CONF_ENV_FILE", "/dev/null");
        command.env("ERL_EPMD_ADDRESS", "127.0.0.1").env("ERL_EPMD_PORT", self.epmd.to_string());
        command.output().expect("rabbitmqctl runs")
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The child is a script; what it started ends with the node.
        if !self.control(&["stop"]).status.success() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
        let _ = Command::new("epmd").args(["-port", &self.epmd.to_string(), "-kill"]).output();
    }
}

/// A consumer: it has a queue that takes everything from `amq.topic`.
struct Consumer(TcpStream);

impl Consumer {
    fn new(port: u16) -> Self {
        let mut connection = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
        connection.write_all(b"AMQP\x00\x00\x09\x01").expect("a header");
        let mut consumer = Self(connection);
        consumer.wait([0, 10, 0, 10]);
        consumer.say(&method(0, 10, 11, b"\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US"));
        let tune = consumer.wait([0, 10, 0, 30]);
        consumer.say(&method(0, 10, 31, &[&tune[4..10], &[0, 0]].concat()));
        consumer.say(&method(0, 10, 40, b"\x01/\0\0"));
        consumer.wait([0, 10, 0, 41]);
        consumer.say(&method(1, 20, 10, &[0]));
        consumer.wait([0, 20, 0, 11]);
        consumer.say(&method(1, 50, 10, b"\0\0\x05taken\0\0\0\0\0"));
        consumer.wait([0, 50, 0, 11]);
        consumer.say(&method(1, 50, 20, b"\0\0\x05taken\x09amq.topic\x01#\0\0\0\0\0"));
        consumer.wait([0, 50, 0, 21]);
        consumer
    }

    fn say(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).expect("a written frame");
    }

    fn wait(&mut self, wanted: [u8; 4]) -> Vec<u8> {
        let (_, payload) = read(&mut self.0).expect("an answer");
        assert_eq!(payload[..4], wanted, "{}", String::from_utf8_lossy(&payload));
        payload
    }

    /// The next message of the queue: its routing key, content type and body.
    fn next(&mut self) -> (String, String, Value) {
        self.say(&method(1, 60, 70, b"\0\0\x05taken\x01"));
        let got = self.wait([0, 60, 0, 71]);
        let mut arguments = &got[13..];
        let (exchange, key) = (short(&mut arguments), short(&mut arguments));
        assert_eq!(exchange, "amq.topic");
        let (content_type, body) = content(&mut self.0);
        (key, content_type, serde_json::from_slice(&body).expect("JSON"))
    }
}

fn server() -> (Server, Client) {
    let server = Setup::new().env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").start();
    let client = server.client();
    (server, client)
}

#[test]
fn records_reach_a_queue_before_the_answer_and_after_the_broker_has_closed_the_connection() {
    let (_server, client) = server();
    let broker = Broker::start();
    let mut consumer = Consumer::new(broker.port);
    let config = json!({ "type": "amqp", "url": broker.url("guest:guest", "%2F"), "exchange": "amq.topic", "routing_key": "log.key",
        "body": "text" });
    client.save_forwarder("mq", &config);
    client.save_pipeline("mq", &Flow::to_forwarder("mq"));
    client.test_forwarder("mq", &json!({ "m": "1" })).ok();
    assert_eq!(client.ingest("mq", &json!([{ "m": "2" }, { "m": "3" }])).processed(), 2);
    for _ in 0..3 {
        let (key, content_type, body) = consumer.next();
        assert_eq!((key.as_str(), content_type.as_str(), &body["body"]), ("log.key", "application/json", &json!("text")));
    }
    let closed = broker.control(&["close_all_connections", "a test"]);
    assert!(closed.status.success(), "{closed:?}");
    assert_eq!(client.ingest("mq", &json!([{ "m": "4" }])).processed(), 1);
    assert_eq!(Consumer::new(broker.port).next().0, "log.key");
}

#[test]
fn what_the_broker_refuses_is_told() {
    let (_server, client) = server();
    let broker = Broker::start();
    for (login, virtual_host, exchange, expected) in [
        ("guest:guest", "%2F", "nowhere", "NOT_FOUND - no exchange 'nowhere'"),
        ("guest:wrong", "%2F", "amq.topic", "ACCESS_REFUSED"),
        ("guest:guest", "nowhere", "amq.topic", "vhost nowhere not found"),
    ] {
        client.save_forwarder("mq", &json!({ "type": "amqp", "url": broker.url(login, virtual_host), "exchange": exchange }));
        let error = client.test_forwarder("mq", &json!({})).error(500, "INTERNAL");
        assert!(error.contains(expected), "{error}");
    }
}
