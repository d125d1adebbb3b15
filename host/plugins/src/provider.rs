//! The identity provider of a tenant: the plugin that says who sent a request for a token of the registry (NiFi Registry 19.5).
//!
//! What must stay true: there is at most one for each tenant; the one that the document names is the one that is asked.

use crate::slot::Slot;
use crate::{Config, Identify, Plugins, World, documents};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId};
use headworks_store::{Change, Expect};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

/// Kind of the document that names the identity provider of a tenant.
pub const IDENTITY_PROVIDER: &str = "identity-provider";
/// Its one name.
const NAME: &str = "registry";

/// Which plugin says who somebody is, and its configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// The plugin.
    pub plugin: String,
    /// Its configuration.
    #[serde(default = "empty")]
    pub config: Value,
}

fn empty() -> Value {
    Value::Object(Map::new())
}

/// An identity provider as it is kept.
#[derive(Clone, Debug)]
pub struct SavedProvider {
    /// What it says.
    pub provider: Provider,
    /// Who changed it when.
    pub document: Document,
}

fn key(tenant: TenantId) -> DocumentKey {
    DocumentKey::new(tenant, IDENTITY_PROVIDER, NAME)
}

impl Plugins {
    /// The identity provider of a tenant as it is saved.
    ///
    /// # Errors
    /// Those of the store.
    pub fn saved_identity_provider(&self, tenant: TenantId) -> Result<Option<SavedProvider>> {
        let Some(document) = self.0.store.get(&key(tenant))? else { return Ok(None) };
        let provider = documents::decode(&document.key, &document.body)?;
        Ok(Some(SavedProvider { provider, document }))
    }

    /// Sets the identity provider of a tenant. Its plugin is opened first: one that cannot be used is refused.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member to blame; what loading and opening meet; those of the store.
    pub async fn save_identity_provider(&self, tenant: TenantId, author: &str, provider: &Provider) -> Result<()> {
        let config = Config::Json(provider.config.clone());
        self.0.open(tenant, &provider.plugin, &config, World::IdentityProvider).await.map_err(unusable)?;
        self.0.store.write(author, vec![Change::put(key(tenant), documents::encode(provider)?)]).await?;
        Ok(())
    }

    /// Deletes the identity provider of a tenant.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] where there is none; those of the store.
    pub async fn delete_identity_provider(&self, tenant: TenantId, author: &str) -> Result<()> {
        self.0.store.write(author, vec![Change::delete(key(tenant)).expecting(Expect::Present)]).await?;
        self.providers().remove(&tenant);
        Ok(())
    }

    /// Whom to ask who sent a request for a token, with the name of the plugin; `None` where the tenant has no identity provider.
    ///
    /// # Errors
    /// What loading and opening its plugin meet; those of the store.
    pub async fn identity_provider(&self, tenant: TenantId) -> Result<Option<(String, Arc<dyn Identify>)>> {
        let Some(SavedProvider { provider, document }) = self.saved_identity_provider(tenant)? else { return Ok(None) };
        let known = self.providers().get(&tenant).filter(|(revision, _)| *revision == document.revision).cloned();
        let slot = match known {
            // One whose plugin was deleted and made again never turns.
            Some((_, slot)) if slot.route().is_some() => slot,
            _ => {
                let config = Config::Json(provider.config.clone());
                let slot = self.0.open(tenant, &provider.plugin, &config, World::IdentityProvider).await?;
                self.providers().insert(tenant, (document.revision, Arc::clone(&slot)));
                slot
            }
        };
        Ok(Some((provider.plugin, slot)))
    }

    fn providers(&self) -> MutexGuard<'_, HashMap<TenantId, (u64, Arc<Slot>)>> {
        self.0.providers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the author of a document that names a plugin has to mend.
pub(crate) fn unusable(error: Error) -> Error {
    match error.code {
        ErrorCode::InvalidProgram | ErrorCode::PluginRefused | ErrorCode::NotFound => {
            let member = error.member.clone().unwrap_or_else(|| "config".to_owned());
            Error::invalid(error.message).at(member)
        }
        _ => error,
    }
}
