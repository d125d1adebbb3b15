//! What a person does by hand with a running server, over its HTTP interfaces: `headworks flowg` (FlowG 19) and the part of
//! `headworks plugin` that talks to a server.
//!
//! Knows the interface and nothing of how the server works inside. What must stay true: a failure ends with a status other
//! than 0 and the server's own text; text from the server reaches a terminal without control characters.

mod acl;
mod admin;
mod api;
mod events;
mod forwarder;
mod hook;
mod login;
mod mermaid;
mod object;
mod pipeline;
pub(crate) mod plugin;
mod records;
mod registry;
mod stream;
mod system;
mod tenant;
mod token;
mod transformer;
mod version;

use crate::cli::Output;
use anyhow::{Context, Result};
pub(crate) use api::{Api, Server};
use clap::{Args, Subcommand};
use serde_json::Value;
use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;

/// Arguments of `headworks flowg`.
#[derive(Args)]
pub(crate) struct ClientArguments {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Exchange a password for a session token, which is printed.
    Login(login::Login),
    /// Streams and their records.
    #[command(subcommand)]
    Stream(stream::Command),
    /// Pipelines.
    #[command(subcommand)]
    Pipeline(pipeline::Command),
    /// Transformers.
    #[command(subcommand)]
    Transformer(transformer::Command),
    /// Forwarders.
    #[command(subcommand)]
    Forwarder(forwarder::Command),
    /// Roles and users.
    #[command(subcommand)]
    Acl(acl::Command),
    /// The caller's personal access tokens.
    #[command(subcommand)]
    Token(token::Command),
    /// Settings that change while the server runs.
    #[command(subcommand)]
    SystemConfig(system::Command),
    /// Backup and restore.
    #[command(subcommand)]
    Admin(admin::Command),
}

/// What is done over the platform interface.
#[derive(Subcommand)]
pub(crate) enum PlatformCommand {
    /// Tenants of a running server: make, change, suspend and delete them, and see what they use. For operators.
    Tenant(OnServer<tenant::Command>),
    /// Pipelines, transformers and forwarders under version control in a bucket of the registry.
    Version(OnServer<version::Command>),
    /// Event hooks of a running server, which are told what is done in the registry.
    Hook(OnServer<hook::Command>),
    /// Take over what another NiFi Registry kept, into a running server. For administrators.
    Registry(OnServer<registry::Command>),
}

/// A command for a running server.
#[derive(Args)]
pub(crate) struct OnServer<C: Subcommand> {
    #[command(flatten)]
    server: Server,
    #[command(subcommand)]
    command: C,
}

/// Runs one command over the platform interface to its end.
pub(crate) fn run_platform(command: PlatformCommand, output: Output) -> Result<ExitCode> {
    let printer = Printer(output);
    let api = |server| Api::new(server).map(|api| api.platform());
    ended(match command {
        PlatformCommand::Tenant(OnServer { server, command }) => command.run(&api(server)?, printer),
        PlatformCommand::Version(OnServer { server, command }) => command.run(&api(server)?, printer),
        PlatformCommand::Hook(OnServer { server, command }) => command.run(&api(server)?, printer),
        PlatformCommand::Registry(OnServer { server, command }) => return command.run(&api(server)?, printer),
    })
}

/// Runs one command to its end.
pub(crate) fn run(arguments: ClientArguments, output: Output) -> Result<ExitCode> {
    let api = Api::new(arguments.server)?;
    let printer = Printer(output);
    ended(match arguments.command {
        Command::Login(command) => command.run(&api, printer),
        Command::Stream(command) => command.run(&api, printer),
        Command::Pipeline(command) => command.run(&api, printer),
        Command::Transformer(command) => command.run(&api, printer),
        Command::Forwarder(command) => command.run(&api, printer),
        Command::Acl(command) => command.run(&api, printer),
        Command::Token(command) => command.run(&api, printer),
        Command::SystemConfig(command) => command.run(&api, printer),
        Command::Admin(command) => command.run(&api, printer),
    })
}

fn ended(done: Result<()>) -> Result<ExitCode> {
    match done {
        // The reader of our output has seen enough.
        Err(error) if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe) => {
            Ok(ExitCode::SUCCESS)
        }
        done => done.map(|()| ExitCode::SUCCESS),
    }
}

/// Prints results in the form that was asked for.
#[derive(Clone, Copy)]
struct Printer(Output);

impl Printer {
    /// Prints one document: as it is for programs, as these lines for people.
    fn print(self, document: &Value, lines: impl IntoIterator<Item = String>) -> Result<()> {
        let mut out = io::stdout().lock();
        match self.0 {
            Output::Json => writeln!(out, "{document}")?,
            Output::Text => lines.into_iter().try_for_each(|line| writeln!(out, "{}", harmless(&line)))?,
        }
        out.flush()?;
        Ok(())
    }

    /// Prints a list of names.
    fn names(self, names: &Value) -> Result<()> {
        self.print(names, texts(names))
    }

    /// Says that something was done: to programs only, people see the exit status.
    fn done(self) -> Result<()> {
        self.print(&serde_json::json!({"success": true}), [])
    }

    fn is_json(self) -> bool {
        self.0 == Output::Json
    }
}

/// The texts of a list.
fn texts(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// A line that does nothing to a terminal but to show itself.
pub(crate) fn harmless(line: &str) -> String {
    let escape = |c: char| if c.is_control() && c != '\t' { c.escape_unicode().to_string() } else { c.to_string() };
    line.chars().map(escape).collect()
}

/// Reads a file, or standard input for `-`.
fn input(path: &str) -> Result<String> {
    let mut text = String::new();
    if path == "-" {
        io::stdin().lock().read_to_string(&mut text).context("standard input cannot be read")?;
    } else {
        text = std::fs::read_to_string(path).with_context(|| format!("cannot read {path}"))?;
    }
    Ok(text)
}

/// Reads a JSON document, which may be wrapped in one member, whose name is matched without regard to case.
fn document(path: &str, wrapper: &str) -> Result<Value> {
    let mut document: Value = serde_json::from_str(&input(path)?).with_context(|| format!("{path} is no JSON"))?;
    let wrapped = document.as_object_mut().filter(|members| members.len() == 1);
    let inner = wrapped.and_then(|members| members.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(wrapper)));
    Ok(match inner {
        Some((_, inner)) => inner.take(),
        None => document,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_steer_a_terminal() {
        assert_eq!(harmless("a\tb\u{1b}[31m\u{9b}c\nd"), "a\tb\\u{1b}[31m\\u{9b}c\\u{a}d");
        assert_eq!(harmless("ünï 漢字 🦀"), "ünï 漢字 🦀");
    }
}
