//! TLS of the TCP listener, and the name in a client's certificate.

use headworks_core::{Error, Result, pem};
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::ObjectIdentifier;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// `commonName` (X.520).
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// The longest name taken from a certificate, in bytes; X.520 allows 64 characters.
const MAX_NAME: usize = 256;

/// What the listener proves itself with, and what it wants of clients. Holds a private key, hence no `Debug`.
#[derive(Clone)]
pub struct SyslogTls(TlsAcceptor);

impl SyslogTls {
    /// Reads PEM texts: the certificate with its chain, its private key, and the authorities of client certificates. With
    /// authorities a certificate that a client shows is verified; with `demand` it has to show one.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) says what cannot be used.
    pub fn new(certificate: &[u8], key: &[u8], client_authorities: Option<&[u8]>, demand: bool) -> Result<Self> {
        let (chain, key) = pem::identity(certificate, key)?;
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
        let config = config.map_err(|error| Error::internal(format!("TLS cannot be set up: {error}")))?;
        let config = match client_authorities {
            None if demand => {
                return Err(Error::invalid("client certificates are demanded but no authority is named that they come from"));
            }
            None => config.with_no_client_auth(),
            Some(authorities) => {
                let unusable =
                    |error: &dyn std::fmt::Display| Error::invalid(format!("the client authorities cannot be used: {error}"));
                let mut roots = RootCertStore::empty();
                for authority in pem::certificates(authorities, "the file of client authorities")? {
                    roots.add(authority).map_err(|error| unusable(&error))?;
                }
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let verifier = if demand { verifier } else { verifier.allow_unauthenticated() };
                config.with_client_cert_verifier(verifier.build().map_err(|error| unusable(&error))?)
            }
        };
        let config = config.with_single_cert(chain, key);
        let config = config.map_err(|error| Error::invalid(format!("certificate and key cannot be used: {error}")))?;
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.0
    }
}

/// The common name of a certificate, else its first DNS name, else nothing.
pub(crate) fn peer_name(certificate: &CertificateDer<'_>) -> String {
    let Ok(certificate) = Certificate::from_der(certificate) else { return String::new() };
    let subject = &certificate.tbs_certificate.subject;
    let common = subject.0.iter().flat_map(|part| part.0.iter()).find(|attribute| attribute.oid == COMMON_NAME);
    let mut name = match common {
        Some(attribute) => String::from_utf8_lossy(attribute.value.value()).into_owned(),
        None => dns_name(&certificate).unwrap_or_default(),
    };
    while name.len() > MAX_NAME {
        name.pop();
    }
    name
}

fn dns_name(certificate: &Certificate) -> Option<String> {
    let (_, names) = certificate.tbs_certificate.get::<SubjectAltName>().ok()??;
    names.0.iter().find_map(|name| match name {
        GeneralName::DnsName(name) => Some(name.as_str().to_owned()),
        _ => None,
    })
}
