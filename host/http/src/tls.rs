//! TLS of a listener: rustls with the ring provider, TLS 1.2 and 1.3, HTTP/1.1.

use headworks_core::{Error, ErrorCode, Result, pem};
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::fmt::Display;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a listener proves itself with. Holds a private key, hence no `Debug`.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

/// Whose certificates a listener takes from its clients.
#[derive(Clone, Copy, Debug)]
pub struct ClientCertificates<'a> {
    /// The authorities that they come from, as PEM.
    pub authorities: &'a [u8],
    /// Whether a client without one is turned away.
    pub demanded: bool,
}

/// What TLS found out about the client of a connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    /// The client's own certificate (DER). It was verified: an authority that we trust issued it, and it is valid now.
    pub(crate) certificate: Option<Arc<[u8]>>,
}

impl Tls {
    /// Reads a certificate with the chain that leads to it, and its private key (PKCS #8, PKCS #1 or SEC 1), both as PEM. With
    /// `clients` a certificate that a client shows is verified; without, none is asked for.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] says what is missing, damaged or does not belong together.
    pub fn new(certificate: &[u8], key: &[u8], clients: Option<ClientCertificates<'_>>) -> Result<Self> {
        let (chain, key) = pem::identity(certificate, key)?;
        let refused = |error: rustls::Error| Error::invalid(format!("certificate and key cannot be used: {error}"));
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(ErrorCode::Internal, format!("TLS cannot be set up: {error}")))?;
        let config = match clients {
            None => config.with_no_client_auth(),
            Some(clients) => config.with_client_cert_verifier(verifier(clients, provider)?),
        };
        let mut config = config.with_single_cert(chain, key).map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Greets a client. The caller bounds the time it may take.
    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}

impl Proof {
    /// What the handshake of this stream proved.
    pub(crate) fn of(stream: &TlsStream<TcpStream>) -> Self {
        let (_, session) = stream.get_ref();
        let own = session.peer_certificates().and_then(|chain| chain.first());
        Self { certificate: own.map(|certificate| Arc::from(certificate.as_ref())) }
    }
}

fn verifier(clients: ClientCertificates<'_>, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ClientCertVerifier>> {
    let unusable = |error: &dyn Display| Error::invalid(format!("the client authorities cannot be used: {error}"));
    let mut roots = RootCertStore::empty();
    for authority in pem::certificates(clients.authorities, "the file of client authorities")? {
        roots.add(authority).map_err(|error| unusable(&error))?;
    }
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = if clients.demanded { verifier } else { verifier.allow_unauthenticated() };
    verifier.build().map_err(|error| unusable(&error))
}
