//! Settings of signing in to the registry with what others know of a person (NiFi Registry 19.6).

mod ldap;

pub(crate) use ldap::LdapSettings;

use crate::settings::Settings;
use anyhow::{Context, Result, bail};
use headworks_core::time::SystemClock;
use headworks_http::outbound::Outbound;
use headworks_identity::kerberos::{Kerberos, PasswordLogin, PasswordLoginOptions};
use headworks_identity::login::{LoginProvider, PasswordSource};
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

/// Sign-on with Kerberos: with tickets where there is a principal, with passwords where there is a realm.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KerberosSettings {
    /// What tickets are made for, such as `HTTP/host.example@REALM`.
    service_principal: Option<String>,
    /// The file of its keys.
    keytab: Option<PathBuf>,
    /// How long tokens are valid.
    expiration_seconds: u64,
    /// The realm whose passwords count.
    default_realm: Option<String>,
    /// Where its KDCs are.
    kdcs: Vec<String>,
    /// The file that names them where the setting does not.
    krb5_conf: PathBuf,
    /// How long one answer of a KDC may take.
    timeout_ms: u64,
}

impl Default for KerberosSettings {
    fn default() -> Self {
        Self {
            service_principal: None,
            keytab: None,
            expiration_seconds: 12 * 3600,
            default_realm: None,
            kdcs: Vec::new(),
            krb5_conf: PathBuf::from("/etc/krb5.conf"),
            timeout_ms: 10_000,
        }
    }
}

impl KerberosSettings {
    /// The service with the content of its keytab, if there is one.
    fn service(&self) -> Result<Option<(String, Vec<u8>)>> {
        let Some(principal) = self.service_principal.clone() else { return Ok(None) };
        let keytab = self.keytab.as_ref().context("registry.kerberos.service_principal needs registry.kerberos.keytab")?;
        let keys =
            std::fs::read(keytab).with_context(|| format!("registry.kerberos.keytab: cannot read {}", keytab.display()))?;
        Ok(Some((principal, keys)))
    }
}

/// What is wrong, with the name of the setting in this section.
fn named(section: &str) -> impl Fn(headworks_core::Error) -> anyhow::Error {
    move |error| anyhow::anyhow!("{section}.{} {error}", error.member.as_deref().unwrap_or_default())
}

/// Sign-on with tickets for the principal of the settings, if they name one.
pub(crate) fn kerberos(settings: &Settings) -> Result<Option<Kerberos>> {
    let given = &settings.registry.kerberos;
    let Some((principal, keys)) = given.service()? else { return Ok(None) };
    let made = Kerberos::new(&principal, &keys, Duration::from_secs(given.expiration_seconds), Arc::new(SystemClock));
    Ok(Some(made.map_err(named("registry.kerberos"))?))
}

/// Sign-on with passwords that something outside of this server knows, if the settings name such a thing: at most one, and none
/// where an OpenID Connect provider signs people in (NiFi Registry 19.6).
pub(crate) fn login(settings: &Settings) -> Result<Option<LoginProvider>> {
    let registry = &settings.registry;
    let chosen = [
        ("registry.oidc.discovery_url", registry.oidc.discovery_url.is_some()),
        ("registry.ldap.urls", !registry.ldap.urls.is_empty()),
        ("registry.kerberos.default_realm", registry.kerberos.default_realm.is_some()),
        ("registry.password_login = true", registry.asks_for_own_passwords()),
    ];
    let chosen: Vec<&str> = chosen.into_iter().filter(|(_, is_set)| *is_set).map(|(name, _)| name).collect();
    if chosen.len() > 1 {
        bail!("{} exclude each other: people sign in in one way only, so leave all but one out", chosen.join(" and "));
    }
    let names = registry.identities()?;
    if let Some(directory) = ldap::directory(&registry.ldap)? {
        if directory.in_the_clear() {
            tracing::warn!("passwords go to the directory unencrypted: use ldaps:// or the strategy start_tls in registry.ldap");
        }
        let lifetime = Duration::from_secs(registry.ldap.expiration_seconds);
        return Ok(Some(LoginProvider::new(PasswordSource::Ldap(directory), names, lifetime)));
    }
    let Some(realm) = realm(&registry.kerberos)? else { return Ok(None) };
    if !realm.is_guarded() {
        tracing::warn!(
            "whoever answers in the place of the KDC lets anybody in: set registry.kerberos.keytab and service_principal"
        );
    }
    let lifetime = Duration::from_secs(registry.kerberos.expiration_seconds);
    Ok(Some(LoginProvider::new(PasswordSource::Kerberos(realm), names, lifetime)))
}

/// The realm of the settings, if they name one.
fn realm(given: &KerberosSettings) -> Result<Option<PasswordLogin>> {
    let Some(realm) = given.default_realm.clone() else { return Ok(None) };
    let options = PasswordLoginOptions {
        realm,
        kdcs: given.kdcs.clone(),
        // Where there is none, the other setting is asked for.
        configuration: std::fs::read_to_string(&given.krb5_conf).ok(),
        service: given.service()?,
        patience: Duration::from_millis(given.timeout_ms),
        clock: Arc::new(SystemClock),
    };
    Ok(Some(PasswordLogin::new(options).map_err(named("registry.kerberos"))?))
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
