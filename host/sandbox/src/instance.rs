//! One instance of a component with its store, owned by one task at a time.

use crate::bindings::forwarder::{OfferedForwarder, OfferedForwarderPre};
use crate::bindings::transformer::exports::headworks::plugin::transforming::OpenError;
use crate::bindings::transformer::{Offered, OfferedPre};
use crate::host::{Host, Records, Services};
use crate::{CallFailure, Limits, Transformed};
use headworks_core::{Batch, Digest, Error, ErrorCode};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::ResourceAny;
use wasmtime::{Engine, Store, UpdateDeadline};

/// A component that can be instantiated, by its world.
pub(crate) enum Linked {
    Transformer(OfferedPre<Host>),
    Forwarder(OfferedForwarderPre<Host>),
}

/// What an instance exports.
pub(crate) enum Exports {
    Transformer(Offered),
    Forwarder(OfferedForwarder),
}

/// A store with a component in it, and whatever handle of the component's own it holds.
pub(crate) struct Instance {
    pub(crate) store: Store<Host>,
    pub(crate) component: Exports,
    pub(crate) limits: Arc<Limits>,
    pub(crate) digest: Digest,
}

/// An instance that has read its configuration.
pub(crate) struct Opened {
    instance: Instance,
    handle: ResourceAny,
}

impl Linked {
    fn engine(&self) -> &Engine {
        match self {
            Self::Transformer(linked) => linked.engine(),
            Self::Forwarder(linked) => linked.engine(),
        }
    }

    async fn instantiate(&self, store: &mut Store<Host>) -> wasmtime::Result<Exports> {
        Ok(match self {
            Self::Transformer(linked) => Exports::Transformer(linked.instantiate_async(store).await?),
            Self::Forwarder(linked) => Exports::Forwarder(linked.instantiate_async(store).await?),
        })
    }
}

impl Instance {
    pub(crate) async fn new(
        linked: &Linked,
        limits: &Arc<Limits>,
        digest: Digest,
        services: Services,
    ) -> Result<Self, CallFailure> {
        let mut store = Store::new(linked.engine(), Host::new(limits, &digest, services));
        store.limiter(|host| &mut host.limiter);
        store.set_hostcall_fuel(limits.call_bytes);
        store.set_max_component_handles(limits.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| {
            store.data_mut().tick()?;
            Ok(UpdateDeadline::Yield(1))
        });
        let made = within(limits.call_cpu + limits.call_wait, linked.instantiate(&mut store)).await;
        match made {
            Ok(component) => Ok(Self { store, component, limits: Arc::clone(limits), digest }),
            Err(error) => {
                let refused = store.data_mut().limiter.refusal().or_else(|| too_many(&error, limits));
                Err(CallFailure::read(&error, refused, digest))
            }
        }
    }

    /// What the component says of itself.
    pub(crate) async fn describe(mut self) -> Result<crate::Description, CallFailure> {
        self.begin();
        let most = self.limits.call_cpu + self.limits.call_wait;
        let answer = match &self.component {
            Exports::Transformer(component) => {
                within(most, component.headworks_plugin_plugin().call_describe(&mut self.store)).await.map(Into::into)
            }
            Exports::Forwarder(component) => {
                within(most, component.headworks_plugin_plugin().call_describe(&mut self.store)).await.map(Into::into)
            }
        };
        answer.map_err(|error| self.failure(&error))
    }

    /// Has the component read its configuration.
    pub(crate) async fn open(mut self, config: &str) -> Result<Opened, CallFailure> {
        self.begin();
        let Exports::Transformer(component) = &self.component else { return Err(self.other_world("transformer")) };
        let transforming = component.headworks_plugin_transforming();
        let most = self.limits.call_cpu + self.limits.call_wait;
        let answer = within(most, transforming.instance().call_open(&mut self.store, config)).await;
        self.store.data_mut().end();
        match answer {
            Ok(Ok(handle)) => Ok(Opened { instance: self, handle }),
            Ok(Err(OpenError::InvalidConfig(why))) => {
                Err(CallFailure::of(Error::new(ErrorCode::InvalidProgram, why), self.digest))
            }
            Ok(Err(OpenError::Failed(why))) => Err(CallFailure::of(Error::new(ErrorCode::Failed, why), self.digest)),
            Err(error) => Err(self.failure(&error)),
        }
    }

    /// The failure of asking a component for what it is not.
    pub(crate) fn other_world(&self, wanted: &str) -> CallFailure {
        CallFailure::of(Error::new(ErrorCode::PluginRefused, format!("this plugin is no {wanted}")), self.digest)
    }

    /// Opens the accounts of a call.
    pub(crate) fn begin(&mut self) {
        self.store.set_epoch_deadline(1);
        self.store.data_mut().begin();
    }

    pub(crate) fn failure(&mut self, error: &wasmtime::Error) -> CallFailure {
        CallFailure::read(error, self.store.data_mut().limiter.refusal(), self.digest)
    }
}

impl Opened {
    /// One call. After an error the instance must not be used again, except after the component's own
    /// ([`ErrorCode::Failed`]).
    pub(crate) async fn transform(&mut self, batch: Batch) -> Result<Transformed, CallFailure> {
        let instance = &mut self.instance;
        let records = batch.len();
        instance.begin();
        let batch = instance.store.data_mut().give(batch);
        let Exports::Transformer(component) = &instance.component else { return Err(instance.other_world("transformer")) };
        let methods = component.headworks_plugin_transforming().instance();
        let most = instance.limits.call_cpu + instance.limits.call_wait;
        let answer = within(most, methods.call_transform(&mut instance.store, self.handle, batch)).await;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(instance.failure(&error)),
        };
        let digest = instance.digest;
        let made = match answer {
            Ok(handle) => instance.store.data_mut().take(&handle).and_then(|made| {
                check(&instance.limits, records, &made)?;
                Ok(finish(made.batch, made.origins, made.rejected))
            }),
            Err(why) => Err(Error::new(ErrorCode::Failed, why)),
        };
        instance.store.data_mut().end();
        made.map_err(|error| CallFailure::of(error, digest))
    }

    /// Whether the instance holds so much memory that a new one is the better choice.
    pub(crate) fn is_bloated(&self) -> bool {
        self.instance.store.data().limiter.used() > self.instance.limits.recycle_memory
    }
}

/// Reads wasmtime's refusal of a component with too many parts, which it tells by text only.
fn too_many(error: &wasmtime::Error, limits: &Limits) -> Option<Error> {
    let cause = error.root_cause().to_string();
    let Limits { memories, tables, core_instances, .. } = limits;
    cause.starts_with("resource limit exceeded").then(|| {
        let allowed = format!("at most {memories} memories, {tables} tables and {core_instances} core instances are allowed");
        Error::new(ErrorCode::PluginLimit, format!("the plugin has too many parts ({cause}); {allowed}"))
    })
}

/// Runs a call within its time. A guest that waits inside the host is not seen by the engine's clock.
pub(crate) async fn within<T>(most: Duration, call: impl Future<Output = wasmtime::Result<T>>) -> wasmtime::Result<T> {
    tokio::time::timeout(most, call).await.unwrap_or_else(|_| {
        let message = format!("the plugin took more than {most:?} for one call; it was stopped");
        Err(wasmtime::Error::new(Error::new(ErrorCode::PluginDeadline, message)))
    })
}

fn check(limits: &Limits, input: usize, made: &Records) -> headworks_core::Result<()> {
    let output = &made.batch;
    let most = limits.output_records_each.saturating_mul(input).min(limits.output_records);
    if output.len() > most {
        return Err(Error::new(
            ErrorCode::PluginLimit,
            format!("the plugin made {} records of {input}, and at most {most} are allowed", output.len()),
        ));
    }
    // What was not shared has been counted when it crossed.
    if !made.shared && limits.call_bytes <= limits.output_bytes {
        return Ok(());
    }
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
    Ok(())
}

/// Drops what was made from rejected records.
fn finish(batch: Batch, origins: Vec<u32>, rejected: BTreeMap<u32, String>) -> Transformed {
    if rejected.is_empty() {
        return Transformed { batch, origins, rejected: Vec::new() };
    }
    let mask: Vec<bool> = origins.iter().map(|origin| !rejected.contains_key(origin)).collect();
    let batch = batch.filter(&mask);
    let origins = origins.into_iter().filter(|origin| !rejected.contains_key(origin)).collect();
    Transformed { batch, origins, rejected: rejected.into_iter().collect() }
}
