//! A forwarder with its configuration: delivering batches through the instances that are kept of it.
//!
//! What must stay true: what is reported as delivered was flushed, so an instance that nobody calls holds back nothing and may
//! be given up at any time.

use crate::bindings::forwarder::exports::headworks::plugin::forwarding::{Report as Crossing, Retry, Stop as Stopped};
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

/// What became of a batch. A record that is neither rejected nor behind the stop was delivered and not only kept back.
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
        match lease.instance.deliver(batch.slice(0..tried)).await {
            Ok(Delivered { report, leftover: true }) => {
                self.0.retire(lease);
                Ok((tried, report))
            }
            result => {
                self.0.give_back(lease, &result);
                Ok((tried, result?.report))
            }
        }
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

/// What an instance made of a batch.
struct Delivered {
    report: Report,
    /// Whether the instance may still hold records that are reported as not delivered: it would deliver them once more.
    leftover: bool,
}

impl Opened {
    /// Has records delivered, those included that the component keeps back until it is flushed.
    async fn deliver(&mut self, batch: Batch) -> Result<Delivered, CallFailure> {
        let records = batch.len();
        let result = self.send_and_flush(batch).await;
        self.count(records, &result, |Delivered { report, .. }| {
            let tried = report.stopped.as_ref().map_or(records, |stop| stop.at as usize);
            tried - report.rejected.len().min(tried)
        });
        result
    }

    async fn send_and_flush(&mut self, batch: Batch) -> Result<Delivered, CallFailure> {
        let records = batch.len();
        let report = self.call_send(batch).await?;
        let taken = report.stopped.as_ref().map_or(records, |stop| stop.at as usize);
        if taken == 0 {
            return Ok(Delivered { report, leftover: false });
        }
        Ok(match self.call_flush(taken).await? {
            None => Delivered { report, leftover: false },
            Some(stop) => {
                let rejected = report.rejected.into_iter().filter(|(index, _)| *index < stop.at).collect();
                Delivered { report: Report { rejected, stopped: Some(stop) }, leftover: true }
            }
        })
    }

    /// How long a call about so many records may take.
    fn begin_delivery(&mut self, records: usize) -> Duration {
        let Self { instance, .. } = self;
        let waits = instance.limits.network_wait.saturating_mul(u32::try_from(records).unwrap_or(u32::MAX));
        instance.begin(instance.limits.call_cpu) + waits
    }

    async fn call_send(&mut self, batch: Batch) -> Result<Report, CallFailure> {
        let records = batch.len();
        let most = self.begin_delivery(records);
        let Self { instance, handle } = self;
        let batch = instance.store.data_mut().give(batch);
        let Exports::Forwarder(component) = &instance.component else { return Err(instance.other_world(World::Forwarder)) };
        let sink = component.headworks_plugin_forwarding().sink();
        let answer = instance.meter.run(most, sink.call_send(&mut instance.store, *handle, batch)).await;
        let report = instance.settle(answer)?;
        read(report, records).map_err(|error| CallFailure::of(error, instance.digest))
    }

    /// Has the component deliver what it kept back of so many records that it has taken since it was flushed last.
    async fn call_flush(&mut self, taken: usize) -> Result<Option<Stop>, CallFailure> {
        let most = self.begin_delivery(taken);
        let Self { instance, handle } = self;
        let Exports::Forwarder(component) = &instance.component else { return Err(instance.other_world(World::Forwarder)) };
        let sink = component.headworks_plugin_forwarding().sink();
        let answer = instance.meter.run(most, sink.call_flush(&mut instance.store, *handle)).await;
        match instance.settle(answer)? {
            Ok(()) => Ok(None),
            Err(stop) if (stop.at as usize) < taken => Ok(Some(stop.into())),
            Err(_) => Err(CallFailure::of(wrong("its flush stopped at a record that it had not taken"), instance.digest)),
        }
    }
}

impl From<Stopped> for Stop {
    fn from(stop: Stopped) -> Self {
        let retry_after = match stop.retry {
            Retry::AfterMilliseconds(milliseconds) => Some(Duration::from_millis(milliseconds.into())),
            Retry::Never => None,
        };
        Self { at: stop.at, reason: stop.reason, retry_after }
    }
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorCode::PluginOutput, format!("the plugin's report cannot be: {what}"))
}

/// Checks what a component says it did.
fn read(report: Crossing, records: usize) -> Result<Report, Error> {
    let mut next = 0;
    let mut rejected = Vec::with_capacity(report.rejected.len());
    for rejection in report.rejected {
        if rejection.index < next || rejection.index as usize >= records {
            return Err(wrong("rejected records have to be ascending and within the batch"));
        }
        next = rejection.index + 1;
        rejected.push((rejection.index, rejection.reason));
    }
    let stopped = report.stopped.map(Stop::from);
    if stopped.as_ref().is_some_and(|stop| stop.at as usize >= records || stop.at < next) {
        return Err(wrong("it stopped at a record that is not there, or rejected one behind the stop"));
    }
    Ok(Report { rejected, stopped })
}
