//! A hook as it is saved: whom it tells, and of what.

use crate::webhook::Webhook;
use headworks_core::{Document, Error, ErrorCode, Result};
use headworks_registry::EventKind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most bytes of a name and of a component's configuration.
const NAME_BYTES: usize = 128;
const CONFIG_BYTES: usize = 256 << 10;

/// Whom a hook tells, and of what.
#[derive(Clone, Debug, PartialEq)]
pub struct Hook {
    /// Whom.
    pub target: Target,
    /// Of these events; of all where it is empty.
    pub events: Vec<EventKind>,
}

/// Whom a hook tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A server that takes JSON over HTTP.
    Webhook(Webhook),
    /// The log of this server.
    Log,
    /// A plugin.
    Component(Component),
}

/// A plugin that is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its name; an event hook.
    pub plugin: String,
    /// Its configuration.
    #[serde(default = "empty")]
    pub config: Value,
}

/// The form in documents and requests.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    r#type: String,
    #[serde(default = "empty")]
    config: Value,
    #[serde(default)]
    events: Vec<String>,
}

fn empty() -> Value {
    Value::Object(Map::new())
}

fn config<T: DeserializeOwned>(config: Value) -> Result<T> {
    serde_json::from_value(config).map_err(|error| Error::invalid(format!("the configuration is wrong: {error}")).at("config"))
}

impl Hook {
    /// Reads a hook that somebody sent.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member to blame.
    pub fn read(sent: &[u8]) -> Result<Self> {
        let form: Form = serde_json::from_slice(sent)
            .map_err(|error| Error::invalid(format!("the event hook cannot be read: {error}")).at("body"))?;
        let target = match form.r#type.as_str() {
            "webhook" => Target::Webhook(config(form.config)?),
            "log" => match form.config {
                Value::Object(members) if members.is_empty() => Target::Log,
                _ => return Err(Error::invalid("a hook of the type log has no configuration").at("config")),
            },
            "component" => Target::Component(config(form.config)?),
            other => {
                let message = format!("there is no type of event hook {other:?}: it is webhook, log or component");
                return Err(Error::invalid(message).at("type"));
            }
        };
        if form.events.len() > EventKind::ALL.len() {
            return Err(Error::invalid("each type of event is named once").at("events"));
        }
        let mut events = Vec::with_capacity(form.events.len());
        for (at, name) in form.events.iter().enumerate() {
            let known = EventKind::ALL.iter().copied().find(|kind| kind.as_str() == name.as_str());
            let Some(kind) = known.filter(|kind| !events.contains(kind)) else {
                let names: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
                let message = format!("{name:?} is no type of event, or stands twice: there are {}", names.join(", "));
                return Err(Error::invalid(message).at(format!("events[{at}]")));
            };
            events.push(kind);
        }
        let hook = Self { target, events };
        hook.check()?;
        Ok(hook)
    }

    fn check(&self) -> Result<()> {
        match &self.target {
            Target::Webhook(webhook) => webhook.check(),
            Target::Log => Ok(()),
            Target::Component(Component { plugin, config }) => {
                if plugin.is_empty() || plugin.len() > NAME_BYTES {
                    return Err(Error::invalid(format!("the name of a plugin has 1 to {NAME_BYTES} bytes")).at("config.plugin"));
                }
                if config.to_string().len() > CONFIG_BYTES {
                    let message = format!("a configuration has at most {CONFIG_BYTES} bytes of JSON");
                    return Err(Error::invalid(message).at("config.config"));
                }
                Ok(())
            }
        }
    }

    /// Reads a stored hook.
    pub(crate) fn decode(document: &Document) -> Result<Self> {
        let named = |error: Error| {
            let message = format!("the stored event hook `{}` cannot be read: {}", document.key.name, error.message);
            Error::new(ErrorCode::Corrupt, message)
        };
        Self::read(&document.body).map_err(named)
    }

    /// The name of its type.
    pub fn kind(&self) -> &'static str {
        match &self.target {
            Target::Webhook(_) => "webhook",
            Target::Log => "log",
            Target::Component(_) => "component",
        }
    }

    /// Its configuration.
    pub fn config(&self) -> Value {
        let config = match &self.target {
            Target::Webhook(webhook) => serde_json::to_value(webhook),
            Target::Log => Ok(empty()),
            Target::Component(component) => serde_json::to_value(component),
        };
        config.unwrap_or_default()
    }

    /// The names of the events that it is told of; none means all.
    pub fn event_names(&self) -> Vec<&'static str> {
        self.events.iter().map(|kind| kind.as_str()).collect()
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let events = self.event_names().into_iter().map(str::to_owned).collect();
        let form = Form { r#type: self.kind().to_owned(), config: self.config(), events };
        serde_json::to_vec(&form).map_err(|error| Error::internal(error.to_string()))
    }

    /// Whether it is told of such events.
    pub(crate) fn wants(&self, kind: EventKind) -> bool {
        self.events.is_empty() || self.events.contains(&kind)
    }
}

/// Refuses a name that no hook can have.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(fits) {
        let message =
            format!("the name of an event hook has 1 to {NAME_BYTES} ASCII letters, digits, hyphens, underscores and points");
        return Err(Error::invalid(message).at("name"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(hook: &Value) -> Result<Hook> {
        Hook::read(hook.to_string().as_bytes())
    }

    #[test]
    fn a_hook_is_read_as_it_is_written() {
        for hook in [
            json!({"type": "log"}),
            json!({"type": "webhook", "config": {"url": "https://example.com/in"}, "events": ["CREATE_BUCKET", "REGISTRY_START"]}),
            json!({"type": "component", "config": {"plugin": "chat", "config": {"a": [1]}}}),
        ] {
            let hook = read(&hook).unwrap();
            assert_eq!(Hook::read(&hook.encode().unwrap()).unwrap(), hook);
        }
        let hook = read(&json!({"type": "log", "events": ["DELETE_FLOW"]})).unwrap();
        assert!(hook.wants(EventKind::DeleteFlow) && !hook.wants(EventKind::CreateFlow));
        assert!(EventKind::ALL.iter().all(|kind| read(&json!({"type": "log"})).unwrap().wants(*kind)));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (hook, member) in [
            (json!([]), "body"),
            (json!({"type": "log", "more": 1}), "body"),
            (json!({"type": "script", "config": {}}), "type"),
            (json!({"type": "log", "config": {"a": 1}}), "config"),
            (json!({"type": "log", "events": ["CREATE_BUCKET", "create_bucket"]}), "events[1]"),
            (json!({"type": "log", "events": ["CREATE_BUCKET", "CREATE_BUCKET"]}), "events[1]"),
            (json!({"type": "component", "config": {"config": {}}}), "config"),
            (json!({"type": "component", "config": {"plugin": ""}}), "config.plugin"),
            (json!({"type": "webhook", "config": {"url": "https://a/", "more": 1}}), "config"),
            (json!({"type": "webhook", "config": {"url": "ftp://a/"}}), "config.url"),
        ] {
            assert_eq!(read(&hook).unwrap_err().member.as_deref(), Some(member), "{hook}");
        }
    }
}
