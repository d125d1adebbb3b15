//! Plugins that judge documents before they are saved.

use crate::{About, OpenError};
use serde::de::DeserializeOwned;

/// Judges documents before they are saved.
pub trait Validator: Sized + 'static {
    /// What it says of itself.
    const ABOUT: About;
    /// Its configuration.
    type Config: DeserializeOwned;

    /// Gets ready.
    ///
    /// # Errors
    /// The configuration cannot be used; its author reads the text.
    fn open(config: Self::Config) -> Result<Self, OpenError>;

    /// Everything that is wrong; nothing when the document may be saved.
    ///
    /// # Errors
    /// Says why it cannot be judged.
    fn validate(&mut self, subject: &Subject) -> Result<Vec<Violation>, String>;
}

/// What somebody does to a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operation {
    /// Saves it for the first time.
    #[default]
    Create,
    /// Saves it again.
    Update,
    /// Deletes it.
    Delete,
}

/// A document that somebody wants to save or delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// Such as `pipeline`.
    pub kind: String,
    /// What the document belongs to, where its kind has that.
    pub scope: String,
    /// Its name.
    pub name: String,
    /// What is done to it.
    pub operation: Operation,
    /// The document as JSON: the new one, or the one to delete.
    pub document: String,
    /// As JSON what it replaces.
    pub previous: Option<String>,
    /// Who asks.
    pub principal: String,
}

impl Subject {
    /// The document, read.
    ///
    /// # Errors
    /// It does not have this shape.
    pub fn read<D: DeserializeOwned>(&self) -> Result<D, String> {
        serde_json::from_str(&self.document).map_err(|error| format!("the document cannot be read: {error}"))
    }
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The document is refused where the rule is enforced.
    Error,
    /// It is told and nothing else.
    Warning,
}

/// What is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSON pointer; empty for the whole document.
    pub path: String,
    /// What.
    pub message: String,
    /// How bad.
    pub severity: Severity,
}

impl Violation {
    /// An error.
    pub fn error(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), severity: Severity::Error }
    }

    /// A warning.
    pub fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), severity: Severity::Warning }
    }
}
