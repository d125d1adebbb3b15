//! `pipeline`.

use super::api::Api;
use super::object::{Import, Kind, Named};
use super::{Printer, mermaid};
use anyhow::Result;
use clap::{Subcommand, ValueEnum};

const PIPELINES: Kind = Kind { folder: "pipelines", member: Some("flow") };

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The graph as the interface has it.
    Json,
    /// A flow chart for documents.
    Mermaid,
}

#[derive(Subcommand)]
pub(super) enum Command {
    /// List pipelines.
    Ls,
    /// Print a pipeline.
    Export {
        #[command(flatten)]
        pipeline: Named,
        /// In which form.
        #[arg(long, value_enum, default_value = "json")]
        format: Format,
    },
    /// Make or replace a pipeline by the JSON of its graph.
    Import(Import),
    /// Delete a pipeline.
    Rm(Named),
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Ls => PIPELINES.list(api, printer),
            Self::Export { pipeline, format: Format::Json } => PIPELINES.show(api, printer, &pipeline.name),
            Self::Export { pipeline, format: Format::Mermaid } => {
                let chart = mermaid::chart(&PIPELINES.get(api, &pipeline.name)?);
                printer.print(&serde_json::json!({"mermaid": chart}), chart.lines().map(str::to_owned))
            }
            Self::Import(import) => PIPELINES.import(api, printer, &import),
            Self::Rm(pipeline) => PIPELINES.remove(api, printer, &pipeline.name),
        }
    }
}
