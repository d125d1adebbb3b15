//! Posts events as JSON.

use headworks_plugin::http::{self, Request};
use headworks_plugin::{About, EventHook, OpenError, Outcome, RegistryEvent, export};
use serde::Deserialize;
use serde_json::{Map, json};

#[derive(Deserialize)]
struct Config {
    url: String,
}

struct Plugin {
    url: String,
}

impl EventHook for Plugin {
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

    fn handle(&mut self, event: &RegistryEvent) -> Outcome {
        let fields: Map<_, _> = event.fields.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        Outcome::of(Request::post_json(&self.url, &json!({"type": event.kind, "fields": fields})).send())
    }
}

export!(Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use headworks_plugin::{EventHook, Outcome, RegistryEvent, testing};
    use serde_json::json;

    #[test]
    fn an_event_is_posted() {
        let mut plugin: Plugin = testing::open_event_hook(json!({"url": "https://example.com/in"})).unwrap();
        let event = RegistryEvent::new("DELETE_BUCKET", &[("BUCKET_ID", "b"), ("USER", "alice")]);
        assert_eq!(plugin.handle(&event), Outcome::Done);
        assert_eq!(testing::requests()[0].body, br#"{"fields":{"BUCKET_ID":"b","USER":"alice"},"type":"DELETE_BUCKET"}"#);
    }
}
