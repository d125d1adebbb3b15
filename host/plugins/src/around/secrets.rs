//! Secrets of tenants: written by whoever may, read by plugins that were granted them, and by nobody else.

use super::seal::Seal;
use crate::Plugins;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId};
use headworks_sandbox::{Grant, Secrets};
use headworks_store::{Change, Expect, Store};
use serde::{Deserialize, Serialize};

/// Kind of the documents that hold a secret, sealed.
pub const SECRET: &str = "secret";
/// The most bytes of a secret.
pub const SECRET_BYTES: usize = 64 << 10;
/// The most secrets of a tenant.
const SECRETS: usize = 1000;

#[derive(Serialize, Deserialize)]
struct Stored {
    /// In base64.
    sealed: String,
}

/// The secrets of one tenant, for plugins.
pub(crate) struct TenantSecrets {
    pub(crate) store: Store,
    pub(crate) seal: Seal,
    pub(crate) tenant: TenantId,
}

fn place(tenant: TenantId, name: &str) -> String {
    format!("{tenant}/{name}")
}

impl TenantSecrets {
    fn read(&self, name: &str) -> Result<Option<String>> {
        let key = DocumentKey::new(self.tenant, SECRET, name);
        let Some(document) = self.store.get(&key)? else { return Ok(None) };
        let stored: Stored = crate::documents::decode(&key, &document.body)?;
        let sealed = STANDARD.decode(stored.sealed).ok();
        let text = sealed.and_then(|sealed| self.seal.open(&place(self.tenant, name), &sealed));
        let lost = || Error::new(ErrorCode::Corrupt, format!("the secret {name} was sealed with another key: set it again"));
        text.ok_or_else(lost).map(Some)
    }
}

impl Secrets for TenantSecrets {
    fn get(&self, name: &str) -> Option<String> {
        self.read(name).unwrap_or_else(|error| {
            tracing::error!(tenant = %self.tenant, %error, "a secret cannot be read");
            None
        })
    }
}

impl Plugins {
    /// The secrets of a tenant, without what they hold. Blocks.
    ///
    /// # Errors
    /// Those of the store.
    pub fn secrets(&self, tenant: TenantId) -> Result<Vec<Document>> {
        let hidden = |document| Document { body: Vec::new(), ..document };
        Ok(self.0.store.list(tenant, SECRET, "")?.into_iter().map(hidden).collect())
    }

    /// Sets a secret. Plugins see the new one at their next question.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a name that no grant can name; [`ErrorCode::TooLarge`] above 64 KiB;
    /// [`ErrorCode::Exhausted`] for more than a thousand.
    pub async fn set_secret(&self, tenant: TenantId, author: &str, name: &str, value: &str) -> Result<()> {
        Grant::parse(&format!("secret:{name}")).map_err(|why| Error::invalid(why).at("name"))?;
        if value.len() > SECRET_BYTES {
            let message = format!("a secret has at most {SECRET_BYTES} bytes");
            return Err(Error::new(ErrorCode::TooLarge, message).at("value"));
        }
        let key = DocumentKey::new(tenant, SECRET, name);
        if self.0.store.get(&key)?.is_none() && self.0.store.list_names(tenant, SECRET, "")?.len() >= SECRETS {
            return Err(Error::new(ErrorCode::Exhausted, format!("a tenant has at most {SECRETS} secrets")));
        }
        let sealed = STANDARD.encode(self.0.seal.seal(&place(tenant, name), value)?);
        let body = crate::documents::encode(&Stored { sealed })?;
        self.0.store.write(author, vec![Change::put(key, body)]).await?;
        Ok(())
    }

    /// What a secret holds, for what the server itself sends on behalf of its tenant; never for an answer.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when it was sealed with another key; those of the store.
    pub fn secret(&self, tenant: TenantId, name: &str) -> Result<Option<String>> {
        TenantSecrets { store: self.0.store.clone(), seal: self.0.seal.clone(), tenant }.read(name)
    }

    /// Deletes a secret.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`].
    pub async fn delete_secret(&self, tenant: TenantId, author: &str, name: &str) -> Result<()> {
        let key = DocumentKey::new(tenant, SECRET, name);
        self.0.store.write(author, vec![Change::delete(key).expecting(Expect::Present)]).await?;
        Ok(())
    }
}
