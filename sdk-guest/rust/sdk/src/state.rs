//! What a plugin remembers: keys and values of this plugin in this tenant, shared by all its instances and versions.
//! Values survive a restart.

use crate::host;
use std::fmt;

/// Why something is not remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateError {
    /// The key or value is too large, or the plugin holds as much as it may.
    Full(String),
    /// The value could not be read or kept.
    Failed(String),
}

impl fmt::Display for StateError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full(why) | Self::Failed(why) => to.write_str(why),
        }
    }
}

impl std::error::Error for StateError {}

/// So that `?` works where a plugin answers texts.
impl From<StateError> for String {
    fn from(error: StateError) -> Self {
        error.to_string()
    }
}

/// The value of a key.
///
/// # Errors
/// It could not be read.
pub fn get(key: &str) -> Result<Option<Vec<u8>>, StateError> {
    host::state_get(key)
}

/// Sets a key.
///
/// # Errors
/// It is not kept.
pub fn set(key: &str, value: &[u8]) -> Result<(), StateError> {
    host::state_set(key, Some(value))
}

/// Removes a key.
///
/// # Errors
/// It is not removed.
pub fn remove(key: &str) -> Result<(), StateError> {
    host::state_set(key, None)
}

/// Sets a key if its value is `expected`, and answers whether it was: for instances that share a key.
///
/// # Errors
/// It is not kept.
pub fn replace(key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<bool, StateError> {
    host::state_replace(key, expected, value)
}

/// The keys that begin with a text, in ascending order, at most a thousand.
///
/// # Errors
/// They could not be read.
pub fn keys(prefix: &str) -> Result<Vec<String>, StateError> {
    host::state_keys(prefix)
}
