//! Posts records as JSON.

use headworks_plugin::http::{self, Request};
use headworks_plugin::{About, Batch, Forwarder, OpenError, Report, Stop, Value, export};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Config {
    url: String,
}

struct Plugin {
    url: String,
}

impl Forwarder for Plugin {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        // What it may reach at most; `targets` says what one configuration needs.
        grants: &["http://*:*", "https://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, OpenError> {
        Ok(vec![http::target(&config.url)?])
    }

    fn open(config: Config) -> Result<Self, OpenError> {
        Ok(Self { url: config.url })
    }

    fn send(&mut self, records: &Batch) -> Report {
        for event in records.events() {
            let fields: BTreeMap<_, _> = event.fields().into_iter().map(|(name, value)| (name, Value::to_json(&value))).collect();
            let request = Request::post_json(&self.url, &serde_json::json!(fields));
            match request.send() {
                Ok(answer) if answer.is_success() => {}
                Ok(answer) => return Report::delivered().stop(answer.stop(event.index())),
                Err(error) => return Report::delivered().stop(Stop::unanswered(event.index(), &error)),
            }
        }
        Report::delivered()
    }
}

export!(forwarder Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use headworks_plugin::{Report, testing};
    use serde_json::json;

    #[test]
    fn each_record_is_posted() {
        let mut plugin: Plugin = testing::open_forwarder(json!({"url": "https://example.com/in"})).unwrap();
        testing::answer(204, &[], "");
        assert_eq!(testing::send(&mut plugin, &[json!({"message": "hello"})]), Report::delivered());
        assert_eq!(testing::requests()[0].body, br#"{"message":"hello"}"#);
    }
}
