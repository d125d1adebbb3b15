//! Plugins that map records to records.

use crate::{About, Batch, OpenError};
use serde::de::DeserializeOwned;

/// Maps records to records: zero, one or many for each.
pub trait Transformer: Sized + 'static {
    /// What it says of itself.
    const ABOUT: About;
    /// Its configuration; `()` reads `null` only, [`serde_json::Value`] anything.
    type Config: DeserializeOwned;

    /// Gets ready. This may be expensive: an instance is kept and called for many batches.
    ///
    /// # Errors
    /// The configuration cannot be used; its author reads the text.
    fn open(config: Self::Config) -> Result<Self, OpenError>;

    /// Changes the records in place.
    ///
    /// # Errors
    /// Fails every record of the batch; [`Batch::reject`] fails one.
    fn transform(&mut self, records: &mut Batch) -> Result<(), String>;
}
