//! `addresses.json`: the addresses in use, for tools that gave port 0.

use anyhow::{Context, Result};
use cap_std::fs::Dir;
use serde::Serialize;
use std::fmt;
use std::net::SocketAddr;

const NAME: &str = "addresses.json";

#[derive(Serialize)]
pub(crate) struct Addresses {
    pub(crate) listen: Vec<SocketAddr>,
    pub(crate) management: SocketAddr,
    /// Absent where there is no syslog server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) syslog: Option<SyslogAddresses>,
}

/// Each absent where its transport is off.
#[derive(Serialize)]
pub(crate) struct SyslogAddresses {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) udp: Option<SocketAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tcp: Option<SocketAddr>,
    /// Whether TCP is TLS.
    pub(crate) tls: bool,
}

impl fmt::Display for SyslogAddresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tcp = if self.tls { "tls" } else { "tcp" };
        let all = [("udp", self.udp), (tcp, self.tcp)];
        let shown: Vec<String> = all.iter().filter_map(|(name, address)| Some(format!("{name}://{}", (*address)?))).collect();
        f.write_str(&shown.join(" "))
    }
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
