//! What kinds of named objects have in common: a list, deleting, and JSON documents that go out and come in.

use super::api::Api;
use super::{Printer, document};
use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

/// Where the objects of a kind are.
pub(super) struct Kind {
    /// In addresses, and in the answer that lists them.
    pub(super) folder: &'static str,
    /// The member of an answer or of a request that is the object; where there is none, the whole body is.
    pub(super) member: Option<&'static str>,
}

#[derive(Args)]
pub(super) struct Named {
    /// Its name.
    #[arg(long)]
    pub(super) name: String,
}

#[derive(Args)]
pub(super) struct Import {
    /// Its name.
    #[arg(long)]
    pub(super) name: String,
    /// The file that holds it, `-` for standard input.
    #[arg(long, default_value = "-")]
    pub(super) input: String,
}

#[derive(Args)]
pub(super) struct Make {
    #[command(flatten)]
    pub(super) import: Import,
    /// Make it from this plugin, by name or as BUCKET/GROUP:ARTIFACT:VERSION; then the file is the configuration.
    #[arg(long)]
    pub(super) plugin: Option<String>,
}

impl Kind {
    /// Prints the names of all.
    pub(super) fn list(&self, api: &Api, printer: Printer) -> Result<()> {
        printer.names(&api.get(&[self.folder], self.folder)?)
    }

    pub(super) fn get(&self, api: &Api, name: &str) -> Result<Value> {
        match self.member {
            Some(member) => api.get(&[self.folder, name], member),
            None => api.look(&[self.folder, name], &[]),
        }
    }

    /// Prints one as JSON that a person can read.
    pub(super) fn show(&self, api: &Api, printer: Printer, name: &str) -> Result<()> {
        let object = self.get(api, name)?;
        let text = serde_json::to_string_pretty(&object)?;
        printer.print(&object, text.lines().map(str::to_owned))
    }

    /// Makes or replaces one.
    pub(super) fn put(&self, api: &Api, printer: Printer, name: &str, object: Value) -> Result<()> {
        let body = match self.member {
            Some(member) => json!({ member: object }),
            None => object,
        };
        api.put(&[self.folder, name], &body)?;
        printer.done()
    }

    /// Makes or replaces one from a file that holds it as JSON, bare or in its member.
    pub(super) fn import(&self, api: &Api, printer: Printer, Import { name, input }: &Import) -> Result<()> {
        self.put(api, printer, name, document(input, self.member.unwrap_or_default())?)
    }

    pub(super) fn remove(&self, api: &Api, printer: Printer, name: &str) -> Result<()> {
        api.delete(&[self.folder, name])?;
        printer.done()
    }
}
