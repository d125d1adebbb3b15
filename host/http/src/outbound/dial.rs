//! From a place to a connection.

use super::tls::Trust;
use super::{Allowed, OutboundOptions, Resolve};
use headworks_core::Result;
use headworks_sandbox::outbound::{Connection, NetworkError, Place, Tls};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long one address may take to answer.
const CONNECT: Duration = Duration::from_secs(3);
/// The most addresses of one name that are tried.
const TRIES: usize = 4;

pub(super) struct Dialer {
    allow: Allowed,
    trust: Trust,
    names: Arc<dyn Resolve>,
}

impl Dialer {
    pub(super) fn new(options: OutboundOptions, names: Arc<dyn Resolve>) -> Result<Self> {
        let OutboundOptions { allow, roots, insecure } = options;
        Ok(Self { allow, trust: Trust::new(roots.as_deref(), insecure)?, names })
    }

    /// The addresses of a place, wherever they are.
    async fn resolve_unchecked(&self, place: &Place) -> Result<Vec<SocketAddr>, NetworkError> {
        let found = timeout(CONNECT, self.names.resolve(&place.host, place.port)).await;
        let found =
            found.map_err(|_| NetworkError::Late(format!("{}: the name was not resolved within {CONNECT:?}", place.host)))?;
        found.map_err(|error| NetworkError::Unreachable(format!("{}: {error}", place.host)))
    }

    /// The addresses of a place that may be reached. They are what is connected to: a name that changes its mind gains nothing.
    async fn resolve(&self, place: &Place) -> Result<Vec<SocketAddr>, NetworkError> {
        let found = self.resolve_unchecked(place).await?;
        let first = found.first().copied();
        let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| self.allow.allows(address.ip())).take(TRIES).collect();
        match (allowed.is_empty(), first) {
            (false, _) => Ok(allowed),
            (true, Some(address)) => Err(NetworkError::Denied(format!(
                "{place}: {} is no public address; the setting outbound.allow would allow it",
                address.ip()
            ))),
            (true, None) => Err(NetworkError::Unreachable(format!("{}: no such name", place.host))),
        }
    }

    pub(super) async fn tcp(&self, place: &Place) -> Result<TcpStream, NetworkError> {
        connect(place, self.resolve(place).await?).await
    }

    /// A connection to a place that the operator chose, wherever it is.
    pub(super) async fn tcp_unchecked(&self, place: &Place) -> Result<TcpStream, NetworkError> {
        let mut found = self.resolve_unchecked(place).await?;
        found.truncate(TRIES);
        connect(place, found).await
    }

    pub(super) async fn encrypt(
        &self,
        stream: Box<dyn Connection>,
        host: &str,
        tls: &Tls,
        protocols: &[&str],
    ) -> Result<Box<dyn Connection>, NetworkError> {
        let name = tls.server_name.as_deref().unwrap_or(host).to_owned();
        let config = self.trust.config(tls, protocols)?;
        let server =
            ServerName::try_from(name.clone()).map_err(|_| NetworkError::Invalid(format!("{name:?} is no host name")))?;
        let encrypted = TlsConnector::from(config).connect(server, stream).await;
        let encrypted = encrypted.map_err(|error| NetworkError::Untrusted(format!("{name}: {error}")))?;
        Ok(Box::new(encrypted))
    }

    pub(super) async fn datagram(&self, place: &Place, bytes: &[u8]) -> Result<(), NetworkError> {
        let lost = |error: std::io::Error| NetworkError::Unreachable(format!("{place}: {error}"));
        let addresses = self.resolve(place).await?;
        let Some(address) = addresses.first() else { return Ok(()) };
        let own = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(own).await.map_err(lost)?;
        socket.connect(address).await.map_err(lost)?;
        socket.send(bytes).await.map(drop).map_err(lost)
    }
}

/// The first address that answers.
async fn connect(place: &Place, addresses: Vec<SocketAddr>) -> Result<TcpStream, NetworkError> {
    let mut failure = NetworkError::Unreachable(format!("{place}: no such name"));
    for address in addresses {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Small messages are not held back; a system that cannot do that still works.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => failure = NetworkError::Unreachable(format!("{place}: {error}")),
            Err(_) => failure = NetworkError::Late(format!("{place}: no connection within {CONNECT:?}")),
        }
    }
    Err(failure)
}
