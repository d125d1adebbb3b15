//! The certificate that capture servers show.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::net::TcpStream;
use std::sync::Arc;

/// Who signed it.
pub const AUTHORITY: &str = include_str!("../../data/tls/ca.pem");
const CERTIFICATE: &[u8] = include_bytes!("../../data/tls/server.pem");
const KEY: &[u8] = include_bytes!("../../data/tls/server.key");

/// Takes connections with TLS.
pub fn config() -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
    let certificate = CertificateDer::from_pem_slice(CERTIFICATE).expect("the certificate");
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("the key");
    Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate], key).expect("a certificate with its key"))
}

/// A connection as its server sees it.
pub fn accept(config: &Arc<ServerConfig>, connection: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    StreamOwned::new(ServerConnection::new(Arc::clone(config)).expect("a TLS server"), connection)
}
