//! Syslog over TLS, with and without client certificates (FlowG 13).

use crate::{contents, stored};
use headworks_tests::server::Folder;
use headworks_tests::{Server, Setup, eventually};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// An authority, and the certificates it gave: PEM files in a folder of their own.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let key = KeyPair::generate().expect("a key");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("ca.pem"), params.self_signed(&key).expect("a certificate").pem()).expect("a file");
        let authority = Self { folder, issuer: Issuer::new(params, key) };
        authority.give("server", Some("the server"));
        authority
    }

    /// Makes `<file>.pem` and `<file>.key` for this machine.
    pub(crate) fn give(&self, file: &str, common_name: Option<&str>) {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("parameters");
        params.distinguished_name = rcgen::DistinguishedName::new();
        if let Some(name) = common_name {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(self.path(&format!("{file}.pem")), certificate.pem()).expect("a file");
        std::fs::write(self.path(&format!("{file}.key")), key.serialize_pem()).expect("a file");
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// The settings of a server with a certificate of this authority.
    pub(crate) fn setup(&self) -> Setup {
        let text = |file: &str| self.path(file).to_str().expect("a path that is text").to_owned();
        Setup::new().env("HEADWORKS_SYSLOG_TLS_CERT", &text("server.pem")).env("HEADWORKS_SYSLOG_TLS_KEY", &text("server.key"))
    }

    fn setup_with_clients(&self, of: &Self, demand: bool) -> Setup {
        let ca = of.path("ca.pem");
        let setup = self.setup().env("HEADWORKS_SYSLOG_TLS_CLIENT_CA", ca.to_str().expect("a path that is text"));
        setup.env("FLOWG_SYSLOG_TLS_AUTH", if demand { "true" } else { "false" })
    }

    /// Sends bytes over TLS, with a certificate of `own` or without, and reads until the server ends the connection if it
    /// refuses us. Answers whether it did not.
    fn send(&self, server: &Server, own: Option<(&Self, &str)>, bytes: &str) -> bool {
        let read = |path: &Path| CertificateDer::from_pem_file(path).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(read(&self.path("ca.pem"))).expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let config = config.with_root_certificates(roots);
        let config = match own {
            None => config.with_no_client_auth(),
            Some((authority, file)) => {
                let key = PrivateKeyDer::from_pem_file(authority.path(&format!("{file}.key"))).expect("a key");
                let chain = vec![read(&authority.path(&format!("{file}.pem")))];
                config.with_client_auth_cert(chain, key).expect("a client certificate")
            }
        };
        let [_, tcp] = server.syslog();
        let connection = ClientConnection::new(Arc::new(config), "localhost".try_into().expect("a name")).expect("a connection");
        let mut stream = StreamOwned::new(connection, TcpStream::connect(tcp).expect("a connection"));
        let sent = stream.write_all(bytes.as_bytes()).and_then(|()| stream.flush());
        stream.conn.send_close_notify();
        let closed = stream.flush();
        // With TLS 1.3 a client learns only from the answer that its certificate was refused.
        let ended = stream.read(&mut [0]);
        sent.is_ok() && closed.is_ok() && !ended.is_err_and(|error| error.to_string().contains("alert"))
    }
}

#[test]
fn messages_come_over_tls_without_a_client_certificate() {
    let authority = Authority::new();
    let server = authority.setup().start();
    assert_eq!(server.syslog()[0], "", "no UDP beside TLS unless it is asked for");
    assert!(server.output().contains("tls://"), "{}", server.output());
    assert!(authority.send(&server, None, "<13>one\n9 <13>two 2"));
    assert_eq!(contents(&server, "default", 2), ["one", "two 2"]);
    assert_eq!(stored(&server, "default", 2)[0]["tls_peer"], "");
}

#[test]
fn a_client_certificate_is_demanded_verified_and_named() {
    let (authority, clients, strangers) = (Authority::new(), Authority::new(), Authority::new());
    clients.give("device", Some("device 7"));
    clients.give("nameless", None);
    strangers.give("device", Some("device 7"));
    let server = authority.setup_with_clients(&clients, true).start();
    assert!(!authority.send(&server, None, "<13>nobody\n"));
    assert!(!authority.send(&server, Some((&strangers, "device")), "<13>stranger\n"));
    assert!(authority.send(&server, Some((&clients, "device")), "<13>device\n"));
    assert_eq!(stored(&server, "default", 1)[0]["tls_peer"], "device 7");
    // Without a common name it is the DNS name.
    assert!(authority.send(&server, Some((&clients, "nameless")), "<13>nameless\n"));
    assert_eq!(stored(&server, "default", 2)[1]["tls_peer"], "localhost");
    assert_eq!(contents(&server, "default", 2), ["device", "nameless"]);
    eventually("both are counted", || (server.metric("headworks_syslog_handshakes_failed_total") == 2).then_some(()));
}

#[test]
fn without_the_demand_clients_are_taken_with_and_without_certificate() {
    let authority = Authority::new();
    authority.give("device", Some("device 7"));
    let server = authority.setup_with_clients(&authority, false).start();
    assert!(authority.send(&server, None, "<13>one\n"));
    assert_eq!(stored(&server, "default", 1)[0]["tls_peer"], "");
    assert!(authority.send(&server, Some((&authority, "device")), "<13>two\n"));
    assert_eq!(stored(&server, "default", 2)[1]["tls_peer"], "device 7");
}

#[test]
fn plain_text_is_not_taken_where_tls_is() {
    let authority = Authority::new();
    let server = authority.setup().env("HEADWORKS_SYSLOG_PROTOCOL", "both").start();
    crate::send_tcp(&server, "<13>plain\n");
    eventually("it is counted", || (server.metric("headworks_syslog_handshakes_failed_total") == 1).then_some(()));
    crate::send_udp(&server, &["<13>udp"]);
    assert_eq!(contents(&server, "default", 1), ["udp"]);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let authority = Authority::new();
    for (setup, expected) in [
        (authority.setup().env("FLOWG_SYSLOG_PROTOCOL", "udp"), "syslog_protocol"),
        (authority.setup().env("FLOWG_SYSLOG_TLS_AUTH", "true"), "syslog_tls.client_ca"),
        (authority.setup().env("HEADWORKS_SYSLOG_TLS_KEY", authority.path("ca.pem").to_str().expect("text")), "key"),
    ] {
        let Err(refusal) = setup.try_start_on(&Folder::new()) else { panic!("it started") };
        assert!(refusal.output.contains(expected), "no {expected} in\n{}", refusal.output);
    }
    // What is there but switched off does nothing.
    let server = authority.setup().env("FLOWG_SYSLOG_TLS_ENABLED", "false").start();
    crate::send_tcp(&server, "<13>plain\n");
    assert_eq!(contents(&server, "default", 1), ["plain"]);
}
