//! An event hook with its configuration.

use crate::bindings::event_hook::exports::headworks::plugin::hooking;
use crate::bindings::headworks::plugin::batches::Time;
use crate::host::clean;
use crate::instance::{Exports, Instance, Opened};
use crate::pool::Pool;
use crate::{CallFailure, Plugin, World};
use headworks_core::{Digest, Timestamp};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::ResourceAny;

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Such as `CREATE_BUCKET`.
    pub kind: String,
    /// When it was done.
    pub at: Timestamp,
    /// Names and values, in the order of the kind.
    pub fields: Vec<(String, String)>,
}

/// What a hook made of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It did what it is for.
    Done,
    /// It may do so later.
    RetryAfter(Duration, String),
    /// It never will. The reason is one line that cannot steer a terminal.
    Failed(String),
}

/// A component with its configuration. Clones share the instances.
#[derive(Clone)]
pub struct EventHook(Arc<Pool>);

impl EventHook {
    pub(crate) async fn new(plugin: &Plugin, config: &str) -> Result<Self, CallFailure> {
        Ok(Self(Pool::new(plugin, config, plugin.limits().instances).await?))
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// Gives it an event.
    ///
    /// # Errors
    /// Those of [`Transformer::transform`](crate::Transformer::transform). It is not known what it did until then, except
    /// that it did nothing when the tenant may not call it now.
    pub async fn handle(&self, event: &Event) -> Result<Handled, CallFailure> {
        let mut lease = self.0.take().await?;
        let result = lease.instance.handle(event).await;
        lease.instance.count(1, &result, |handled| usize::from(*handled == Handled::Done));
        self.0.give_back(lease, &result);
        result
    }
}

impl std::fmt::Debug for EventHook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "event hook of {:?}", self.0.plugin())
    }
}

impl Instance {
    pub(crate) async fn open_hook(&mut self, config: &str) -> Result<ResourceAny, CallFailure> {
        let Exports::EventHook(component) = &self.component else { return Err(self.other_world(World::EventHook)) };
        let hooking = component.headworks_plugin_hooking().clone();
        let digest = self.digest;
        let most = self.begin(self.limits.call_cpu);
        let targets = self.meter.run(most, hooking.call_targets(&mut self.store, config)).await;
        let targets = self.settle(targets)?.map_err(|error| CallFailure::of(error.into(), digest))?;
        self.grant(&targets)?;
        let most = self.begin(self.limits.call_cpu) + self.limits.network_wait;
        let opened = self.meter.run(most, hooking.hook().call_open(&mut self.store, config)).await;
        self.settle(opened)?.map_err(|error| CallFailure::of(error.into(), digest))
    }
}

impl Opened {
    async fn handle(&mut self, event: &Event) -> Result<Handled, CallFailure> {
        let Self { instance, handle } = self;
        let digest = instance.digest;
        let most = instance.begin(instance.limits.call_cpu) + instance.limits.network_wait;
        let bytes = event.fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + event.kind.len();
        instance.store.data_mut().pay(bytes).map_err(|error| CallFailure::of(error, digest))?;
        let Exports::EventHook(component) = &instance.component else { return Err(instance.other_world(World::EventHook)) };
        let hook = component.headworks_plugin_hooking().hook();
        let Event { kind, at, fields } = event.clone();
        let at = Time { seconds: at.seconds(), nanoseconds: at.subsec_nanos() };
        let event = hooking::Event { kind, at, fields };
        let answer = instance.meter.run(most, hook.call_handle(&mut instance.store, *handle, &event)).await;
        let line = |text: &str| clean(text, instance.limits.log_line);
        let lift = |outcome| match outcome {
            hooking::Outcome::Ok => Handled::Done,
            hooking::Outcome::RetryAfter(hooking::Delay { milliseconds, reason }) => {
                Handled::RetryAfter(Duration::from_millis(milliseconds.into()), line(&reason))
            }
            hooking::Outcome::Failed(why) => Handled::Failed(line(&why)),
        };
        let lifted = answer.map(lift);
        instance.settle(lifted)
    }
}
