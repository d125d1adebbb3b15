//! Certificates for servers and for clients.

use crate::Setup;
use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// Whom certificates come from. Holds its key, hence no `Debug`.
#[allow(missing_debug_implementations)]
pub struct Authority {
    /// Its own certificate.
    pub pem: String,
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// A new one, with a certificate for a server.
    ///
    /// # Panics
    /// When none can be made.
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let authority = Self { pem, issuer: Issuer::new(params, key), folder: tempfile::tempdir().expect("a folder") };
        authority.keep("server", &authority.give(&[(DnType::CommonName, "server")]));
        std::fs::write(authority.folder.path().join("ca.pem"), &authority.pem).expect("a file");
        authority
    }

    /// A certificate for this machine and the key of it, as PEM.
    ///
    /// # Panics
    /// When none can be made.
    pub fn give(&self, subject: &[(DnType, &str)]) -> (String, String) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("parameters");
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), *value);
        }
        let key = KeyPair::generate().expect("a key");
        (params.signed_by(&key, &self.issuer).expect("a certificate").pem(), key.serialize_pem())
    }

    /// Where `ca.pem`, `server.pem` and `server.key` are, and what else [`keep`](Self::keep) put there.
    pub fn path(&self, file: &str) -> String {
        self.folder.path().join(file).to_str().expect("a path that is text").to_owned()
    }

    /// The settings of a server with TLS, which takes certificates of this authority.
    pub fn setup(&self) -> Setup {
        Setup::new()
            .env("HEADWORKS_HTTP_TLS_CERT", &self.path("server.pem"))
            .env("HEADWORKS_HTTP_TLS_KEY", &self.path("server.key"))
            .env("HEADWORKS_HTTP_TLS_CLIENT_CA", &self.path("ca.pem"))
    }

    /// Keeps a certificate and its key as `<file>.pem` and `<file>.key`.
    ///
    /// # Panics
    /// When they cannot be written.
    pub fn keep(&self, file: &str, (certificate, key): &(String, String)) {
        std::fs::write(self.folder.path().join(format!("{file}.pem")), certificate).expect("a file");
        std::fs::write(self.folder.path().join(format!("{file}.key")), key).expect("a file");
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}
