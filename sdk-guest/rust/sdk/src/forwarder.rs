//! Plugins that deliver records to somewhere else.

use crate::{About, Batch, OpenError};
use serde::de::DeserializeOwned;

/// Delivers records to somewhere else.
pub trait Forwarder: Sized + 'static {
    /// What it says of itself. It asks for the places it may have to reach: `https://*:443`.
    const ABOUT: About;
    /// Its configuration.
    type Config: DeserializeOwned;

    /// What this configuration needs to reach, such as `https://example.com:443`; see [`http::target`](crate::http::target).
    ///
    /// # Errors
    /// The configuration cannot be used; its author reads the text.
    fn targets(config: &Self::Config) -> Result<Vec<String>, OpenError>;

    /// Gets ready. An instance is kept and called for many batches.
    ///
    /// # Errors
    /// The configuration cannot be used, or nothing can be delivered.
    fn open(config: Self::Config) -> Result<Self, OpenError>;

    /// Delivers records, or keeps some of them back until it is flushed. One that is neither rejected nor behind the stop was
    /// delivered or kept back.
    fn send(&mut self, records: &Batch) -> Report;

    /// Delivers what `send` kept back; nothing by default. Called after each `send` that took something, before anybody is told
    /// that the records were delivered.
    ///
    /// # Errors
    /// It could not be delivered: [`Stop::at`] is the first record of that `send` that was not. The server has those again, and
    /// does not use this instance any more.
    fn flush(&mut self) -> Result<(), Stop> {
        Ok(())
    }
}

/// Whether it is of use to deliver again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The target may take it after so many milliseconds.
    After(u32),
    /// Not with this configuration.
    Never,
}

/// Records from `at` on were not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The first record that was not delivered.
    pub at: usize,
    /// Why.
    pub reason: String,
    /// Whether to try again.
    pub retry: Retry,
}

impl Stop {
    /// The target may take the records a little later.
    pub fn later(at: usize, reason: impl ToString) -> Self {
        Self { at, reason: reason.to_string(), retry: Retry::After(1_000) }
    }

    /// It is of no use to try again with this configuration.
    pub fn never(at: usize, reason: impl ToString) -> Self {
        Self { at, reason: reason.to_string(), retry: Retry::Never }
    }

    /// No answer came.
    pub fn unanswered(at: usize, error: &crate::http::NetworkError) -> Self {
        if error.is_passing() { Self::later(at, error) } else { Self::never(at, error) }
    }
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that the target will never take: index, ascending, and reason.
    pub rejected: Vec<(usize, String)>,
    /// Where delivering ended, if not behind the last record.
    pub stopped: Option<Stop>,
}

impl Report {
    /// Everything was delivered.
    pub fn delivered() -> Self {
        Self::default()
    }

    /// One record will never be taken.
    pub fn reject(&mut self, index: usize, reason: impl ToString) {
        self.rejected.push((index, reason.to_string()));
    }

    /// Nothing more can be delivered now.
    #[must_use]
    pub fn stop(mut self, stop: Stop) -> Self {
        self.stopped = Some(stop);
        self
    }
}
