//! A loaded component.

use crate::bindings::{event_hook, forwarder, identity_provider, transformer, validator};
use crate::host::Services;
use crate::inspect::{Inspection, World};
use crate::instance::{Instance, Linked, Opened};
use crate::outbound::{Grant, Network};
use crate::surroundings::{Permit, Surroundings};
use crate::sweeper::Sweeper;
use crate::{CallFailure, EventHook, Forwarder, IdentityProvider, Limits, Transformer, Validator};
use headworks_core::{Digest, Error, ErrorCode, Result};
use std::sync::Arc;

/// A component's own account of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// Lower-case words with hyphens.
    pub name: String,
    /// Semantic version.
    pub version: String,
    /// One line.
    pub summary: String,
    /// JSON Schema of its configuration.
    pub config_schema: String,
    /// Grants it asks for.
    pub grants: Vec<String>,
}

/// Reads what every world has in a type of its own.
macro_rules! read {
    ($world:ident, $main:ident) => {
        impl From<$world::exports::headworks::plugin::plugin::Description> for Description {
            fn from(description: $world::exports::headworks::plugin::plugin::Description) -> Self {
                let $world::exports::headworks::plugin::plugin::Description { name, version, summary, config_schema, grants } =
                    description;
                Self { name, version, summary, config_schema, grants }
            }
        }

        impl From<$world::exports::headworks::plugin::$main::OpenError> for Error {
            fn from(error: $world::exports::headworks::plugin::$main::OpenError) -> Self {
                use $world::exports::headworks::plugin::$main::OpenError;
                match error {
                    OpenError::InvalidConfig(why) => Self::new(ErrorCode::InvalidProgram, why),
                    OpenError::Failed(why) => Self::new(ErrorCode::Failed, why),
                }
            }
        }
    };
}

read!(transformer, transforming);
read!(forwarder, forwarding);
read!(validator, validating);
read!(event_hook, hooking);
read!(identity_provider, identifying);

/// A component that was compiled and has described itself, in its surroundings. Clones are handles of the same one.
#[derive(Clone)]
pub struct Plugin {
    loaded: Arc<Loaded>,
    services: Services,
}

/// What is the same in all surroundings.
struct Loaded {
    linked: Linked,
    interface: String,
    description: Description,
    digest: Digest,
    limits: Arc<Limits>,
}

impl Plugin {
    pub(crate) async fn new(
        linked: Linked,
        inspection: Inspection,
        digest: Digest,
        limits: Arc<Limits>,
        mut services: Services,
    ) -> Result<Self, CallFailure> {
        let instance = Instance::new(&linked, &limits, digest, services.clone(), Permit::default()).await?;
        let description = instance.describe().await?;
        let asked: Result<Arc<[Grant]>, String> = description.grants.iter().map(|grant| Grant::parse(grant)).collect();
        let refused = |why| CallFailure::of(Error::new(ErrorCode::PluginRefused, format!("the plugin asks for {why}")), digest);
        services.outbound.asked = asked.map_err(refused)?;
        let loaded = Loaded { linked, interface: inspection.interface, description, digest, limits };
        Ok(Self { loaded: Arc::new(loaded), services })
    }

    /// The same component in other surroundings. What was opened before stays in the old ones.
    #[must_use]
    pub fn within(&self, surroundings: Surroundings) -> Self {
        let mut plugin = self.clone();
        plugin.services.outbound.approved = surroundings.granted.clone();
        plugin.services.surroundings = Arc::new(surroundings);
        plugin
    }

    /// The same component with another way to the network.
    pub(crate) fn reaching(&self, network: Arc<dyn Network>) -> Self {
        let mut plugin = self.clone();
        plugin.services.outbound.network = Some(network);
        plugin
    }

    pub(crate) fn surroundings(&self) -> &Surroundings {
        &self.services.surroundings
    }

    /// What the component says of itself.
    pub fn description(&self) -> &Description {
        &self.loaded.description
    }

    /// What it is.
    pub fn world(&self) -> World {
        self.loaded.linked.world()
    }

    /// The version of the interface that it was made for, such as `0.1.1`.
    pub fn interface(&self) -> &str {
        &self.loaded.interface
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.loaded.digest
    }

    pub(crate) fn sweeper(&self) -> &Arc<Sweeper> {
        &self.services.sweeper
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.loaded.limits
    }

    /// The right to one call.
    pub(crate) async fn admit(&self) -> Result<Permit, CallFailure> {
        self.services.surroundings.admission.admit().await.map_err(|error| CallFailure::of(error, self.digest()))
    }

    /// Makes an instance that has read this configuration.
    pub(crate) async fn open(&self, config: &str, permit: Permit) -> Result<Opened, CallFailure> {
        let Loaded { linked, digest, limits, .. } = &*self.loaded;
        Instance::new(linked, limits, *digest, self.services.clone(), permit).await?.open(config).await
    }

    fn is(&self, wanted: World) -> Result<()> {
        if self.world() == wanted { Ok(()) } else { Err(wanted.missing()) }
    }

    /// A transformer with this configuration. Opens one instance, which proves that the configuration can be used.
    ///
    /// # Errors
    /// [`InvalidProgram`](headworks_core::ErrorCode::InvalidProgram) with the component's own text when it refuses the
    /// configuration; [`PluginRefused`](headworks_core::ErrorCode::PluginRefused) when it is no transformer; the codes of
    /// [`CallFailure`] when it misbehaves.
    pub async fn open_transformer(&self, config: &str) -> Result<Transformer> {
        self.is(World::Transformer)?;
        Transformer::new(self, config).await.map_err(|failure| failure.error)
    }

    /// A forwarder with this configuration. Opens one instance, which may connect to its target.
    ///
    /// # Errors
    /// As [`open_transformer`](Self::open_transformer); [`PluginRefused`](headworks_core::ErrorCode::PluginRefused) also when
    /// the configuration leads to a place that the plugin does not ask for in general, or that was not approved.
    pub async fn open_forwarder(&self, config: &str) -> Result<Forwarder> {
        self.is(World::Forwarder)?;
        Forwarder::new(self, config).await.map_err(|failure| failure.error)
    }

    /// A validator with this configuration.
    ///
    /// # Errors
    /// As [`open_transformer`](Self::open_transformer).
    pub async fn open_validator(&self, config: &str) -> Result<Validator> {
        self.is(World::Validator)?;
        Validator::new(self, config).await.map_err(|failure| failure.error)
    }

    /// An event hook with this configuration.
    ///
    /// # Errors
    /// As [`open_forwarder`](Self::open_forwarder).
    pub async fn open_event_hook(&self, config: &str) -> Result<EventHook> {
        self.is(World::EventHook)?;
        EventHook::new(self, config).await.map_err(|failure| failure.error)
    }

    /// An identity provider with this configuration.
    ///
    /// # Errors
    /// As [`open_forwarder`](Self::open_forwarder).
    pub async fn open_identity_provider(&self, config: &str) -> Result<IdentityProvider> {
        self.is(World::IdentityProvider)?;
        IdentityProvider::new(self, config).await.map_err(|failure| failure.error)
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Description { name, version, .. } = self.description();
        write!(f, "{name} {version} ({})", self.digest())
    }
}
