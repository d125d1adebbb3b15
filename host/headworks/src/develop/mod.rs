//! `headworks plugin`: from an empty folder to a plugin in a running server.
//!
//! Owns the words to the author. How a language becomes a component is for `headworks-guests`, what a plugin may do for the
//! sandbox, what the server keeps for the server. What must stay true: nothing here needs a server but what talks to one,
//! and a test meets the limits that the server has.

mod bench;
mod report;
mod trial;

use crate::cli::Output;
use crate::client::{Server, plugin};
use anyhow::Result;
use clap::{Args, Subcommand};
use headworks_guests::project::Project;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `headworks plugin`.
#[derive(Subcommand)]
pub(crate) enum PluginCommand {
    /// Make a new plugin in a folder of its name.
    New {
        /// Its name: lower-case words with hyphens.
        name: String,
        /// rust, c, python, js, ts or go.
        #[arg(long)]
        lang: String,
        /// transformer, forwarder or validator; in Rust also event-hook or identity-provider.
        #[arg(long, default_value = "transformer")]
        world: String,
        /// The folder, if not that of its name.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Build the component.
    Build(Folder),
    /// Build it and run tests.json in the sandbox, with its limits on.
    Test {
        #[command(flatten)]
        folder: Folder,
        #[command(flatten)]
        built: Built,
    },
    /// Build it and measure what a record costs.
    Bench {
        #[command(flatten)]
        folder: Folder,
        #[command(flatten)]
        built: Built,
    },
    #[command(flatten)]
    Remote(plugin::Command),
}

/// A plugin's folder.
#[derive(Args)]
pub(crate) struct Folder {
    /// The plugin's folder.
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,
}

/// What is tried.
#[derive(Args)]
pub(crate) struct Built {
    /// Try this component instead of building one.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
}

/// A running server and what is wanted of it.
#[derive(Args)]
pub(crate) struct PluginArguments {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    command: PluginCommand,
}

/// Runs one command to its end.
pub(crate) fn run(arguments: PluginArguments, output: Output) -> Result<ExitCode> {
    match arguments.command {
        PluginCommand::New { name, lang, world, dir } => {
            let folder = dir.unwrap_or_else(|| PathBuf::from(&name));
            let project = Project::create(&folder, &name, &lang, &world)?;
            report::created(&project, &folder, output)
        }
        PluginCommand::Build(folder) => {
            let project = Project::open(&folder.folder)?;
            let component = project.build()?;
            report::built(&component, output)
        }
        PluginCommand::Test { folder, built } => {
            let subject = Subject::new(&folder, &built)?;
            trial::test(&subject, output)
        }
        PluginCommand::Bench { folder, built } => {
            let subject = Subject::new(&folder, &built)?;
            bench::run(&subject, output)
        }
        PluginCommand::Remote(command) => plugin::run(command, arguments.server, output),
    }
}

/// A component with the folder that its tests are in.
struct Subject {
    folder: PathBuf,
    component: PathBuf,
}

impl Subject {
    fn new(folder: &Folder, built: &Built) -> Result<Self> {
        let component = match &built.component {
            Some(component) => component.clone(),
            None => Project::open(&folder.folder)?.build()?,
        };
        Ok(Self { folder: folder.folder.clone(), component })
    }

    fn tests(&self) -> PathBuf {
        self.folder.join("tests.json")
    }

    /// Where compiled components are kept for the next time.
    fn cache(&self) -> PathBuf {
        self.component.parent().unwrap_or(Path::new(".")).join("cache")
    }
}
