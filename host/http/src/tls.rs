//! TLS of a listener: rustls with the ring provider, TLS 1.2 and 1.3, HTTP/1.1.

use headworks_core::{Error, ErrorCode, Result, pem};
use rustls::ServerConfig;
use rustls::crypto::ring;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What a listener proves itself with. Holds a private key, hence no `Debug`.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl Tls {
    /// Reads a certificate with the chain that leads to it, and its private key (PKCS #8, PKCS #1 or SEC 1), both as PEM.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] says what is missing, damaged or does not belong together.
    pub fn new(certificate: &[u8], key: &[u8]) -> Result<Self> {
        let (chain, key) = pem::identity(certificate, key)?;
        let refused = |error: rustls::Error| Error::invalid(format!("certificate and key cannot be used: {error}"));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::new(ErrorCode::Internal, format!("TLS cannot be set up: {error}")))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(refused)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Greets a client. The caller bounds the time it may take.
    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        self.0.accept(stream).await
    }
}
