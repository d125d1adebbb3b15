//! Registries that callers have to prove themselves to: over TLS.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use headworks_tests::Client;
use headworks_tests::server::{Server, Setup};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::Value;
use std::fs;

/// A certificate for this machine, and the files of it and its key.
pub struct Files {
    folder: tempfile::TempDir,
    pem: String,
}

impl Files {
    pub fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("cert.pem"), cert.pem()).expect("the certificate");
        fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).expect("the key");
        Self { folder, pem: cert.pem() }
    }

    /// A file of this folder.
    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a path that is text").to_owned()
    }

    /// A server that speaks TLS.
    pub fn setup(&self) -> Setup {
        Setup::new()
            .env("FLOWG_HTTP_TLS_ENABLED", "true")
            .env("FLOWG_HTTP_TLS_CERT", &self.path("cert.pem"))
            .env("FLOWG_HTTP_TLS_KEY", &self.path("key.pem"))
    }

    /// A client of such a server, without credentials.
    pub fn client(&self, server: &Server) -> Client {
        Client::trusting(&format!("https://{}", server.address()), &self.pem)
    }
}

/// What a token says, without a look at its signature.
pub fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap_or_else(|| panic!("{token} is no JWT"));
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).expect("base64")).expect("JSON")
}
