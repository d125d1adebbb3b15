//! A forwarder with its configuration: delivering batches through the instances that are kept of it.

use crate::bindings::forwarder::exports::headworks::plugin::forwarding::{Report as Crossing, Retry};
use crate::instance::{Exports, Instance, Opened};
use crate::outbound::Grant;
use crate::pool::Pool;
use crate::{CallFailure, Plugin, World};
use headworks_core::{Batch, Digest, Error, ErrorCode};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::ResourceAny;

/// The most records of one call: each may wait for its target.
const CALL_RECORDS: usize = 32;

/// What became of a batch. A record that is neither rejected nor behind the stop was delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that the target will never take: index, ascending, and reason.
    pub rejected: Vec<(u32, String)>,
    /// Where delivering ended, if not behind the last record.
    pub stopped: Option<Stop>,
}

/// Records from `at` on were not delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// The first record that was not delivered.
    pub at: u32,
    /// Why.
    pub reason: String,
    /// After how long the target may take it; `None` when trying again is of no use.
    pub retry_after: Option<Duration>,
}

/// A component with its configuration. Clones share the instances.
#[derive(Clone)]
pub struct Forwarder(Arc<Pool>);

impl Forwarder {
    pub(crate) async fn new(plugin: &Plugin, config: &str) -> Result<Self, CallFailure> {
        Ok(Self(Pool::new(plugin, config, plugin.limits().sinks).await?))
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// Delivers some records from the first on, and says how many were tried: fewer than all of a large batch.
    ///
    /// # Errors
    /// Those of [`Transformer::transform`](crate::Transformer::transform). Then it is not known what was delivered, except
    /// that nothing was when the tenant may not call it now.
    pub async fn send(&self, batch: &Batch) -> Result<(usize, Report), CallFailure> {
        let tried = batch.len().min(CALL_RECORDS);
        let mut lease = self.0.take().await?;
        let result = lease.instance.send(batch.slice(0..tried)).await;
        self.0.give_back(lease, &result);
        Ok((tried, result?))
    }
}

impl std::fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "forwarder of {:?}", self.0.plugin())
    }
}

impl Instance {
    pub(crate) async fn open_sink(&mut self, config: &str) -> Result<ResourceAny, CallFailure> {
        let Exports::Forwarder(component) = &self.component else { return Err(self.other_world(World::Forwarder)) };
        let forwarding = component.headworks_plugin_forwarding().clone();
        let digest = self.digest;
        let most = self.begin(self.limits.call_cpu);
        let targets = self.meter.run(most, forwarding.call_targets(&mut self.store, config)).await;
        let targets = self.settle(targets)?.map_err(|error| CallFailure::of(error.into(), digest))?;
        self.grant(&targets)?;
        let most = self.begin(self.limits.call_cpu) + self.limits.network_wait;
        let opened = self.meter.run(most, forwarding.sink().call_open(&mut self.store, config)).await;
        self.settle(opened)?.map_err(|error| CallFailure::of(error.into(), digest))
    }

    /// Lets the component reach what its configuration needs, as far as it asks for that in general and that was approved.
    pub(crate) fn grant(&mut self, targets: &[String]) -> Result<(), CallFailure> {
        let refused = |why: String| Error::new(ErrorCode::PluginRefused, why);
        let outbound = &mut self.store.data_mut().outbound;
        let read = |target: &String| {
            let grant = Grant::parse(target).map_err(|why| refused(format!("the configuration leads to {why}")))?;
            if !outbound.asked.iter().any(|asked| asked.covers(&grant)) {
                return Err(refused(format!("the configuration leads to {target}, which the plugin does not ask for")));
            }
            if !outbound.approved.covers(&grant) {
                return Err(refused(format!("the configuration leads to {target}, which was not approved for this plugin")));
            }
            Ok(grant)
        };
        let granted = targets.iter().map(read).collect::<Result<_, _>>();
        outbound.granted = granted.map_err(|error| CallFailure::of(error, self.digest))?;
        Ok(())
    }
}

impl Opened {
    async fn send(&mut self, batch: Batch) -> Result<Report, CallFailure> {
        let records = batch.len();
        let result = self.call_send(batch).await;
        self.count(records, &result, |report| {
            let tried = report.stopped.as_ref().map_or(records, |stop| stop.at as usize);
            tried - report.rejected.len().min(tried)
        });
        result
    }

    async fn call_send(&mut self, batch: Batch) -> Result<Report, CallFailure> {
        let Self { instance, handle } = self;
        let records = batch.len();
        let waits = instance.limits.network_wait.saturating_mul(records as u32);
        let most = instance.begin(instance.limits.call_cpu) + waits;
        let batch = instance.store.data_mut().give(batch);
        let Exports::Forwarder(component) = &instance.component else { return Err(instance.other_world(World::Forwarder)) };
        let sink = component.headworks_plugin_forwarding().sink();
        let answer = instance.meter.run(most, sink.call_send(&mut instance.store, *handle, batch)).await;
        let report = instance.settle(answer)?;
        read(report, records).map_err(|error| CallFailure::of(error, instance.digest))
    }
}

/// Checks what a component says it did.
fn read(report: Crossing, records: usize) -> Result<Report, Error> {
    let wrong = |what: &str| Error::new(ErrorCode::PluginOutput, format!("the plugin's report cannot be: {what}"));
    let mut next = 0;
    let mut rejected = Vec::with_capacity(report.rejected.len());
    for rejection in report.rejected {
        if rejection.index < next || rejection.index as usize >= records {
            return Err(wrong("rejected records have to be ascending and within the batch"));
        }
        next = rejection.index + 1;
        rejected.push((rejection.index, rejection.reason));
    }
    let stopped = report.stopped.map(|stop| Stop {
        at: stop.at,
        reason: stop.reason,
        retry_after: match stop.retry {
            Retry::AfterMilliseconds(milliseconds) => Some(Duration::from_millis(milliseconds.into())),
            Retry::Never => None,
        },
    });
    if stopped.as_ref().is_some_and(|stop| stop.at as usize >= records || stop.at < next) {
        return Err(wrong("it stopped at a record that is not there, or rejected one behind the stop"));
    }
    Ok(Report { rejected, stopped })
}
