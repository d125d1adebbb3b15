//! A forwarder with its configuration: delivering batches through the instances that are kept of it.

use crate::bindings::forwarder::exports::headworks::plugin::forwarding::{OpenError, Report as Crossing, Retry};
use crate::instance::{Exports, Instance, within};
use crate::outbound::Grant;
use crate::pool::Pool;
use crate::{CallFailure, Plugin};
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
pub struct Forwarder(Arc<Inner>);

struct Inner {
    plugin: Plugin,
    config: String,
    pool: Pool<OpenedSink>,
}

impl Forwarder {
    pub(crate) fn new(plugin: Plugin, config: &str, first: OpenedSink) -> Self {
        let pool = Pool::new(plugin.digest(), plugin.limits(), plugin.limits().sinks, first);
        Self(Arc::new(Inner { plugin, config: config.to_owned(), pool }))
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.plugin.digest()
    }

    /// Delivers some records from the first on, and says how many were tried: fewer than all of a large batch.
    ///
    /// # Errors
    /// Those of [`Transformer::transform`](crate::Transformer::transform). Then it is not known what was delivered.
    pub async fn send(&self, batch: &Batch) -> Result<(usize, Report), CallFailure> {
        let Inner { plugin, config, pool } = &*self.0;
        let tried = batch.len().min(CALL_RECORDS);
        let mut lease = pool.take(async || plugin.open_sink(config).await).await?;
        let result = lease.instance.send(batch.slice(0..tried)).await;
        pool.give_back(lease, &result, |instance| !instance.is_bloated());
        Ok((tried, result?))
    }
}

impl std::fmt::Debug for Forwarder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "forwarder of {:?}", self.0.plugin)
    }
}

/// An instance that has read its configuration and may hold connections.
pub(crate) struct OpenedSink {
    instance: Instance,
    handle: ResourceAny,
}

impl OpenedSink {
    pub(crate) async fn new(mut instance: Instance, config: &str) -> Result<Self, CallFailure> {
        let Exports::Forwarder(component) = &instance.component else { return Err(instance.other_world("forwarder")) };
        let forwarding = component.headworks_plugin_forwarding().clone();
        instance.begin();
        let most = instance.limits.call_cpu + instance.limits.call_wait;
        let targets = within(most, forwarding.call_targets(&mut instance.store, config)).await;
        let targets = targets.map_err(|error| instance.failure(&error))?;
        instance.grant(&targets.map_err(|error| instance.refusal(error))?)?;
        instance.begin();
        let most = most + instance.limits.network_wait;
        let opened = within(most, forwarding.sink().call_open(&mut instance.store, config)).await;
        instance.store.data_mut().end();
        let opened = opened.map_err(|error| instance.failure(&error))?;
        let handle = opened.map_err(|error| instance.refusal(error))?;
        Ok(Self { instance, handle })
    }

    async fn send(&mut self, batch: Batch) -> Result<Report, CallFailure> {
        let Self { instance, handle } = self;
        let records = batch.len();
        instance.begin();
        let batch = instance.store.data_mut().give(batch);
        let Exports::Forwarder(component) = &instance.component else { return Err(instance.other_world("forwarder")) };
        let sink = component.headworks_plugin_forwarding().sink();
        let waits = instance.limits.network_wait.saturating_mul(records as u32);
        let most = instance.limits.call_cpu + instance.limits.call_wait + waits;
        let answer = within(most, sink.call_send(&mut instance.store, *handle, batch)).await;
        instance.store.data_mut().end();
        let report = answer.map_err(|error| instance.failure(&error))?;
        read(report, records).map_err(|error| CallFailure::of(error, instance.digest))
    }

    fn is_bloated(&self) -> bool {
        self.instance.store.data().limiter.used() > self.instance.limits.recycle_memory
    }
}

impl Instance {
    /// Lets the component reach what its configuration needs, as far as it asks for that in general.
    fn grant(&mut self, targets: &[String]) -> Result<(), CallFailure> {
        let refused = |why: String| Error::new(ErrorCode::PluginRefused, why);
        let outbound = &mut self.store.data_mut().outbound;
        let read = |target: &String| {
            let grant = Grant::parse(target).map_err(|why| refused(format!("the configuration leads to {why}")))?;
            match outbound.asked.iter().any(|asked| asked.covers(&grant)) {
                true => Ok(grant),
                false => Err(refused(format!("the configuration leads to {target}, which the plugin does not ask for"))),
            }
        };
        let granted = targets.iter().map(read).collect::<Result<_, _>>();
        outbound.granted = granted.map_err(|error| CallFailure::of(error, self.digest))?;
        Ok(())
    }

    fn refusal(&self, error: OpenError) -> CallFailure {
        let (code, why) = match error {
            OpenError::InvalidConfig(why) => (ErrorCode::InvalidProgram, why),
            OpenError::Failed(why) => (ErrorCode::Failed, why),
        };
        CallFailure::of(Error::new(code, why), self.digest)
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
