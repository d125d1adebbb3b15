//! Signing in with tickets of a real KDC, made by MIT's tools and sent by curl and by the system's GSS-API (NiFi Registry 19.5).
//!
//! The KDC is Debian's, on a free port and in a folder of the test's own. Tickets of the past are made under `faketime`.

use crate::access::claims;
use crate::calls::{API, Nifi};
use crate::secure::Secure;
use headworks_tests::server::{Folder, Setup, TOKEN};
use headworks_tests::{Authority, eventually, found};
use http::Method;
use serde_json::json;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

pub(crate) const REALM: &str = "HEADWORKS.TEST";
const TICKETS: &str = "/access/token/kerberos";
const MISSING: &str = "Client credentials are missing or invalid according to all configured identity providers.";

/// A realm with a KDC of its own, and a cache of tickets. Holds `anna`, `HTTP/localhost` and `HTTP/other`.
pub(crate) struct Realm {
    folder: TempDir,
    kdc: Child,
    port: u16,
    /// How far its clock, and that of everything that runs in it, is behind.
    behind: &'static str,
}

impl Realm {
    pub(crate) fn start() -> Option<Self> {
        Self::of_the_past("0")
    }

    pub(crate) fn of_the_past(behind: &'static str) -> Option<Self> {
        let programs = ["/usr/sbin/krb5kdc", "/usr/sbin/kadmin.local", "/usr/bin/kinit", "/usr/bin/curl"];
        if !found("the KDC with its tools", faketime().is_some() && programs.iter().all(|program| Path::new(program).is_file())) {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let client = format!(
            "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n rdns = false\n \
             dns_canonicalize_hostname = false\n udp_preference_limit = 1\n\
             [realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{port}\n }}\n"
        );
        let server = format!(
            "[kdcdefaults]\n kdc_listen = 127.0.0.1:{port}\n kdc_tcp_listen = 127.0.0.1:{port}\n\
             [realms]\n {REALM} = {{\n  database_name = {}\n  key_stash_file = {}\n  acl_file = {}\n  \
             supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal\n }}\n\
             [logging]\n kdc = FILE:{}\n",
            at("database"),
            at("stash"),
            at("acl"),
            at("log")
        );
        std::fs::write(at("krb5.conf"), client).expect("a file");
        std::fs::write(at("kdc.conf"), server).expect("a file");
        let run = |program: &str, arguments: &[&str]| {
            let mut command = within(folder.path(), behind, program);
            let output = command.args(arguments).output().expect("the program runs");
            assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        run("/usr/sbin/kdb5_util", &["-r", REALM, "-P", "master", "create", "-s"]);
        let add = |query: &str| run("/usr/sbin/kadmin.local", &["-r", REALM, "-q", query]);
        add("addprinc -pw secret anna");
        for (service, kinds) in [("localhost", "aes256-cts-hmac-sha1-96:normal"), ("other", "aes128-cts-hmac-sha1-96:normal")] {
            add(&format!("addprinc -randkey -e {kinds} HTTP/{service}"));
            add(&format!("ktadd -norandkey -k {} HTTP/{service}", at("keytab")));
        }
        let mut command = within(folder.path(), behind, "/usr/sbin/krb5kdc");
        let kdc = command.arg("-n").arg("-r").arg(REALM).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the KDC");
        let realm = Self { folder, kdc, port, behind };
        eventually("the KDC listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        let mut kinit =
            realm.command("/usr/bin/kinit").arg("anna").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("kinit");
        kinit.stdin.take().expect("its input").write_all(b"secret\n").expect("a password");
        assert!(kinit.wait().expect("its end").success());
        Some(realm)
    }

    /// Where its KDC listens.
    pub(crate) fn kdc(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Tells the database of principals something.
    pub(crate) fn change(&self, query: &str) {
        let output = self.command("/usr/sbin/kadmin.local").args(["-r", REALM, "-q", query]).output().expect("kadmin.local runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains("while"), "{query}: {said}");
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A program that uses the tickets of this realm.
    fn command(&self, program: &str) -> Command {
        within(self.folder.path(), self.behind, program)
    }

    /// Settings of a registry that takes tickets for this service.
    pub(crate) fn settings(&self, setup: Setup, service: &str) -> Setup {
        setup
            .env("HEADWORKS_REGISTRY_KERBEROS_SERVICE_PRINCIPAL", service)
            .env("HEADWORKS_REGISTRY_KERBEROS_KEYTAB", &self.path("keytab"))
    }

    fn registry(&self, service: &str) -> Secure {
        Secure::with(|setup| self.settings(setup, service))
    }

    fn curl(&self, secure: &Secure, host: &str, arguments: &[&str], path: &str) -> Output {
        let port = secure.server.address().rsplit(':').next().expect("a port");
        let resolve = format!("{host}:{port}:127.0.0.1");
        let mut command = self.command("/usr/bin/curl");
        command.args(["--silent", "--insecure", "--negotiate", "--user", ":", "--resolve", &resolve]).args(arguments);
        command.arg(format!("https://{host}:{port}{API}{path}")).output().expect("curl runs")
    }

    /// What curl sends for this host: a header with a ticket that nobody has looked at.
    fn header(&self, secure: &Secure, host: &str) -> String {
        let output = self.curl(secure, host, &["--verbose"], "/about");
        let log = String::from_utf8_lossy(&output.stderr).into_owned();
        let header = log.lines().find_map(|line| line.strip_prefix("> Authorization: ")).unwrap_or_else(|| panic!("{log}"));
        assert!(header.starts_with("Negotiate "), "{header}");
        header.trim().to_owned()
    }
}

impl Drop for Realm {
    fn drop(&mut self) {
        let _ = self.kdc.kill();
        let _ = self.kdc.wait();
    }
}

/// A program in a realm, with its clock.
fn within(folder: &Path, behind: &str, program: &str) -> Command {
    let mut command = Command::new(program);
    command.env("KRB5_CONFIG", folder.join("krb5.conf")).env("KRB5_KDC_PROFILE", folder.join("kdc.conf"));
    command.env("KRB5CCNAME", format!("FILE:{}", folder.join("tickets").display()));
    if behind != "0" {
        command.env("LD_PRELOAD", faketime().expect("faketime")).env("FAKETIME", format!("-{behind}"));
    }
    command
}

/// The library of faketime: the program would leave a process of its own behind.
fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|library| library.is_file())
}

fn show(secure: &Secure, path: &str, header: &str) -> headworks_tests::Answer {
    Nifi(secure.client().with_authorization(header)).send(Method::POST, path, &[], None)
}

#[test]
fn a_ticket_is_traded_for_a_token() {
    let Some(realm) = Realm::start() else { return };
    let secure = realm.registry(&format!("HTTP/localhost@{REALM}"));
    let output = realm.curl(&secure, "localhost", &["--include", "--request", "POST"], TICKETS);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let (head, token) = shown.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{shown}"));
    let head = head.to_lowercase();
    assert!(head.starts_with("http/1.1 201") && head.contains("content-type: text/plain"), "{shown}");
    assert!(head.contains("location: https://localhost:") && head.contains("/nifi-registry-api/access/token\r\n"), "{shown}");
    let said = claims(token);
    let name = format!("anna@{REALM}");
    assert_eq!((&said["sub"], &said["preferred_username"]), (&json!(name), &json!(name)));
    assert_eq!((&said["iss"], &said["aud"]), (&json!("kerberos"), &json!("kerberos")));
    assert_eq!(said["exp"].as_i64().expect("a time") - said["iat"].as_i64().expect("a time"), 12 * 3600);
    assert_eq!(secure.token(token).identity(), name);
    let unknown = secure.token(token).get("/tenants/users");
    assert_eq!(
        (unknown.status, unknown.text()),
        (403, format!("Unknown user with identity '{name}'. Contact the system administrator."))
    );
    let anna = secure.admin().user(&name);
    secure.admin().permit_too("read", "/tenants", &anna);
    assert_eq!(secure.token(token).get("/tenants/users").status, 200);
}

#[test]
fn every_way_in_takes_tickets_too_and_mappings_rewrite_names() {
    let Some(realm) = Realm::start() else { return };
    let secure = Secure::with(|setup| {
        realm
            .settings(setup, "HTTP/other")
            .env("HEADWORKS_REGISTRY_KERBEROS_EXPIRATION_SECONDS", "1")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_KERB_PATTERN", "(.*?)@(.*?)")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_KERB_VALUE", "$1")
            .env("HEADWORKS_REGISTRY_IDENTITY_MAPPING_KERB_TRANSFORM", "UPPER")
    });
    let answer = show(&secure, "/access/token", &realm.header(&secure, "other"));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let said = claims(&answer.text());
    assert_eq!((&said["sub"], &said["preferred_username"]), (&json!("ANNA"), &json!(format!("anna@{REALM}"))));
    assert_eq!(said["exp"].as_i64().expect("a time") - said["iat"].as_i64().expect("a time"), 60, "a minute at least");
    let refused = show(&secure, "/access/token", "Negotiate YWJj");
    assert_eq!((refused.status, refused.text().as_str(), refused.header("www-authenticate")), (401, MISSING, "Negotiate"));
    let missing = secure.anonymous().send(Method::POST, "/access/token", &[], None);
    assert_eq!((missing.status, missing.text().as_str(), missing.header("www-authenticate")), (401, MISSING, "Negotiate"));
    assert_eq!(secure.login(headworks_tests::server::USER, headworks_tests::server::PASSWORD).status, 201);
}

#[test]
fn a_ticket_counts_once() {
    let Some(realm) = Realm::start() else { return };
    let secure = realm.registry("HTTP/localhost");
    let header = realm.header(&secure, "localhost");
    assert_eq!(show(&secure, TICKETS, &header).status, 201);
    for path in [TICKETS, "/access/token"] {
        let again = show(&secure, path, &header);
        assert_eq!((again.status, again.header("www-authenticate")), (401, "Negotiate"), "{}", again.text());
    }
    assert!(show(&secure, TICKETS, &header).text().contains("shown before"));
    // The same ticket, shown anew by the one who has its key.
    assert_eq!(show(&secure, TICKETS, &realm.header(&secure, "localhost")).status, 201);
}

#[test]
fn what_proves_nobody_is_refused_with_a_challenge() {
    let Some(realm) = Realm::start() else { return };
    let secure = realm.registry("HTTP/localhost");
    let other = realm.header(&secure, "other");
    let good = realm.header(&secure, "localhost");
    let cut = &good[..good.len() - 40];
    // Within what is encrypted: not every byte before it matters.
    let (front, end) = good.split_at(good.len() - 60);
    let damaged = format!("{front}{}{}", if end.starts_with('A') { 'B' } else { 'A' }, &end[1..]);
    for (header, part) in [
        (other.as_str(), "not for this service"),
        (cut, "no request of SPNEGO"),
        (&damaged, "does not know its key"),
        ("Negotiate TlRMTVNTUAABAAAAAAAAAAAAAAA=", "NTLM"),
        ("Negotiate YWJj", "no request"),
        ("Negotiate !", "base64"),
        ("Negotiate", "missing"),
        ("Basic cm9vdDpyb290", "missing"),
    ] {
        let answer = show(&secure, TICKETS, header);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Negotiate"), "{part}: {}", answer.text());
        assert!(answer.text().contains(part), "{part}: {}", answer.text());
    }
    let missing = secure.anonymous().send(Method::POST, TICKETS, &[], None);
    assert_eq!((missing.status, missing.header("www-authenticate")), (401, "Negotiate"));
    // Tickets prove somebody where tokens are given out, and nowhere else.
    let elsewhere = Nifi(secure.client().with_authorization(&good)).get("/access").json();
    assert_eq!(elsewhere["anonymous"], true);
    assert_eq!(show(&secure, TICKETS, &good).status, 201, "what was refused has not been used up");
}

#[test]
fn tickets_of_the_past_are_refused() {
    for (behind, part) in [("2d", "expired"), ("11m", "five minutes apart")] {
        let Some(realm) = Realm::of_the_past(behind) else { return };
        let secure = realm.registry("HTTP/localhost");
        let answer = show(&secure, TICKETS, &realm.header(&secure, "localhost"));
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Negotiate"), "{}", answer.text());
        assert!(answer.text().contains(part), "{part}: {}", answer.text());
    }
}

#[test]
fn the_registry_proves_itself_to_callers_that_ask() {
    let Some(realm) = Realm::start() else { return };
    let python = Command::new("/usr/bin/python3").args(["-c", "import gssapi"]).stderr(Stdio::null()).status();
    if !found("python3-gssapi", python.is_ok_and(|status| status.success())) {
        return;
    }
    let secure = realm.registry("HTTP/localhost");
    let port = secure.server.address().rsplit(':').next().expect("a port").to_owned();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("registry/kerberos/login.py");
    for mechanism in ["spnego", "krb5"] {
        let output = realm.command("/usr/bin/python3").arg(&script).args([port.as_str(), mechanism]).output().expect("python");
        assert!(output.status.success(), "{mechanism}: {}", String::from_utf8_lossy(&output.stderr));
        let token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert_eq!(secure.token(&token).identity(), format!("anna@{REALM}"), "{mechanism}");
    }
}

#[test]
fn keytabs_that_cannot_be_used_stop_the_start_and_are_named() {
    let authority = Authority::new();
    std::fs::write(authority.path("empty"), "").expect("a file");
    std::fs::write(authority.path("keys"), [5, 2]).expect("a file");
    for (file, part) in [
        ("missing", "registry.kerberos.keytab"),
        ("empty", "registry.kerberos.keytab"),
        ("keys", "registry.kerberos.service_principal"),
    ] {
        let setup = authority
            .setup()
            .env("HEADWORKS_REGISTRY_KERBEROS_SERVICE_PRINCIPAL", "HTTP/localhost")
            .env("HEADWORKS_REGISTRY_KERBEROS_KEYTAB", &authority.path(file));
        let refusal = setup.try_start_on(&Folder::new()).expect_err("no start");
        assert!(refusal.output.contains(part) && !refusal.output.contains(TOKEN), "{part}: {}", refusal.output);
    }
}
