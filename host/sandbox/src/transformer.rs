//! A transformer with its configuration.

use crate::host::Records;
use crate::instance::{Exports, Instance, Opened};
use crate::pool::Pool;
use crate::{CallFailure, Limits, Plugin, World};
use headworks_core::{Batch, Digest, Error, ErrorCode, Result as Checked};
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime::component::ResourceAny;

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
pub struct Transformer(Arc<Pool>);

impl Transformer {
    pub(crate) async fn new(plugin: &Plugin, config: &str) -> Result<Self, CallFailure> {
        Ok(Self(Pool::new(plugin, config, plugin.limits().instances).await?))
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// Maps a batch. Large batches cross in several calls, one after the other.
    ///
    /// # Errors
    /// [`PluginTrap`](headworks_core::ErrorCode::PluginTrap), [`PluginDeadline`](headworks_core::ErrorCode::PluginDeadline),
    /// [`PluginLimit`](headworks_core::ErrorCode::PluginLimit) or [`PluginOutput`](headworks_core::ErrorCode::PluginOutput)
    /// when the sandbox ended a call, [`PluginSuspended`](headworks_core::ErrorCode::PluginSuspended) when the transformer
    /// only fails and is left alone for a while, [`Exhausted`](headworks_core::ErrorCode::Exhausted) when its tenant may not
    /// call it now, and [`Failed`](headworks_core::ErrorCode::Failed) with the component's own text when it gave up. Then
    /// nothing of the batch was mapped.
    pub async fn transform(&self, batch: Batch) -> Result<Transformed, CallFailure> {
        let mut lease = self.0.take().await?;
        let result = run_in(&mut lease.instance, self.0.plugin().limits(), batch).await;
        self.0.give_back(lease, &result);
        result
    }
}

impl std::fmt::Debug for Transformer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "transformer of {:?}", self.0.plugin())
    }
}

async fn run_in(instance: &mut Opened, limits: &Limits, batch: Batch) -> Result<Transformed, CallFailure> {
    let pieces = pieces(&batch, limits.call_records, limits.call_bytes / 4);
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
    whole.batch = Batch::concat(&made).map_err(|error| CallFailure::of(error, instance.instance.digest))?;
    Ok(whole)
}

impl Instance {
    pub(crate) async fn open_transformer(&mut self, config: &str) -> Result<ResourceAny, CallFailure> {
        let most = self.begin(self.limits.call_cpu);
        let Exports::Transformer(component) = &self.component else { return Err(self.other_world(World::Transformer)) };
        let methods = component.headworks_plugin_transforming().instance();
        let answer = self.meter.run(most, methods.call_open(&mut self.store, config)).await;
        self.settle(answer)?.map_err(|error| CallFailure::of(error.into(), self.digest))
    }
}

impl Opened {
    /// One call. After an error the instance must not be used again, except after the component's own
    /// ([`ErrorCode::Failed`]).
    async fn transform(&mut self, batch: Batch) -> Result<Transformed, CallFailure> {
        let records = batch.len();
        let result = self.call_transform(batch).await;
        self.count(records, &result, |made| made.batch.len());
        result
    }

    async fn call_transform(&mut self, batch: Batch) -> Result<Transformed, CallFailure> {
        let Self { instance, handle } = self;
        let records = batch.len();
        let most = instance.begin(instance.limits.call_cpu);
        let batch = instance.store.data_mut().give(batch);
        let Exports::Transformer(component) = &instance.component else { return Err(instance.other_world(World::Transformer)) };
        let methods = component.headworks_plugin_transforming().instance();
        let answer = instance.meter.run(most, methods.call_transform(&mut instance.store, *handle, batch)).await;
        let made = match &answer {
            Ok(Ok(handle)) => instance.store.data_mut().take(handle),
            Ok(Err(why)) => Err(Error::new(ErrorCode::Failed, why)),
            // What `settle` tells.
            Err(_) => Err(Error::internal("the call failed")),
        };
        instance.settle(answer)?.ok();
        let checked = made.and_then(|made| check(&instance.limits, records, made));
        checked.map_err(|error| CallFailure::of(error, instance.digest))
    }
}

/// Checks how much a component made, and drops what was made from rejected records.
fn check(limits: &Limits, input: usize, made: Records) -> Checked<Transformed> {
    let output = &made.batch;
    let most = limits.output_records_each.saturating_mul(input).min(limits.output_records);
    if output.len() > most {
        return Err(Error::new(
            ErrorCode::PluginLimit,
            format!("the plugin made {} records of {input}, and at most {most} are allowed", output.len()),
        ));
    }
    // What was not shared has been counted when it crossed.
    if made.shared || limits.call_bytes > limits.output_bytes {
        let mut bytes = 0_usize;
        for record in output.records() {
            bytes += record.cells().map(|(_, _, value)| value.len()).sum::<usize>();
            if bytes > limits.output_bytes {
                return Err(Error::new(
                    ErrorCode::PluginLimit,
                    format!("the plugin made records of more than {} bytes", limits.output_bytes),
                ));
            }
        }
    }
    Ok(finish(made.batch, made.origins, made.rejected))
}

fn finish(batch: Batch, origins: Vec<u32>, rejected: BTreeMap<u32, String>) -> Transformed {
    if rejected.is_empty() {
        return Transformed { batch, origins, rejected: Vec::new() };
    }
    let mask: Vec<bool> = origins.iter().map(|origin| !rejected.contains_key(origin)).collect();
    let batch = batch.filter(&mask);
    let origins = origins.into_iter().filter(|origin| !rejected.contains_key(origin)).collect();
    Transformed { batch, origins, rejected: rejected.into_iter().collect() }
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
