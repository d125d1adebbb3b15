//! `pipeline`.

use super::api::Api;
use super::{Printer, document, mermaid};
use anyhow::Result;
use clap::{Subcommand, ValueEnum};

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
        /// Name of the pipeline.
        #[arg(long)]
        name: String,
        /// In which form.
        #[arg(long, value_enum, default_value = "json")]
        format: Format,
    },
    /// Make or replace a pipeline.
    Import {
        /// Name of the pipeline.
        #[arg(long)]
        name: String,
        /// JSON file of the graph, `-` for standard input.
        #[arg(long, default_value = "-")]
        input: String,
    },
    /// Delete a pipeline.
    Rm {
        /// Name of the pipeline.
        #[arg(long)]
        name: String,
    },
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Ls => printer.names(&api.get(&["pipelines"], "pipelines")?),
            Self::Export { name, format } => {
                let flow = api.get(&["pipelines", &name], "flow")?;
                let text = match format {
                    Format::Json => serde_json::to_string_pretty(&flow)?,
                    Format::Mermaid => mermaid::chart(&flow),
                };
                let lines: Vec<String> = text.lines().map(str::to_owned).collect();
                match format {
                    Format::Json => printer.print(&flow, lines),
                    Format::Mermaid => printer.print(&serde_json::json!({"mermaid": text}), lines),
                }
            }
            Self::Import { name, input } => {
                let flow = document(&input, "flow")?;
                api.put(&["pipelines", &name], &serde_json::json!({"flow": flow}))?;
                printer.done()
            }
            Self::Rm { name } => {
                api.delete(&["pipelines", &name])?;
                printer.done()
            }
        }
    }
}
