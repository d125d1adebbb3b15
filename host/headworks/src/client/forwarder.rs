//! `forwarder`.

use super::api::Api;
use super::object::{Kind, Make, Named};
use super::{Printer, document};
use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

const FORWARDERS: Kind = Kind { folder: "forwarders", member: Some("forwarder") };

#[derive(Subcommand)]
pub(super) enum Command {
    /// List forwarders.
    Ls,
    /// Print the settings of a forwarder, its secrets included.
    Export(Named),
    /// Make or replace a forwarder by the JSON of its settings.
    Import(Make),
    /// Delete a forwarder.
    Rm(Named),
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Ls => FORWARDERS.list(api, printer),
            Self::Export(forwarder) => FORWARDERS.show(api, printer, &forwarder.name),
            Self::Import(Make { import, plugin: None }) => FORWARDERS.import(api, printer, &import),
            Self::Import(Make { import, plugin: Some(plugin) }) => {
                let body = json!({"plugin": plugin, "config": document(&import.input, "config")?});
                api.platform().put(&["forwarders", &import.name], &body)?;
                printer.done()
            }
            Self::Rm(forwarder) => FORWARDERS.remove(api, printer, &forwarder.name),
        }
    }
}
