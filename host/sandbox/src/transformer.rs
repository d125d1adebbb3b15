//! A component with its configuration, and the instances that are kept of it.

use crate::breaker::Breaker;
use crate::instance::Opened;
use crate::{CallFailure, Plugin};
use headworks_core::{Batch, Digest, Error, ErrorCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::Semaphore;

/// What a transformer made of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transformed {
    /// The records it made.
    pub batch: Batch,
    /// Per record of `batch`: the index of the record it was made from.
    pub origins: Vec<u32>,
    /// Records that failed: index in the input, each once and ascending, and reason. Nothing in `batch` was made from them.
    pub rejected: Vec<(u32, String)>,
}

/// A component with its configuration. Clones share the instances.
///
/// An instance belongs to one call at a time; calls beyond the number of instances wait. One that failed is thrown away.
#[derive(Clone)]
pub struct Transformer(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    config: String,
    /// Instances that nobody uses. The lock is held to take one out or to put one back, never during a call.
    idle: Mutex<Vec<Opened>>,
    places: Semaphore,
    breaker: Mutex<Breaker>,
}

impl Transformer {
    pub(crate) fn new(plugin: Plugin, config: &str, first: Opened) -> Self {
        let places = Semaphore::new(plugin.limits().instances.max(1));
        let (config, idle) = (config.to_owned(), Mutex::new(vec![first]));
        Self(Arc::new(Inner { plugin, config, idle, places, breaker: Mutex::default() }))
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.plugin.digest()
    }

    /// Maps a batch. Large batches cross in several calls, one after the other.
    ///
    /// # Errors
    /// [`PluginTrap`](ErrorCode::PluginTrap), [`PluginDeadline`](ErrorCode::PluginDeadline),
    /// [`PluginLimit`](ErrorCode::PluginLimit) or [`PluginOutput`](ErrorCode::PluginOutput) when the sandbox ended a call,
    /// [`PluginSuspended`](ErrorCode::PluginSuspended) when the transformer only fails and is left alone for a while, and
    /// [`Failed`](ErrorCode::Failed) with the component's own text when it gave up. Then nothing of the batch was mapped.
    pub async fn transform(&self, batch: Batch) -> Result<Transformed, CallFailure> {
        let inner = &*self.0;
        inner.check_breaker()?;
        let _place = inner.places.acquire().await.map_err(|_| inner.failure(ErrorCode::Unavailable, "the server is stopping"))?;
        let result = inner.run(batch).await;
        match &result {
            Err(failure) if failure.is_sandbox() => inner.breaker().failed(Instant::now(), inner.plugin.limits()),
            _ => inner.breaker().succeeded(),
        }
        result
    }
}

impl std::fmt::Debug for Transformer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "transformer of {:?}", self.0.plugin)
    }
}

impl Inner {
    fn idle(&self) -> MutexGuard<'_, Vec<Opened>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self, code: ErrorCode, message: impl Into<String>) -> CallFailure {
        CallFailure::of(Error::new(code, message), self.plugin.digest())
    }

    fn check_breaker(&self) -> Result<(), CallFailure> {
        match self.breaker().suspended(Instant::now()) {
            None => Ok(()),
            Some(left) => Err(self.failure(
                ErrorCode::PluginSuspended,
                format!("the plugin failed on every call lately and is not called for another {:.1} s", left.as_secs_f32()),
            )),
        }
    }

    /// Runs a batch through one instance, which comes back to the others only if all went well.
    async fn run(&self, batch: Batch) -> Result<Transformed, CallFailure> {
        let known = self.idle().pop();
        let mut instance = match known {
            Some(instance) => instance,
            None => self.plugin.open(&self.config).await?,
        };
        let result = self.run_in(&mut instance, batch).await;
        let usable = result.as_ref().err().is_none_or(|failure| !failure.is_sandbox());
        if usable && !instance.is_bloated() {
            self.idle().push(instance);
        }
        result
    }

    async fn run_in(&self, instance: &mut Opened, batch: Batch) -> Result<Transformed, CallFailure> {
        let pieces = pieces(&batch, self.plugin.limits().call_records, self.plugin.limits().call_bytes / 4);
        if let [_] = pieces[..] {
            return instance.transform(batch).await;
        }
        let mut whole = Transformed::default();
        let mut made = Vec::with_capacity(pieces.len());
        for (first, end) in pieces {
            let part = instance.transform(batch.slice(first..end)).await?;
            whole.origins.extend(part.origins.into_iter().map(|origin| origin + first as u32));
            whole.rejected.extend(part.rejected.into_iter().map(|(index, reason)| (index + first as u32, reason)));
            made.push(part.batch);
        }
        whole.batch = Batch::concat(&made).map_err(|error| CallFailure::of(error, self.plugin.digest()))?;
        Ok(whole)
    }
}

/// Cuts a batch into ranges of at most so many records and, as far as single records allow, so many bytes of values.
fn pieces(batch: &Batch, records: usize, bytes: usize) -> Vec<(usize, usize)> {
    if batch.len() <= records && batch.memory() <= bytes {
        return vec![(0, batch.len())];
    }
    let (mut pieces, mut first, mut size) = (Vec::new(), 0, 0);
    for (index, record) in batch.records().enumerate() {
        let own: usize = record.cells().map(|(_, _, value)| value.len() + 16).sum();
        if index > first && (index - first >= records || size + own > bytes) {
            pieces.push((first, index));
            (first, size) = (index, 0);
        }
        size += own;
    }
    pieces.push((first, batch.len()));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use headworks_core::{BatchBuilder, Timestamp, Value};

    #[test]
    fn batches_are_cut_by_records_and_by_bytes() {
        let mut builder = BatchBuilder::default();
        for len in [10, 10, 500, 10, 10, 10] {
            builder.field("x", Value::Text(&"x".repeat(len)));
            builder.end_record(Timestamp(0));
        }
        let batch = builder.finish().unwrap();
        assert_eq!(pieces(&batch, 100, 10_000), [(0, 6)]);
        assert_eq!(pieces(&batch, 4, 10_000), [(0, 4), (4, 6)]);
        assert_eq!(pieces(&batch, 100, 60), [(0, 2), (2, 3), (3, 5), (5, 6)]);
        assert_eq!(pieces(&Batch::default(), 1, 1), [(0, 0)]);
    }
}
