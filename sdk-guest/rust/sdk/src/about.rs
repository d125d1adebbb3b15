//! What a plugin says of itself, and how it reads its configuration.

use serde::de::DeserializeOwned;
use std::fmt;

/// What a plugin says of itself.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Lower-case words with hyphens; `env!("CARGO_PKG_NAME")` does.
    pub name: &'static str,
    /// Semantic version; `env!("CARGO_PKG_VERSION")` does.
    pub version: &'static str,
    /// One line; `env!("CARGO_PKG_DESCRIPTION")` does.
    pub summary: &'static str,
    /// JSON Schema (2020-12) of the configuration; `include_str!("../schema.json")` does.
    pub config_schema: &'static str,
    /// What the plugin asks for, such as `https://example.com:443` or `secret:token`.
    pub grants: &'static [&'static str],
}

/// Why a plugin cannot start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The configuration cannot be used. Its author reads this text as it is.
    InvalidConfig(String),
    /// Anything else.
    Failed(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidConfig(why) | Self::Failed(why) => to.write_str(why),
        }
    }
}

impl std::error::Error for OpenError {}

/// A text is the complaint about a configuration, so that `?` works on results with texts.
impl From<String> for OpenError {
    fn from(why: String) -> Self {
        Self::InvalidConfig(why)
    }
}

impl From<&str> for OpenError {
    fn from(why: &str) -> Self {
        Self::InvalidConfig(why.to_owned())
    }
}

/// The configuration in a JSON text; an empty text is an empty object.
///
/// # Errors
/// Says which member is missing or wrong.
pub fn read_config<C: DeserializeOwned>(text: &str) -> Result<C, OpenError> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    // To serde a list is as good as an object for a struct.
    if text.trim_start().starts_with('[') {
        return Err(OpenError::InvalidConfig("the configuration: expected an object".to_owned()));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let cause = error.into_inner().to_string();
        // The author of the configuration sees a form, not lines.
        let cause = cause.split(" at line ").next().unwrap_or_default();
        OpenError::InvalidConfig(if path == "." { cause.to_owned() } else { format!("{path}: {cause}") })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[serde(default)]
        limit: u32,
        name: Option<String>,
    }

    #[test]
    fn a_wrong_member_is_named() {
        let why = read_config::<Sample>(r#"{"limit": "many"}"#).unwrap_err();
        assert_eq!(why, OpenError::InvalidConfig("limit: invalid type: string \"many\", expected u32".to_owned()));
        assert!(matches!(read_config::<Sample>("{"), Err(OpenError::InvalidConfig(_))));
        let why = read_config::<Sample>(r#"[5, "x"]"#).unwrap_err();
        assert_eq!(why, OpenError::InvalidConfig("the configuration: expected an object".to_owned()));
    }

    #[test]
    fn nothing_is_an_empty_object() {
        let sample: Sample = read_config(" ").unwrap();
        assert_eq!((sample.limit, sample.name), (0, None));
    }
}
