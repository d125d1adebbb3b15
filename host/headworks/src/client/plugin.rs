//! `headworks plugin`, as far as it talks to a server: plugins and their versions over `/platform/v1`.

use super::api::Api;
use super::events::Events;
use super::{Printer, Server};
use crate::cli::Output;
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use headworks_core::Digest;
use headworks_guests::project::{MANIFEST, Project};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Build a plugin, send it to the server and put it into use.
    Push(Push),
    /// List the plugins of the server.
    List,
    /// Show a plugin with its versions.
    Show {
        /// Name of the plugin.
        name: String,
    },
    /// Print what a plugin logs.
    Logs {
        /// Name of the plugin.
        name: String,
        /// Go on as more comes.
        #[arg(long)]
        follow: bool,
    },
    /// Approve what a version asks for.
    Approve {
        /// Name of the plugin.
        name: String,
        /// The version.
        version: String,
        /// What is approved; all that it asks for if none is named.
        #[arg(long = "grant", value_name = "GRANT")]
        grants: Vec<String>,
    },
    /// Put a version into use.
    Release {
        /// Name of the plugin.
        name: String,
        /// The version.
        version: String,
        #[command(flatten)]
        trial: Trial,
    },
    /// Go back to the version that was in use before.
    Rollback {
        /// Name of the plugin.
        name: String,
    },
    /// What plugins use: calls, failures, processor time, memory.
    Usage {
        /// Name of a plugin; all if none is named.
        name: Option<String>,
    },
    /// Delete a plugin, or one version of it.
    Delete {
        /// Name of the plugin.
        name: String,
        /// Only this version.
        #[arg(long)]
        version: Option<String>,
    },
}

/// How a version comes into use.
#[derive(Args)]
pub(crate) struct Trial {
    /// At first for this share of the batches only.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(1..100))]
    canary: Option<u8>,
    /// Before that, compare so many records with what the present version makes of them.
    #[arg(long, value_name = "RECORDS")]
    shadow: Option<u64>,
    /// So many of them may come out differently.
    #[arg(long, value_name = "RECORDS", requires = "shadow", default_value_t = 0)]
    max_different: u64,
}

#[derive(Args)]
pub(crate) struct Push {
    /// The plugin's folder, or a component.
    #[arg(value_name = "DIR", default_value = ".")]
    what: PathBuf,
    /// Approve something that it asks for; may be repeated.
    #[arg(long, value_name = "GRANT")]
    approve: Vec<String>,
    /// Do not put it into use.
    #[arg(long)]
    no_release: bool,
    #[command(flatten)]
    trial: Trial,
}

/// Runs one command to its end.
pub(crate) fn run(command: Command, server: Server, output: Output) -> Result<ExitCode> {
    let api = Api::platform(server)?;
    let printer = Printer(output);
    match command {
        Command::Push(push) => push.run(&api, printer),
        Command::List => {
            let plugins = api.look(&["plugins"], &[])?;
            let lines = list(&plugins, "plugins").iter().map(plugin_line).collect::<Vec<_>>();
            printer.print(&plugins, lines)
        }
        Command::Show { name } => show(&api, &name, printer),
        Command::Logs { name, follow } => logs(&api, &name, follow, printer),
        Command::Approve { name, version, grants } => {
            let grants = match grants.is_empty() {
                true => api.look(&["plugins", &name, "versions", &version], &[])?.get("grants").cloned().unwrap_or_default(),
                false => json!(grants),
            };
            let body = json!({ "grants": grants });
            let answer = api.post(&["plugins", &name, "versions", &version, "approve"], Some(&body))?;
            printer.print(&answer, [format!("{name} {version}: {}", text(&answer, "status"))])
        }
        Command::Release { name, version, trial } => {
            let answer = release(&api, &name, &version, &trial)?;
            printer.print(&answer, [released(&name, &version, &trial)])
        }
        Command::Rollback { name } => {
            let answer = api.post(&["plugins", &name, "rollback"], None)?;
            printer.print(&answer, [format!("{name} is back at {}", text(&answer, "active"))])
        }
        Command::Usage { name } => {
            let usage = match &name {
                Some(name) => api.look(&["plugins", name, "usage"], &[])?,
                None => api.look(&["usage"], &[])?,
            };
            let all = usage.get("plugins").and_then(Value::as_array).cloned().unwrap_or_else(|| vec![usage.clone()]);
            printer.print(&usage, all.iter().flat_map(usage_lines))
        }
        Command::Delete { name, version } => {
            match &version {
                Some(version) => api.delete(&["plugins", &name, "versions", version])?,
                None => api.delete(&["plugins", &name])?,
            }
            printer.done()
        }
    }?;
    Ok(ExitCode::SUCCESS)
}

impl Push {
    fn run(self, api: &Api, printer: Printer) -> Result<()> {
        let (component, tests) = self.component()?;
        let bytes = std::fs::read(&component).with_context(|| format!("cannot read {}", component.display()))?;
        let digest = Digest::of(&bytes).to_string();
        let approve = self.approve.join(",");
        let mut query = vec![("sha256", digest.as_str())];
        if !approve.is_empty() {
            query.push(("approve", &approve));
        }
        let stored = api.post_bytes(&["plugins"], &query, "application/wasm", &bytes)?;
        let (name, version) = (text(&stored, "plugin"), text(&stored, "version"));
        if let Some(tests) = tests {
            api.put(&["plugins", &name, "versions", &version, "tests"], &tests)?;
        }
        let mut lines = vec![format!("{name} {version} is on the server ({} KiB, {digest})", bytes.len().div_ceil(1024))];
        if text(&stored, "status") == "waiting" {
            let asked = texts(&stored, "grants").join(", ");
            lines.push(format!("it waits: it asks for {asked}; `headworks plugin approve {name} {version}` approves that"));
            return printer.print(&stored, lines);
        }
        if self.no_release {
            return printer.print(&stored, lines);
        }
        let answer = release(api, &name, &version, &self.trial)?;
        lines.push(released(&name, &version, &self.trial));
        printer.print(&answer, lines)
    }

    /// The component and, if there are any, its tests.
    fn component(&self) -> Result<(PathBuf, Option<Value>)> {
        if !self.what.is_dir() {
            return Ok((self.what.clone(), None));
        }
        if !self.what.join(MANIFEST).exists() {
            bail!("{} is no plugin: there is no {MANIFEST}", self.what.display());
        }
        let component = Project::open(&self.what)?.build()?;
        Ok((component, tests(&self.what.join("tests.json"))?))
    }
}

fn tests(path: &Path) -> Result<Option<Value>> {
    if !path.exists() {
        return Ok(None);
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_str(&text).map(Some).with_context(|| format!("{} is no JSON", path.display()))
}

fn release(api: &Api, name: &str, version: &str, trial: &Trial) -> Result<Value> {
    let mut body = Map::from_iter([("version".to_owned(), json!(version))]);
    if let Some(percent) = trial.canary {
        body.insert("canary_percent".to_owned(), percent.into());
    }
    if let Some(records) = trial.shadow {
        body.insert("shadow".to_owned(), json!({"records": records, "max_different": trial.max_different}));
    }
    api.post(&["plugins", name, "release"], Some(&body.into()))
}

fn released(name: &str, version: &str, trial: &Trial) -> String {
    match (trial.canary, trial.shadow) {
        (None, None) => format!("{name} {version} is in use"),
        _ => format!("{name} {version} is on trial; `headworks plugin show {name}` tells how it goes"),
    }
}

fn show(api: &Api, name: &str, printer: Printer) -> Result<()> {
    let plugin = api.look(&["plugins", name], &[])?;
    let versions = api.look(&["plugins", name, "versions"], &[])?;
    let versions = list(&versions, "versions");
    let mut lines = vec![plugin_line(&plugin)];
    for version in &versions {
        let grants = texts(version, "grants").join(", ");
        let asks = if grants.is_empty() { String::new() } else { format!(", asks for {grants}") };
        lines.push(format!("  {} {}{asks}: {}", text(version, "version"), text(version, "status"), text(version, "summary")));
    }
    printer.print(&json!({"plugin": plugin, "versions": versions}), lines)
}

fn plugin_line(plugin: &Value) -> String {
    let mut line = format!("{} ({})", text(plugin, "name"), text(plugin, "world"));
    for (member, word) in [("active", "in use"), ("previous", "before")] {
        let version = text(plugin, member);
        if !version.is_empty() {
            line.push_str(&format!(", {word} {version}"));
        }
    }
    let candidate = plugin.get("candidate").map(|candidate| text(candidate, "version")).unwrap_or_default();
    if !candidate.is_empty() {
        line.push_str(&format!(", on trial {candidate}"));
    }
    line
}

/// What a plugin used, and a line for each of its own figures.
fn usage_lines(used: &Value) -> Vec<String> {
    let number = |member: &str| used.get(member).and_then(Value::as_u64).unwrap_or_default();
    let mut lines = vec![format!(
        "{}: {} calls, {} failed, {} records in, {} out, {:.3} s of processor time, {} KiB crossed, {} KiB sent out, {} KiB of memory at most",
        text(used, "plugin"),
        number("calls"),
        number("failures"),
        number("records_in"),
        number("records_out"),
        number("cpu_nanos") as f64 / 1e9,
        number("host_bytes").div_ceil(1024),
        number("outbound_bytes").div_ceil(1024),
        number("peak_memory").div_ceil(1024),
    )];
    for (name, figure) in used.get("figures").and_then(Value::as_object).into_iter().flatten() {
        let value = figure.as_object().and_then(|figure| figure.values().next()).unwrap_or(figure);
        lines.push(format!("  {name} {value}"));
    }
    lines
}

fn logs(api: &Api, name: &str, follow: bool, printer: Printer) -> Result<()> {
    let line = |entry: &Value| format!("{} {:5} {}", text(entry, "at"), text(entry, "level"), text(entry, "text"));
    if !follow {
        let answer = api.look(&["plugins", name, "logs"], &[])?;
        let lines: Vec<String> = list(&answer, "lines").iter().map(line).collect();
        return printer.print(&answer, lines);
    }
    let mut events = Events::new(api.open(&["plugins", name, "logs"], &[("follow", "true")])?);
    while let Some(entry) = events.next()? {
        printer.print(&entry, [line(&entry)])?;
    }
    Ok(())
}

/// A list that is the answer itself, or a member of it.
fn list(answer: &Value, member: &str) -> Vec<Value> {
    answer.as_array().or_else(|| answer.get(member).and_then(Value::as_array)).cloned().unwrap_or_default()
}

fn text(of: &Value, member: &str) -> String {
    of.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(of: &Value, member: &str) -> Vec<String> {
    super::texts(of.get(member).unwrap_or(&Value::Null))
}
