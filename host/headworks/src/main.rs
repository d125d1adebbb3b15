//! The program: command line, configuration, wiring, signals.
//!
//! Holds no rule of its own. What must stay true: secrets of the server come from the configuration file or the environment,
//! never from the command line, and are never logged; a success exits 0, a failure 1, a wrong use 2.

mod addresses;
mod archive;
mod audit;
mod cli;
mod client;
mod compile;
mod dead_letters;
mod develop;
mod doctor;
mod example;
mod git;
mod logging;
mod management;
mod plugins;
mod process;
mod remote;
mod serve;
mod settings;
mod sign_on;
mod syslog;
mod verify;
mod warnings;

use clap::Parser;
use cli::{AuditCommand, Cli, Command, Output};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output;
    let done = match cli.command {
        Command::Serve(arguments) => serve::run(arguments, output),
        Command::Flowg(arguments) => client::run(arguments, output),
        Command::Tenant(arguments) => client::run_tenant(arguments, output),
        Command::Version(arguments) => client::run_version(arguments, output),
        Command::Registry(arguments) => client::run_registry(arguments, output),
        Command::Plugin(arguments) => develop::run(arguments, output),
        Command::Backup { server, to, whole } => archive::backup(server, &to, whole, output),
        Command::Restore { from, into: Some(into), secrets_key: Some(key), .. } => archive::make(&from, &into, &key, output),
        Command::Restore { server, from, .. } => archive::restore(server, &from, output),
        Command::Verify(folder) => verify::run(&folder.data, output),
        Command::Doctor(folder) => doctor::run(&folder.data, output),
        Command::DeadLetters(command) => dead_letters::run(command, output),
        Command::Audit(AuditCommand::List { folder, tenant, after, limit }) => {
            audit::list(&folder.data, &tenant, after, limit, output)
        }
        Command::CompileComponent => compile::run(),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            match output {
                Output::Text => eprintln!("headworks: {error:#}"),
                Output::Json => eprintln!("{}", serde_json::json!({"error": format!("{error:#}")})),
            }
            ExitCode::FAILURE
        }
    }
}
