//! Settings of identity providers. They are kept for clients that manage them; no login goes through them (FlowG 22).

use crate::Identity;
use crate::users::{kind, named, read, write};
use headworks_core::{DocumentKey, Result, TenantId};
use headworks_store::Change;
use serde::{Deserialize, Serialize};

/// One identity provider. Holds a secret, hence no `Debug`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthProvider {
    /// What a login page shows.
    pub display_name: String,
    /// How it is reached.
    pub config: AuthProviderConfig,
}

/// How an identity provider is reached.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum AuthProviderConfig {
    /// OpenID Connect.
    Oidc {
        /// URL.
        issuer: String,
        /// The name that the provider gave us.
        client_id: String,
        /// Its password.
        client_secret: String,
    },
    /// SAML 2.
    Saml {
        /// URL.
        idp_metadata_url: String,
    },
}

impl Identity {
    /// All providers with their names, in ascending order of these.
    ///
    /// # Errors
    /// Those of the store.
    pub fn list_providers(&self, tenant: TenantId) -> Result<Vec<(String, AuthProvider)>> {
        let providers = self.0.store.list(tenant, kind::PROVIDER, "")?;
        providers.into_iter().map(|provider| Ok((provider.key.name.clone(), read(&provider)?))).collect()
    }

    /// One provider, its secret included.
    ///
    /// # Errors
    /// Those of the store.
    pub fn get_provider(&self, tenant: TenantId, name: &str) -> Result<Option<AuthProvider>> {
        self.0.store.get(&DocumentKey::new(tenant, kind::PROVIDER, name))?.map(|provider| read(&provider)).transpose()
    }

    /// Makes or replaces a provider.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) for an empty name; those of the store.
    pub async fn save_provider(&self, author: &str, tenant: TenantId, name: &str, provider: &AuthProvider) -> Result<()> {
        named(name)?;
        let key = DocumentKey::new(tenant, kind::PROVIDER, name);
        self.change(author, vec![Change::put(key, write(provider)?)]).await
    }

    /// Deletes a provider. One that does not exist is no error.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn delete_provider(&self, author: &str, tenant: TenantId, name: &str) -> Result<()> {
        self.change(author, vec![Change::delete(DocumentKey::new(tenant, kind::PROVIDER, name))]).await
    }
}
