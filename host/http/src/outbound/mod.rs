//! Carrying what plugins send: requests, connections and datagrams to elsewhere.
//!
//! What must stay true: an address is checked after its name was resolved, and that very address is then used; nothing waits
//! or grows without a bound. Grants are not known here: the sandbox has checked them.

mod address;
mod client;
mod dial;
mod tls;

pub use address::Allowed;

use client::Clients;
use dial::Dialer;
use headworks_core::Result;
use headworks_sandbox::outbound::{Connection, Network, NetworkError, Pending, Place, Request, Response, Tls};
use std::sync::Arc;
use std::time::Duration;

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
        let dialer = Arc::new(Dialer::new(options)?);
        Ok(Self { clients: Arc::new(Clients::new(Arc::clone(&dialer))), dialer })
    }
}

impl Network for Outbound {
    fn exchange(&self, request: Request) -> Pending<'_, Result<Response, NetworkError>> {
        let timeout = request.timeout;
        Box::pin(async move { within(timeout, self.clients.exchange(request)).await })
    }

    fn connect<'a>(
        &'a self,
        place: &'a Place,
        tls: Option<Tls>,
        timeout: Duration,
    ) -> Pending<'a, Result<Box<dyn Connection>, NetworkError>> {
        Box::pin(async move {
            within(timeout, async {
                let stream = self.dialer.tcp(place).await?;
                match tls {
                    None => Ok(Box::new(stream) as Box<dyn Connection>),
                    Some(tls) => self.dialer.encrypt(Box::new(stream), &place.host, &tls, &[]).await,
                }
            })
            .await
        })
    }

    fn datagram<'a>(&'a self, place: &'a Place, bytes: &'a [u8]) -> Pending<'a, Result<(), NetworkError>> {
        Box::pin(self.dialer.datagram(place, bytes))
    }
}

async fn within<T>(timeout: Duration, work: impl Future<Output = Result<T, NetworkError>>) -> Result<T, NetworkError> {
    let late = || NetworkError::Late(format!("no answer within {timeout:?}"));
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(late()))
}
