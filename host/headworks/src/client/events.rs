//! Reading server-sent events: those of `watch_logs` (FlowG 10.7) and of a plugin's log.

use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};

/// The records of an event stream, until it ends.
pub(super) struct Events<R> {
    lines: std::io::Lines<BufReader<R>>,
}

/// One block of lines.
#[derive(Default)]
struct Event {
    name: String,
    data: Vec<String>,
}

impl<R: Read> Events<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { lines: BufReader::new(reader).lines() }
    }

    /// The next record; `None` at the end of the stream. What the server lost on the way is said on standard error.
    pub(super) fn next(&mut self) -> Result<Option<Value>> {
        loop {
            let Some(event) = self.event()? else { return Ok(None) };
            let data = event.data.join("\n");
            match event.name.as_str() {
                "log" => return Ok(Some(serde_json::from_str(&data).context("the server sent a record that is no JSON")?)),
                "error" => bail!("{}", super::harmless(&data)),
                "exception" => eprintln!("headworks: {}", super::harmless(&data)),
                _ => {}
            }
        }
    }

    fn event(&mut self) -> Result<Option<Event>> {
        let mut event = Event::default();
        for line in &mut self.lines {
            let line = line.context("the stream of events broke off")?;
            if line.is_empty() {
                return Ok(Some(event));
            }
            let (name, value) = line.split_once(':').unwrap_or((&line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match name {
                "event" => event.name = value.to_owned(),
                "data" => event.data.push(value.to_owned()),
                _ => {}
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_and_comments_passed_over() {
        let text = ":\nid: 1\nevent: log\ndata: {\"fields\":\ndata: {}}\n\n:\n:\nevent: exception\ndata: 3 lost\n\nevent: log\ndata: {}\n\n";
        let mut events = Events::new(text.as_bytes());
        assert_eq!(events.next().unwrap(), Some(serde_json::json!({"fields": {}})));
        assert_eq!(events.next().unwrap(), Some(serde_json::json!({})));
        assert_eq!(events.next().unwrap(), None);
        let mut events = Events::new("event: error\ndata: no such function\n\n".as_bytes());
        assert_eq!(events.next().unwrap_err().to_string(), "no such function");
    }
}
