//! `forwarder`.

use super::api::Api;
use super::{Printer, document};
use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List forwarders.
    Ls,
    /// Print the settings of a forwarder, its secrets included.
    Export {
        /// Name of the forwarder.
        #[arg(long)]
        name: String,
    },
    /// Make or replace a forwarder.
    Import {
        /// Name of the forwarder.
        #[arg(long)]
        name: String,
        /// JSON file of the settings, `-` for standard input.
        #[arg(long, default_value = "-")]
        input: String,
        /// Make it from this plugin, by name or as BUCKET/GROUP:ARTIFACT:VERSION; then the file is the configuration.
        #[arg(long)]
        plugin: Option<String>,
    },
    /// Delete a forwarder.
    Rm {
        /// Name of the forwarder.
        #[arg(long)]
        name: String,
    },
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Ls => printer.names(&api.get(&["forwarders"], "forwarders")?),
            Self::Export { name } => {
                let forwarder = api.get(&["forwarders", &name], "forwarder")?;
                let text = serde_json::to_string_pretty(&forwarder)?;
                printer.print(&forwarder, text.lines().map(str::to_owned))
            }
            Self::Import { name, input, plugin: Some(plugin) } => {
                let body = json!({"plugin": plugin, "config": document(&input, "config")?});
                api.platform().put(&["forwarders", &name], &body)?;
                printer.done()
            }
            Self::Import { name, input, plugin: None } => {
                let forwarder = document(&input, "forwarder")?;
                api.put(&["forwarders", &name], &json!({"forwarder": forwarder}))?;
                printer.done()
            }
            Self::Rm { name } => {
                api.delete(&["forwarders", &name])?;
                printer.done()
            }
        }
    }
}
