//! Configurations against the JSON Schema (2020-12) of their plugin.
//!
//! A schema comes from a stranger. What must stay true: reading one and checking against it end within bounds that are written
//! here, whatever they hold; what this does not understand is refused when the plugin is uploaded, and never passed over.
//! Own code, because the libraries for it bound neither and pull in what would change how wasmtime is built.

mod assert;
mod read;
#[cfg(test)]
mod tests;

use headworks_core::{Error, ErrorCode, Result};
use regex::Regex;
use serde_json::Value;
use std::collections::HashMap;
use std::fmt::Write;

/// The most bytes of a schema.
const SCHEMA_BYTES: usize = 64 << 10;
/// The deepest nesting of a schema with what it refers to in its place.
const DEPTH: usize = 100;
/// The most steps of one check.
const STEPS: usize = 2_000_000;
/// The most patterns in a schema.
const PATTERNS: usize = 100;
/// The most bytes of a compiled pattern.
const PATTERN_BYTES: usize = 256 << 10;
/// The most bytes of a configuration.
pub const CONFIG_BYTES: usize = 1 << 20;
/// The most bytes of what is said of a mistake: it may quote the schema.
const MESSAGE_BYTES: usize = 2 << 10;

/// A schema that can be used.
#[derive(Debug)]
pub(crate) struct Schema {
    root: Value,
    patterns: HashMap<String, Regex>,
}

/// What is wrong with a value, and where it is.
#[derive(Debug)]
struct Mistake {
    place: String,
    what: String,
}

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// [`ErrorCode::PluginRefused`] says what is wrong with it.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let refused =
            |why: String| Error::new(ErrorCode::PluginRefused, format!("the plugin's config-schema cannot be used: {why}"));
        if text.len() > SCHEMA_BYTES {
            return Err(refused(format!("it has {} bytes, and {SCHEMA_BYTES} is the most", text.len())));
        }
        let root: Value = serde_json::from_str(text).map_err(|error| refused(format!("it is no JSON: {error}")))?;
        let patterns = read::patterns(&root).map_err(refused)?;
        Ok(Self { root, patterns })
    }

    /// Whether the configuration is a text, which the plugin gets as it is.
    pub(crate) fn wants_text(&self) -> bool {
        self.root.get("type").and_then(Value::as_str) == Some("string")
    }

    /// Checks a configuration and answers the text that the plugin is opened with.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidProgram`] with the first mistake; the member is its place, such as `config.rules[0]`.
    pub(crate) fn check(&self, config: &Value) -> Result<String> {
        let text = match config {
            Value::String(text) if self.wants_text() => text.clone(),
            other => other.to_string(),
        };
        if text.len() > CONFIG_BYTES {
            let message = format!("the configuration has {} bytes, and {CONFIG_BYTES} is the most", text.len());
            return Err(Error::new(ErrorCode::TooLarge, message).at("config"));
        }
        let mut check = assert::Check { schema: self, steps: STEPS };
        let Err(Mistake { place, what }) = check.value(&self.root, config, &assert::Path::Root, 0) else { return Ok(text) };
        let mut message = format!("{place}: {what}");
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        Err(Error::new(ErrorCode::InvalidProgram, message).at(place))
    }

    /// What a reference leads to.
    fn target(&self, reference: &str) -> Option<&Value> {
        read::target(&self.root, reference)
    }
}

/// A list of texts in words.
fn quoted<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut all = String::new();
    for text in texts {
        // Writing to memory does not fail.
        let _ = write!(all, "{}{text:?}", if all.is_empty() { "" } else { ", " });
    }
    all
}
