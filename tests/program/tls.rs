//! TLS of the listeners.

use headworks_tests::server::{Folder, Server, Setup, TOKEN};
use headworks_tests::{Client, eventually};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// A certificate for this machine, and the files of it and its key.
struct Files {
    folder: tempfile::TempDir,
    pem: String,
}

impl Files {
    fn new() -> Self {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("cert.pem"), cert.pem()).expect("the certificate");
        fs::write(folder.path().join("key.pem"), signing_key.serialize_pem()).expect("the key");
        Self { folder, pem: cert.pem() }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a path that is text").to_owned()
    }

    fn setup(&self) -> Setup {
        Setup::new()
            .env("FLOWG_HTTP_TLS_ENABLED", "true")
            .env("FLOWG_HTTP_TLS_CERT", &self.path("cert.pem"))
            .env("FLOWG_HTTP_TLS_KEY", &self.path("key.pem"))
    }

    fn client(&self, server: &Server) -> Client {
        Client::trusting(&format!("https://{}", server.address()), &self.pem).with_token(TOKEN)
    }
}

#[test]
fn the_service_listener_speaks_tls() {
    let files = Files::new();
    let mut server = files.setup().start();
    assert!(server.output().contains(&format!("https://{}", server.address())), "{}", server.output());
    let client = files.client(&server);
    let records: Vec<Value> = (0..2000).map(|n| json!({ "n": n.to_string(), "text": "x".repeat(500) })).collect();
    assert_eq!(client.ingest("default", &json!(records)).processed(), 2000);
    assert_eq!(client.query("default", &[]).fields().len(), 2000);
    let events = headworks_tests::events::Events::watch(&client, "default", &[]);
    client.ingest("default", &json!([{ "seen": "live" }])).ok();
    assert_eq!(events.next_fields(), json!({ "seen": "live" }));
    // The watcher and an idle connection do not hold up the end.
    assert_eq!(server.stop().code(), Some(0), "{}", server.output());
}

#[test]
fn a_client_that_trusts_another_certificate_gets_nothing() {
    let files = Files::new();
    let server = files.setup().start();
    let stranger = Client::trusting(&format!("https://{}", server.address()), &Files::new().pem).with_token(TOKEN);
    let refused = stranger.try_send(http::Method::GET, "/api/v1/pipelines", &[], None).expect_err("no answer");
    assert!(refused.to_string().to_lowercase().contains("certificate"), "{refused}");
    files.client(&server).get("/api/v1/pipelines").ok();
}

#[test]
fn plain_text_and_nonsense_do_not_hurt_a_tls_listener() {
    let files = Files::new();
    let server = files.setup().start();
    for sent in [b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n".as_slice(), &[0x16, 3, 1, 0xff, 0xff], &[0; 4096], b""] {
        let mut socket = TcpStream::connect(server.address()).expect("a connection");
        socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a time limit");
        let _ = socket.write_all(sent);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert!(!answer.starts_with(b"HTTP/"), "{}", String::from_utf8_lossy(&answer));
    }
    files.client(&server).get("/api/v1/pipelines").ok();
}

#[test]
fn a_client_that_does_not_greet_is_let_go() {
    let files = Files::new();
    let server = files.setup().env("HEADWORKS_HTTP_HEADER_TIMEOUT_MS", "200").start();
    let mut socket = TcpStream::connect(server.address()).expect("a connection");
    socket.set_read_timeout(Some(Duration::from_secs(60))).expect("a time limit");
    assert_eq!(socket.read(&mut [0; 16]).expect("the end of the connection"), 0);
}

#[test]
fn the_management_listener_speaks_tls_of_its_own() {
    let files = Files::new();
    let folder = Folder::new();
    fs::create_dir_all(folder.data()).expect("the data folder");
    let setup = Setup::new()
        .env("HEADWORKS_MANAGEMENT_TLS_CERT", &files.path("cert.pem"))
        .env("HEADWORKS_MANAGEMENT_TLS_KEY", &files.path("key.pem"));
    let mut server =
        setup.command(&folder.data()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let addresses = folder.data().join("addresses.json");
    let address = |member: &str| -> Option<String> {
        let addresses: Value = serde_json::from_slice(&fs::read(&addresses).ok()?).ok()?;
        addresses.pointer(member)?.as_str().map(str::to_owned)
    };
    let management = eventually("the server listens", || address("/management"));
    let client = Client::trusting(&format!("https://{management}"), &files.pem);
    let answer = eventually("the server is healthy", || client.try_send(http::Method::GET, "/health", &[], None).ok());
    let service = address("/listen/0").expect("an address");
    let plain = Client::new(&format!("http://{service}")).with_token(TOKEN).get("/api/v1/pipelines");
    let _ = server.kill();
    let _ = server.wait();
    assert_eq!((answer.status, answer.text().as_str()), (200, "OK\r\n"));
    plain.ok();
}

#[test]
fn files_that_cannot_be_used_stop_the_start_and_are_named() {
    let files = Files::new();
    fs::write(files.folder.path().join("other.pem"), KeyPair::generate().expect("a key").serialize_pem()).expect("a file");
    fs::write(files.folder.path().join("empty.pem"), "").expect("a file");
    let fails = |cert: &str, key: Option<&str>| {
        let mut setup = Setup::new().env("HEADWORKS_HTTP_TLS_CERT", &files.path(cert));
        if let Some(key) = key {
            setup = setup.env("HEADWORKS_HTTP_TLS_KEY", &files.path(key));
        }
        let Err(refusal) = setup.try_start_on(&Folder::new()) else { panic!("it started with {cert} and {key:?}") };
        refusal.output
    };
    assert!(fails("cert.pem", None).contains("http.tls.key"));
    assert!(fails("missing.pem", Some("key.pem")).contains("missing.pem"));
    assert!(fails("empty.pem", Some("key.pem")).contains("empty.pem"));
    assert!(fails("cert.pem", Some("empty.pem")).contains("empty.pem"));
    assert!(fails("cert.pem", Some("other.pem")).contains("other.pem"));
    let key = fs::read_to_string(Path::new(&files.path("key.pem"))).expect("the key");
    let secret = key.lines().nth(1).expect("a line of the key");
    assert!(!fails("key.pem", Some("cert.pem")).contains(secret));
}
