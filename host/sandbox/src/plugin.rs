//! A loaded component.

use crate::bindings::{forwarder, transformer};
use crate::host::Services;
use crate::instance::{Instance, Linked, Opened};
use crate::outbound::Grant;
use crate::sink::OpenedSink;
use crate::{CallFailure, Forwarder, Limits, Transformer};
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

impl From<transformer::exports::headworks::plugin::plugin::Description> for Description {
    fn from(description: transformer::exports::headworks::plugin::plugin::Description) -> Self {
        let transformer::exports::headworks::plugin::plugin::Description { name, version, summary, config_schema, grants } =
            description;
        Self { name, version, summary, config_schema, grants }
    }
}

impl From<forwarder::exports::headworks::plugin::plugin::Description> for Description {
    fn from(description: forwarder::exports::headworks::plugin::plugin::Description) -> Self {
        let forwarder::exports::headworks::plugin::plugin::Description { name, version, summary, config_schema, grants } =
            description;
        Self { name, version, summary, config_schema, grants }
    }
}

/// A component that was compiled and has described itself. Clones are handles of the same one.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    linked: Linked,
    description: Description,
    digest: Digest,
    limits: Arc<Limits>,
    services: Services,
}

impl Plugin {
    pub(crate) async fn new(
        linked: Linked,
        digest: Digest,
        limits: Arc<Limits>,
        mut services: Services,
    ) -> Result<Self, CallFailure> {
        let description = Instance::new(&linked, &limits, digest, services.clone()).await?.describe().await?;
        let asked: Result<Arc<[Grant]>, String> = description.grants.iter().map(|grant| Grant::parse(grant)).collect();
        let refused = |why| CallFailure::of(Error::new(ErrorCode::PluginRefused, format!("the plugin asks for {why}")), digest);
        services.outbound.asked = asked.map_err(refused)?;
        Ok(Self(Arc::new(Inner { linked, description, digest, limits, services })))
    }

    /// What the component says of itself.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// The component's name by content.
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    pub(crate) fn limits(&self) -> &Arc<Limits> {
        &self.0.limits
    }

    /// Makes an instance that has read this configuration.
    pub(crate) async fn open(&self, config: &str) -> Result<Opened, CallFailure> {
        self.instance().await?.open(config).await
    }

    /// Makes an instance that delivers with this configuration.
    pub(crate) async fn open_sink(&self, config: &str) -> Result<OpenedSink, CallFailure> {
        OpenedSink::new(self.instance().await?, config).await
    }

    async fn instance(&self) -> Result<Instance, CallFailure> {
        let Inner { linked, digest, limits, services, .. } = &*self.0;
        Instance::new(linked, limits, *digest, services.clone()).await
    }

    /// A transformer with this configuration. Opens one instance, which proves that the configuration can be used.
    ///
    /// # Errors
    /// [`InvalidProgram`](headworks_core::ErrorCode::InvalidProgram) with the component's own text when it refuses the
    /// configuration; the codes of [`CallFailure`] when it misbehaves.
    pub async fn open_transformer(&self, config: &str) -> Result<Transformer> {
        let first = self.open(config).await.map_err(|failure| failure.error)?;
        Ok(Transformer::new(self.clone(), config, first))
    }

    /// A forwarder with this configuration. Opens one instance, which may connect to its target.
    ///
    /// # Errors
    /// As [`open_transformer`](Self::open_transformer); [`PluginRefused`](headworks_core::ErrorCode::PluginRefused) when the
    /// configuration leads to a place that the plugin does not ask for in general.
    pub async fn open_forwarder(&self, config: &str) -> Result<Forwarder> {
        let first = self.open_sink(config).await.map_err(|failure| failure.error)?;
        Ok(Forwarder::new(self.clone(), config, first))
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.0.description.name, self.0.description.version, self.0.digest)
    }
}
