//! A loaded component.

use crate::bindings::OfferedPre;
use crate::bindings::exports::headworks::plugin::plugin as crossing;
use crate::host::Host;
use crate::instance::{Instance, Opened};
use crate::{CallFailure, Limits, Transformer};
use headworks_core::{Digest, Result};
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

impl From<crossing::Description> for Description {
    fn from(description: crossing::Description) -> Self {
        let crossing::Description { name, version, summary, config_schema, grants } = description;
        Self { name, version, summary, config_schema, grants }
    }
}

/// A component that was compiled and has described itself. Clones are handles of the same one.
#[derive(Clone)]
pub struct Plugin(Arc<Inner>);

struct Inner {
    component: OfferedPre<Host>,
    description: Description,
    digest: Digest,
    limits: Arc<Limits>,
}

impl Plugin {
    pub(crate) async fn new(component: OfferedPre<Host>, digest: Digest, limits: Arc<Limits>) -> Result<Self, CallFailure> {
        let description = Instance::new(&component, &limits, digest).await?.describe().await?;
        Ok(Self(Arc::new(Inner { component, description, digest, limits })))
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
        Instance::new(&self.0.component, &self.0.limits, self.0.digest).await?.open(config).await
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
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.0.description.name, self.0.description.version, self.0.digest)
    }
}
