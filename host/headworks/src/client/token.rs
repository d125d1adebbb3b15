//! `token`: the caller's personal access tokens.

use super::Printer;
use super::api::Api;
use anyhow::{Context, Result};
use clap::Subcommand;
use serde_json::Value;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a token and print it; it is not shown again. Its identifier goes to standard error.
    Create,
    /// List the identifiers of tokens.
    Ls,
    /// Revoke a token.
    Revoke {
        /// Its identifier.
        #[arg(long)]
        uuid: String,
    },
}

impl Command {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        match self {
            Self::Create => {
                let answer = api.post(&["token"], None)?;
                let text = |member: &str| answer.get(member).and_then(Value::as_str).context("the answer has no token");
                let (token, uuid) = (text("token")?, text("token_uuid")?);
                if !printer.is_json() {
                    eprintln!("uuid {}", super::harmless(uuid));
                }
                printer.print(&serde_json::json!({"token": token, "token_uuid": uuid}), [token.to_owned()])
            }
            Self::Ls => printer.names(&api.get(&["tokens"], "token_uuids")?),
            Self::Revoke { uuid } => {
                api.delete(&["tokens", &uuid])?;
                printer.done()
            }
        }
    }
}
