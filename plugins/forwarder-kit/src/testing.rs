//! Fakes for native tests: a network that remembers what it was asked and answers what the test says, and expressions that
//! know fields only.

#![allow(clippy::panic, clippy::indexing_slicing, reason = "tests only")]

use crate::failure::{NetworkError, OpenError};
use crate::http::{Request, Response};
use crate::network::{Connection, Machine, Network, Tls};
use crate::record::{Record, Time};
use crate::sink::{Expressions, Forwarder, Report, Sink};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

/// The other end of a connection: what it answers to what it has got.
pub type Peer = Box<dyn FnMut(&[u8]) -> Vec<u8>>;

/// A connection that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dialled {
    /// `host:port`.
    pub address: String,
    /// How it is encrypted.
    pub tls: Option<Tls>,
}

/// A network that exists in the test only.
#[derive(Default)]
pub struct FakeNetwork {
    /// The requests sent.
    pub requests: RefCell<Vec<Request>>,
    /// What they are answered, in order; 200 without a body when there is nothing left.
    pub answers: RefCell<VecDeque<Result<Response, NetworkError>>>,
    /// Who takes the next connections; nobody when there is nothing left.
    pub peers: RefCell<VecDeque<Peer>>,
    /// The connections made.
    pub dialled: RefCell<Vec<Dialled>>,
    /// What was written, per connection.
    pub written: Rc<RefCell<Vec<Vec<u8>>>>,
    /// How many connections were closed.
    pub closed: Rc<RefCell<usize>>,
    /// The datagrams sent.
    pub datagrams: RefCell<Vec<(String, Vec<u8>)>>,
}

/// What the clock of the fake says: 2026-01-02T03:03:05.678901234Z.
pub const NOW: Time = Time { seconds: 1_767_322_985, nanoseconds: 678_901_234 };

impl FakeNetwork {
    /// A network on which nothing was said yet.
    pub fn new() -> Rc<Self> {
        Rc::new(Self::default())
    }

    /// Adds an answer.
    pub fn answer(&self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.answers.borrow_mut().push_back(Ok(Response { status, headers, body: body.to_vec(), trailers: Vec::new() }));
    }

    /// Adds a failure.
    pub fn fail(&self, error: NetworkError) {
        self.answers.borrow_mut().push_back(Err(error));
    }

    /// Adds somebody who takes a connection.
    pub fn listen(&self, peer: impl FnMut(&[u8]) -> Vec<u8> + 'static) {
        self.peers.borrow_mut().push_back(Box::new(peer));
    }

    /// The requests so far; they are forgotten.
    pub fn taken(&self) -> Vec<Request> {
        self.requests.take()
    }

    /// The only request so far; it is forgotten.
    pub fn only(&self) -> Request {
        let mut requests = self.taken();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }
}

impl Network for FakeNetwork {
    fn http(&self, request: Request) -> Result<Response, NetworkError> {
        self.requests.borrow_mut().push(request);
        let answer = self.answers.borrow_mut().pop_front();
        answer.unwrap_or_else(|| Ok(Response { status: 200, ..Response::default() }))
    }

    fn connect(&self, address: &str, tls: Option<&Tls>) -> Result<Box<dyn Connection>, NetworkError> {
        self.dialled.borrow_mut().push(Dialled { address: address.to_owned(), tls: tls.cloned() });
        let peer = self.peers.borrow_mut().pop_front();
        let peer = peer.ok_or_else(|| NetworkError::Unreachable(format!("{address}: connection refused")))?;
        self.written.borrow_mut().push(Vec::new());
        let number = self.written.borrow().len() - 1;
        let (written, closed) = (Rc::clone(&self.written), Rc::clone(&self.closed));
        Ok(Box::new(FakeConnection { peer, number, written, closed, answers: VecDeque::new() }))
    }

    fn datagram(&self, address: &str, bytes: &[u8]) -> Result<(), NetworkError> {
        self.datagrams.borrow_mut().push((address.to_owned(), bytes.to_vec()));
        Ok(())
    }

    fn machine(&self) -> Machine {
        Machine { host_name: "here.example".to_owned(), process_id: 4321 }
    }

    fn now(&self) -> Time {
        NOW
    }

    fn random(&self) -> Result<[u8; 16], String> {
        Ok([0xff; 16])
    }
}

struct FakeConnection {
    peer: Peer,
    number: usize,
    written: Rc<RefCell<Vec<Vec<u8>>>>,
    closed: Rc<RefCell<usize>>,
    answers: VecDeque<u8>,
}

impl Connection for FakeConnection {
    /// Two bytes at a time, so that whoever reads has to put things together.
    fn read(&mut self, most: u32) -> Result<Option<Vec<u8>>, NetworkError> {
        let count = self.answers.len().min(2).min(most as usize);
        Ok(if count == 0 { None } else { Some(self.answers.drain(..count).collect()) })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), NetworkError> {
        self.written.borrow_mut()[self.number].extend_from_slice(bytes);
        self.answers.extend((self.peer)(bytes));
        Ok(())
    }
}

impl Drop for FakeConnection {
    fn drop(&mut self) {
        *self.closed.borrow_mut() += 1;
    }
}

/// Expressions of the form `log.name`; `bad` does not compile and `1` is no text.
pub struct FakeExpressions;

impl Expressions for FakeExpressions {
    type Template = String;
    type Batch = Vec<Record>;

    fn compile(&self, text: &str) -> Result<String, String> {
        match text.strip_prefix("@expr:") {
            None | Some("bad") => Err(format!("{text:?} is no expression")),
            Some(expression) => Ok(expression.to_owned()),
        }
    }

    fn texts(&self, template: &String, batch: &Vec<Record>) -> Vec<Result<String, String>> {
        let text = |record: &Record| match template.strip_prefix("log.") {
            Some(name) => Ok(record.field(name).to_owned()),
            None => Err("expression did not evaluate to string".to_owned()),
        };
        batch.iter().map(text).collect()
    }

    fn records(&self, batch: &Vec<Record>) -> Vec<Record> {
        batch.clone()
    }
}

/// A record that came at [`NOW`].
pub fn record(fields: &[(&str, &str)]) -> Record {
    Record { time: NOW, fields: fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect() }
}

/// A forwarder with this configuration on this network.
///
/// # Errors
/// As [`Sink::open`].
pub fn open<F: Forwarder>(config: &str, network: &Rc<FakeNetwork>) -> Result<Sink<F, FakeExpressions>, OpenError> {
    Sink::open(config, Rc::clone(network) as Rc<dyn Network>, FakeExpressions)
}

/// What a new forwarder with this configuration reports for these records.
///
/// # Panics
/// It cannot be opened.
pub fn deliver<F: Forwarder>(config: &str, network: &Rc<FakeNetwork>, records: &[Record]) -> Report {
    let mut sink = open::<F>(config, network).unwrap_or_else(|error| panic!("{config}: {error:?}"));
    sink.send(&records.to_vec())
}

/// What is wrong with a configuration.
///
/// # Panics
/// Nothing is.
pub fn refusal<F: Forwarder>(config: &str) -> String {
    match open::<F>(config, &FakeNetwork::new()) {
        Err(OpenError::InvalidConfig(why)) => why,
        Err(OpenError::Failed(why)) => panic!("{config}: fails with {why}"),
        Ok(_) => panic!("{config}: is accepted"),
    }
}

/// A header of a request.
pub fn header<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// Checks that the description of a forwarder is whole: the schema is one of 2020-12, every member is described, and the
/// schema's own example opens.
///
/// # Panics
/// It is not.
pub fn check_description<F: Forwarder>(dynamic: &[&str]) {
    let about = F::ABOUT;
    assert!(about.name.starts_with("forwarder-") && !about.grants.is_empty());
    let schema: serde_json::Value = serde_json::from_str(about.schema).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let members = schema["properties"].as_object().unwrap_or_else(|| panic!("no properties"));
    for (name, member) in members {
        assert!(member["description"].is_string(), "{name} is not described");
        assert_eq!(member["x-dynamic"] == true, dynamic.contains(&name.as_str()), "{name}");
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(members.contains_key(name.as_str().unwrap_or_default()), "{name} is required and not there");
    }
    let example = schema["examples"][0].to_string();
    let targets = crate::read_targets::<F>(&example).unwrap_or_else(|error| panic!("{example}: {error}"));
    for target in targets {
        let scheme = target.split("://").next().unwrap_or_default();
        assert!(about.grants.iter().any(|grant| *grant == format!("{scheme}://*:*")), "{target} is not asked for");
    }
}
