//! What can go wrong, and what it means for the records.

use std::fmt;

/// Why a forwarder cannot be set up. The text is shown to its author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The configuration cannot be used.
    InvalidConfig(String),
    /// Anything else, such as a peer that does not answer.
    Failed(String),
}

/// What the network said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// Not granted, or an address that the operator does not allow.
    Denied(String),
    /// The request or address makes no sense.
    Invalid(String),
    /// No such name, nobody answers, or the connection ended.
    Unreachable(String),
    /// The certificate is not trusted, or the handshake failed.
    Untrusted(String),
    /// It took too long.
    Late(String),
    /// The answer is not what the protocol says.
    Protocol(String),
}

/// Whether it is of use to deliver again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The target may take it after so many milliseconds.
    After(u32),
    /// Not with this configuration.
    Never,
}

/// Why a record was not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The target will never take this record; the next one may pass.
    Rejected(String),
    /// Nothing more can be delivered now.
    Stopped(String, Retry),
}

/// How long a target that said nothing about it is left alone.
const PAUSE_MILLISECONDS: u32 = 1_000;

impl Failure {
    /// The target may take it a little later.
    pub fn later(reason: impl Into<String>) -> Self {
        Self::Stopped(reason.into(), Retry::After(PAUSE_MILLISECONDS))
    }

    /// It is of no use to try again with this configuration.
    pub fn never(reason: impl Into<String>) -> Self {
        Self::Stopped(reason.into(), Retry::Never)
    }

    /// The text.
    pub fn reason(&self) -> &str {
        match self {
            Self::Rejected(reason) | Self::Stopped(reason, _) => reason,
        }
    }
}

impl fmt::Display for NetworkError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) | Self::Invalid(why) | Self::Untrusted(why) => to.write_str(why),
            Self::Unreachable(why) | Self::Late(why) | Self::Protocol(why) => to.write_str(why),
        }
    }
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::Denied(why) | NetworkError::Invalid(why) | NetworkError::Untrusted(why) => Self::never(why),
            NetworkError::Unreachable(why) | NetworkError::Late(why) | NetworkError::Protocol(why) => Self::later(why),
        }
    }
}

impl From<Failure> for OpenError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.reason().to_owned())
    }
}
