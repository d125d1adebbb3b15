//! A forwarder that lies about what it did, or does nothing for ever, in the way that the path of the `url` in its
//! configuration names. It delivers to nobody.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.1", world: "forwarder" });

use exports::headworks::plugin::forwarding::{Guest as Forwarding, GuestSink, OpenError, Rejection, Report, Retry, Sink, Stop};
use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use headworks::plugin::batches::Batch;
use std::hint::black_box;

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: "test-reports".to_owned(),
            version: "0.1.0".to_owned(),
            summary: "Lies about what it delivered".to_owned(),
            config_schema: "true".to_owned(),
            grants: vec!["http://asked.example:80".to_owned()],
        }
    }
}

struct Liar {
    kind: String,
}

/// What the path of the URL names.
fn kind(config: &str) -> String {
    let url = config.split("http://").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    url.rsplit('/').next().unwrap_or_default().to_owned()
}

fn spin() -> ! {
    loop {
        black_box(());
    }
}

fn rejections(indexes: &[u32]) -> Vec<Rejection> {
    indexes.iter().map(|&index| Rejection { index, reason: "because".to_owned() }).collect()
}

fn stop(at: u32) -> Option<Stop> {
    Some(Stop { at, reason: "no more".to_owned(), retry: Retry::Never })
}

impl Forwarding for Component {
    type Sink = Liar;

    fn targets(config: String) -> Result<Vec<String>, OpenError> {
        match kind(&config).as_str() {
            "loop-in-targets" => spin(),
            "unasked-target" => Ok(vec!["http://other.example:80".to_owned()]),
            "no-target" => Ok(vec!["file:///etc/passwd".to_owned()]),
            _ => Ok(Vec::new()),
        }
    }
}

impl GuestSink for Liar {
    fn open(config: String) -> Result<Sink, OpenError> {
        match kind(&config).as_str() {
            "loop-in-sink" => spin(),
            kind => Ok(Sink::new(Self { kind: kind.to_owned() })),
        }
    }

    fn send(&self, records: Batch) -> Report {
        let len = records.len();
        match self.kind.as_str() {
            "stopped-behind-the-end" => Report { rejected: Vec::new(), stopped: stop(len + 7) },
            "rejects-what-is-not-there" => Report { rejected: rejections(&[len]), stopped: None },
            "rejects-twice" => Report { rejected: rejections(&[0, 0]), stopped: None },
            "rejects-behind-the-stop" => Report { rejected: rejections(&[0]), stopped: stop(0) },
            "rejects-very-many" => Report { rejected: rejections(&vec![0; 1_000_000]), stopped: None },
            "loop-in-send" => spin(),
            "trap-in-send" => core::arch::wasm32::unreachable(),
            _ => Report { rejected: Vec::new(), stopped: None },
        }
    }

    fn flush(&self) -> Result<(), Stop> {
        match self.kind.as_str() {
            "flush-stopped-behind-the-end" => stop(1000).map_or(Ok(()), Err),
            "loop-in-flush" => spin(),
            "trap-in-flush" => core::arch::wasm32::unreachable(),
            _ => Ok(()),
        }
    }
}

export!(Component);
