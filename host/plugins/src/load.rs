//! From a stored version to something that runs.

use crate::around::Purpose;
use crate::documents::{self, PluginState, Status, VersionState};
use crate::entry::Entry;
use crate::schema::Schema;
use crate::{Config, Inner};
use headworks_core::{Digest, Document, Error, ErrorCode, Result, TenantId};
use headworks_sandbox::{EventHook, Forwarder, IdentityProvider, Plugin, Transformer, Validator, World};
use std::sync::{Arc, PoisonError};

/// A component in use, with the schema of its configuration.
pub(crate) struct Loaded {
    pub(crate) plugin: Plugin,
    pub(crate) schema: Schema,
}

/// A version with a configuration.
pub(crate) struct Running {
    pub(crate) version: String,
    pub(crate) digest: Digest,
    pub(crate) runner: Runner,
    pub(crate) purpose: Purpose,
    /// Keeps the component among those that others find.
    _loaded: Arc<Loaded>,
}

pub(crate) enum Runner {
    Transformer(Transformer),
    Forwarder(Forwarder),
    Validator(Validator),
    EventHook(EventHook),
    IdentityProvider(IdentityProvider),
}

impl Loaded {
    /// Looks at the description of a component that was just loaded.
    pub(crate) fn new(plugin: Plugin) -> Result<Self> {
        let schema = Schema::read(&plugin.description().config_schema)?;
        Ok(Self { plugin, schema })
    }
}

impl Inner {
    /// The document of a plugin with its revision.
    pub(crate) fn find(&self, tenant: TenantId, plugin: &str) -> Result<Option<(Document, PluginState)>> {
        let key = documents::plugin_key(tenant, plugin);
        let Some(document) = self.store.get(&key)? else { return Ok(None) };
        let state = documents::decode(&key, &document.body)?;
        Ok(Some((document, state)))
    }

    /// The document of a plugin.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub(crate) fn plugin(&self, tenant: TenantId, plugin: &str) -> Result<(Document, PluginState)> {
        self.find(tenant, plugin)?.ok_or_else(|| Error::not_found(format!("there is no plugin {plugin:?}")))
    }

    /// The document of a version.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub(crate) fn version(&self, tenant: TenantId, plugin: &str, version: &str) -> Result<(Document, VersionState)> {
        let key = documents::version_key(tenant, plugin, version);
        let missing = || Error::not_found(format!("there is no version {version:?} of a plugin {plugin:?}"));
        let document = self.store.get(&key)?.ok_or_else(missing)?;
        let state = documents::decode(&key, &document.body)?;
        Ok((document, state))
    }

    /// The document of a version that may run.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::NotApproved`].
    pub(crate) fn approved(&self, tenant: TenantId, plugin: &str, version: &str) -> Result<(Document, VersionState)> {
        let found = self.version(tenant, plugin, version)?;
        if found.1.status == Status::Waiting {
            let message = format!("the version {version} of the plugin {plugin} waits for the approval of what it asks for");
            return Err(Error::new(ErrorCode::NotApproved, message));
        }
        Ok(found)
    }

    /// The component with these bytes, loaded now unless somebody uses it.
    pub(crate) async fn load(&self, digest: Digest, bytes: impl AsyncFnOnce() -> Result<Vec<u8>>) -> Result<Arc<Loaded>> {
        let known = || self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(loaded) = known().get(&digest).and_then(std::sync::Weak::upgrade) {
            return Ok(loaded);
        }
        let plugin = self.sandbox.load(&bytes().await?).await?;
        let loaded = Arc::new(Loaded::new(plugin)?);
        let mut known = known();
        known.retain(|_, loaded| loaded.strong_count() > 0);
        known.insert(digest, Arc::downgrade(&loaded));
        Ok(loaded)
    }

    /// A stored version, loaded. It has to be what it was when it was uploaded.
    pub(crate) async fn load_version(
        &self,
        tenant: TenantId,
        plugin: &str,
        version: &str,
    ) -> Result<(Arc<Loaded>, VersionState)> {
        let (_, state) = self.approved(tenant, plugin, version)?;
        let digest: Digest = state.digest.parse()?;
        let loaded = self.load(digest, async || self.component(tenant, digest).await).await?;
        let said = loaded.plugin.description();
        if said.name != plugin || said.version != version || !crate::grants::missing(&said.grants, &state.approved).is_empty() {
            let message =
                format!("the version {version} of the plugin {plugin} describes itself in another way than when it was uploaded");
            return Err(Error::new(ErrorCode::PluginRefused, message));
        }
        Ok((loaded, state))
    }

    /// The bytes of a component.
    pub(crate) async fn component(&self, tenant: TenantId, digest: Digest) -> Result<Vec<u8>> {
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || store.blob(tenant, &digest)).await;
        let bytes = read.map_err(|error| Error::internal(format!("reading a component failed: {error}")))??;
        bytes.ok_or_else(|| Error::new(ErrorCode::Corrupt, format!("the component {digest} is not in the store; run `verify`")))
    }

    /// Opens a version with a configuration.
    pub(crate) async fn run(&self, entry: &Entry, version: &str, config: &Config, purpose: Purpose) -> Result<Arc<Running>> {
        let (loaded, state) = self.load_version(entry.tenant, &entry.plugin, version).await?;
        let text = loaded.schema.check(&config.value(loaded.schema.wants_text())?)?;
        let component = loaded.plugin.within(self.surroundings(entry, &state, purpose)?);
        let runner = match component.world() {
            World::Transformer => Runner::Transformer(component.open_transformer(&text).await?),
            World::Forwarder => Runner::Forwarder(component.open_forwarder(&text).await?),
            World::Validator => Runner::Validator(component.open_validator(&text).await?),
            World::EventHook => Runner::EventHook(component.open_event_hook(&text).await?),
            World::IdentityProvider => Runner::IdentityProvider(component.open_identity_provider(&text).await?),
        };
        Ok(Arc::new(Running { version: version.to_owned(), digest: component.digest(), runner, purpose, _loaded: loaded }))
    }
}
