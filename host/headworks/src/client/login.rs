//! `login`.

use super::Printer;
use super::api::Api;
use anyhow::{Context, Result};
use clap::Args;
use std::io;

#[derive(Args)]
pub(super) struct Login {
    /// Name of the user.
    #[arg(long)]
    username: String,
    /// Its password; without this the first line of standard input.
    #[arg(long)]
    password: Option<String>,
}

impl Login {
    pub(super) fn run(self, api: &Api, printer: Printer) -> Result<()> {
        let body = serde_json::json!({"username": self.username, "password": password(self.password)?});
        let answer = api.post(&["auth", "login"], Some(&body))?;
        let token = answer.get("token").and_then(|token| token.as_str()).context("the answer has no token")?;
        printer.print(&serde_json::json!({"token": token}), [token.to_owned()])
    }
}

/// The given password, or the first line of standard input, so that it need not be among the arguments of a process.
pub(super) fn password(given: Option<String>) -> Result<String> {
    if let Some(password) = given {
        return Ok(password);
    }
    let mut line = String::new();
    io::stdin().read_line(&mut line).context("the password cannot be read from standard input")?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
