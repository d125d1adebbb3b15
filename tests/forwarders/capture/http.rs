//! An HTTP/1.1 server that keeps every request as it came.

use super::{Taken, tls};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `POST` and the like.
    pub method: String,
    /// Path and query, or what else stands there.
    pub target: String,
    /// Names in lower case, in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Reply {
    /// A status and a body.
    pub fn new(status: u16, body: &str) -> Self {
        Self::of(status, body.as_bytes().to_vec())
    }

    /// A status and a body that is no text.
    pub fn of(status: u16, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), body }
    }

    /// With a header.
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }
}

impl Request {
    /// A header; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// The names of the headers besides those that every request has, sorted.
    pub fn own_headers(&self) -> Vec<&str> {
        let names = self.headers.iter().map(|(name, _)| name.as_str());
        let mut names: Vec<&str> = names.filter(|name| !["host", "content-length"].contains(name)).collect();
        names.sort_unstable();
        names
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }
}

/// A server that answers with a function. Answers its URL without a path.
pub fn start(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (String, Taken<Request>) {
    let (address, taken) = listen(reply, false);
    (format!("http://{address}"), taken)
}

/// The same with TLS.
pub fn start_tls(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (String, Taken<Request>) {
    let (address, taken) = listen(reply, true);
    (format!("https://{address}"), taken)
}

fn listen(reply: impl Fn(&Request) -> Reply + Send + Sync + 'static, secret: bool) -> (String, Taken<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let (sender, taken) = Taken::new();
    let (reply, config) = (Arc::new(reply), secret.then(tls::config));
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (sender, reply, config) = (sender.clone(), Arc::clone(&reply), config.clone());
            let connection = connection.expect("a connection");
            thread::spawn(move || match config {
                Some(config) => serve(tls::accept(&config, connection), &*reply, &sender),
                None => serve(connection, &*reply, &sender),
            });
        }
    });
    (address, taken)
}

/// Answers the requests of one connection until it ends.
fn serve(connection: impl Read + Write, reply: &dyn Fn(&Request) -> Reply, sender: &Sender<Request>) {
    let mut connection = BufReader::new(connection);
    while let Some(request) = read(&mut connection) {
        let Reply { status, headers, body } = reply(&request);
        let length = body.len();
        let mut answer = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\n");
        for (name, value) in headers {
            answer.push_str(&format!("{name}: {value}\r\n"));
        }
        answer.push_str("\r\n");
        let mut answer = answer.into_bytes();
        if request.method != "HEAD" {
            answer.extend(body);
        }
        if sender.send(request).is_err() || connection.get_mut().write_all(&answer).is_err() {
            return;
        }
        let _ = connection.get_mut().flush();
    }
}

fn read(connection: &mut impl BufRead) -> Option<Request> {
    let mut line = || {
        let mut line = String::new();
        connection.read_line(&mut line).ok().filter(|count| *count > 0).map(|_| line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let mut headers = Vec::new();
    loop {
        let line = line()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, length)| length.parse().unwrap_or(0));
    assert!(!headers.iter().any(|(name, _)| name == "transfer-encoding"), "bodies come with their length");
    let mut body = vec![0; length];
    connection.read_exact(&mut body).ok()?;
    Some(Request { method, target, headers, body })
}
