//! `addresses.json`: the addresses in use, for tools that gave port 0.

use anyhow::{Context, Result};
use cap_std::fs::Dir;
use serde::Serialize;
use std::net::SocketAddr;

const NAME: &str = "addresses.json";

#[derive(Serialize)]
pub(crate) struct Addresses {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) management: SocketAddr,
}

impl Addresses {
    /// Writes the file so that nobody ever reads half of it.
    pub(crate) fn write(&self, data: &Dir) -> Result<()> {
        let new = format!("{NAME}.new");
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        data.write(&new, text).and_then(|()| data.rename(&new, data, NAME)).with_context(|| format!("cannot write {NAME}"))
    }

    /// Removes what an earlier process left.
    pub(crate) fn forget(data: &Dir) {
        // It mostly does not exist; if it cannot be removed, writing it will say why.
        let _ = data.remove_file(NAME);
    }
}
