//! Reading a Server-Sent Events answer as a client does.

use crate::client::{Client, query, segment};
use http::Method;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// How long an event may take before a test gives up. Only a guard.
const PATIENCE: Duration = Duration::from_secs(60);

/// One event: a block of lines that an empty line ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its `id` line.
    pub id: String,
    /// Its `event` line.
    pub name: String,
    /// Its `data` lines, joined by line feeds.
    pub data: String,
}

/// An open event stream.
#[derive(Debug)]
pub struct Events {
    received: Receiver<Event>,
    /// The headers of the answer, which arrived before any event.
    pub headers: http::HeaderMap,
}

impl Events {
    /// Watches a stream; answers once the headers of the answer are there.
    pub fn watch(client: &Client, stream: &str, parameters: &[(&str, &str)]) -> Self {
        Self::open(client, &format!("/api/v1/streams/{}/logs/watch{}", segment(stream), query(parameters)))
    }

    /// Follows the events of a path; answers once the headers of the answer are there.
    pub fn open(client: &Client, path: &str) -> Self {
        let response =
            client.open(Method::GET, path, &[("Accept", "text/event-stream")], None).expect("the headers of the watch");
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers().clone();
        let mut lines = BufReader::new(response.into_body().into_reader()).lines();
        let (send, received) = channel();
        // Reading blocks for as long as nothing happens, hence a thread; it ends with the connection.
        std::thread::spawn(move || {
            let mut event = Event::default();
            let mut data: Vec<String> = Vec::new();
            while let Some(Ok(line)) = lines.next() {
                if line.is_empty() {
                    event.data = data.join("\n");
                    data.clear();
                    if send.send(std::mem::take(&mut event)).is_err() {
                        return;
                    }
                } else if let Some((name, value)) = line.split_once(':') {
                    let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
                    match name {
                        "id" => event.id = value,
                        "event" => event.name = value,
                        "data" => data.push(value),
                        "" => {}
                        other => event.data = format!("unknown line {other}"),
                    }
                } else {
                    event.name = format!("line without a colon: {line}");
                }
            }
        });
        Self { received, headers }
    }

    /// The next event.
    ///
    /// # Panics
    /// When none comes, or the stream ends.
    pub fn next(&self) -> Event {
        self.received.recv_timeout(PATIENCE).unwrap_or_else(|error| panic!("no further event: {error}"))
    }

    /// The fields of the next record.
    ///
    /// # Panics
    /// When the next event is no record.
    pub fn next_fields(&self) -> Value {
        let event = self.next();
        assert_eq!(event.name, "log", "{event:?}");
        event.record()["fields"].take()
    }

    /// Waits for the end of the stream. Answers whether it ended without a further event.
    pub fn ended(&self) -> bool {
        self.received.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Disconnected)
    }
}

impl Event {
    /// The data as JSON.
    pub fn record(&self) -> Value {
        serde_json::from_str(&self.data).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
