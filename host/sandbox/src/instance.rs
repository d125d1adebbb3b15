//! One instance of a component with its store, owned by one task at a time.

use crate::bindings::event_hook::{OfferedEventHook, OfferedEventHookPre};
use crate::bindings::forwarder::{OfferedForwarder, OfferedForwarderPre};
use crate::bindings::identity_provider::{OfferedIdentityProvider, OfferedIdentityProviderPre};
use crate::bindings::transformer::{OfferedTransformer, OfferedTransformerPre};
use crate::bindings::validator::{OfferedValidator, OfferedValidatorPre};
use crate::host::{Host, Services};
use crate::meter::Meter;
use crate::surroundings::Permit;
use crate::{CallFailure, Description, Limits, World};
use headworks_core::{Digest, Error, ErrorCode};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::ResourceAny;
use wasmtime::{Engine, Store, UpdateDeadline};

/// A component that can be instantiated, by its world.
#[derive(Clone)]
pub(crate) enum Linked {
    Transformer(OfferedTransformerPre<Host>),
    Forwarder(OfferedForwarderPre<Host>),
    Validator(OfferedValidatorPre<Host>),
    EventHook(OfferedEventHookPre<Host>),
    IdentityProvider(OfferedIdentityProviderPre<Host>),
}

/// What an instance exports.
pub(crate) enum Exports {
    Transformer(OfferedTransformer),
    Forwarder(OfferedForwarder),
    Validator(OfferedValidator),
    EventHook(OfferedEventHook),
    IdentityProvider(OfferedIdentityProvider),
}

/// Does the same with what every world has in a type of its own.
macro_rules! each {
    ($of:expr, $kind:ident($inner:ident) => $done:expr) => {
        match $of {
            $kind::Transformer($inner) => $done,
            $kind::Forwarder($inner) => $done,
            $kind::Validator($inner) => $done,
            $kind::EventHook($inner) => $done,
            $kind::IdentityProvider($inner) => $done,
        }
    };
}

/// A store with a component in it.
pub(crate) struct Instance {
    pub(crate) store: Store<Host>,
    pub(crate) component: Exports,
    pub(crate) limits: Arc<Limits>,
    pub(crate) digest: Digest,
    pub(crate) meter: Meter,
}

/// An instance that has read its configuration, with the handle of what that made.
pub(crate) struct Opened {
    pub(crate) instance: Instance,
    pub(crate) handle: ResourceAny,
}

impl Linked {
    pub(crate) fn world(&self) -> World {
        match self {
            Self::Transformer(_) => World::Transformer,
            Self::Forwarder(_) => World::Forwarder,
            Self::Validator(_) => World::Validator,
            Self::EventHook(_) => World::EventHook,
            Self::IdentityProvider(_) => World::IdentityProvider,
        }
    }

    fn engine(&self) -> &Engine {
        each!(self, Self(linked) => linked.engine())
    }

    async fn instantiate(&self, store: &mut Store<Host>) -> wasmtime::Result<Exports> {
        Ok(match self {
            Self::Transformer(linked) => Exports::Transformer(linked.instantiate_async(store).await?),
            Self::Forwarder(linked) => Exports::Forwarder(linked.instantiate_async(store).await?),
            Self::Validator(linked) => Exports::Validator(linked.instantiate_async(store).await?),
            Self::EventHook(linked) => Exports::EventHook(linked.instantiate_async(store).await?),
            Self::IdentityProvider(linked) => Exports::IdentityProvider(linked.instantiate_async(store).await?),
        })
    }
}

impl Instance {
    pub(crate) async fn new(
        linked: &Linked,
        limits: &Arc<Limits>,
        digest: Digest,
        services: Services,
        permit: Permit,
    ) -> Result<Self, CallFailure> {
        let mut meter = Meter::new(Arc::clone(&services.surroundings.usage), permit);
        let mut store = Store::new(linked.engine(), Host::new(limits, digest, services));
        store.limiter(|host| &mut host.limiter);
        store.set_hostcall_fuel(limits.call_bytes);
        store.set_max_component_handles(limits.handles);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|mut store| {
            store.data_mut().tick()?;
            Ok(UpdateDeadline::Yield(1))
        });
        match meter.run(limits.call_cpu + limits.call_wait, linked.instantiate(&mut store)).await {
            Ok(component) => Ok(Self { store, component, limits: Arc::clone(limits), digest, meter }),
            Err(error) => {
                let refused = store.data_mut().limiter.refusal().or_else(|| too_many(&error, limits));
                Err(CallFailure::read(&error, refused, digest))
            }
        }
    }

    /// What the component says of itself.
    pub(crate) async fn describe(mut self) -> Result<Description, CallFailure> {
        let most = self.begin(self.limits.call_cpu);
        let (store, meter) = (&mut self.store, &mut self.meter);
        let answer = each!(&self.component, Exports(component) => {
            meter.run(most, component.headworks_plugin_plugin().call_describe(store)).await.map(Into::into)
        });
        self.settle(answer)
    }

    /// Has the component read its configuration.
    pub(crate) async fn open(mut self, config: &str) -> Result<Opened, CallFailure> {
        let handle = match &self.component {
            Exports::Transformer(_) => self.open_transformer(config).await,
            Exports::Forwarder(_) => self.open_sink(config).await,
            Exports::Validator(_) => self.open_rule(config).await,
            Exports::EventHook(_) => self.open_hook(config).await,
            Exports::IdentityProvider(_) => self.open_provider(config).await,
        };
        Ok(Opened { handle: handle?, instance: self })
    }

    /// The failure of asking a component for what it is not.
    pub(crate) fn other_world(&self, wanted: World) -> CallFailure {
        CallFailure::of(wanted.missing(), self.digest)
    }

    /// Opens the accounts of a call that may take so much processor time, and answers how long it may take in all.
    pub(crate) fn begin(&mut self, cpu: Duration) -> Duration {
        self.store.set_epoch_deadline(1);
        self.store.data_mut().begin(cpu);
        cpu + self.limits.call_wait
    }

    /// Closes the accounts of a call. After a failure the instance must not be used again.
    pub(crate) fn settle<T>(&mut self, answer: wasmtime::Result<T>) -> Result<T, CallFailure> {
        self.store.data_mut().end();
        answer.map_err(|error| CallFailure::read(&error, self.store.data_mut().limiter.refusal(), self.digest))
    }
}

impl Opened {
    /// The accounts of one call of the plugin as its user counts them: what it was given, and what it made.
    pub(crate) fn count<T>(&self, given: usize, result: &Result<T, CallFailure>, made: impl FnOnce(&T) -> usize) {
        self.instance.meter.usage().call(given, result.as_ref().ok().map(made));
    }

    /// Begins, or with none ends, the use of an instance by a call.
    pub(crate) fn admit(&mut self, permit: Option<Permit>) {
        self.instance.meter.admit(permit.unwrap_or_default());
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
