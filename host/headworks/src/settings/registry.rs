//! Settings of the registry: the section `registry`.

use super::Kind;
use crate::git::GitSettings;
use crate::sign_on::{KerberosSettings, LdapSettings, OidcSettings};
use anyhow::{Context, Result, bail};
use headworks_identity::{InitialPolicies, Letters, Mapping, Security};
use headworks_nifi_registry::RegistryOptions;
use headworks_registry::Aliases;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;
use toml::{Table, Value};

/// Where absent the defaults of [`RegistryOptions`].
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RegistrySettings {
    /// Who has to prove who they are.
    security: Option<Asked>,
    /// Whether changes have to name the revision they are based on.
    revisions: Option<bool>,
    /// Whether kinds of bundles are always written in upper case, not only to clients that need it.
    upper_case_bundle_types: Option<bool>,
    /// The release that this server says it is.
    version: Option<String>,
    /// The most bytes of each of two versions that are compared.
    comparison_bytes: Option<u64>,
    /// The most bytes of a snapshot of a flow.
    snapshot_bytes: Option<u64>,
    /// Other addresses for those of registries in flows: `INTERNAL=EXTERNAL`.
    aliases: Vec<String>,
    /// The hosts that proxies may say they are, without ports; all without a list.
    forwarded_hosts: Option<Vec<String>>,
    /// The paths that proxies may say the API is below; all without a list.
    forwarded_contexts: Option<Vec<String>>,
    configurable_tenants: Option<bool>,
    configurable_policies: Option<bool>,
    /// Whether users get a token for their password.
    password_login: Option<bool>,
    /// How long such a token is valid.
    token_seconds: Option<u64>,
    /// An administrator beside the first user, such as the name in a certificate; of the first start.
    initial_admin: Option<String>,
    /// NiFi instances, which act for their users; of the first start.
    nifi_identities: Vec<String>,
    /// A group of NiFi instances; of the first start.
    nifi_group: Option<String>,
    /// Sign-on with an OpenID Connect provider.
    pub(crate) oidc: OidcSettings,
    /// Sign-on with Kerberos.
    pub(crate) kerberos: KerberosSettings,
    /// Sign-on with a directory.
    pub(crate) ldap: LdapSettings,
    /// Keeping flows in a Git repository.
    pub(crate) git: GitSettings,
    /// What names from elsewhere become, in the order of the rules' names.
    identity_mapping: BTreeMap<String, MappingSettings>,
    /// The same of groups.
    group_mapping: BTreeMap<String, MappingSettings>,
}

/// The settings of this section that have names of their own.
pub(super) const NAMES: &[(&str, Kind)] = &[
    ("registry.security", Kind::Text),
    ("registry.revisions", Kind::Switch),
    ("registry.upper_case_bundle_types", Kind::Switch),
    ("registry.version", Kind::Text),
    ("registry.comparison_bytes", Kind::Number),
    ("registry.snapshot_bytes", Kind::Number),
    ("registry.aliases", Kind::Texts),
    ("registry.forwarded_hosts", Kind::Texts),
    ("registry.forwarded_contexts", Kind::Texts),
    ("registry.configurable_tenants", Kind::Switch),
    ("registry.configurable_policies", Kind::Switch),
    ("registry.password_login", Kind::Switch),
    ("registry.token_seconds", Kind::Number),
    ("registry.initial_admin", Kind::Text),
    ("registry.nifi_identities", Kind::Names),
    ("registry.nifi_group", Kind::Text),
    ("registry.oidc.discovery_url", Kind::Text),
    ("registry.oidc.connect_timeout_ms", Kind::Number),
    ("registry.oidc.read_timeout_ms", Kind::Number),
    ("registry.oidc.client_id", Kind::Text),
    ("registry.oidc.client_secret", Kind::Text),
    ("registry.oidc.algorithm", Kind::Text),
    ("registry.oidc.scopes", Kind::Texts),
    ("registry.oidc.claim", Kind::Text),
    ("registry.kerberos.service_principal", Kind::Text),
    ("registry.kerberos.keytab", Kind::Text),
    ("registry.kerberos.expiration_seconds", Kind::Number),
    ("registry.kerberos.default_realm", Kind::Text),
    ("registry.kerberos.kdcs", Kind::Texts),
    ("registry.kerberos.krb5_conf", Kind::Text),
    ("registry.kerberos.timeout_ms", Kind::Number),
    ("registry.ldap.urls", Kind::Texts),
    ("registry.ldap.strategy", Kind::Text),
    ("registry.ldap.manager_dn", Kind::Text),
    ("registry.ldap.manager_password", Kind::Text),
    ("registry.ldap.tls_ca", Kind::Text),
    ("registry.ldap.tls_cert", Kind::Text),
    ("registry.ldap.tls_key", Kind::Text),
    ("registry.ldap.referrals", Kind::Text),
    ("registry.ldap.connect_timeout_ms", Kind::Number),
    ("registry.ldap.read_timeout_ms", Kind::Number),
    ("registry.ldap.search_base", Kind::Text),
    ("registry.ldap.search_filter", Kind::Text),
    ("registry.ldap.identity", Kind::Text),
    ("registry.ldap.expiration_seconds", Kind::Number),
    ("registry.git.repository", Kind::Text),
    ("registry.git.tenant", Kind::Text),
    ("registry.git.clone", Kind::Text),
    ("registry.git.remote", Kind::Text),
    ("registry.git.user", Kind::Text),
    ("registry.git.password", Kind::Text),
    ("registry.git.ca", Kind::Text),
    ("registry.git.committer_name", Kind::Text),
    ("registry.git.committer_address", Kind::Text),
];

/// The sections whose members have names that operators choose.
const MAPPINGS: [&str; 2] = ["identity_mapping", "group_mapping"];

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Asked {
    Auto,
    Secured,
    Open,
}

/// One rule.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MappingSettings {
    pattern: String,
    value: String,
    #[serde(default)]
    transform: Transform,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Transform {
    #[default]
    #[serde(alias = "NONE")]
    None,
    #[serde(alias = "LOWER")]
    Lower,
    #[serde(alias = "UPPER")]
    Upper,
}

impl RegistrySettings {
    /// How the dialect behaves.
    pub(crate) fn options(&self) -> Result<RegistryOptions> {
        let usual = RegistryOptions::default();
        Ok(RegistryOptions {
            security: match self.security {
                None | Some(Asked::Auto) => Security::Auto,
                Some(Asked::Secured) => Security::Secured,
                Some(Asked::Open) => Security::Open,
            },
            revisions: self.revisions.unwrap_or(usual.revisions),
            upper_case_bundle_types: self.upper_case_bundle_types.unwrap_or(usual.upper_case_bundle_types),
            version: self.version.clone().unwrap_or(usual.version),
            comparison_bytes: self.comparison_bytes.unwrap_or(usual.comparison_bytes),
            snapshot_bytes: self.snapshot_bytes.unwrap_or(usual.snapshot_bytes),
            forwarded_hosts: self.forwarded_hosts.clone(),
            forwarded_contexts: self.forwarded_contexts.clone(),
            configurable_tenants: self.configurable_tenants.unwrap_or(usual.configurable_tenants),
            configurable_policies: self.configurable_policies.unwrap_or(usual.configurable_policies),
            password_login: self.password_login.unwrap_or(usual.password_login),
            token_lifetime: self.token_seconds.map_or(usual.token_lifetime, Duration::from_secs),
            identities: self.identities()?,
        })
    }

    /// What names from elsewhere become.
    pub(crate) fn identities(&self) -> Result<Mapping> {
        mapping("identity_mapping", &self.identity_mapping)
    }

    /// Whether tokens for passwords of Headworks were not only left as they are by default.
    pub(crate) fn asks_for_own_passwords(&self) -> bool {
        self.password_login == Some(true)
    }

    /// The addresses that flows have others for.
    pub(crate) fn aliases(&self) -> Result<Aliases> {
        let pair = |text: &String| {
            // Either may have an equals sign in it.
            let (internal, rest) =
                text.split_once("=http").with_context(|| format!("registry.aliases: {text:?} is no INTERNAL=EXTERNAL"))?;
            Ok((internal.to_owned(), format!("http{rest}")))
        };
        let pairs = self.aliases.iter().map(pair).collect::<Result<_>>()?;
        Aliases::new(pairs).map_err(|error| anyhow::anyhow!("registry.aliases: {error}"))
    }

    /// Who has rights from the first start on.
    pub(crate) fn initial(&self) -> Result<InitialPolicies> {
        let identities = self.identities()?;
        let groups = mapping("group_mapping", &self.group_mapping)?;
        let named = |name: &str| {
            if name.trim().is_empty() { bail!("registry.nifi_identities has an empty name") } else { Ok(identities.apply(name)) }
        };
        Ok(InitialPolicies {
            administrator: self.initial_admin.as_ref().map(|name| identities.apply(name)),
            nifi_identities: self.nifi_identities.iter().map(|name| named(name)).collect::<Result<_>>()?,
            nifi_group: self.nifi_group.as_ref().map(|name| groups.apply(name)),
        })
    }
}

fn mapping(section: &str, rules: &BTreeMap<String, MappingSettings>) -> Result<Mapping> {
    let mut mapping = Mapping::default();
    for (name, MappingSettings { pattern, value, transform }) in rules {
        let letters = match transform {
            Transform::None => Letters::Keep,
            Transform::Lower => Letters::Lower,
            Transform::Upper => Letters::Upper,
        };
        mapping.rule(pattern, value, letters).with_context(|| format!("registry.{section}.{name}"))?;
    }
    Ok(mapping)
}

/// Takes the mappings in the environment: `HEADWORKS_REGISTRY_IDENTITY_MAPPING_DN_PATTERN` is the pattern of the rule `dn`.
pub(super) fn mappings(environment: &BTreeMap<String, String>, mut put: impl FnMut(&str, Value) -> Result<()>) -> Result<()> {
    for section in MAPPINGS {
        let prefix = format!("{}_", super::variable(&format!("registry.{section}")));
        let mut rules: BTreeMap<String, Table> = BTreeMap::new();
        for (variable, text) in environment {
            let Some(rest) = variable.strip_prefix(&prefix) else { continue };
            let member = ["PATTERN", "VALUE", "TRANSFORM"].into_iter().find_map(|member| {
                let name = rest.strip_suffix(member)?.strip_suffix('_').filter(|name| !name.is_empty())?;
                Some((name.to_lowercase(), member.to_lowercase()))
            });
            let Some((name, member)) = member else {
                bail!("{variable} in the environment ends in no _PATTERN, _VALUE or _TRANSFORM")
            };
            rules.entry(name).or_default().insert(member, Value::String(text.clone()));
        }
        for (name, rule) in rules {
            put(&format!("registry.{section}.{name}"), Value::Table(rule))?;
        }
    }
    Ok(())
}
