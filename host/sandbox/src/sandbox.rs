//! Loading components.

use crate::bindings::event_hook::OfferedEventHookPre;
use crate::bindings::forwarder::OfferedForwarderPre;
use crate::bindings::identity_provider::OfferedIdentityProviderPre;
use crate::bindings::transformer::OfferedTransformerPre;
use crate::bindings::validator::OfferedValidatorPre;
use crate::cache::Cache;
use crate::compile::{Compiler, CompilerCommand};
use crate::host::{Linkers, Outbound, Services};
use crate::inspect::{self, Inspection, World, refused};
use crate::instance::Linked;
use crate::outbound::{Network, Templates};
use crate::precompiled::Trusted;
use crate::{Limits, Plugin, engine};
use headworks_core::{Digest, Error, Result};
use std::path::PathBuf;
use std::sync::Arc;
use wasmtime::Engine;
use wasmtime::component::Component;

/// How a sandbox is set up.
#[derive(Clone)]
pub struct SandboxOptions {
    /// What components may use.
    pub limits: Limits,
    /// Folder of compiled components and the key that authenticates them.
    pub cache_dir: PathBuf,
    /// The child process that compiles.
    pub compiler: CompilerCommand,
    /// What carries requests of components; without it they reach nothing.
    pub network: Option<Arc<dyn Network>>,
    /// Compiles texts that are computed from records.
    pub templates: Arc<dyn Templates>,
}

/// Loads components. Clones are handles of the same sandbox.
#[derive(Clone)]
pub struct Sandbox(Arc<Inner>);

struct Inner {
    engine: Engine,
    fingerprint: u64,
    linkers: Linkers,
    services: Services,
    cache: Arc<Cache>,
    compiler: Compiler,
    limits: Arc<Limits>,
}

impl Sandbox {
    /// Sets up the engine and the cache. Blocks while it makes the folder and the key of the cache.
    ///
    /// # Errors
    /// The cache's folder cannot be used.
    pub fn new(options: SandboxOptions) -> Result<Self> {
        let SandboxOptions { limits, cache_dir, compiler, network, templates } = options;
        let engine = engine::new(&limits)?;
        engine::start_clock(&engine)?;
        Ok(Self(Arc::new(Inner {
            linkers: Linkers::new(&engine)?,
            services: Services {
                outbound: Outbound::new(network),
                templates,
                surroundings: Arc::default(),
                sweeper: Arc::default(),
            },
            fingerprint: engine::fingerprint(&engine),
            cache: Arc::new(Cache::open(&cache_dir)?),
            compiler: Compiler::new(compiler, limits.clone()),
            limits: Arc::new(limits),
            engine,
        })))
    }

    /// What components may use.
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// What a component is. Nothing of it is compiled or run.
    ///
    /// # Errors
    /// [`PluginRefused`](headworks_core::ErrorCode::PluginRefused) names what is wrong with its size, form, exports or imports.
    pub fn inspect(&self, component: &[u8]) -> Result<Inspection> {
        inspect::check(component, &self.0.limits)
    }

    /// Loads a component: from the cache where it was compiled before, else by compiling it in a child process.
    ///
    /// # Errors
    /// [`PluginRefused`](headworks_core::ErrorCode::PluginRefused) names what is wrong with the component;
    /// the codes of [`CallFailure`](crate::CallFailure) when it misbehaves while it describes itself.
    pub async fn load(&self, component: &[u8]) -> Result<Plugin> {
        let inner = &self.0;
        let inspection = self.inspect(component)?;
        let digest = Digest::of(component);
        let loaded = match self.cached(digest).await? {
            Some(loaded) => loaded,
            None => self.compiled(digest, component).await?,
        };
        let Linkers { transformers, forwarders, validators, event_hooks, identity_providers } = &inner.linkers;
        let linked = match inspection.world {
            World::Transformer => {
                transformers.instantiate_pre(&loaded).and_then(OfferedTransformerPre::new).map(Linked::Transformer)
            }
            World::Forwarder => forwarders.instantiate_pre(&loaded).and_then(OfferedForwarderPre::new).map(Linked::Forwarder),
            World::Validator => validators.instantiate_pre(&loaded).and_then(OfferedValidatorPre::new).map(Linked::Validator),
            World::EventHook => event_hooks.instantiate_pre(&loaded).and_then(OfferedEventHookPre::new).map(Linked::EventHook),
            World::IdentityProvider => {
                let linked = identity_providers.instantiate_pre(&loaded).and_then(OfferedIdentityProviderPre::new);
                linked.map(Linked::IdentityProvider)
            }
        };
        let linked = linked.map_err(|error| refused(format!("the component does not fit the plugin interface: {error:#}")))?;
        let (limits, services) = (Arc::clone(&inner.limits), inner.services.clone());
        Plugin::new(linked, inspection, digest, limits, services).await.map_err(|failure| failure.error)
    }

    async fn cached(&self, digest: Digest) -> Result<Option<Component>> {
        let (cache, engine, fingerprint) = (Arc::clone(&self.0.cache), self.0.engine.clone(), self.0.fingerprint);
        blocking(move || {
            let compiled = cache.read(&digest, fingerprint)?;
            let loaded = compiled.load(&engine);
            if let Err(error) = &loaded {
                tracing::warn!(plugin = %digest, "a compiled component cannot be used and is compiled again: {error:#}");
            }
            loaded.ok()
        })
        .await
    }

    async fn compiled(&self, digest: Digest, component: &[u8]) -> Result<Component> {
        let turn = self.0.compiler.turn().await;
        if let Some(loaded) = self.cached(digest).await? {
            return Ok(loaded);
        }
        let compiled = self.0.compiler.compile(&turn, digest, component).await?;
        let (cache, engine, fingerprint) = (Arc::clone(&self.0.cache), self.0.engine.clone(), self.0.fingerprint);
        blocking(move || {
            // Without the file the component is compiled again at the next start; that is no reason to fail.
            if let Err(error) = cache.write(&digest, fingerprint, &compiled) {
                tracing::warn!(plugin = %digest, "a compiled component cannot be kept: {error}");
            }
            let kept = cache.read(&digest, fingerprint).unwrap_or_else(|| Trusted::vouch(compiled));
            kept.load(&engine).map_err(|error| Error::internal(format!("the compiler's answer cannot be loaded: {error:#}")))
        })
        .await?
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(format!("loading a component failed: {error}")))
}
