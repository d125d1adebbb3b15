//! Whom an encrypted connection trusts.

use headworks_core::{Error, Result, pem};
use headworks_sandbox::outbound::{NetworkError, Tls};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The most ways to check that are kept.
const KEPT: usize = 64;

/// How a connection is checked, and the protocols that it offers.
type Choice = (Tls, Vec<Vec<u8>>);

pub(super) struct Trust {
    roots: RootCertStore,
    insecure: bool,
    provider: Arc<CryptoProvider>,
    made: Mutex<HashMap<Choice, Arc<ClientConfig>>>,
}

impl Trust {
    pub(super) fn new(extra: Option<&str>, insecure: bool) -> Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(pem) = extra {
            add(&mut roots, pem, "the file of trusted certificates")?;
        }
        Ok(Self { roots, insecure, provider: Arc::new(ring::default_provider()), made: Mutex::default() })
    }

    /// What checks a connection; `protocols` are offered in the handshake.
    pub(super) fn config(&self, tls: &Tls, protocols: &[&str]) -> Result<Arc<ClientConfig>, NetworkError> {
        let protocols: Vec<Vec<u8>> = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let key = (Tls { server_name: None, ..tls.clone() }, protocols);
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(&key) {
            return Ok(Arc::clone(known));
        }
        let config = Arc::new(self.make(&key.0, &key.1)?);
        if made.len() >= KEPT {
            made.clear();
        }
        made.insert(key, Arc::clone(&config));
        Ok(config)
    }

    fn make(&self, tls: &Tls, protocols: &[Vec<u8>]) -> Result<ClientConfig, NetworkError> {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider)).with_safe_default_protocol_versions();
        let builder = builder.map_err(|error| NetworkError::Untrusted(error.to_string()))?;
        let mut config = if tls.insecure {
            if !self.insecure {
                let why = "accepting every certificate is not allowed here; the setting outbound.insecure would allow it";
                return Err(NetworkError::Denied(why.to_owned()));
            }
            let anyone = Arc::new(Anyone(Arc::clone(&self.provider)));
            builder.dangerous().with_custom_certificate_verifier(anyone).with_no_client_auth()
        } else {
            let mut roots = self.roots.clone();
            if let Some(pem) = &tls.roots {
                let added = add(&mut roots, pem, "the list of authorities in the configuration");
                added.map_err(|error| NetworkError::Invalid(error.message))?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        };
        config.alpn_protocols = protocols.to_vec();
        Ok(config)
    }
}

/// Trusts the certificates of a text too.
fn add(roots: &mut RootCertStore, pem: &str, what: &str) -> Result<()> {
    for certificate in pem::certificates(pem.as_bytes(), what)? {
        roots.add(certificate).map_err(|error| Error::invalid(format!("{what} cannot be used: {error}")))?;
    }
    Ok(())
}

/// Accepts every certificate, but not every signature.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
