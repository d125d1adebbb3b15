//! The command line (design section 7).

use crate::client::{ClientArguments, RegistryArguments, TenantArguments, VersionArguments};
use crate::develop::PluginArguments;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Takes logs in, runs them through sandboxed WebAssembly components and serves them through HTTP.
#[derive(Parser)]
#[command(name = "headworks", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value = "text", env = "HEADWORKS_OUTPUT")]
    pub(crate) output: Output,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(ServeArguments),
    /// Talk to a running server over its FlowG interface: streams, pipelines, users, tokens and more.
    Flowg(ClientArguments),
    /// Tenants of a running server: make, change, suspend and delete them, and see what they use. For operators.
    Tenant(TenantArguments),
    /// Pipelines, transformers and forwarders under version control in a bucket of the registry.
    Version(VersionArguments),
    /// Take over what another NiFi Registry kept, into a running server. For administrators.
    Registry(RegistryArguments),
    /// Write, build and test a plugin, and load it into a running server.
    Plugin(PluginArguments),
    /// Save users, configuration and logs of a running server into a new folder. The token is taken from HEADWORKS_TOKEN.
    Backup {
        #[command(flatten)]
        server: Server,
        /// The folder; it must not exist yet.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
        /// Everything that the server keeps, of all tenants: plugins, rules, secrets and the rest too. For operators.
        #[arg(long)]
        whole: bool,
    },
    /// Bring back what a backup holds, into a running server or, of a whole server, into a new data folder. The token is taken
    /// from HEADWORKS_TOKEN.
    Restore {
        #[command(flatten)]
        server: Server,
        /// The folder of the backup.
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
        /// The data folder that a backup of a whole server becomes; it must not exist, or be empty.
        #[arg(long, value_name = "DIR", requires = "secrets_key", conflicts_with_all = ["api", "data"])]
        into: Option<PathBuf>,
        /// The file secrets.key of the data folder that the backup was taken of.
        #[arg(long, value_name = "FILE", requires = "into")]
        secrets_key: Option<PathBuf>,
    },
    /// Check everything that is stored in a data folder, which no server may have open. Changes nothing.
    Verify(Folder),
    /// Look at the machine: how long an fsync takes, limits, clock, file system.
    Doctor(Folder),
    /// Records that could not be processed, with the reason.
    #[command(subcommand)]
    DeadLetters(DeadLettersCommand),
    /// Who changed what, and which plugins failed.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Compile a component from standard input to standard output; started by the server for itself.
    #[command(hide = true)]
    CompileComponent,
}

#[derive(Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// List them, oldest first: of a running server with --api, else of a data folder that no server may have open.
    List {
        /// A running server. The token is taken from HEADWORKS_TOKEN.
        #[arg(long, value_name = "URL")]
        api: Option<String>,
        #[command(flatten)]
        folder: Folder,
        /// The name of the tenant.
        #[arg(long, default_value = "default", value_name = "TENANT")]
        tenant: String,
        #[command(flatten)]
        which: Which,
        /// Only those with a greater number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
    /// Show one with its records. The token is taken from HEADWORKS_TOKEN.
    Show {
        #[command(flatten)]
        server: Server,
        number: u64,
    },
    /// Run the records of one or more once more; what fails again stays. The token is taken from HEADWORKS_TOKEN.
    Replay {
        #[command(flatten)]
        server: Server,
        /// Their numbers; without, those that the filters mean.
        numbers: Vec<u64>,
        #[command(flatten)]
        which: Which,
        /// All of them.
        #[arg(long, conflicts_with = "numbers")]
        all: bool,
        /// From the pipeline's entry on, instead of the node that failed.
        #[arg(long)]
        from_entry: bool,
        /// A saved transformer in the place of the one that failed.
        #[arg(long, value_name = "NAME", conflicts_with_all = ["with_plugin", "with_version"])]
        transformer: Option<String>,
        /// A plugin in its place, with the same configuration.
        #[arg(long, value_name = "NAME")]
        with_plugin: Option<String>,
        /// A version of the plugin in its place.
        #[arg(long, value_name = "VERSION")]
        with_version: Option<String>,
    },
    /// Forget one or more for good. The token is taken from HEADWORKS_TOKEN.
    Discard {
        #[command(flatten)]
        server: Server,
        /// Their numbers; without, those that the filters mean.
        numbers: Vec<u64>,
        #[command(flatten)]
        which: Which,
        /// All of them.
        #[arg(long, conflicts_with = "numbers")]
        all: bool,
    },
}

/// Which dead letters are meant: those that fit everything that is given.
#[derive(Args, Default)]
pub(crate) struct Which {
    /// Of this pipeline.
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
    /// With this code, such as plugin-trap.
    #[arg(long, value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// Of a plugin whose digest begins with this.
    #[arg(long, value_name = "DIGEST")]
    pub(crate) plugin: Option<String>,
    /// Not before this time, such as 2026-01-02T03:04:05Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Not after this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// List the entries, oldest first. No server may have the data folder open. Changes nothing.
    List {
        #[command(flatten)]
        folder: Folder,
        /// The name of the tenant.
        #[arg(long, default_value = "default", value_name = "TENANT")]
        tenant: String,
        /// Only those with a greater number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// At most so many.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
    },
}

/// A running server.
#[derive(Args)]
pub(crate) struct Server {
    /// Its address [default: http://127.0.0.1:5080].
    #[arg(long, value_name = "URL", env = "HEADWORKS_API", conflicts_with = "data")]
    pub(crate) api: Option<String>,
    /// Its data folder, where its address is found.
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Folder {
    /// The data folder.
    #[arg(long, default_value = "./data", env = "HEADWORKS_DATA", value_name = "DIR")]
    pub(crate) data: PathBuf,
}

/// Arguments come before the environment, the environment before the configuration file. Every setting of the file has an
/// environment variable: `http.body_bytes` is HEADWORKS_HTTP_BODY_BYTES.
#[derive(Args, Default)]
pub(crate) struct ServeArguments {
    /// Configuration file in TOML [env: HEADWORKS_CONFIG=].
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Data folder [env: HEADWORKS_DATA=] [default: ./data].
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Address of all dialects; may be repeated, port 0 takes a free port [env: HEADWORKS_LISTEN=] [default: 127.0.0.1:5080].
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Vec<String>,
    /// Address of /health, /ready and /metrics [env: HEADWORKS_MANAGEMENT=] [default: 127.0.0.1:9113].
    #[arg(long, value_name = "ADDR")]
    pub(crate) management: Option<String>,
    /// Address of the syslog server, UDP and TCP; off for none [env: HEADWORKS_SYSLOG=] [default: 127.0.0.1:5514].
    #[arg(long, value_name = "ADDR")]
    pub(crate) syslog: Option<String>,
    /// When a write counts as done: fsync or buffered [env: HEADWORKS_DURABILITY=] [default: fsync].
    #[arg(long, value_name = "MODE")]
    pub(crate) durability: Option<String>,
    /// Folder of the WebAssembly components [env: HEADWORKS_COMPONENTS=] [default: beside the program].
    #[arg(long, value_name = "DIR")]
    pub(crate) components: Option<PathBuf>,
    /// Folder whose pipelines, transformers, streams and logs fill an empty data folder [env: HEADWORKS_EXAMPLE=].
    #[arg(long, value_name = "DIR")]
    pub(crate) example: Option<PathBuf>,
    /// error, warn, info, debug, trace, or directives for each module [env: HEADWORKS_LOG_LEVEL=] [default: info].
    #[arg(long, value_name = "LEVEL")]
    pub(crate) log_level: Option<String>,
    /// text or json [env: HEADWORKS_LOG_FORMAT=] [default: text].
    #[arg(long, value_name = "FORMAT")]
    pub(crate) log_format: Option<String>,
}
