//! `transformer`.

use super::api::{Api, Refused};
use super::object::{Import, Kind, Make, Named};
use super::{Printer, input};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use headworks_plugins::{Config, Coordinates, Use};
use serde_json::json;
use std::io::{self, Write};
use std::process;

const TRANSFORMERS: Kind = Kind { folder: "transformers", member: Some("script") };

#[derive(Subcommand)]
pub(super) enum Command {
    /// List transformers.
    Ls,
    /// Print the script of a transformer.
    Cat(Named),
    /// Change the script in an editor, that of VISUAL or EDITOR, else vi. A transformer that does not exist is made.
    Edit(Named),
    /// Make or replace a transformer by its script.
    Import(Make),
    /// Delete a transformer.
    Rm(Named),
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Ls => TRANSFORMERS.list(api, printer),
            Self::Cat(Named { name }) => {
                let script = TRANSFORMERS.get(api, &name)?;
                if printer.is_json() {
                    return printer.print(&json!({"script": script}), []);
                }
                // Byte for byte: it may go into a file and come back.
                let mut out = io::stdout().lock();
                out.write_all(script.as_str().unwrap_or_default().as_bytes())?;
                Ok(out.flush()?)
            }
            Self::Edit(Named { name }) => {
                let old = match TRANSFORMERS.get(api, &name) {
                    Ok(script) => script.as_str().unwrap_or_default().to_owned(),
                    Err(error) if error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 404) => String::new(),
                    Err(error) => return Err(error),
                };
                let new = edited(&old)?;
                if new == old { printer.done() } else { save(api, printer, &name, new) }
            }
            Self::Import(Make { import: Import { name, input: path }, plugin }) => {
                let text = input(&path)?;
                let script = match plugin {
                    Some(plugin) => Use { plugin, config: Config::Text(text) }.to_script(),
                    None => text,
                };
                save(api, printer, &name, script)
            }
            Self::Rm(Named { name }) => TRANSFORMERS.remove(api, printer, &name),
        }
    }
}

/// What names a plugin by coordinates goes where these are looked up.
fn save(api: &Api, printer: Printer, name: &str, script: String) -> Result<()> {
    let plugin = Use::of_script(&script).map(|used| used.plugin);
    if plugin.is_some_and(|plugin| Coordinates::read(&plugin) != Ok(None)) {
        return TRANSFORMERS.put(&api.platform(), printer, name, script.into());
    }
    TRANSFORMERS.put(api, printer, name, script.into())
}

/// The text as the user's editor leaves it.
fn edited(text: &str) -> Result<String> {
    let mut file = tempfile::Builder::new().suffix(".vrl").tempfile().context("cannot make a file to edit")?;
    file.write_all(text.as_bytes())?;
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = process::Command::new(program).args(words).arg(file.path()).status();
    let status = status.with_context(|| format!("the editor {program} cannot be started"))?;
    if !status.success() {
        bail!("the editor {program} ended with {status}; nothing was saved");
    }
    // Editors mostly put a new file in the place of the old one, so it is opened by its name.
    std::fs::read_to_string(file.path()).context("the edited file cannot be read")
}
