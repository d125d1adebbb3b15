//! Certificates and private keys as PEM text, for every listener and every client that speaks TLS.

use crate::{Error, Result};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// The certificates of a text, in their order: at least one. `what` names the text in errors, such as `the certificate`.
///
/// # Errors
/// [`ErrorCode::Invalid`](crate::ErrorCode::Invalid) when the text is no PEM or holds no certificate.
pub fn certificates(pem: &[u8], what: &str) -> Result<Vec<CertificateDer<'static>>> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.map_err(|error| Error::invalid(format!("{what} is no PEM: {error}")))?;
    if certificates.is_empty() {
        return Err(Error::invalid(format!("{what} holds no certificate in PEM form")));
    }
    Ok(certificates)
}

/// What a server proves itself with: its certificate with the chain that leads to it, and its private key (PKCS #8, PKCS #1
/// or SEC 1).
///
/// # Errors
/// [`ErrorCode::Invalid`](crate::ErrorCode::Invalid) says which of the two cannot be read. Whether they belong together is not
/// checked here.
pub fn identity(certificate: &[u8], key: &[u8]) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = certificates(certificate, "the certificate")?;
    let key = PrivateKeyDer::from_pem_slice(key);
    Ok((chain, key.map_err(|error| Error::invalid(format!("the private key cannot be read: {error}")))?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_damaged_is_named() {
        let damaged = b"-----BEGIN CERTIFICATE-----\nno base64!\n-----END CERTIFICATE-----\n";
        for (text, expected) in [(&b""[..], "the roots holds no certificate"), (damaged, "the roots is no PEM")] {
            let error = certificates(text, "the roots").unwrap_err();
            assert!(error.message.starts_with(expected), "{error}");
        }
        let whole = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(certificates(&whole.repeat(2), "the roots").unwrap().len(), 2);
        let error = identity(whole, b"").unwrap_err();
        assert!(error.message.starts_with("the private key cannot be read"), "{error}");
    }
}
