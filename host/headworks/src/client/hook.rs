//! `headworks hook`: event hooks, over the platform interface.

use super::api::Api;
use super::object::Kind;
use super::{Printer, document};
use anyhow::Result;
use clap::Subcommand;
use serde_json::Value;

const HOOKS: Kind = Kind { folder: "event-hooks", member: None };
/// What the server adds to a hook when it shows it.
const ADDED: [&str; 5] = ["name", "revision", "author", "updated", "status"];

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the event hooks: what they are, and how they fare since the start of the server.
    List,
    /// Print one as JSON.
    Show {
        /// Its name.
        name: String,
    },
    /// Make or replace one. What `show` prints may come back.
    Set {
        /// Its name.
        name: String,
        /// JSON file with `type`, `config` and `events`, `-` for standard input.
        #[arg(long, default_value = "-", value_name = "FILE")]
        input: String,
    },
    /// Delete one.
    Rm {
        /// Its name.
        name: String,
    },
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::List => {
                let hooks = api.get(&[HOOKS.folder], "event_hooks")?;
                let lines: Vec<String> = hooks.as_array().into_iter().flatten().map(line).collect();
                printer.print(&hooks, lines)
            }
            Self::Show { name } => HOOKS.show(api, printer, &name),
            Self::Set { name, input } => {
                let mut hook = document(&input, "event_hook")?;
                if let Some(members) = hook.as_object_mut() {
                    members.retain(|member, _| !ADDED.contains(&member.as_str()));
                }
                HOOKS.put(api, printer, &name, hook)
            }
            Self::Rm { name } => HOOKS.remove(api, printer, &name),
        }
    }
}

/// One hook in the list.
fn line(hook: &Value) -> String {
    let text = |member: &str| hook.get(member).and_then(Value::as_str).unwrap_or_default();
    let count = |member: &str| hook.pointer(&format!("/status/{member}")).and_then(Value::as_u64).unwrap_or_default();
    let events = super::texts(hook.get("events").unwrap_or(&Value::Null)).join(",");
    let events = if events.is_empty() { "all events" } else { &events };
    let (delivered, failed, waiting) = (count("delivered"), count("failed"), count("waiting"));
    format!("{}\t{}\t{events}\t{delivered} delivered, {failed} failed, {waiting} waiting", text("name"), text("type"))
}
