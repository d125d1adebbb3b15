//! `forwarder`.

use super::Printer;
use super::api::Api;
use super::object::{Import, Kind, Named};
use anyhow::Result;
use clap::Subcommand;

const FORWARDERS: Kind = Kind { folder: "forwarders", member: Some("forwarder") };

#[derive(Subcommand)]
pub(super) enum Command {
    /// List forwarders.
    Ls,
    /// Print the settings of a forwarder, its secrets included.
    Export(Named),
    /// Make or replace a forwarder by the JSON of its settings.
    Import(Import),
    /// Delete a forwarder.
    Rm(Named),
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Ls => FORWARDERS.list(api, printer),
            Self::Export(forwarder) => FORWARDERS.show(api, printer, &forwarder.name),
            Self::Import(import) => FORWARDERS.import(api, printer, &import),
            Self::Rm(forwarder) => FORWARDERS.remove(api, printer, &forwarder.name),
        }
    }
}
