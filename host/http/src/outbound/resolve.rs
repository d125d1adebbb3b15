//! From names to addresses.

use headworks_sandbox::outbound::Pending;
use std::io;
use std::net::SocketAddr;

/// Finds the addresses of a name. Whether they may be reached is decided elsewhere.
pub trait Resolve: Send + Sync {
    /// The addresses of a host, which may be an address itself, with this port.
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>>;
}

/// The resolver of the operating system.
pub(super) struct System;

impl Resolve for System {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> Pending<'a, io::Result<Vec<SocketAddr>>> {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) })
    }
}
