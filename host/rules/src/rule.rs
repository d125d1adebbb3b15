//! A rule as it is saved: which plugin judges what, and what its word means.

use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result};
use headworks_plugins::{EVENT_HOOK, IDENTITY_PROVIDER, PLUGIN, TESTS, VERSION};
use headworks_sandbox::Operation;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Kind of the documents that hold a rule.
pub const VALIDATOR: &str = "validator";
/// What rules can be bound to.
pub const KINDS: &[&str] = &[
    "pipeline",
    "transformer",
    "forwarder",
    "stream",
    "role",
    "user",
    "token",
    "auth-provider",
    "system-configuration",
    PLUGIN,
    VERSION,
    TESTS,
    "secret",
    EVENT_HOOK,
    IDENTITY_PROVIDER,
    VALIDATOR,
];
/// Every kind but [`VALIDATOR`]: a rule that judges rules has to say so, or a broken one could not be mended.
const ALL: &str = "*";
/// The most bytes of a name and of a configuration.
const NAME_BYTES: usize = 128;
const CONFIG_BYTES: usize = 256 << 10;

/// A rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The plugin that judges.
    pub plugin: String,
    /// Its configuration.
    #[serde(default = "empty")]
    pub config: Value,
    /// The kinds of documents that it judges, or `*`.
    pub kinds: Vec<String>,
    /// What of these it judges.
    #[serde(default = "saving")]
    pub operations: Vec<Deed>,
    /// What its word means.
    #[serde(default)]
    pub mode: Mode,
}

/// What a user does with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// Saves a new one.
    Create,
    /// Saves over one.
    Update,
    /// Deletes one.
    Delete,
}

impl From<Deed> for Operation {
    fn from(deed: Deed) -> Self {
        match deed {
            Deed::Create => Self::Create,
            Deed::Update => Self::Update,
            Deed::Delete => Self::Delete,
        }
    }
}

impl Deed {
    /// As in "may not be …".
    pub(crate) const fn done(self) -> &'static str {
        match self {
            Self::Create => "created",
            Self::Update => "changed",
            Self::Delete => "deleted",
        }
    }
}

/// What the word of a rule means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// What it refuses is not done; nor is what it cannot judge, but for deletions.
    #[default]
    Enforce,
    /// What it refuses is done, and told.
    Warn,
}

fn empty() -> Value {
    Value::Object(serde_json::Map::new())
}

fn saving() -> Vec<Deed> {
    vec![Deed::Create, Deed::Update]
}

impl Rule {
    /// Reads a rule that somebody sent.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member to blame.
    pub fn read(sent: &[u8]) -> Result<Self> {
        let rule: Self = serde_json::from_slice(sent)
            .map_err(|error| Error::invalid(format!("the rule cannot be read: {error}")).at("body"))?;
        rule.check()?;
        Ok(rule)
    }

    fn check(&self) -> Result<()> {
        if self.plugin.is_empty() || self.plugin.len() > NAME_BYTES {
            return Err(Error::invalid(format!("the name of a plugin has 1 to {NAME_BYTES} bytes")).at("plugin"));
        }
        if self.config.to_string().len() > CONFIG_BYTES {
            return Err(Error::invalid(format!("a configuration has at most {CONFIG_BYTES} bytes of JSON")).at("config"));
        }
        if self.kinds.is_empty() || self.kinds.len() > KINDS.len() + 1 {
            return Err(Error::invalid("a rule names one or more kinds of documents, each once").at("kinds"));
        }
        for (at, kind) in self.kinds.iter().enumerate() {
            if kind != ALL && !KINDS.contains(&kind.as_str()) {
                let message = format!("there is no kind of documents {kind:?}: it is {ALL} or one of {}", KINDS.join(", "));
                return Err(Error::invalid(message).at(format!("kinds[{at}]")));
            }
        }
        if self.operations.is_empty() || self.operations.len() > 3 {
            return Err(Error::invalid("a rule names one to three of create, update and delete").at("operations"));
        }
        Ok(())
    }

    pub(crate) fn decode(document: &Document) -> Result<Self> {
        let named =
            |error| Error::new(ErrorCode::Corrupt, format!("the stored rule `{}` cannot be read: {error}", document.key.name));
        serde_json::from_slice(&document.body).map_err(named)
    }

    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::internal(error.to_string()))
    }

    /// Whether it has a say in documents of this kind.
    pub(crate) fn is_bound_to(&self, kind: &str) -> bool {
        self.kinds.iter().any(|bound| bound == kind || bound == ALL && kind != VALIDATOR && KINDS.contains(&kind))
    }

    /// The kinds that it is bound to, in a fixed order.
    pub(crate) fn bound_kinds(&self) -> impl Iterator<Item = &'static str> {
        KINDS.iter().copied().filter(|kind| self.is_bound_to(kind))
    }

    pub(crate) fn judges(&self, key: &DocumentKey, deed: Deed) -> bool {
        let DocumentKey { kind, scope, name, .. } = key;
        let spared = match kind.as_str() {
            // Whatever rules say: each of them can be deleted.
            VALIDATOR => deed == Deed::Delete,
            // A rule that is broken cannot keep off its own repair.
            PLUGIN => *name == self.plugin,
            VERSION | TESTS => *scope == self.plugin,
            _ => false,
        };
        !spared && self.is_bound_to(kind) && self.operations.contains(&deed)
    }
}

/// Refuses a name that no rule can have.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > NAME_BYTES || !name.chars().all(fits) {
        let message = format!("the name of a rule has 1 to {NAME_BYTES} ASCII letters, digits, hyphens, underscores and points");
        return Err(Error::invalid(message).at("name"));
    }
    Ok(())
}
