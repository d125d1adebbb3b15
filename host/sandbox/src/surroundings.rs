//! What a plugin gets from outside on behalf of one tenant, and where its use is counted.
//!
//! Owns the seams only: who keeps state, secrets and quotas stands above. What must stay true: nothing in here is shared
//! between tenants unless whoever made it shares it.

use crate::Usage;
use crate::outbound::{Grant, Pending, Place};
use headworks_core::{Digest, Result};
use std::sync::Arc;
use std::time::Duration;

/// Everything that one plugin of one tenant gets from outside. Clones share it.
#[derive(Clone)]
pub struct Surroundings {
    /// Takes what the plugin logs.
    pub log: Arc<dyn LogSink>,
    /// Keeps what the plugin remembers.
    pub state: Arc<dyn StateStore>,
    /// Knows the secrets of the tenant.
    pub secrets: Arc<dyn Secrets>,
    /// Counts what the plugin uses.
    pub usage: Arc<Usage>,
    /// Asked before each call.
    pub admission: Arc<dyn Admission>,
    /// What was approved for this tenant.
    pub granted: Granted,
}

impl Default for Surroundings {
    /// Logs to this program's log, has no state and no secrets, and admits every call: for what comes with this program.
    fn default() -> Self {
        Self {
            log: Arc::new(Logged),
            state: Arc::new(Nothing),
            secrets: Arc::new(Nothing),
            usage: Arc::default(),
            admission: Arc::new(Nothing),
            granted: Granted::All,
        }
    }
}

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For the author only.
    Trace,
    /// For finding an error.
    Debug,
    /// Worth knowing.
    Info,
    /// Something is odd.
    Warn,
    /// Something failed.
    Error,
}

impl LogLevel {
    /// Its name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Takes lines that plugins log.
pub trait LogSink: Send + Sync {
    /// One line of this component. It is within the limits and holds nothing that could steer a terminal. Called while the
    /// plugin runs: it must not wait.
    fn write(&self, plugin: &Digest, level: LogLevel, line: &str);
}

/// Why state could not be read or kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Over a limit; the text names it.
    #[error("{0}")]
    Full(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// What a plugin of a tenant remembers. The sandbox has checked the size of keys and values; how many there are, and their
/// bytes together, are for the store: [`Limits::state_keys`](crate::Limits) and [`Limits::state_bytes`](crate::Limits).
pub trait StateStore: Send + Sync {
    /// The value of a key.
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Vec<u8>>, StateError>>;

    /// Gives a key a value; none removes the key.
    fn set<'a>(&'a self, key: &'a str, value: Option<Vec<u8>>) -> Pending<'a, Result<(), StateError>>;

    /// As [`set`](Self::set) if the present value is `expected`, and whether it was; nothing comes between.
    fn replace<'a>(
        &'a self,
        key: &'a str,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Pending<'a, Result<bool, StateError>>;

    /// The first `most` keys that begin with `prefix`, ascending by bytes.
    fn keys<'a>(&'a self, prefix: &'a str, most: usize) -> Pending<'a, Result<Vec<String>, StateError>>;
}

/// Secrets of a tenant.
pub trait Secrets: Send + Sync {
    /// The secret of this name, which was granted. Called while the plugin runs: it must not wait.
    fn get(&self, name: &str) -> Option<String>;
}

/// Decides whether a plugin may be called now.
pub trait Admission: Send + Sync {
    /// The right to one call.
    ///
    /// # Errors
    /// [`Exhausted`](headworks_core::ErrorCode::Exhausted) when the tenant is over its processor time or calls at once.
    fn admit(&self) -> Pending<'_, Result<Permit>>;
}

/// The right to one call, until it is dropped.
#[derive(Default)]
pub struct Permit {
    spent: Duration,
    end: Option<Box<dyn FnOnce(Duration) + Send>>,
}

impl Permit {
    /// A right that has to be given back: `end` is told the processor time that the call took, however it ended.
    pub fn new(end: impl FnOnce(Duration) + Send + 'static) -> Self {
        Self { spent: Duration::ZERO, end: Some(Box::new(end)) }
    }

    pub(crate) fn spend(&mut self, time: Duration) {
        self.spent += time;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end(self.spent);
        }
    }
}

/// What was approved, besides what the component itself asks for: it gets what is in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Granted {
    /// All that it asks for.
    All,
    /// These.
    Only(Arc<[Grant]>),
}

impl Granted {
    fn has(&self, test: impl Fn(&Grant) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::Only(grants) => grants.iter().any(test),
        }
    }

    /// Whether something may be sent there.
    pub fn allows(&self, place: &Place) -> bool {
        self.has(|grant| grant.allows(place))
    }

    /// Whether all that a grant allows is approved.
    pub fn covers(&self, other: &Grant) -> bool {
        self.has(|grant| grant.covers(other))
    }

    /// Whether the secret of this name may be read.
    pub fn allows_secret(&self, name: &str) -> bool {
        self.has(|grant| grant.secret() == Some(name))
    }
}

/// Lines in the log of this program.
struct Logged;

impl LogSink for Logged {
    fn write(&self, plugin: &Digest, level: LogLevel, line: &str) {
        match level {
            LogLevel::Trace => tracing::trace!(target: "plugin", %plugin, "{line}"),
            LogLevel::Debug => tracing::debug!(target: "plugin", %plugin, "{line}"),
            LogLevel::Info => tracing::info!(target: "plugin", %plugin, "{line}"),
            LogLevel::Warn => tracing::warn!(target: "plugin", %plugin, "{line}"),
            LogLevel::Error => tracing::error!(target: "plugin", %plugin, "{line}"),
        }
    }
}

/// What is there where nothing was set up.
struct Nothing;

impl Nothing {
    fn refuse<'a, T: Send + 'a>() -> Pending<'a, Result<T, StateError>> {
        Box::pin(std::future::ready(Err(StateError::Failed("this plugin has no state here".to_owned()))))
    }
}

impl StateStore for Nothing {
    fn get<'a>(&'a self, _: &'a str) -> Pending<'a, Result<Option<Vec<u8>>, StateError>> {
        Self::refuse()
    }

    fn set<'a>(&'a self, _: &'a str, _: Option<Vec<u8>>) -> Pending<'a, Result<(), StateError>> {
        Self::refuse()
    }

    fn replace<'a>(&'a self, _: &'a str, _: Option<Vec<u8>>, _: Option<Vec<u8>>) -> Pending<'a, Result<bool, StateError>> {
        Self::refuse()
    }

    fn keys<'a>(&'a self, _: &'a str, _: usize) -> Pending<'a, Result<Vec<String>, StateError>> {
        Self::refuse()
    }
}

impl Secrets for Nothing {
    fn get(&self, _: &str) -> Option<String> {
        None
    }
}

impl Admission for Nothing {
    fn admit(&self) -> Pending<'_, Result<Permit>> {
        Box::pin(std::future::ready(Ok(Permit::default())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn a_permit_tells_the_time_once_when_it_ends() {
        let told = Arc::new(AtomicU64::new(0));
        let teller = Arc::clone(&told);
        let mut permit = Permit::new(move |time| {
            teller.fetch_add(time.as_millis() as u64, Ordering::Relaxed);
        });
        permit.spend(Duration::from_millis(3));
        permit.spend(Duration::from_millis(4));
        assert_eq!(told.load(Ordering::Relaxed), 0);
        drop(permit);
        assert_eq!(told.load(Ordering::Relaxed), 7);
    }

    #[test]
    fn only_what_was_approved_is_granted() {
        let grants = ["https://*.example.com:443", "secret:token"].map(|text| Grant::parse(text).unwrap());
        let only = Granted::Only(grants.into());
        let grant = |text: &str| Grant::parse(text).unwrap();
        assert!(only.covers(&grant("https://a.example.com:443")) && !only.covers(&grant("https://*:443")));
        assert!(only.allows_secret("token") && !only.allows_secret("other") && Granted::All.allows_secret("other"));
        assert!(!only.covers(&grant("secret:other")) && only.covers(&grant("secret:token")));
    }
}
