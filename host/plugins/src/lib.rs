//! Plugins that tenants upload: their versions, what is made of them, and replacing them while they run.
//!
//! Owns the documents of plugins and versions, the instances in use (`slot`), checking configurations (`schema`) and
//! releases. What must stay true: a component that is refused leaves nothing behind; nothing runs that is not approved for
//! its tenant; a batch under way ends on the version that it began with, and the next one takes the version that the document
//! names; nothing is kept in memory of a tenant or plugin that nobody uses. Knows nothing of HTTP or of any dialect.

mod around;
mod compare;
mod documents;
mod entry;
mod grants;
mod judge;
mod load;
mod manage;
mod named;
mod program;
mod provider;
mod release;
mod schema;
mod slot;
mod upload;
mod users;

pub use around::envelope::{Envelope, Opened};
pub use around::log::LogLine;
pub use around::seal::{KEY_FILE, Seal};
pub use around::secrets::{SECRET, SECRET_BYTES};
pub use documents::{Candidate, Ending, Outcome, PLUGIN, PluginState, Shadow, Status, TESTS, VERSION, VersionState};
pub use judge::{Hear, Identify, Judge};
pub use manage::{Plugin, Version};
pub use named::Coordinates;
pub use program::{Config, FORWARDER_TYPE, Use};
pub use provider::{IDENTITY_PROVIDER, Provider, SavedProvider};
pub use release::Release;
pub use schema::CONFIG_BYTES;
pub use upload::Upload;

pub use headworks_sandbox::{UsageSnapshot, World};

use around::Purpose;
use entry::Entry;
use headworks_core::time::Clock;
use headworks_core::{Digest, Error, ErrorCode, Result, TenantId, Timestamp};
use headworks_identity::Tenants;
use headworks_pipelines::{Target, Transform};
use headworks_sandbox::Sandbox;
use headworks_store::Store;
use load::Loaded;
use named::Meant;
use serde_json::Value;
use slot::Slot;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Kind of the documents that hold an event hook, which may name a plugin.
pub const EVENT_HOOK: &str = "event-hook";

/// The plugins of all tenants. Clones share them.
#[derive(Clone)]
pub struct Plugins(Arc<Inner>);

/// What plugins are made of.
pub struct PluginsOptions {
    /// Documents, components and what plugins remember.
    pub store: Store,
    /// Where components run.
    pub sandbox: Sandbox,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Keeps secrets sealed.
    pub seal: Seal,
    /// How many plugins a tenant may have, what they may be granted, and who decides about calls.
    pub tenants: Tenants,
}

pub(crate) struct Inner {
    store: Store,
    sandbox: Sandbox,
    clock: Arc<dyn Clock>,
    seal: Seal,
    tenants: Tenants,
    started: Timestamp,
    /// Plugins that were used since the start.
    entries: Mutex<HashMap<(TenantId, String), Arc<Entry>>>,
    /// Components in use, one for all tenants and plugins that have the same.
    loaded: Mutex<HashMap<Digest, Weak<Loaded>>>,
    /// The identity providers in use, each with the revision of its document.
    providers: Mutex<HashMap<TenantId, (u64, Arc<Slot>)>>,
}

impl Plugins {
    /// What secrets are sealed with, and backups.
    pub fn seal(&self) -> &Seal {
        &self.0.seal
    }

    /// The plugins in a store, run in a sandbox. Nothing is loaded before it is used.
    pub fn new(options: PluginsOptions) -> Self {
        let PluginsOptions { store, sandbox, clock, seal, tenants } = options;
        let ((entries, loaded, providers), started) = (Default::default(), clock.now());
        Self(Arc::new(Inner { store, sandbox, clock, seal, tenants, started, entries, loaded, providers }))
    }

    /// Writes what plugins remember and what is not yet on the disk; before the store is closed.
    pub async fn flush(&self) {
        let entries: Vec<Arc<Entry>> = self.0.entries().values().map(Arc::clone).collect();
        for entry in entries {
            entry.state.flush().await;
        }
    }

    /// What a plugin logged lately behind a number, oldest first: the last thousand lines since the start.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn logs(&self, tenant: TenantId, plugin: &str, after: u64) -> Result<Vec<LogLine>> {
        Ok(self.0.existing(tenant, plugin)?.log.after(after))
    }

    /// Tells when a plugin logged something.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn follow_logs(&self, tenant: TenantId, plugin: &str) -> Result<tokio::sync::watch::Receiver<u64>> {
        Ok(self.0.existing(tenant, plugin)?.log.follow())
    }

    /// Since when usage is counted and logs are kept: the start of the server.
    pub fn started(&self) -> Timestamp {
        self.0.started
    }

    /// What a plugin used in a tenant since the start.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub fn usage(&self, tenant: TenantId, plugin: &str) -> Result<UsageSnapshot> {
        Ok(self.0.existing(tenant, plugin)?.usage.snapshot())
    }

    /// Where components are loaded.
    pub fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    /// A transformer made from a plugin. It goes on with whichever version is in use, unless one is named by its digest.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidProgram`] when there is no such plugin, it is no transformer, no version of it is in use, or the
    /// configuration cannot be used; what loading and opening meet.
    pub async fn open_transformer(&self, tenant: TenantId, plugin: &str, config: &Config) -> Result<Arc<dyn Transform>> {
        Ok(self.0.open(tenant, plugin, config, World::Transformer).await?)
    }

    /// A transformer made from one version of a plugin, whether that is in use or not.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], [`ErrorCode::NotApproved`]; what loading and opening meet.
    pub async fn open_version(
        &self,
        tenant: TenantId,
        plugin: &str,
        version: &str,
        config: &Config,
    ) -> Result<Arc<dyn Transform>> {
        let Meant { plugin, .. } = self.0.meant_by(tenant, plugin).await?;
        let entry = self.0.existing(tenant, &plugin)?;
        Ok(self.0.run(&entry, version, config, Purpose::Use).await?)
    }

    /// A forwarder made from a plugin. It goes on with whichever version is in use.
    ///
    /// # Errors
    /// As [`open_transformer`](Self::open_transformer).
    pub async fn open_forwarder(&self, tenant: TenantId, plugin: &str, config: &Config) -> Result<Arc<dyn Target>> {
        Ok(self.0.open(tenant, plugin, config, World::Forwarder).await?)
    }

    /// A rule made from a plugin. It goes on with whichever version is in use.
    ///
    /// # Errors
    /// As [`open_transformer`](Self::open_transformer).
    pub async fn open_validator(&self, tenant: TenantId, plugin: &str, config: &Config) -> Result<Arc<dyn Judge>> {
        Ok(self.0.open(tenant, plugin, config, World::Validator).await?)
    }

    /// An event hook made from a plugin. It goes on with whichever version is in use.
    ///
    /// # Errors
    /// As [`open_transformer`](Self::open_transformer).
    pub async fn open_event_hook(&self, tenant: TenantId, plugin: &str, config: &Config) -> Result<Arc<dyn Hear>> {
        Ok(self.0.open(tenant, plugin, config, World::EventHook).await?)
    }

    /// The configuration as the plugin's schema sees it: a document, or a text where that is what it wants or what there is.
    /// Blocks where one version is named.
    pub fn shown_config(&self, tenant: TenantId, used: &Use) -> Value {
        let wants_text = || {
            let Meant { plugin, pinned } = self.0.meant(tenant, &used.plugin).ok()?;
            let version = pinned.or(self.0.find(tenant, &plugin).ok()??.1.active)?;
            let (_, version) = self.0.version(tenant, &plugin, &version).ok()?;
            Some(schema::Schema::read(&version.config_schema).ok()?.wants_text())
        };
        used.config.value(wants_text().unwrap_or(false)).unwrap_or_else(|_| match &used.config {
            Config::Text(text) => Value::String(text.clone()),
            Config::Json(value) => value.clone(),
        })
    }

    /// Checks a configuration against the schema of the version that is named, or else of the one in use.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidProgram`] with the place of the mistake; [`ErrorCode::NotApproved`] for a version that is named and
    /// waits.
    pub async fn check_config(&self, tenant: TenantId, named: &str, config: &Config, world: World) -> Result<()> {
        let Meant { plugin, pinned } = self.0.meant_by(tenant, named).await?;
        let state = self.0.usable(tenant, &plugin, world)?;
        let version = pinned.or(state.active).ok_or_else(|| none_in_use(&plugin))?;
        let (_, version) = self.0.approved(tenant, &plugin, &version).map_err(|error| error.at("plugin"))?;
        let schema = schema::Schema::read(&version.config_schema)?;
        schema.check(&config.value(schema.wants_text())?).map(drop)
    }
}

impl Inner {
    fn entries(&self) -> MutexGuard<'_, HashMap<(TenantId, String), Arc<Entry>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept in memory of a plugin.
    fn entry(&self, tenant: TenantId, plugin: &str) -> Arc<Entry> {
        let make = || Arc::new(Entry::new(self, tenant, plugin));
        Arc::clone(self.entries().entry((tenant, plugin.to_owned())).or_insert_with(make))
    }

    fn forget(&self, tenant: TenantId, plugin: &str) {
        self.entries().remove(&(tenant, plugin.to_owned()));
    }

    /// The document of a plugin that pipelines may use.
    fn usable(&self, tenant: TenantId, plugin: &str, world: World) -> Result<PluginState> {
        let invalid = |text: String| Error::new(ErrorCode::InvalidProgram, text).at("plugin");
        let state = self.find(tenant, plugin)?.ok_or_else(|| invalid(format!("there is no plugin {plugin:?}")))?.1;
        if state.world != world.as_str() {
            return Err(other_world(&format!("the plugin {plugin}"), &state.world, world));
        }
        Ok(state)
    }
}

/// The name of a world with its article.
fn one(world: &str) -> String {
    let article = if world.starts_with(['e', 'i']) { "an" } else { "a" };
    format!("{article} {world}")
}

fn other_world(what: &str, is: &str, wanted: World) -> Error {
    let text = format!("{what} is {}, not {}", one(is), one(wanted.as_str()));
    Error::new(ErrorCode::InvalidProgram, text).at("plugin")
}

fn none_in_use(plugin: &str) -> Error {
    let message = format!("no version of the plugin {plugin} is in use: approve and release one");
    Error::new(ErrorCode::InvalidProgram, message).at("plugin")
}
