//! Tells a chat what was done in the registry: a sentence for each event, to a webhook as Slack, Mattermost and others have it.

use headworks_plugin::http::{self, Request};
use headworks_plugin::{About, EventHook, OpenError, Outcome, RegistryEvent, export, metrics, secrets};
use serde::Deserialize;
use serde_json::json;

/// The secret that holds the address of the webhook.
const SECRET: &str = "chat-webhook-url";

#[derive(Deserialize)]
struct Config {
    host: String,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    ignored_users: Vec<String>,
}

struct Plugin {
    url: String,
    channel: Option<String>,
    ignored_users: Vec<String>,
}

impl EventHook for Plugin {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &["https://*:*", "http://*:*", "secret:chat-webhook-url"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, OpenError> {
        Ok(vec![http::target(&config.host)?])
    }

    fn open(config: Config) -> Result<Self, OpenError> {
        let missing = || OpenError::InvalidConfig(format!("the secret {SECRET} is not set or not granted"));
        let url = secrets::get(SECRET).ok_or_else(missing)?;
        if http::target(&url)? != http::target(&config.host)? {
            return Err(OpenError::InvalidConfig(format!("host: the webhook in the secret {SECRET} is somewhere else")));
        }
        Ok(Self { url, channel: config.channel, ignored_users: config.ignored_users })
    }

    fn handle(&mut self, event: &RegistryEvent) -> Outcome {
        if event.field("USER").is_some_and(|user| self.ignored_users.iter().any(|ignored| ignored == user)) {
            return Outcome::Done;
        }
        let mut message = json!({"text": sentence(event)});
        if let (Some(channel), Some(message)) = (&self.channel, message.as_object_mut()) {
            message.insert("channel".to_owned(), json!(channel));
        }
        let outcome = Outcome::of(Request::post_json(&self.url, &message).send());
        if outcome == Outcome::Done {
            metrics::count("messages_sent_total", 1);
        }
        outcome
    }
}

/// What was done, for people.
fn sentence(event: &RegistryEvent) -> String {
    if event.kind == "REGISTRY_START" {
        return "The registry is up.".to_owned();
    }
    let (deed, thing) = event.kind.split_once('_').unwrap_or(("", &event.kind));
    let deed = match deed {
        "CREATE" => "created",
        "UPDATE" => "changed",
        "DELETE" => "deleted",
        other => other,
    };
    let named = |name: &str| event.field(name).filter(|value| !value.is_empty()).map(escaped);
    let user = named("USER").unwrap_or_else(|| "Somebody".to_owned());
    let thing = thing.to_lowercase().replace('_', " ");
    let identifier = ["EXTENSION_BUNDLE_ID", "FLOW_ID", "USER_IDENTITY", "USER_GROUP_IDENTITY", "POLICY_ID", "BUCKET_ID"];
    let identifier = identifier.into_iter().find_map(named).map(|value| format!(" `{value}`")).unwrap_or_default();
    let version = named("VERSION").map(|version| format!(", version {version}")).unwrap_or_default();
    let comment = named("COMMENT").map(|comment| format!("\n> {}", comment.replace('\n', "\n> "))).unwrap_or_default();
    format!("*{user}* {deed} the {thing}{identifier}{version}{comment}")
}

/// What the service takes as it is: & < > begin markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

export!(Plugin);

#[cfg(test)]
mod tests {
    use super::{Plugin, sentence};
    use headworks_plugin::{EventHook, Outcome, RegistryEvent, testing};
    use serde_json::json;

    #[test]
    fn events_are_told_in_sentences() {
        for (kind, fields, expected) in [
            ("REGISTRY_START", &[][..], "The registry is up."),
            ("DELETE_BUCKET", &[("BUCKET_ID", "b1"), ("USER", "al<ice>")], "*al&lt;ice&gt;* deleted the bucket `b1`"),
            (
                "CREATE_FLOW_VERSION",
                &[("BUCKET_ID", "b"), ("FLOW_ID", "f"), ("VERSION", "3"), ("USER", "bob"), ("COMMENT", "two\nlines")],
                "*bob* created the flow version `f`, version 3\n> two\n> lines",
            ),
            ("UPDATE_USER", &[("USER_ID", "u"), ("USER_IDENTITY", "carol")], "*Somebody* changed the user `carol`"),
        ] {
            assert_eq!(sentence(&RegistryEvent::new(kind, fields)), expected);
        }
    }

    #[test]
    fn ignored_users_are_not_told_of() {
        testing::set_secret("chat-webhook-url", "https://chat.example.com/hook");
        let config = json!({"host": "https://chat.example.com:443", "ignored_users": ["robot"]});
        let mut plugin: Plugin = testing::open_event_hook(config).unwrap();
        let event = |user| RegistryEvent::new("CREATE_BUCKET", &[("BUCKET_ID", "b"), ("USER", user)]);
        assert_eq!(plugin.handle(&event("robot")), Outcome::Done);
        assert!(testing::requests().is_empty());
        assert_eq!(plugin.handle(&event("alice")), Outcome::Done);
        assert_eq!((testing::requests().len(), testing::counter("messages_sent_total")), (1, 1));
    }

    #[test]
    fn the_secret_leads_where_the_configuration_says() {
        testing::set_secret("chat-webhook-url", "https://elsewhere.example.com/hook");
        assert!(testing::open_event_hook::<Plugin>(json!({"host": "https://chat.example.com:443"})).is_err());
    }
}
