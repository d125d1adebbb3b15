//! A forwarder that keeps back all that it is given until it is flushed. Then one request to the `url` of its configuration has
//! the field `n` of every record that it holds, beside its version: `{"version": "1.0.0", "n": ["1", "2"]}`.
//!
//! The status of the answer says how many it counts as delivered: all (2xx), as many as stand in the answer's body (others). What was not
//! delivered may be tried again, after 400 never. It does not forget what it could not deliver.
//!
//! A test makes versions of it by writing settings into it: `name`, `version`, and `work`, which is `trap` for one whose flush
//! traps.

wit_bindgen::generate!({ path: "../../../wit/headworks-plugin/0.1.1", world: "forwarder" });

use exports::headworks::plugin::forwarding::{Guest as Forwarding, GuestSink, OpenError, Report, Retry, Sink, Stop};
use exports::headworks::plugin::plugin::{Description, Guest as Plugin};
use headworks::plugin::batches::Batch;
use headworks::plugin::http::{self, Request, Version};
use settings::setting;
use std::cell::RefCell;

#[path = "../../versioned/src/settings.rs"]
mod settings;

struct Component;

impl Plugin for Component {
    fn describe() -> Description {
        Description {
            name: setting("name"),
            version: setting("version"),
            summary: "Keeps back what it is given".to_owned(),
            config_schema: r#"{"type":"object"}"#.to_owned(),
            grants: vec!["http://*:*".to_owned()],
        }
    }
}

struct Buffer {
    url: String,
    held: RefCell<Vec<String>>,
}

/// Reads `"url":"http://address/path"` out of the configuration.
fn url(config: &str) -> Result<String, OpenError> {
    let url = config.split_once("\"url\":\"").and_then(|(_, rest)| rest.split('"').next());
    url.map(str::to_owned).ok_or_else(|| OpenError::InvalidConfig(format!("no url in {config}")))
}

impl Forwarding for Component {
    type Sink = Buffer;

    fn targets(config: String) -> Result<Vec<String>, OpenError> {
        let url = url(&config)?;
        let end = url.match_indices('/').nth(2).map_or(url.len(), |(place, _)| place);
        Ok(vec![url.split_at(end).0.to_owned()])
    }
}

impl GuestSink for Buffer {
    fn open(config: String) -> Result<Sink, OpenError> {
        Ok(Sink::new(Self { url: url(&config)?, held: RefCell::default() }))
    }

    fn send(&self, records: Batch) -> Report {
        self.held.borrow_mut().extend(records.text_column("n").into_iter().flatten());
        Report { rejected: Vec::new(), stopped: None }
    }

    fn flush(&self) -> Result<(), Stop> {
        if setting("work") == "trap" {
            panic!("this version is broken");
        }
        let numbers: Vec<String> = self.held.borrow().iter().map(|n| format!("{n:?}")).collect();
        let request = Request {
            method: "POST".to_owned(),
            url: self.url.clone(),
            headers: Vec::new(),
            body: format!(r#"{{"version":{:?},"n":[{}]}}"#, setting("version"), numbers.join(",")).into_bytes(),
            version: Version::Http1,
            redirects: 0,
            timeout_milliseconds: 0,
            proxy: None,
            tls: None,
        };
        let stop = |at, reason, retry| Err(Stop { at, reason, retry });
        match http::send(&request) {
            Ok(answer) if (200..300).contains(&answer.status) => {
                self.held.borrow_mut().clear();
                Ok(())
            }
            Ok(answer) => {
                let at = String::from_utf8_lossy(&answer.body).trim().parse().unwrap_or(0);
                let retry = if answer.status == 400 { Retry::Never } else { Retry::AfterMilliseconds(100) };
                stop(at, format!("the target answers {}", answer.status), retry)
            }
            Err(error) => stop(0, format!("{error:?}"), Retry::AfterMilliseconds(100)),
        }
    }
}

export!(Component);
