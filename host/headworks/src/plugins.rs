//! What transformers and forwarders are made of. The first-party components: where they are, and loading each when it is first
//! needed.

use crate::settings::Settings;
use anyhow::{Context, Result, bail};
use headworks_core::{Error, ErrorCode, TenantId};
use headworks_http::outbound::Outbound;
use headworks_identity::Tenants;
use headworks_pipelines::{Boxed, Expressions, Forwarders, Language, Target, Transform};
use headworks_plugins::{FORWARDER_TYPE, Use};
use headworks_sandbox::{CompilerCommand, Limits, Plugin, Sandbox, SandboxOptions};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// The types of forwarders (FlowG 12). Each is the component `forwarder-<type>`.
const FORWARDERS: &[&str] = &[
    "http",
    "syslog",
    "datadog",
    "amqp",
    "splunk",
    "otlp",
    "elastic",
    "clickhouse",
    "awscloudwatch",
    "googlecloudlogging",
    "azuremonitor",
];

/// Components by name.
pub(crate) struct Plugins {
    sandbox: Sandbox,
    network: Arc<Outbound>,
    folders: Vec<PathBuf>,
    loaded: Mutex<HashMap<String, Arc<OnceCell<Plugin>>>>,
}

impl Plugins {
    pub(crate) fn new(settings: &Settings, limits: &Limits) -> Result<Self> {
        let program = std::env::current_exe().context("the path of this program is unknown")?;
        let beside = program.parent().unwrap_or(Path::new(".")).to_owned();
        let folders = match &settings.components {
            Some(folder) => vec![folder.clone()],
            None => vec![beside.join("components"), beside.join("../components")],
        };
        let network = Arc::new(Outbound::new(settings.outbound()?)?);
        let sandbox = Sandbox::new(SandboxOptions {
            limits: limits.clone(),
            cache_dir: settings.data.join("cache"),
            compiler: CompilerCommand { program, arguments: vec!["compile-component".to_owned()] },
            network: Some(Arc::clone(&network) as _),
            templates: Arc::new(Expressions),
        })?;
        Ok(Self { sandbox, network, folders, loaded: Mutex::default() })
    }

    /// Where components are loaded.
    pub(crate) fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// What carries what components and webhooks send.
    pub(crate) fn network(&self) -> Arc<Outbound> {
        Arc::clone(&self.network)
    }

    /// The component of this name, loaded at the first call.
    pub(crate) async fn load(&self, name: &str) -> Result<Plugin> {
        let place = {
            let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(loaded.entry(name.to_owned()).or_default())
        };
        let load = async || {
            let path = self.find(name)?;
            let component = tokio::fs::read(&path).await.with_context(|| format!("cannot read {}", path.display()))?;
            let loaded = self.sandbox.load(&component).await;
            loaded.with_context(|| format!("the component {} cannot be loaded", path.display()))
        };
        Ok(place.get_or_try_init(load).await?.clone())
    }

    /// Where a component is: in the folder of the settings, else beside the program or one folder above.
    fn find(&self, name: &str) -> Result<PathBuf> {
        let paths: Vec<PathBuf> = self.folders.iter().map(|folder| folder.join(format!("{name}.wasm"))).collect();
        if let Some(path) = paths.iter().find(|path| path.is_file()) {
            return Ok(path.clone());
        }
        let looked: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
        bail!(
            "the component {name} is not at {}: build the components, or say where they are with --components",
            looked.join(" or ")
        )
    }
}

/// What transformers and forwarders are made of: what comes with this program, or a plugin of the tenant.
pub(crate) struct Makers {
    /// The language of scripts.
    pub(crate) vrl: Plugin,
    pub(crate) own: Plugins,
    pub(crate) plugins: headworks_plugins::Plugins,
    /// Whose quotas they use.
    pub(crate) tenants: Tenants,
}

impl Language for Makers {
    fn open<'a>(&'a self, tenant: TenantId, script: &'a str) -> Boxed<'a, headworks_core::Result<Arc<dyn Transform>>> {
        match Use::of_script(script) {
            Some(used) => Box::pin(async move { self.plugins.open_transformer(tenant, &used.plugin, &used.config).await }),
            None => Box::pin(async move {
                let vrl = self.vrl.within(self.tenants.meter(tenant).surroundings());
                Language::open(&vrl, tenant, script).await
            }),
        }
    }
}

impl Forwarders for Makers {
    fn open<'a>(
        &'a self,
        tenant: TenantId,
        kind: &'a str,
        config: &'a str,
    ) -> Boxed<'a, headworks_core::Result<Arc<dyn Target>>> {
        Box::pin(async move {
            if kind == FORWARDER_TYPE {
                let unreadable = |error| Error::internal(format!("the configuration of a forwarder is no JSON object: {error}"));
                let members = serde_json::from_str(config).map_err(unreadable)?;
                let used = Use::of_forwarder(&members).ok_or_else(|| Error::internal("a forwarder is of two types"))?;
                return self.plugins.open_forwarder(tenant, &used.plugin, &used.config).await;
            }
            if !FORWARDERS.contains(&kind) {
                return Err(Error::new(ErrorCode::InvalidProgram, format!("there is no type of forwarder {kind:?}")));
            }
            let plugin = self.own.load(&format!("forwarder-{kind}")).await;
            let plugin = plugin.map_err(|error| Error::new(ErrorCode::Unavailable, format!("{error:#}")))?;
            let plugin = plugin.within(self.tenants.meter(tenant).surroundings());
            Ok(Arc::new(plugin.open_forwarder(config).await?) as Arc<dyn Target>)
        })
    }
}
