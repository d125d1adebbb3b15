//! One error for everything a caller can be told.
//!
//! A code never changes its meaning once released. Dialects turn the [class](ErrorCode::class) into their own status and
//! body; they do not invent codes.

use serde::Serialize;
use std::fmt;
use std::time::Duration;

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of answer an error deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The caller sent something that cannot be used (HTTP 400).
    Invalid,
    /// Nobody is logged in, or the proof is wrong (401).
    Unauthenticated,
    /// The caller may not do this (403).
    Denied,
    /// It does not exist (404).
    NotFound,
    /// It exists already, or was changed by somebody else (409).
    Conflict,
    /// The request is larger than allowed (413).
    TooLarge,
    /// Too many requests; later it may work (429).
    Exhausted,
    /// A defect of ours or a failure of a user's program (500).
    Internal,
    /// Not offered here (501).
    Unimplemented,
    /// Something this server needs is down (503).
    Unavailable,
    /// A time limit passed (504).
    Deadline,
    /// The disk is full or nearly so (507).
    Full,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $class:ident;)*) => {
        /// Stable name of an error.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name that clients and scripts may rely on.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The kind of answer.
            pub const fn class(self) -> ErrorClass {
                match self { $(Self::$name => ErrorClass::$class,)* }
            }
        }
    };
}

codes! {
    /// A member, parameter or text cannot be used.
    Invalid = "invalid", Invalid;
    /// An expression does not compile.
    InvalidExpression = "invalid-expression", Invalid;
    /// A program (a script, a plugin's configuration) does not compile.
    InvalidProgram = "invalid-program", Invalid;
    /// No or wrong credentials.
    Unauthenticated = "unauthenticated", Unauthenticated;
    /// The caller's roles do not allow it.
    Denied = "denied", Denied;
    /// It does not exist.
    NotFound = "not-found", NotFound;
    /// It exists already.
    Exists = "already-exists", Conflict;
    /// The expected revision is not the present one.
    RevisionConflict = "revision-conflict", Conflict;
    /// Something uses it.
    InUse = "in-use", Conflict;
    /// A part of it is not there any more.
    Lost = "lost", Conflict;
    /// A plugin asks for something that was not approved.
    NotApproved = "not-approved", Conflict;
    /// A version of a plugin failed before it took over; the version in use stays.
    ReleaseRefused = "release-refused", Conflict;
    /// A record, body or document is over its limit.
    TooLarge = "too-large", TooLarge;
    /// Over a rate, a queue or a quota.
    Exhausted = "exhausted", Exhausted;
    /// A pipeline cannot be built.
    BrokenPipeline = "broken-pipeline", Internal;
    /// A record could not be processed.
    Failed = "failed", Internal;
    /// Pipelines call each other deeper than allowed.
    LoopDetected = "loop-detected", Internal;
    /// A plugin trapped.
    PluginTrap = "plugin-trap", Internal;
    /// A plugin took more time than allowed.
    PluginDeadline = "plugin-deadline", Internal;
    /// A plugin took more memory, or host-call data, or output than allowed.
    PluginLimit = "plugin-limit", Internal;
    /// A plugin answered something that cannot be.
    PluginOutput = "plugin-output", Internal;
    /// A rule of the tenant refuses a document.
    RuleViolation = "rule-violation", Invalid;
    /// A rule that has to judge a document cannot.
    RuleFailed = "rule-failed", Unavailable;
    /// A plugin failed so often that it is not called for a while.
    PluginSuspended = "plugin-suspended", Unavailable;
    /// A component was refused before it ran.
    PluginRefused = "plugin-refused", Invalid;
    /// Not offered by this server.
    Unimplemented = "unimplemented", Unimplemented;
    /// The server is stopping or not yet started.
    Unavailable = "unavailable", Unavailable;
    /// Too little space left on the disk.
    DiskFull = "disk-full", Full;
    /// Stored data does not pass its check.
    Corrupt = "corrupt", Internal;
    /// The operating system refused something.
    Io = "io", Internal;
    /// A defect of this program.
    Internal = "internal", Internal;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What went wrong, said so that its reader can mend it. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Its stable name.
    pub code: ErrorCode,
    /// The thing, the limit and the fix, in one sentence.
    pub message: String,
    /// The member of the request that is to blame, such as `config.ttl`.
    pub member: Option<String>,
    /// What rules of the tenant find wrong with a document.
    pub violations: Vec<Violation>,
    /// How long to wait before it may work, where that is known. Only with [`ErrorClass::Exhausted`].
    pub retry_after: Option<Duration>,
}

/// What a rule of a tenant finds wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The name of the rule.
    pub rule: String,
    /// Where in the document, as a JSON pointer; empty for the whole of it.
    pub path: String,
    /// What is wrong, in the words of the rule.
    pub message: String,
    /// How bad it is.
    pub severity: Severity,
}

/// How bad a [`Violation`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The document may not be saved, where the rule is enforced.
    Error,
    /// Its author is told.
    Warning,
}

impl Error {
    /// An error with a message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), member: None, violations: Vec::new(), retry_after: None }
    }

    /// [`ErrorCode::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Invalid, message)
    }

    /// [`ErrorCode::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::NotFound, message)
    }

    /// [`ErrorCode::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }

    /// Names the member of the request that is to blame.
    #[must_use]
    pub fn at(mut self, member: impl Into<String>) -> Self {
        self.member = Some(member.into());
        self
    }

    /// Adds what rules find wrong.
    #[must_use]
    pub fn with(mut self, violations: Vec<Violation>) -> Self {
        self.violations = violations;
        self
    }

    /// Says how long to wait before it may work.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The value of a `Retry-After` header, in whole seconds and at least one.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let wait = self.retry_after?;
        Some(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
    }

    /// The kind of answer it deserves.
    pub const fn class(&self) -> ErrorClass {
        self.code.class()
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let code = if error.kind() == std::io::ErrorKind::StorageFull { ErrorCode::DiskFull } else { ErrorCode::Io };
        Self::new(code, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique() {
        let names: std::collections::HashSet<_> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), ErrorCode::ALL.len());
    }
}
