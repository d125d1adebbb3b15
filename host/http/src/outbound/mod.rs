//! Carrying what plugins send: requests, connections and datagrams to elsewhere.
//!
//! What must stay true: an address is checked after its name was resolved, and that very address is then used; nothing
//! grows without a bound, and what waits for ever is ended by whoever asked. Grants are not known here: the sandbox has checked them.

mod address;
mod client;
mod dial;
mod resolve;
#[cfg(test)]
mod tests;
mod tls;

pub use address::Allowed;
pub use resolve::Resolve;

use client::Clients;
use dial::Dialer;
use headworks_core::Result;
use headworks_sandbox::outbound::{Connection, Network, NetworkError, Pending, Place, Request, Response, Tls};
use std::sync::Arc;

/// How plugins reach what is outside.
#[derive(Clone, Debug, Default)]
pub struct OutboundOptions {
    /// Addresses that may be reached besides those of the public internet.
    pub allow: Allowed,
    /// Certificates in PEM that are trusted besides those of the public internet.
    pub roots: Option<String>,
    /// Whether a plugin may accept every certificate when its configuration says so.
    pub insecure: bool,
}

/// The outside. Clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    dialer: Arc<Dialer>,
    clients: Arc<Clients>,
}

impl Outbound {
    /// Sets up.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) when the certificates cannot be read.
    pub fn new(options: OutboundOptions) -> Result<Self> {
        Self::with_names(options, Arc::new(resolve::System))
    }

    /// Sets up with another way to find the addresses of names.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_names(options: OutboundOptions, names: Arc<dyn Resolve>) -> Result<Self> {
        let dialer = Arc::new(Dialer::new(options, names)?);
        Ok(Self { clients: Arc::new(Clients::new(Arc::clone(&dialer))), dialer })
    }
}

impl Network for Outbound {
    fn exchange(&self, request: Request) -> Pending<'_, Result<Response, NetworkError>> {
        Box::pin(self.clients.exchange(request))
    }

    fn connect<'a>(&'a self, place: &'a Place, tls: Option<Tls>) -> Pending<'a, Result<Box<dyn Connection>, NetworkError>> {
        Box::pin(async move {
            let stream = self.dialer.tcp(place).await?;
            match tls {
                None => Ok(Box::new(stream) as Box<dyn Connection>),
                Some(tls) => self.dialer.encrypt(Box::new(stream), &place.host, &tls, &[]).await,
            }
        })
    }

    fn datagram<'a>(&'a self, place: &'a Place, bytes: &'a [u8]) -> Pending<'a, Result<(), NetworkError>> {
        Box::pin(self.dialer.datagram(place, bytes))
    }
}
