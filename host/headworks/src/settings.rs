//! Settings of `serve`: defaults, then the configuration file, then the environment, then arguments.
//!
//! What must stay true: every setting can be given in the file and in the environment under the same name; an unknown member
//! of the file is an error that names it. The struct holds secrets, so it is never shown.

mod registry;
#[cfg(test)]
mod tests;

use crate::cli::ServeArguments;
use anyhow::{Context, Result, bail};
use headworks_http::HttpLimits;
use headworks_http::outbound::{Allowed, OutboundOptions};
use headworks_identity::Quotas;
use headworks_sandbox::Limits;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Table, Value};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Settings {
    pub(crate) data: PathBuf,
    pub(crate) listen: Vec<String>,
    pub(crate) management: String,
    /// Address of the syslog server; `off` for none.
    pub(crate) syslog: String,
    /// Without one: both, or TCP only where it is TLS.
    pub(crate) syslog_protocol: Option<SyslogProtocol>,
    /// Who may send syslog messages, as the first start writes it into the system configuration (FlowG 15).
    pub(crate) syslog_allowed_origins: Vec<String>,
    /// The tenant whose pipelines get syslog messages.
    pub(crate) syslog_tenant: String,
    /// Others, by sender: `ORIGIN=TENANT`.
    pub(crate) syslog_tenants: Vec<String>,
    pub(crate) syslog_tls: SyslogTlsFiles,
    pub(crate) syslog_limits: SyslogBounds,
    pub(crate) durability: Durability,
    /// Bytes that have to be free on the disk for writes.
    pub(crate) min_free_bytes: u64,
    /// How often the size bounds of streams (FlowG 10.5) and the bounds of audit entries are enforced.
    pub(crate) sweep_seconds: u64,
    /// The most dead letters of a tenant, and their bytes.
    pub(crate) dead_letter_count: u64,
    pub(crate) dead_letter_bytes: u64,
    /// The most audit entries of a tenant, and the days they are kept.
    pub(crate) audit_count: u64,
    pub(crate) audit_days: u64,
    pub(crate) components: Option<PathBuf>,
    pub(crate) example: Option<PathBuf>,
    /// A demonstration: a user `demo`, streams of a quarter of an hour (FlowG 15).
    pub(crate) demo: bool,
    /// Answers hide the secrets that are stored for others (FlowG 23).
    pub(crate) mask_secrets: bool,
    /// Signs sessions; random at each start without.
    pub(crate) secret_key: Option<String>,
    /// How long a session lasts.
    pub(crate) session_seconds: u64,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) reset: Reset,
    pub(crate) log: Log,
    pub(crate) http: Http,
    pub(crate) management_tls: TlsSettings,
    pub(crate) outbound: Outbound,
    pub(crate) delivery: DeliverySettings,
    /// The quotas of tenants that have none of their own.
    tenants: Quotas,
    sandbox: Limits,
    pub(crate) registry: registry::RegistrySettings,
    /// FLOWG_ variables that mean nothing here.
    #[serde(skip)]
    pub(crate) unknown: Vec<String>,
}

/// Delivery from queues.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct DeliverySettings {
    /// How long a record may wait before it is given up.
    pub(crate) give_up_seconds: u64,
    /// The most bytes that may wait for one forwarder.
    pub(crate) queue_bytes: u64,
}

impl Default for DeliverySettings {
    fn default() -> Self {
        Self { give_up_seconds: 24 * 3600, queue_bytes: 256 << 20 }
    }
}

/// What plugins may reach.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Outbound {
    /// Addresses and ranges besides the public internet.
    allow: Vec<String>,
    /// A file of certificates in PEM that are trusted too.
    roots: Option<PathBuf>,
    /// Whether a forwarder may accept every certificate when its configuration says so.
    insecure: bool,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Durability {
    Fsync,
    Buffered,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SyslogProtocol {
    Udp,
    Tcp,
    Both,
}

/// PEM files.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SyslogTlsFiles {
    /// Where it is not said: whether there is a certificate.
    pub(crate) enabled: Option<bool>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// Whether clients have to show a certificate.
    pub(crate) auth: bool,
    /// The authorities that client certificates come from.
    pub(crate) client_ca: Option<PathBuf>,
}

/// [`SyslogLimits`](headworks_syslog::SyslogLimits), where absent their defaults.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SyslogBounds {
    pub(crate) message_bytes: Option<usize>,
    pub(crate) queue_messages: Option<usize>,
    pub(crate) queue_bytes: Option<usize>,
    pub(crate) source_bytes: Option<usize>,
    pub(crate) connections: Option<usize>,
    pub(crate) source_connections: Option<usize>,
    pub(crate) handshake_timeout_ms: Option<u64>,
    pub(crate) message_timeout_ms: Option<u64>,
    pub(crate) idle_timeout_ms: Option<u64>,
    pub(crate) drain_timeout_ms: Option<u64>,
}

/// The first user.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Bootstrap {
    pub(crate) user: String,
    pub(crate) password: Option<String>,
    pub(crate) token: Option<String>,
}

/// A user whose password is replaced at every start.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Reset {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Log {
    pub(crate) level: String,
    pub(crate) format: LogFormat,
    /// Whether what a client was told of its failure is logged too.
    pub(crate) verbose: bool,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// TLS of a listener.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsSettings {
    /// On where a certificate is named, unless this says otherwise.
    enabled: Option<bool>,
    /// PEM file of the certificate and the chain that leads to it.
    cert: Option<PathBuf>,
    /// PEM file of its private key.
    key: Option<PathBuf>,
    /// PEM file of the authorities that client certificates come from.
    client_ca: Option<PathBuf>,
    /// What is asked of clients; `optional` where it is not said and authorities are named.
    client_auth: Option<ClientAuth>,
}

/// Whether clients show a certificate.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ClientAuth {
    /// None is asked for.
    Off,
    /// One that is shown is verified.
    Optional,
    /// Clients without one are turned away.
    Required,
}

/// Path and TLS of the service listeners, and [`HttpLimits`], where absent their defaults.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    mount: Option<String>,
    pub(crate) tls: TlsSettings,
    header_bytes: Option<usize>,
    headers: Option<usize>,
    body_bytes: Option<usize>,
    decompressed_bytes: Option<usize>,
    upload_bytes: Option<u64>,
    buffered_bytes: Option<usize>,
    connections: Option<usize>,
    header_timeout_ms: Option<u64>,
    body_timeout_ms: Option<u64>,
    write_timeout_ms: Option<u64>,
    idle_timeout_ms: Option<u64>,
    drain_timeout_ms: Option<u64>,
}

/// The quotas of the plan, where the operator says nothing. Generous for one team, and no more than one machine has.
const PLAN: Quotas = Quotas {
    records_per_second: Some(20_000),
    bytes_per_second: Some(16 << 20),
    burst_seconds: Some(10),
    stored_bytes: Some(50 << 30),
    plugins: Some(100),
    cpu_ms_per_second: Some(1000),
    concurrent_calls: Some(32),
    queries: Some(16),
    live_tails: Some(100),
};

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "./data".into(),
            listen: vec!["127.0.0.1:5080".to_owned()],
            management: "127.0.0.1:9113".to_owned(),
            syslog: "127.0.0.1:5514".to_owned(),
            syslog_protocol: None,
            syslog_allowed_origins: Vec::new(),
            syslog_tenant: "default".to_owned(),
            syslog_tenants: Vec::new(),
            syslog_tls: SyslogTlsFiles::default(),
            syslog_limits: SyslogBounds::default(),
            durability: Durability::Fsync,
            min_free_bytes: 256 << 20,
            sweep_seconds: 300,
            dead_letter_count: 10_000,
            dead_letter_bytes: 256 << 20,
            audit_count: 100_000,
            audit_days: 365,
            components: None,
            example: None,
            demo: false,
            mask_secrets: false,
            secret_key: None,
            session_seconds: 24 * 3600,
            bootstrap: Bootstrap::default(),
            reset: Reset::default(),
            log: Log::default(),
            http: Http::default(),
            outbound: Outbound::default(),
            delivery: DeliverySettings::default(),
            tenants: Quotas::default(),
            sandbox: Limits::default(),
            registry: registry::RegistrySettings::default(),
            management_tls: TlsSettings::default(),
            unknown: Vec::new(),
        }
    }
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { user: "root".to_owned(), password: None, token: None }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), format: LogFormat::Text, verbose: false }
    }
}

/// What a text from the environment becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    /// Separated by commas.
    Texts,
    /// Separated by semicolons: names that may have commas in them.
    Names,
    /// `true` or `false`.
    Switch,
}

const NAMES: &[(&str, Kind)] = &[
    ("data", Kind::Text),
    ("listen", Kind::Texts),
    ("management", Kind::Text),
    ("syslog", Kind::Text),
    ("syslog_protocol", Kind::Text),
    ("syslog_allowed_origins", Kind::Texts),
    ("syslog_tenant", Kind::Text),
    ("syslog_tenants", Kind::Texts),
    ("syslog_tls.enabled", Kind::Switch),
    ("syslog_tls.cert", Kind::Text),
    ("syslog_tls.key", Kind::Text),
    ("syslog_tls.auth", Kind::Switch),
    ("syslog_tls.client_ca", Kind::Text),
    ("syslog_limits.message_bytes", Kind::Number),
    ("syslog_limits.queue_messages", Kind::Number),
    ("syslog_limits.queue_bytes", Kind::Number),
    ("syslog_limits.source_bytes", Kind::Number),
    ("syslog_limits.connections", Kind::Number),
    ("syslog_limits.source_connections", Kind::Number),
    ("syslog_limits.handshake_timeout_ms", Kind::Number),
    ("syslog_limits.message_timeout_ms", Kind::Number),
    ("syslog_limits.idle_timeout_ms", Kind::Number),
    ("syslog_limits.drain_timeout_ms", Kind::Number),
    ("durability", Kind::Text),
    ("min_free_bytes", Kind::Number),
    ("sweep_seconds", Kind::Number),
    ("dead_letter_count", Kind::Number),
    ("dead_letter_bytes", Kind::Number),
    ("audit_count", Kind::Number),
    ("audit_days", Kind::Number),
    ("components", Kind::Text),
    ("example", Kind::Text),
    ("demo", Kind::Switch),
    ("mask_secrets", Kind::Switch),
    ("secret_key", Kind::Text),
    ("session_seconds", Kind::Number),
    ("bootstrap.user", Kind::Text),
    ("bootstrap.password", Kind::Text),
    ("bootstrap.token", Kind::Text),
    ("reset.user", Kind::Text),
    ("reset.password", Kind::Text),
    ("log.level", Kind::Text),
    ("log.format", Kind::Text),
    ("log.verbose", Kind::Switch),
    ("http.mount", Kind::Text),
    ("http.tls.enabled", Kind::Switch),
    ("http.tls.cert", Kind::Text),
    ("http.tls.key", Kind::Text),
    ("http.tls.client_ca", Kind::Text),
    ("http.tls.client_auth", Kind::Text),
    ("management_tls.enabled", Kind::Switch),
    ("management_tls.cert", Kind::Text),
    ("management_tls.key", Kind::Text),
    ("management_tls.client_ca", Kind::Text),
    ("management_tls.client_auth", Kind::Text),
    ("http.header_bytes", Kind::Number),
    ("http.headers", Kind::Number),
    ("http.body_bytes", Kind::Number),
    ("http.decompressed_bytes", Kind::Number),
    ("http.upload_bytes", Kind::Number),
    ("http.buffered_bytes", Kind::Number),
    ("http.connections", Kind::Number),
    ("http.header_timeout_ms", Kind::Number),
    ("http.body_timeout_ms", Kind::Number),
    ("http.write_timeout_ms", Kind::Number),
    ("http.idle_timeout_ms", Kind::Number),
    ("http.drain_timeout_ms", Kind::Number),
    ("delivery.give_up_seconds", Kind::Number),
    ("delivery.queue_bytes", Kind::Number),
    ("outbound.allow", Kind::Texts),
    ("outbound.roots", Kind::Text),
    ("outbound.insecure", Kind::Switch),
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

/// Names that FlowG installations have in their environment (FlowG 17); ours come before them.
const ALIASES: &[(&str, &str)] = &[
    ("FLOWG_DEMO_MODE", "demo"),
    ("FLOWG_HTTP_BIND_ADDRESS", "listen"),
    ("FLOWG_HTTP_MOUNT_PATH", "http.mount"),
    ("FLOWG_HTTP_TLS_ENABLED", "http.tls.enabled"),
    ("FLOWG_HTTP_TLS_CERT", "http.tls.cert"),
    ("FLOWG_HTTP_TLS_KEY", "http.tls.key"),
    ("FLOWG_MGMT_BIND_ADDRESS", "management"),
    ("FLOWG_MGMT_TLS_ENABLED", "management_tls.enabled"),
    ("FLOWG_MGMT_TLS_CERT", "management_tls.cert"),
    ("FLOWG_MGMT_TLS_KEY", "management_tls.key"),
    ("FLOWG_SYSLOG_BIND_ADDRESS", "syslog"),
    ("FLOWG_SYSLOG_INITIAL_ALLOWED_ORIGINS", "syslog_allowed_origins"),
    ("FLOWG_SYSLOG_ALLOW_ORIGINS", "syslog_allowed_origins"),
    ("FLOWG_SYSLOG_PROTOCOL", "syslog_protocol"),
    ("FLOWG_SYSLOG_TLS_ENABLED", "syslog_tls.enabled"),
    ("FLOWG_SYSLOG_TLS_CERT", "syslog_tls.cert"),
    ("FLOWG_SYSLOG_TLS_KEY", "syslog_tls.key"),
    ("FLOWG_SYSLOG_TLS_AUTH", "syslog_tls.auth"),
    ("FLOWG_SECRET_KEY", "secret_key"),
    ("FLOWG_AUTH_INITIAL_USER", "bootstrap.user"),
    ("FLOWG_AUTH_INITIAL_PASSWORD", "bootstrap.password"),
    ("FLOWG_AUTH_RESET_USER", "reset.user"),
    ("FLOWG_AUTH_RESET_PASSWORD", "reset.password"),
    ("FLOWG_LOGLEVEL", "log.level"),
    ("FLOWG_VERBOSE", "log.verbose"),
];

/// Every setting; those of the sandbox are the members of its limits.
fn names() -> Result<Vec<(String, Kind)>> {
    let limits = Table::try_from(Limits::default()).context("the limits of the sandbox cannot be listed")?;
    let own = NAMES.iter().map(|&(name, kind)| (name.to_owned(), kind));
    let quotas = PLAN.members().map(|(name, _)| (format!("tenants.{name}"), Kind::Number));
    Ok(own.chain(quotas).chain(limits.keys().map(|name| (format!("sandbox.{name}"), Kind::Number))).collect())
}

/// Refuses a variable that looks like a limit of the sandbox and is none: misspelt, it would not limit anything.
fn check_limits(names: &[(String, Kind)], environment: &BTreeMap<String, String>) -> Result<()> {
    let known: BTreeSet<String> = names.iter().map(|(name, _)| variable(name)).collect();
    match environment.keys().find(|name| name.starts_with("HEADWORKS_SANDBOX_") && !known.contains(*name)) {
        None => Ok(()),
        Some(name) => bail!("{name} in the environment is no setting of this version"),
    }
}
/// What the command-line client reads, and not the server.
const OF_CLIENT: &[&str] = &["FLOWG_API", "FLOWG_API_TOKEN", "FLOWG_MGMT_API"];

/// The environment variable of a setting.
fn variable(name: &str) -> String {
    format!("HEADWORKS_{}", name.to_uppercase().replace('.', "_"))
}

impl Settings {
    /// The settings that these arguments ask for in the environment of this process.
    pub(crate) fn load(arguments: &ServeArguments) -> Result<Self> {
        Self::of(arguments, &std::env::vars().collect())
    }

    fn of(arguments: &ServeArguments, environment: &BTreeMap<String, String>) -> Result<Self> {
        let given = |name: &str| environment.get(name).filter(|value| !value.is_empty());
        let file = arguments.config.clone().or_else(|| given("HEADWORKS_CONFIG").map(PathBuf::from));
        let mut table = file.as_deref().map(read).transpose()?.unwrap_or_default();
        let names = names()?;
        check_limits(&names, environment)?;
        for (name, kind) in &names {
            let aliases = ALIASES.iter().filter(|(_, setting)| setting == name).map(|(alias, _)| (*alias).to_owned());
            let mut variables = std::iter::once(variable(name)).chain(aliases);
            if let Some((variable, text)) = variables.find_map(|variable| given(&variable).map(|text| (variable, text))) {
                let value = kind.read(text).with_context(|| format!("{variable}={text} is no {}", kind.noun()))?;
                put(&mut table, name, value)?;
            }
        }
        registry::mappings(environment, |name, value| put(&mut table, name, value))?;
        for (name, value) in arguments.given() {
            put(&mut table, name, value)?;
        }
        let mut settings: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| anyhow::anyhow!("the settings cannot be used: {}", in_a_line(&error)))?;
        let known = |name: &str| OF_CLIENT.contains(&name) || ALIASES.iter().any(|(alias, _)| *alias == name);
        settings.unknown = environment.keys().filter(|name| name.starts_with("FLOWG_") && !known(name)).cloned().collect();
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> Result<()> {
        if self.listen.is_empty() {
            bail!("listen has to name at least one address");
        }
        let some = [
            ("dead_letter_count", self.dead_letter_count),
            ("dead_letter_bytes", self.dead_letter_bytes),
            ("audit_count", self.audit_count),
            ("audit_days", self.audit_days),
            ("session_seconds", self.session_seconds),
            ("delivery.give_up_seconds", self.delivery.give_up_seconds),
            ("delivery.queue_bytes", self.delivery.queue_bytes),
        ];
        self.registry.aliases()?;
        match some.into_iter().find(|(_, value)| *value == 0) {
            Some((name, _)) => bail!("{name} has to be at least 1"),
            None => Ok(()),
        }
    }

    /// The quotas of tenants that have none of their own.
    pub(crate) fn plan(&self) -> Result<Quotas> {
        let plan = self.tenants.or(&PLAN);
        plan.check().map_err(|error| anyhow::anyhow!("the settings cannot be used: tenants: {error}"))?;
        Ok(plan)
    }

    /// What plugins may reach.
    pub(crate) fn outbound(&self) -> Result<OutboundOptions> {
        let Outbound { allow, roots, insecure } = &self.outbound;
        let read = |path: &PathBuf| {
            std::fs::read_to_string(path).with_context(|| format!("outbound.roots: cannot read {}", path.display()))
        };
        let roots = roots.as_ref().map(read).transpose()?;
        let allow = Allowed::parse(allow).map_err(|why| anyhow::anyhow!("outbound.allow: {why}"))?;
        Ok(OutboundOptions { allow, roots, insecure: *insecure })
    }

    /// The path below which the service listeners serve, such as `/logs`; empty for none.
    pub(crate) fn mount(&self) -> Result<&str> {
        let mount = self.http.mount.as_deref().unwrap_or_default().trim_end_matches('/');
        let plain =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte));
        if !mount.is_empty() && !mount.strip_prefix('/').is_some_and(|path| path.split('/').all(plain)) {
            bail!("http.mount has to be a path such as /logs of letters, digits and -._~, and {mount:?} is none");
        }
        Ok(mount)
    }

    /// Bounds of the listeners.
    pub(crate) fn http_limits(&self) -> Result<HttpLimits> {
        let (given, usual) = (&self.http, HttpLimits::default());
        let ms = |given: Option<u64>, usual: Duration| given.map_or(usual, Duration::from_millis);
        let limits = HttpLimits {
            header_bytes: given.header_bytes.unwrap_or(usual.header_bytes),
            headers: given.headers.unwrap_or(usual.headers),
            body_bytes: given.body_bytes.unwrap_or(usual.body_bytes),
            decompressed_bytes: given.decompressed_bytes.unwrap_or(usual.decompressed_bytes),
            upload_bytes: given.upload_bytes.unwrap_or(usual.upload_bytes),
            buffered_bytes: given.buffered_bytes.unwrap_or(usual.buffered_bytes),
            connections: given.connections.unwrap_or(usual.connections),
            header_timeout: ms(given.header_timeout_ms, usual.header_timeout),
            body_timeout: ms(given.body_timeout_ms, usual.body_timeout),
            write_timeout: ms(given.write_timeout_ms, usual.write_timeout),
            idle_timeout: ms(given.idle_timeout_ms, usual.idle_timeout),
            drain_timeout: ms(given.drain_timeout_ms, usual.drain_timeout),
        };
        if limits.header_bytes < 8192 {
            bail!("http.header_bytes has to be at least 8192");
        }
        Ok(limits)
    }

    /// What components may use.
    pub(crate) fn sandbox_limits(&self) -> Result<Limits> {
        self.sandbox.check().map_err(|error| anyhow::anyhow!("the settings cannot be used: sandbox.{error}"))?;
        Ok(self.sandbox.clone())
    }
}

impl ServeArguments {
    /// The settings that were given as arguments.
    fn given(&self) -> Vec<(&'static str, Value)> {
        let text = |text: &Option<String>| text.clone().map(Value::String);
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| Value::String(path.to_string_lossy().into_owned()));
        let listen = (!self.listen.is_empty()).then(|| self.listen.iter().cloned().map(Value::String).collect());
        let all = [
            ("data", path(&self.data)),
            ("listen", listen.map(Value::Array)),
            ("management", text(&self.management)),
            ("syslog", text(&self.syslog)),
            ("durability", text(&self.durability)),
            ("components", path(&self.components)),
            ("example", path(&self.example)),
            ("log.level", text(&self.log_level)),
            ("log.format", text(&self.log_format)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

impl Kind {
    const fn noun(self) -> &'static str {
        match self {
            Self::Text | Self::Texts | Self::Names => "text",
            Self::Number => "number",
            Self::Switch => "true or false",
        }
    }

    fn read(self, text: &str) -> Option<Value> {
        Some(match self {
            Self::Text => Value::String(text.to_owned()),
            Self::Number => Value::Integer(text.trim().parse().ok()?),
            Self::Switch => Value::Boolean(match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return None,
            }),
            Self::Names => Value::Array(text.split(';').map(|part| Value::String(part.trim().to_owned())).collect()),
            Self::Texts => Value::Array(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect()),
        })
    }
}

/// What is wrong, and in which setting.
fn in_a_line(error: &toml::de::Error) -> String {
    error.to_string().trim_end().replace('\n', " ")
}

impl TlsSettings {
    /// The files of certificate and key where TLS is on.
    pub(crate) fn files(&self, section: &str) -> Result<Option<(&Path, &Path)>> {
        if self.enabled == Some(false) || (self.enabled.is_none() && self.cert.is_none() && self.key.is_none()) {
            return Ok(None);
        }
        match (&self.cert, &self.key) {
            (Some(cert), Some(key)) => Ok(Some((cert, key))),
            _ => bail!("TLS needs both {section}.cert and {section}.key"),
        }
    }

    /// The file of the authorities of client certificates, and whether every client has to show one.
    pub(crate) fn clients(&self, section: &str) -> Result<Option<(&Path, bool)>> {
        match (&self.client_ca, self.client_auth) {
            (None, None) | (_, Some(ClientAuth::Off)) => Ok(None),
            (Some(authorities), asked) => Ok(Some((authorities, asked == Some(ClientAuth::Required)))),
            (None, Some(_)) => bail!(
                "{section}.client_auth is set, so {section}.client_ca has to name the PEM file of the authorities of client certificates"
            ),
        }
    }
}

fn read(path: &Path) -> Result<Table> {
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("hcl")) {
        bail!("the configuration {} is HCL, and TOML is read here: docs/flowg.md says how to move", path.display());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the configuration {}", path.display()))?;
    toml::from_str(&text).map_err(|error| {
        // The error's own text would quote the line, which may hold a secret.
        let line = error.span().map_or(0, |span| text.get(..span.start).map_or(0, |before| before.lines().count().max(1)));
        anyhow::anyhow!("the configuration {} is no TOML: line {line}: {}", path.display(), error.message())
    })
}

/// Sets `name`, or `section.name`, however deep.
fn put(table: &mut Table, name: &str, value: Value) -> Result<()> {
    let Some((section, name)) = name.split_once('.') else {
        table.insert(name.to_owned(), value);
        return Ok(());
    };
    match table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(section) => put(section, name, value),
        _ => bail!("the configuration's {section} has to be a section"),
    }
}

/// The address that a text such as `127.0.0.1:5080`, `localhost:0` or `:5080` (every interface) means.
pub(crate) fn address(text: &str) -> Result<SocketAddr> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let mut found = full.to_socket_addrs().with_context(|| format!("{text:?} is no address such as 127.0.0.1:5080"))?;
    found.next().with_context(|| format!("{text:?} means no address"))
}
