//! A running server, for commands that may find it by its data folder: where it is, and who calls.

use crate::cli::Server;
use crate::client::Api;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::fs;
use std::path::Path;

/// The server, for the owner of the token in the environment.
pub(crate) fn server(server: Server) -> Result<Api> {
    let base = match (server.api, server.data) {
        (Some(api), _) => api,
        (None, Some(data)) => address(&data)?,
        (None, None) => "http://127.0.0.1:5080".to_owned(),
    };
    let token = ["HEADWORKS_TOKEN", "FLOWG_API_TOKEN"].into_iter().find_map(|name| std::env::var(name).ok());
    let token = token.filter(|token| !token.is_empty());
    let token = token.context("set HEADWORKS_TOKEN to a personal access token of a user who may do this")?;
    Api::of(&base, Some(token), None)
}

/// The address of the server that uses a data folder.
fn address(data: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct Addresses {
        listen: Vec<String>,
    }
    let path = data.join("addresses.json");
    let text =
        fs::read(&path).with_context(|| format!("no server runs on {}: {} cannot be read", data.display(), path.display()))?;
    let addresses: Addresses = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let first = addresses.listen.into_iter().next().context("the server listens nowhere")?;
    Ok(format!("http://{first}"))
}
