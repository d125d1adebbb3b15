//! Settings of `serve`: defaults, then the configuration file, then the environment, then arguments.
//!
//! What must stay true: every setting can be given in the file and in the environment under the same name; an unknown member
//! of the file is an error that names it. The struct holds secrets, so it is never shown.

use crate::cli::ServeArguments;
use anyhow::{Context, Result, bail};
use headworks_http::HttpLimits;
use serde::Deserialize;
use std::collections::BTreeMap;
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
    /// Who may send syslog messages while the system configuration does not say it (FlowG 15); everybody where empty.
    pub(crate) syslog_allowed_origins: Vec<String>,
    pub(crate) syslog_tls: SyslogTlsFiles,
    pub(crate) syslog_limits: SyslogBounds,
    pub(crate) durability: Durability,
    /// Bytes that have to be free on the disk for writes.
    pub(crate) min_free_bytes: u64,
    /// How often the size bounds of streams are enforced (FlowG 10.5).
    pub(crate) sweep_seconds: u64,
    pub(crate) components: Option<PathBuf>,
    pub(crate) example: Option<PathBuf>,
    /// Signs sessions; random at each start without.
    pub(crate) secret_key: Option<String>,
    pub(crate) bootstrap: Bootstrap,
    pub(crate) reset: Reset,
    pub(crate) log: Log,
    pub(crate) http: Http,
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
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// [`HttpLimits`], where absent their defaults.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    header_bytes: Option<usize>,
    headers: Option<usize>,
    body_bytes: Option<usize>,
    decompressed_bytes: Option<usize>,
    buffered_bytes: Option<usize>,
    connections: Option<usize>,
    header_timeout_ms: Option<u64>,
    body_timeout_ms: Option<u64>,
    write_timeout_ms: Option<u64>,
    idle_timeout_ms: Option<u64>,
    drain_timeout_ms: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: "./data".into(),
            listen: vec!["127.0.0.1:5080".to_owned()],
            management: "127.0.0.1:9113".to_owned(),
            syslog: "127.0.0.1:5514".to_owned(),
            syslog_protocol: None,
            syslog_allowed_origins: Vec::new(),
            syslog_tls: SyslogTlsFiles::default(),
            syslog_limits: SyslogBounds::default(),
            durability: Durability::Fsync,
            min_free_bytes: 256 << 20,
            sweep_seconds: 300,
            components: None,
            example: None,
            secret_key: None,
            bootstrap: Bootstrap::default(),
            reset: Reset::default(),
            log: Log::default(),
            http: Http::default(),
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
        Self { level: "info".to_owned(), format: LogFormat::Text }
    }
}

/// What a text from the environment becomes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
    /// Separated by commas.
    Texts,
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
    ("components", Kind::Text),
    ("example", Kind::Text),
    ("secret_key", Kind::Text),
    ("bootstrap.user", Kind::Text),
    ("bootstrap.password", Kind::Text),
    ("bootstrap.token", Kind::Text),
    ("reset.user", Kind::Text),
    ("reset.password", Kind::Text),
    ("log.level", Kind::Text),
    ("log.format", Kind::Text),
    ("http.header_bytes", Kind::Number),
    ("http.headers", Kind::Number),
    ("http.body_bytes", Kind::Number),
    ("http.decompressed_bytes", Kind::Number),
    ("http.buffered_bytes", Kind::Number),
    ("http.connections", Kind::Number),
    ("http.header_timeout_ms", Kind::Number),
    ("http.body_timeout_ms", Kind::Number),
    ("http.write_timeout_ms", Kind::Number),
    ("http.idle_timeout_ms", Kind::Number),
    ("http.drain_timeout_ms", Kind::Number),
];

/// Names that FlowG installations have in their environment (FlowG 17); ours come before them.
const ALIASES: &[(&str, &str)] = &[
    ("FLOWG_HTTP_BIND_ADDRESS", "listen"),
    ("FLOWG_MGMT_BIND_ADDRESS", "management"),
    ("FLOWG_SYSLOG_BIND_ADDRESS", "syslog"),
    ("FLOWG_SYSLOG_PROTOCOL", "syslog_protocol"),
    ("FLOWG_SYSLOG_INITIAL_ALLOWED_ORIGINS", "syslog_allowed_origins"),
    ("FLOWG_SYSLOG_ALLOW_ORIGINS", "syslog_allowed_origins"),
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
];

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
        for (name, kind) in NAMES {
            let alias = || ALIASES.iter().filter(|(_, setting)| setting == name).find_map(|(alias, _)| given(alias));
            let own = variable(name);
            if let Some(text) = given(&own).or_else(alias) {
                let value = kind.read(text).with_context(|| format!("{own}={text} is no {}", kind.noun()))?;
                put(&mut table, name, value)?;
            }
        }
        for (name, value) in arguments.given() {
            put(&mut table, name, value)?;
        }
        let settings: Self = table
            .try_into()
            .map_err(|error: toml::de::Error| anyhow::anyhow!("the settings cannot be used: {}", error.message()))?;
        if settings.listen.is_empty() {
            bail!("listen has to name at least one address");
        }
        Ok(settings)
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
            Self::Text | Self::Texts => "text",
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
            Self::Texts => Value::Array(text.split(',').map(|part| Value::String(part.trim().to_owned())).collect()),
        })
    }
}

fn read(path: &Path) -> Result<Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read the configuration {}", path.display()))?;
    toml::from_str(&text).map_err(|error| {
        // The error's own text would quote the line, which may hold a secret.
        let line = error.span().map_or(0, |span| text.get(..span.start).map_or(0, |before| before.lines().count().max(1)));
        anyhow::anyhow!("the configuration {} is no TOML: line {line}: {}", path.display(), error.message())
    })
}

/// Sets `name`, or `section.name`.
fn put(table: &mut Table, name: &str, value: Value) -> Result<()> {
    let Some((section, name)) = name.split_once('.') else {
        table.insert(name.to_owned(), value);
        return Ok(());
    };
    match table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
        Value::Table(section) => {
            section.insert(name.to_owned(), value);
            Ok(())
        }
        _ => bail!("the configuration's {section} has to be a section"),
    }
}

/// The address that a text such as `127.0.0.1:5080`, `localhost:0` or `:5080` (every interface) means.
pub(crate) fn address(text: &str) -> Result<SocketAddr> {
    let full = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    let mut found = full.to_socket_addrs().with_context(|| format!("{text:?} is no address such as 127.0.0.1:5080"))?;
    found.next().with_context(|| format!("{text:?} means no address"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn later_layers_win() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("headworks.toml");
        std::fs::write(&file, "data = \"file\"\nmanagement = \"file:1\"\n[http]\nbody_bytes = 1\nheaders = 7\n").unwrap();
        let arguments = ServeArguments { config: Some(file), data: Some("argument".into()), ..ServeArguments::default() };
        let variables = [
            ("HEADWORKS_DATA", "environment"),
            ("HEADWORKS_HTTP_BODY_BYTES", "2"),
            ("HEADWORKS_LISTEN", "a:1, b:2"),
            ("FLOWG_HTTP_BIND_ADDRESS", "c:3"),
            ("FLOWG_SYSLOG_BIND_ADDRESS", ":514"),
            ("FLOWG_SYSLOG_PROTOCOL", "tcp"),
            ("FLOWG_SYSLOG_TLS_ENABLED", "false"),
            ("FLOWG_SYSLOG_INITIAL_ALLOWED_ORIGINS", "::1,10.0.0.0/8"),
            ("FLOWG_AUTH_INITIAL_PASSWORD", "123"),
            ("HEADWORKS_EXAMPLE", ""),
        ];
        let settings = Settings::of(&arguments, &environment(&variables)).unwrap();
        assert_eq!(settings.data, Path::new("argument"));
        assert_eq!(settings.management, "file:1");
        assert_eq!(settings.listen, ["a:1", "b:2"]);
        assert_eq!(settings.bootstrap.password.as_deref(), Some("123"));
        assert_eq!(settings.example, None);
        assert_eq!((settings.syslog.as_str(), settings.syslog_protocol), (":514", Some(SyslogProtocol::Tcp)));
        assert_eq!((settings.syslog_tls.enabled, settings.syslog_allowed_origins.len()), (Some(false), 2));
        let limits = settings.http_limits().unwrap();
        assert_eq!((limits.body_bytes, limits.headers), (2, 7));
    }

    #[test]
    fn every_name_exists() {
        for (name, kind) in NAMES {
            let value = match *name {
                "durability" => "buffered",
                "log.format" => "json",
                "syslog_protocol" => "udp",
                _ if *kind == Kind::Switch => "true",
                _ if *kind == Kind::Number => "9000",
                _ => "x",
            };
            Settings::of(&ServeArguments::default(), &environment(&[(&variable(name), value)])).map(drop).expect(name);
        }
    }

    #[test]
    fn mistakes_are_named() {
        let fails = |pairs: &[(&str, &str)]| {
            format!("{:#}", Settings::of(&ServeArguments::default(), &environment(pairs)).map(drop).unwrap_err())
        };
        assert!(fails(&[("HEADWORKS_HTTP_HEADERS", "many")]).contains("HEADWORKS_HTTP_HEADERS=many"));
        assert!(fails(&[("HEADWORKS_DURABILITY", "maybe")]).contains("maybe"));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("headworks.toml");
        std::fs::write(&file, "[http]\nbodies = 1\n").unwrap();
        assert!(fails(&[("HEADWORKS_CONFIG", file.to_str().unwrap())]).contains("bodies"));
        std::fs::write(&file, "secret_key = \"hush").unwrap();
        let text = fails(&[("HEADWORKS_CONFIG", file.to_str().unwrap())]);
        assert!(text.contains("line 1") && !text.contains("hush"), "{text}");
    }

    #[test]
    fn addresses_are_resolved() {
        assert_eq!(address(":5080").unwrap().to_string(), "0.0.0.0:5080");
        assert_eq!(address("[::1]:0").unwrap().to_string(), "[::1]:0");
        assert!(address("5080").is_err());
    }
}
