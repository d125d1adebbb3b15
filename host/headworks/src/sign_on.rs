//! Settings of signing in to the registry with what others know of a person (NiFi Registry 19.6).

use crate::settings::Settings;
use anyhow::{Context, Result};
use headworks_core::time::SystemClock;
use headworks_http::outbound::Outbound;
use headworks_identity::kerberos::Kerberos;
use headworks_identity::oidc::{Oidc, OidcOptions};
use serde::Deserialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Sign-on with an OpenID Connect provider; off without an address. Holds a secret, hence no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OidcSettings {
    /// The address of the discovery document.
    discovery_url: Option<String>,
    connect_timeout_ms: u64,
    read_timeout_ms: u64,
    client_id: String,
    client_secret: String,
    /// How ID tokens are signed.
    algorithm: String,
    /// What is asked for besides `openid` and `email`.
    scopes: Vec<String>,
    /// The claim that names the user.
    claim: String,
}

impl Default for OidcSettings {
    fn default() -> Self {
        Self {
            discovery_url: None,
            connect_timeout_ms: 5000,
            read_timeout_ms: 5000,
            client_id: String::new(),
            client_secret: String::new(),
            algorithm: "RS256".to_owned(),
            scopes: Vec::new(),
            claim: "email".to_owned(),
        }
    }
}

/// Sign-on with Kerberos tickets; off without a principal.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KerberosSettings {
    /// What tickets are made for, such as `HTTP/host.example@REALM`.
    service_principal: Option<String>,
    /// The file of its keys.
    keytab: Option<PathBuf>,
    /// How long tokens are valid.
    expiration_seconds: u64,
}

impl Default for KerberosSettings {
    fn default() -> Self {
        Self { service_principal: None, keytab: None, expiration_seconds: 12 * 3600 }
    }
}

/// Sign-on with tickets for the principal of the settings, if they name one.
pub(crate) fn kerberos(settings: &Settings) -> Result<Option<Kerberos>> {
    let KerberosSettings { service_principal, keytab, expiration_seconds } = &settings.registry.kerberos;
    let Some(principal) = service_principal else { return Ok(None) };
    let keytab = keytab.as_ref().context("registry.kerberos.service_principal needs registry.kerberos.keytab")?;
    let keys = std::fs::read(keytab).with_context(|| format!("registry.kerberos.keytab: cannot read {}", keytab.display()))?;
    let made = Kerberos::new(principal, &keys, Duration::from_secs(*expiration_seconds), Arc::new(SystemClock));
    let named = |error: headworks_core::Error| {
        let member = error.member.as_deref().unwrap_or("keytab");
        anyhow::anyhow!("registry.kerberos.{member} {error}")
    };
    Ok(Some(made.map_err(named)?))
}

/// Sign-on with the provider of the settings, if they name one.
pub(crate) fn oidc(settings: &Settings) -> Result<Option<Oidc>> {
    let given = &settings.registry.oidc;
    let Some(discovery) = given.discovery_url.clone() else { return Ok(None) };
    let wrong = |error: headworks_core::Error| {
        let member = error.member.as_deref().unwrap_or("algorithm");
        anyhow::anyhow!("registry.oidc.{member} {error}")
    };
    let options = OidcOptions {
        discovery,
        client_id: given.client_id.clone(),
        client_secret: given.client_secret.clone(),
        algorithm: given.algorithm.parse().map_err(wrong)?,
        scopes: given.scopes.clone(),
        claim: given.claim.clone(),
        patience: Duration::from_millis(given.connect_timeout_ms.saturating_add(given.read_timeout_ms)),
    };
    let network = Outbound::new(settings.outbound()?).context("outbound")?;
    Ok(Some(Oidc::new(options, Arc::new(network), Arc::new(SystemClock)).map_err(wrong)?))
}
