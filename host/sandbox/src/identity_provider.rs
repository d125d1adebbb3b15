//! An identity provider with its configuration.

use crate::bindings::identity_provider::exports::headworks::plugin::identifying;
use crate::host::clean;
use crate::instance::{Exports, Instance, Opened};
use crate::pool::Pool;
use crate::{CallFailure, Plugin, World};
use headworks_core::{Digest, Error, ErrorCode, Result as Checked};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::ResourceAny;

/// The most bytes of a name.
const NAME: usize = 1 << 10;
/// The most bytes of what people are told about credentials.
const USAGE: usize = 8 << 10;

/// A request that asks for a token, as far as providers see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityRequest {
    /// Such as `POST`.
    pub method: String,
    /// Names in lower case and values, in the order in which they came.
    pub headers: Vec<(String, String)>,
}

/// Somebody who proved to be somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// What policies know it by: not empty, within a line and a KiB.
    pub name: String,
    /// What people are shown, where it differs.
    pub display_name: Option<String>,
    /// How long the proof holds at most, where the provider has a say in that.
    pub lifetime: Option<Duration>,
}

/// Why nobody was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The credentials are missing or wrong. The reason is one line that cannot steer a terminal.
    Refused(String),
    /// It cannot be said now.
    Failed(String),
}

/// A component with its configuration. Clones share the instances.
#[derive(Clone)]
pub struct IdentityProvider(Arc<Pool>);

impl IdentityProvider {
    pub(crate) async fn new(plugin: &Plugin, config: &str) -> Result<Self, CallFailure> {
        Ok(Self(Pool::new(plugin, config, plugin.limits().instances).await?))
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.digest()
    }

    /// How credentials are put into a request, for people.
    ///
    /// # Errors
    /// Those of [`Transformer::transform`](crate::Transformer::transform).
    pub async fn usage(&self) -> Result<Option<String>, CallFailure> {
        let mut lease = self.0.take().await?;
        let result = lease.instance.usage().await;
        lease.instance.count(0, &result, |_| 0);
        self.0.give_back(lease, &result);
        result
    }

    /// Whether a request holds credentials of its kind; they are not verified.
    ///
    /// # Errors
    /// As [`usage`](Self::usage).
    pub async fn test(&self, request: &IdentityRequest) -> Result<bool, CallFailure> {
        let mut lease = self.0.take().await?;
        let result = lease.instance.test(request).await;
        lease.instance.count(0, &result, |_| 0);
        self.0.give_back(lease, &result);
        result
    }

    /// Who sent a request.
    ///
    /// # Errors
    /// As [`usage`](Self::usage): then nobody was proven.
    pub async fn authenticate(&self, request: &IdentityRequest) -> Result<Result<Proven, Denial>, CallFailure> {
        let mut lease = self.0.take().await?;
        let result = lease.instance.authenticate(request).await;
        lease.instance.count(0, &result, |_| 0);
        self.0.give_back(lease, &result);
        result
    }
}

impl std::fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "identity provider of {:?}", self.0.plugin())
    }
}

impl Instance {
    pub(crate) async fn open_provider(&mut self, config: &str) -> Result<ResourceAny, CallFailure> {
        let Exports::IdentityProvider(component) = &self.component else {
            return Err(self.other_world(World::IdentityProvider));
        };
        let identifying = component.headworks_plugin_identifying().clone();
        let digest = self.digest;
        let most = self.begin(self.limits.call_cpu);
        let targets = self.meter.run(most, identifying.call_targets(&mut self.store, config)).await;
        let targets = self.settle(targets)?.map_err(|error| CallFailure::of(error.into(), digest))?;
        self.grant(&targets)?;
        let most = self.begin(self.limits.call_cpu) + self.limits.network_wait;
        let opened = self.meter.run(most, identifying.provider().call_open(&mut self.store, config)).await;
        self.settle(opened)?.map_err(|error| CallFailure::of(error.into(), digest))
    }
}

impl Opened {
    async fn usage(&mut self) -> Result<Option<String>, CallFailure> {
        let Self { instance, handle } = self;
        let most = instance.begin(instance.limits.call_cpu);
        let Exports::IdentityProvider(component) = &instance.component else {
            return Err(instance.other_world(World::IdentityProvider));
        };
        let provider = component.headworks_plugin_identifying().provider();
        let answer = instance.meter.run(most, provider.call_usage(&mut instance.store, *handle)).await;
        let usage = instance.settle(answer)?;
        if usage.as_ref().is_some_and(|usage| usage.len() > USAGE) {
            let message = format!("the plugin explains itself in more than {USAGE} bytes");
            return Err(CallFailure::of(Error::new(ErrorCode::PluginLimit, message), instance.digest));
        }
        Ok(usage.filter(|usage| !usage.is_empty()))
    }

    async fn test(&mut self, request: &IdentityRequest) -> Result<bool, CallFailure> {
        let Self { instance, handle } = self;
        let (most, request) = instance.ask(request)?;
        let Exports::IdentityProvider(component) = &instance.component else {
            return Err(instance.other_world(World::IdentityProvider));
        };
        let provider = component.headworks_plugin_identifying().provider();
        let answer = instance.meter.run(most, provider.call_test(&mut instance.store, *handle, &request)).await;
        instance.settle(answer)
    }

    async fn authenticate(&mut self, request: &IdentityRequest) -> Result<Result<Proven, Denial>, CallFailure> {
        let Self { instance, handle } = self;
        let (most, request) = instance.ask(request)?;
        let Exports::IdentityProvider(component) = &instance.component else {
            return Err(instance.other_world(World::IdentityProvider));
        };
        let provider = component.headworks_plugin_identifying().provider();
        let answer = instance.meter.run(most, provider.call_authenticate(&mut instance.store, *handle, &request)).await;
        let line = instance.limits.log_line;
        Ok(match instance.settle(answer)? {
            Ok(identity) => Ok(check(identity).map_err(|error| CallFailure::of(error, instance.digest))?),
            Err(identifying::Denial::Refused(why)) => Err(Denial::Refused(clean(&why, line))),
            Err(identifying::Denial::Failed(why)) => Err(Denial::Failed(clean(&why, line))),
        })
    }
}

impl Instance {
    /// Begins a call about a request, and answers how long it may take.
    fn ask(&mut self, request: &IdentityRequest) -> Result<(Duration, identifying::Request), CallFailure> {
        let most = self.begin(self.limits.call_cpu) + self.limits.network_wait;
        let IdentityRequest { method, headers } = request.clone();
        let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + method.len();
        self.store.data_mut().pay(bytes).map_err(|error| CallFailure::of(error, self.digest))?;
        Ok((most, identifying::Request { method, headers }))
    }
}

/// Checks what a component says of somebody.
fn check(identity: identifying::Identity) -> Checked<Proven> {
    let identifying::Identity { name, display_name, lifetime_seconds } = identity;
    for text in [Some(&name), display_name.as_ref()].into_iter().flatten() {
        if text.len() > NAME {
            let message = format!("the plugin names somebody with {} bytes, and at most {NAME} are allowed", text.len());
            return Err(Error::new(ErrorCode::PluginLimit, message));
        }
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(Error::new(
                ErrorCode::PluginOutput,
                "the plugin names somebody with an empty text, or with control characters",
            ));
        }
    }
    Ok(Proven { name, display_name, lifetime: lifetime_seconds.map(|seconds| Duration::from_secs(seconds.into())) })
}
