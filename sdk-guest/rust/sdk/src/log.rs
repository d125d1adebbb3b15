//! Messages to the operator: `headworks plugin logs` shows them.

use crate::host;
use std::fmt::Display;

/// How important a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Every step.
    Trace,
    /// For whoever looks for a mistake.
    Debug,
    /// Worth knowing.
    Info,
    /// Somebody should look.
    Warn,
    /// Somebody has to act.
    Error,
}

/// One message. Lines over 1 KiB are cut, and what exceeds the limits of a call is counted and dropped.
pub fn write(level: Level, message: impl Display) {
    host::log(level, &message.to_string());
}

/// A message for whoever looks for a mistake.
pub fn debug(message: impl Display) {
    write(Level::Debug, message);
}

/// A message worth knowing.
pub fn info(message: impl Display) {
    write(Level::Info, message);
}

/// A message that somebody should look at.
pub fn warn(message: impl Display) {
    write(Level::Warn, message);
}

/// A message on which somebody has to act.
pub fn error(message: impl Display) {
    write(Level::Error, message);
}
