//! `transformer`.

use super::api::{Api, Refused};
use super::{Printer, input};
use anyhow::{Context, Result, bail};
use clap::Subcommand;
use headworks_plugins::{Config, Coordinates, Use};
use serde_json::json;
use std::io::{self, Write};
use std::process;

#[derive(Subcommand)]
pub(super) enum Command {
    /// List transformers.
    Ls,
    /// Print the script of a transformer.
    Cat {
        /// Name of the transformer.
        #[arg(long)]
        name: String,
    },
    /// Change the script in an editor, that of VISUAL or EDITOR, else vi. A transformer that does not exist is made.
    Edit {
        /// Name of the transformer.
        #[arg(long)]
        name: String,
    },
    /// Make or replace a transformer.
    Import {
        /// Name of the transformer.
        #[arg(long)]
        name: String,
        /// File of the script, `-` for standard input.
        #[arg(long, default_value = "-")]
        input: String,
        /// Make it from this plugin, by name or as BUCKET/GROUP:ARTIFACT:VERSION; then the file is the configuration.
        #[arg(long)]
        plugin: Option<String>,
    },
    /// Delete a transformer.
    Rm {
        /// Name of the transformer.
        #[arg(long)]
        name: String,
    },
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Ls => printer.names(&api.get(&["transformers"], "transformers")?),
            Self::Cat { name } => {
                let script = api.get(&["transformers", &name], "script")?;
                if printer.is_json() {
                    return printer.print(&json!({"script": script}), []);
                }
                // Byte for byte: it may go into a file and come back.
                let mut out = io::stdout().lock();
                out.write_all(script.as_str().unwrap_or_default().as_bytes())?;
                Ok(out.flush()?)
            }
            Self::Edit { name } => {
                let old = match api.get(&["transformers", &name], "script") {
                    Ok(script) => script.as_str().unwrap_or_default().to_owned(),
                    Err(error) if error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 404) => String::new(),
                    Err(error) => return Err(error),
                };
                let new = edited(&old)?;
                if new != old {
                    save(api, &name, &new)?;
                }
                printer.done()
            }
            Self::Import { name, input: path, plugin } => {
                let text = input(&path)?;
                match plugin {
                    Some(plugin) => {
                        let script = Use { plugin, config: Config::Text(text) }.to_script();
                        api.platform().put(&["transformers", &name], &json!({"script": script}))?;
                    }
                    None => save(api, &name, &text)?,
                }
                printer.done()
            }
            Self::Rm { name } => {
                api.delete(&["transformers", &name])?;
                printer.done()
            }
        }
    }
}

/// What names a plugin by coordinates goes where these are looked up.
fn save(api: &Api, name: &str, script: &str) -> Result<()> {
    let body = json!({"script": script});
    match Use::of_script(script).filter(|used| Coordinates::read(&used.plugin) != Ok(None)) {
        Some(_) => api.platform().put(&["transformers", name], &body),
        None => api.put(&["transformers", name], &body),
    }
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
