//! Saving, listing and deleting hooks.

use crate::hook::{Hook, Target, check_name};
use crate::{Hooks, MAX_HOOKS, StatusReport};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId, Timestamp};
use headworks_plugins::{Config, EVENT_HOOK};
use headworks_store::Change;

/// A hook as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// Its name.
    pub name: String,
    /// What it says.
    pub hook: Hook,
    /// 1 when it was made, one more with each change.
    pub revision: u64,
    /// Who changed it last.
    pub author: String,
    /// When.
    pub updated: Timestamp,
    /// How it fares.
    pub status: StatusReport,
}

impl Hooks {
    fn saved(&self, document: Document) -> Result<Saved> {
        let hook = Hook::decode(&document)?;
        let Document { key, revision, author, updated, .. } = document;
        let status = self.0.statuses.report(key.tenant, &key.name);
        Ok(Saved { name: key.name, hook, revision, author, updated, status })
    }

    /// All hooks of a tenant in ascending order of their names. Blocks.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list(&self, tenant: TenantId) -> Result<Vec<Saved>> {
        self.0.store.list(tenant, EVENT_HOOK, "")?.into_iter().map(|document| self.saved(document)).collect()
    }

    /// One hook.
    ///
    /// # Errors
    /// Those of the store.
    pub fn get(&self, tenant: TenantId, name: &str) -> Result<Option<Saved>> {
        self.0.store.get(&DocumentKey::new(tenant, EVENT_HOOK, name))?.map(|document| self.saved(document)).transpose()
    }

    /// Makes or replaces a hook, which is told of what is done from now on. A plugin that cannot be used is refused.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member to blame; [`ErrorCode::Denied`] for a place that the operator does not allow;
    /// [`ErrorCode::Exhausted`] with [`MAX_HOOKS`] hooks already; what rules say; those of the store.
    pub async fn save(&self, author: &str, tenant: TenantId, name: &str, hook: &Hook) -> Result<Saved> {
        check_name(name)?;
        match &hook.target {
            Target::Webhook(webhook) => webhook.check_place(&self.0.plugins, tenant)?,
            Target::Log => {}
            Target::Component(component) => {
                let config = Config::Json(component.config.clone());
                let opened = self.0.plugins.open_event_hook(tenant, &component.plugin, &config).await.map(drop);
                opened.map_err(|error| match error.code {
                    ErrorCode::InvalidProgram | ErrorCode::PluginRefused | ErrorCode::NotFound => {
                        let member = error.member.clone().unwrap_or_else(|| "config".to_owned());
                        Error::invalid(error.message).at(format!("config.{member}"))
                    }
                    _ => error,
                })?;
            }
        }
        let store = self.0.store.clone();
        let names = tokio::task::spawn_blocking(move || store.list_names(tenant, EVENT_HOOK, "")).await;
        let names = names.map_err(|error| Error::internal(error.to_string()))??;
        if names.len() >= MAX_HOOKS && !names.iter().any(|known| known == name) {
            let message = format!("there are {} event hooks already, and {MAX_HOOKS} is the most: delete one first", names.len());
            return Err(Error::new(ErrorCode::Exhausted, message));
        }
        let key = DocumentKey::new(tenant, EVENT_HOOK, name);
        let written = self.0.store.write(author, vec![Change::put(key, hook.encode()?)]).await?;
        let document = written.into_iter().next().flatten().ok_or_else(|| Error::internal("a saved event hook is not there"))?;
        self.saved(document)
    }

    /// Deletes a hook, and answers whether it was there. Events that wait for it are not told.
    ///
    /// # Errors
    /// What rules say; those of the store.
    pub async fn delete(&self, author: &str, tenant: TenantId, name: &str) -> Result<bool> {
        let change = Change::delete(DocumentKey::new(tenant, EVENT_HOOK, name));
        let written = self.0.store.write(author, vec![change]).await?;
        self.0.statuses.forget(tenant, name);
        Ok(written.into_iter().flatten().next().is_some())
    }
}
