//! What is stored of plugins: a document per plugin, per version and per version's tests.
//!
//! What must stay true: the names of members never change their meaning, for they are on disks.

use headworks_core::{DocumentKey, Error, ErrorCode, Result, TenantId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use headworks_pipelines::PLUGIN;
/// Kind of the documents of versions. Their scope is the plugin.
pub const VERSION: &str = "plugin-version";
/// Kind of the documents that hold the tests of a version. Their scope is the plugin.
pub const TESTS: &str = "plugin-tests";

/// What a plugin is and which of its versions are in use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PluginState {
    /// `transformer`, `forwarder`, `validator`, `event-hook` or `identity-provider`.
    pub world: String,
    /// The version that is in use.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub active: Option<String>,
    /// The version that was in use before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub previous: Option<String>,
    /// When the active version took over.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub since: Option<Timestamp>,
    /// A version on trial beside the active one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub candidate: Option<Candidate>,
    /// What became of the latest release.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<Outcome>,
}

impl PluginState {
    /// A plugin of which no version is in use.
    pub(crate) fn new(world: &str) -> Self {
        let world = world.to_owned();
        Self { world, active: None, previous: None, since: None, candidate: None, outcome: None }
    }
}

/// A version on trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Which.
    pub version: String,
    /// The share of batches that it gets, 1 to 99; `None` takes over when the shadow run is done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub canary_percent: Option<u8>,
    /// First it runs beside the active one and its outputs are only compared.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shadow: Option<Shadow>,
    /// When its trial began.
    pub since: Timestamp,
}

/// How long a version is only compared with the active one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shadow {
    /// Records to compare.
    pub records: u64,
    /// So many of them may come out differently.
    #[serde(default)]
    pub max_different: u64,
}

/// How a release ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The version it was about.
    pub version: String,
    /// What happened.
    pub result: Ending,
    /// Why, where somebody did not ask for it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What can become of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// It is in use.
    Active,
    /// It is on trial.
    OnTrial,
    /// It was taken back.
    RolledBack,
}

/// One version of a plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VersionState {
    /// The SHA-256 of the component.
    pub digest: String,
    /// Bytes of the component.
    pub size: u64,
    /// The version of the plugin interface that it was made for.
    pub interface: String,
    /// Its own account of itself, in one line.
    pub summary: String,
    /// JSON Schema of its configuration.
    pub config_schema: String,
    /// What it asks for.
    pub grants: Vec<String>,
    /// What was approved.
    pub approved: Vec<String>,
    /// Whether it may be used.
    pub status: Status,
    /// Why it was withdrawn.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

/// Whether a version may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It may.
    Ready,
    /// Not everything that it asks for is approved.
    Waiting,
    /// It was taken back because it failed. It may be released again by hand.
    Withdrawn,
}

pub(crate) fn plugin_key(tenant: TenantId, plugin: &str) -> DocumentKey {
    DocumentKey::new(tenant, PLUGIN, plugin)
}

pub(crate) fn version_key(tenant: TenantId, plugin: &str, version: &str) -> DocumentKey {
    DocumentKey::scoped(tenant, VERSION, plugin, version)
}

pub(crate) fn tests_key(tenant: TenantId, plugin: &str, version: &str) -> DocumentKey {
    DocumentKey::scoped(tenant, TESTS, plugin, version)
}

pub(crate) fn decode<T: DeserializeOwned>(key: &DocumentKey, body: &[u8]) -> Result<T> {
    let corrupt =
        |error| Error::new(ErrorCode::Corrupt, format!("the stored {} `{}` cannot be read: {error}", key.kind, key.name));
    serde_json::from_slice(body).map_err(corrupt)
}

pub(crate) fn encode(document: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(document).map_err(|error| Error::internal(error.to_string()))
}

/// Whether a text can name a plugin: lower-case letters, digits and hyphens, at most 64.
///
/// # Errors
/// [`ErrorCode::Invalid`].
pub(crate) fn check_name(name: &str) -> Result<()> {
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 64
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        return Ok(());
    }
    let shown: String = name.chars().take(64).collect();
    Err(Error::invalid(format!(
        "{shown:?} cannot name a plugin: it takes lower-case letters, digits and hyphens, at most 64, and begins with a letter"
    )))
}

/// Whether a text is a version: three numbers and perhaps a suffix, as in `1.4.0-beta.2`, at most 64 characters.
///
/// # Errors
/// [`ErrorCode::Invalid`].
pub(crate) fn check_version(version: &str) -> Result<()> {
    let (numbers, suffix) = version.split_once(['-', '+']).unwrap_or((version, "0"));
    let number = |part: &str| (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    let fits = version.len() <= 64
        && numbers.split('.').count() == 3
        && numbers.split('.').all(number)
        && !suffix.is_empty()
        && suffix.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-+".contains(&byte));
    if fits {
        return Ok(());
    }
    let shown: String = version.chars().take(64).collect();
    Err(Error::invalid(format!("{shown:?} is no semantic version such as 1.4.0")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_versions_have_their_form() {
        for name in ["a", "redact-2", "x-"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", "A", "2a", "a b", "a/b", "ä", "-a", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        for version in ["0.0.1", "1.4.0-beta.2", "1.4.0+5", "10.20.30-a+b"] {
            assert!(check_version(version).is_ok(), "{version}");
        }
        for version in ["", "1", "1.2", "1.2.3.4", "1.2.x", "1.2.3-", "1.2.3 ", "1.2.-3", "../1.2.3"] {
            assert!(check_version(version).is_err(), "{version}");
        }
    }
}
