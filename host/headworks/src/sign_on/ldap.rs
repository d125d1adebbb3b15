//! Settings of a directory that knows names and passwords.

use anyhow::{Context, Result};
use headworks_identity::ldap::{Called, Ldap, LdapOptions, Referrals, Strategy};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Sign-on with a directory; off without an address. Holds a secret, hence no `Debug`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LdapSettings {
    /// Addresses such as `ldaps://host`, of which the first that can be reached is asked.
    pub(super) urls: Vec<String>,
    strategy: StrategyName,
    manager_dn: Option<String>,
    manager_password: Option<String>,
    /// The authorities of the directory's certificate; those of the web without.
    tls_ca: Option<PathBuf>,
    /// What this server shows.
    tls_cert: Option<PathBuf>,
    tls_key: Option<PathBuf>,
    referrals: ReferralsName,
    connect_timeout_ms: u64,
    read_timeout_ms: u64,
    /// Where entries of people are.
    search_base: String,
    /// What they are like; `{0}` is the name that was entered.
    search_filter: String,
    identity: Named,
    /// How long tokens are valid.
    pub(super) expiration_seconds: u64,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum StrategyName {
    #[serde(alias = "ANONYMOUS")]
    Anonymous,
    #[serde(alias = "SIMPLE")]
    Simple,
    #[default]
    #[serde(alias = "LDAPS")]
    Ldaps,
    #[serde(alias = "START_TLS")]
    StartTls,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ReferralsName {
    #[serde(alias = "FOLLOW")]
    Follow,
    #[default]
    #[serde(alias = "IGNORE")]
    Ignore,
    #[serde(alias = "THROW")]
    Throw,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Named {
    #[default]
    #[serde(alias = "USE_DN")]
    UseDn,
    #[serde(alias = "USE_USERNAME")]
    UseUsername,
}

impl Default for LdapSettings {
    fn default() -> Self {
        Self {
            urls: Vec::new(),
            strategy: StrategyName::default(),
            manager_dn: None,
            manager_password: None,
            tls_ca: None,
            tls_cert: None,
            tls_key: None,
            referrals: ReferralsName::default(),
            connect_timeout_ms: 10_000,
            read_timeout_ms: 10_000,
            search_base: String::new(),
            search_filter: String::new(),
            identity: Named::default(),
            expiration_seconds: 12 * 3600,
        }
    }
}

/// The directory of the settings, if they name one.
pub(super) fn directory(given: &LdapSettings) -> Result<Option<Ldap>> {
    if given.urls.is_empty() {
        return Ok(None);
    }
    let read = |name: &str, path: &Path| {
        std::fs::read(path).with_context(|| format!("registry.ldap.{name}: cannot read {}", path.display()))
    };
    let (cert, key) = (given.tls_cert.as_deref(), given.tls_key.as_deref());
    let identity = match (cert, key) {
        (Some(cert), Some(key)) => Some((read("tls_cert", cert)?, read("tls_key", key)?)),
        (None, None) => None,
        _ => anyhow::bail!("registry.ldap.tls_cert and registry.ldap.tls_key belong together"),
    };
    let manager = match (&given.manager_dn, &given.manager_password) {
        (None, None) => None,
        (dn, password) => Some((dn.clone().unwrap_or_default(), password.clone().unwrap_or_default())),
    };
    let options = LdapOptions {
        urls: given.urls.clone(),
        strategy: match given.strategy {
            StrategyName::Anonymous => Strategy::Anonymous,
            StrategyName::Simple => Strategy::Simple,
            StrategyName::Ldaps => Strategy::Ldaps,
            StrategyName::StartTls => Strategy::StartTls,
        },
        manager,
        authorities: given.tls_ca.as_deref().map(|path| read("tls_ca", path)).transpose()?,
        identity,
        referrals: match given.referrals {
            ReferralsName::Follow => Referrals::Follow,
            ReferralsName::Ignore => Referrals::Ignore,
            ReferralsName::Throw => Referrals::Throw,
        },
        connect_timeout: Duration::from_millis(given.connect_timeout_ms),
        read_timeout: Duration::from_millis(given.read_timeout_ms),
        search_base: given.search_base.clone(),
        search_filter: given.search_filter.clone(),
        called: match given.identity {
            Named::UseDn => Called::Dn,
            Named::UseUsername => Called::Entered,
        },
    };
    Ok(Some(Ldap::new(options).map_err(super::named("registry.ldap"))?))
}
