//! `headworks version`: pipelines, transformers and forwarders under version control, over the platform interface.

use super::Printer;
use super::api::Api;
use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List the objects that have versions in a bucket, or the versions of one object, the newest first.
    List {
        /// Name or identifier of the bucket.
        #[arg(long)]
        bucket: String,
        /// What the object is.
        #[arg(requires = "name")]
        kind: Option<Kind>,
        /// Its name.
        name: Option<String>,
    },
    /// Save an object as it is as its next version. Where nothing changed, the newest version is that already.
    Save {
        #[command(flatten)]
        object: Object,
        /// What is new.
        #[arg(long, short = 'm', value_name = "TEXT")]
        comments: Option<String>,
    },
    /// Print the document of a version.
    Show {
        #[command(flatten)]
        object: Object,
        /// Number of the version.
        version: u32,
    },
    /// Print what is different in another version, or in the object as it is.
    Diff {
        #[command(flatten)]
        object: Object,
        /// Number of the version.
        version: u32,
        /// Number of the other one.
        to: Option<u32>,
    },
    /// Make an object again what a version holds.
    Restore {
        #[command(flatten)]
        object: Object,
        /// Number of the version.
        version: u32,
        /// A secret for a place that has none now, such as /config/token=FILE; the value is the content of the file without
        /// the line feed at its end. May be repeated.
        #[arg(long, value_name = "POINTER=FILE", value_parser = secret)]
        secret: Vec<(String, String)>,
    },
}

/// Which object.
#[derive(Args)]
pub(crate) struct Object {
    /// Name or identifier of the bucket.
    #[arg(long)]
    bucket: String,
    /// What the object is.
    kind: Kind,
    /// Its name.
    name: String,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Kind {
    Pipeline,
    Transformer,
    Forwarder,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => "pipeline",
            Self::Transformer => "transformer",
            Self::Forwarder => "forwarder",
        }
    }
}

fn secret(text: &str) -> Result<(String, String), String> {
    let (place, file) = text.rsplit_once('=').ok_or("it has the form POINTER=FILE")?;
    Ok((place.to_owned(), file.to_owned()))
}

impl Object {
    fn path(&self) -> [&str; 4] {
        ["versions", &self.bucket, self.kind.as_str(), &self.name]
    }
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::List { bucket, kind: Some(kind), name: Some(name) } => {
                let versions = api.get(&["versions", &bucket, kind.as_str(), &name], "versions")?;
                printer.print(&versions, items(&versions).map(version_line))
            }
            Self::List { bucket, .. } => {
                let objects = api.get(&["versions", &bucket], "objects")?;
                let line = |object: &Value| {
                    format!(
                        "{}\t{}\t{}",
                        text(object, "kind"),
                        text(object, "name"),
                        object.get("versions").unwrap_or(&Value::Null)
                    )
                };
                printer.print(&objects, items(&objects).map(line))
            }
            Self::Save { object, comments } => {
                let saved = api.post(&object.path(), Some(&json!({ "comments": comments })))?;
                printer.print(&saved, [version_line(&saved)])
            }
            Self::Show { object, version } => {
                let document = api.get(&[&object.path()[..], &[&version.to_string()]].concat(), "document")?;
                printer.print(&document, format!("{document:#}").lines().map(str::to_owned))
            }
            Self::Diff { object, version, to } => {
                let to = to.map(|to| to.to_string());
                let query: Vec<_> = to.iter().map(|to| ("to", to.as_str())).collect();
                let changes = api.find(&[&object.path()[..], &[&version.to_string(), "diff"]].concat(), &query, "changes")?;
                printer.print(&changes, items(&changes).flat_map(change_lines))
            }
            Self::Restore { object, version, secret } => {
                let mut secrets = Map::new();
                for (place, file) in secret {
                    let value = std::fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
                    secrets.insert(place, value.strip_suffix('\n').unwrap_or(&value).into());
                }
                let body = json!({ "secrets": secrets });
                let number = version.to_string();
                let restored = api.post(&[&object.path()[..], &[&number, "restore"]].concat(), Some(&body))?;
                printer.print(&restored, [version_line(&restored)])
            }
        }
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text<'a>(of: &'a Value, member: &str) -> &'a str {
    of.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn version_line(version: &Value) -> String {
    let number = version.get("version").unwrap_or(&Value::Null);
    format!("{number}\t{}\t{}\t{}", text(version, "saved"), text(version, "author"), text(version, "comments"))
}

/// What changed: the place, and under it what was there and what is there.
fn change_lines(change: &Value) -> Vec<String> {
    let mut lines = vec![format!("{} {}", text(change, "change"), text(change, "path"))];
    match change.get("lines").and_then(Value::as_str) {
        Some(diff) => lines.extend(diff.lines().map(|line| format!("  {line}"))),
        None => {
            let side = |sign: &str, member: &str| change.get(member).map(|value| format!("  {sign} {value}"));
            lines.extend(side("-", "from"));
            lines.extend(side("+", "to"));
        }
    }
    lines
}
