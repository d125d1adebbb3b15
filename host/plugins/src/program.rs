//! How documents name a plugin: the first line of a transformer's script, the type of a forwarder.

use headworks_core::{Error, ErrorCode, Result};
use headworks_pipelines::Saved;
use serde_json::{Map, Value};

/// What a script begins with that names a plugin.
const MARK: &str = "#!plugin ";
/// The type of forwarders that are made from a plugin.
pub const FORWARDER_TYPE: &str = "plugin";

/// A plugin with its configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// The name of the plugin.
    pub plugin: String,
    /// Its configuration. Text where the plugin's schema wants text.
    pub config: Config,
}

/// A configuration as it is written down.
#[derive(Clone, Debug, PartialEq)]
pub enum Config {
    /// A text that is a JSON document, or the configuration itself where the plugin's schema wants text.
    Text(String),
    /// A JSON document.
    Json(Value),
}

impl Use {
    /// Reads the script of a transformer; `None` for one that names no plugin.
    pub fn of_script(script: &str) -> Option<Self> {
        let (first, rest) = script.split_once('\n').unwrap_or((script, ""));
        let plugin = first.strip_prefix(MARK)?.trim().to_owned();
        Some(Self { plugin, config: Config::Text(rest.to_owned()) })
    }

    /// The script of a transformer that is made from this plugin.
    pub fn to_script(&self) -> String {
        let config = match &self.config {
            Config::Text(text) | Config::Json(Value::String(text)) => text.clone(),
            Config::Json(Value::Null) => String::new(),
            Config::Json(value) => format!("{value:#}"),
        };
        format!("{MARK}{}\n{config}", self.plugin)
    }

    /// Reads the configuration of a forwarder; `None` for one of another type.
    pub fn of_forwarder(config: &Map<String, Value>) -> Option<Self> {
        if config.get("type").and_then(Value::as_str) != Some(FORWARDER_TYPE) {
            return None;
        }
        let plugin = config.get("plugin").and_then(Value::as_str).unwrap_or_default().to_owned();
        Some(Self { plugin, config: Config::Json(config.get("config").cloned().unwrap_or_default()) })
    }

    /// A forwarder that is made from this plugin.
    pub fn to_forwarder(&self, queued: bool) -> Saved {
        let config = match &self.config {
            Config::Text(text) => Value::String(text.clone()),
            Config::Json(value) => value.clone(),
        };
        let members = [("type", FORWARDER_TYPE.into()), ("plugin", self.plugin.clone().into()), ("config", config)];
        Saved { config: members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), queued }
    }
}

impl Config {
    /// Two configurations with the same key are the same.
    pub(crate) fn key(&self) -> String {
        match self {
            Self::Text(text) => format!("text {text}"),
            Self::Json(value) => format!("json {value}"),
        }
    }

    /// The value that the plugin's schema describes.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidProgram`] for a text that is no JSON.
    pub(crate) fn value(&self, wants_text: bool) -> Result<Value> {
        match self {
            Self::Json(value) => Ok(value.clone()),
            Self::Text(text) if wants_text => Ok(Value::String(text.clone())),
            Self::Text(text) if text.trim().is_empty() => Ok(Value::Object(Map::new())),
            Self::Text(text) => serde_json::from_str(text).map_err(|error| {
                let message = format!("the configuration of the plugin is no JSON: {error}");
                Error::new(ErrorCode::InvalidProgram, message).at("config")
            }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scripts_that_name_a_plugin_are_read_as_they_are_written() {
        assert_eq!(Use::of_script(".a = 1\n#!plugin x"), None);
        assert_eq!(Use::of_script(""), None);
        let read = Use::of_script("#!plugin redact \r\n{\"a\": 1}").unwrap();
        assert_eq!((read.plugin.as_str(), read.config.value(false).unwrap()), ("redact", json!({"a": 1})));
        assert_eq!(read.config.value(true).unwrap(), json!("{\"a\": 1}"));
        for config in [json!({"a": [1, {"b": null}]}), json!("two\nlines"), json!(5)] {
            let written = Use { plugin: "p".to_owned(), config: Config::Json(config.clone()) }.to_script();
            assert_eq!(Use::of_script(&written).unwrap().config.value(config.is_string()).unwrap(), config);
        }
        assert_eq!(Use::of_script("#!plugin p").unwrap().config.value(false).unwrap(), json!({}));
        assert!(Use::of_script("#!plugin p\n{").unwrap().config.value(false).is_err());
    }

    #[test]
    fn forwarders_that_name_a_plugin_are_read_as_they_are_written() {
        let used = Use { plugin: "p".to_owned(), config: Config::Json(json!({"url": "x"})) };
        let saved = used.to_forwarder(true);
        assert!(saved.queued);
        assert_eq!(Use::of_forwarder(&saved.config), Some(used));
        let other = json!({"type": "http", "plugin": "p"});
        assert_eq!(Use::of_forwarder(other.as_object().unwrap()), None);
    }
}
