//! A transformer with its configuration.

use crate::instance::Opened;
use crate::pool::Pool;
use crate::{CallFailure, Plugin};
use headworks_core::{Batch, Digest};
use std::sync::Arc;

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
#[derive(Clone)]
pub struct Transformer(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    config: String,
    pool: Pool<Opened>,
}

impl Transformer {
    pub(crate) fn new(plugin: Plugin, config: &str, first: Opened) -> Self {
        let pool = Pool::new(plugin.digest(), plugin.limits(), plugin.limits().instances, first);
        Self(Arc::new(Inner { plugin, config: config.to_owned(), pool }))
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.plugin.digest()
    }

    /// Maps a batch. Large batches cross in several calls, one after the other.
    ///
    /// # Errors
    /// [`PluginTrap`](headworks_core::ErrorCode::PluginTrap), [`PluginDeadline`](headworks_core::ErrorCode::PluginDeadline),
    /// [`PluginLimit`](headworks_core::ErrorCode::PluginLimit) or [`PluginOutput`](headworks_core::ErrorCode::PluginOutput)
    /// when the sandbox ended a call, [`PluginSuspended`](headworks_core::ErrorCode::PluginSuspended) when the transformer
    /// only fails and is left alone for a while, and [`Failed`](headworks_core::ErrorCode::Failed) with the component's own
    /// text when it gave up. Then nothing of the batch was mapped.
    pub async fn transform(&self, batch: Batch) -> Result<Transformed, CallFailure> {
        let Inner { plugin, config, pool } = &*self.0;
        let mut lease = pool.take(async || plugin.open(config).await).await?;
        let result = self.0.run_in(&mut lease.instance, batch).await;
        pool.give_back(lease, &result, |instance| !instance.is_bloated());
        result
    }
}

impl std::fmt::Debug for Transformer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "transformer of {:?}", self.0.plugin)
    }
}

impl Inner {
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
