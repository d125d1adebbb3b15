//! A real directory: Debian's OpenLDAP on free ports, in a folder of the test's own.

use headworks_tests::{Authority, Setup, eventually, found};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub(crate) const SUFFIX: &str = "dc=headworks,dc=test";
pub(crate) const READER: &str = "cn=reader,dc=headworks,dc=test";
pub(crate) const READERS_PASSWORD: &str = "may-look-up-names";

/// The people that every directory knows: password `secret-` and the name.
const PEOPLE: &[(&str, &str)] = &[("anna", "Anna"), ("bert", "Double"), ("carl", "Double"), ("o*(k)", "Odd")];

/// What a directory asks of those who come.
#[derive(Clone, Copy, Default)]
pub(crate) struct Demands {
    /// Whether only the reader may look up names.
    pub(crate) reader: bool,
    /// Whether nothing is answered without TLS.
    pub(crate) tls: bool,
    /// Whether TLS has to come with a certificate.
    pub(crate) certificate: bool,
}

/// A directory that runs until it is dropped. It takes binds without a password, as some do.
pub(crate) struct Slapd {
    child: Child,
    authority: Authority,
    _folder: TempDir,
    plain: u16,
    tls: u16,
}

impl Slapd {
    /// Starts it; `None` where it is not installed.
    pub(crate) fn start(demands: Demands) -> Option<Self> {
        Self::with(demands, "")
    }

    /// With further entries.
    pub(crate) fn with(demands: Demands, entries: &str) -> Option<Self> {
        let programs = ["/usr/sbin/slapd", "/usr/sbin/slapadd"];
        if !found("the directory slapd", programs.iter().all(|program| Path::new(program).is_file())) {
            return None;
        }
        let authority = Authority::new();
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name).display().to_string();
        std::fs::create_dir(at("database")).expect("a folder");
        std::fs::write(at("entries"), entries_of_everybody() + entries).expect("a file");
        std::fs::write(at("slapd.conf"), configuration(demands, &authority, &at("database"))).expect("a file");
        let added = Command::new("/usr/sbin/slapadd").args(["-q", "-f", &at("slapd.conf"), "-l", &at("entries")]).output();
        let added = added.expect("slapadd runs");
        assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
        let (plain, tls) = (free_port(), free_port());
        let addresses = format!("ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{tls}/");
        let mut command = Command::new("/usr/sbin/slapd");
        command.args(["-d", "0", "-f", &at("slapd.conf"), "-h", &addresses]).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("slapd starts");
        let slapd = Self { child, authority, _folder: folder, plain, tls };
        for port in [plain, tls] {
            eventually("the directory listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        }
        Some(slapd)
    }

    pub(crate) fn plain(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.plain)
    }

    pub(crate) fn tls(&self) -> String {
        format!("ldaps://localhost:{}", self.tls)
    }

    /// A file of the authority that made the directory's certificate.
    pub(crate) fn file(&self, name: &str) -> String {
        self.authority.path(name)
    }

    /// Settings of a registry that asks this directory at this address, without anybody who looks up names.
    pub(crate) fn settings(&self, setup: Setup, strategy: &str, url: &str) -> Setup {
        settings(setup, strategy, url).env("HEADWORKS_REGISTRY_LDAP_TLS_CA", &self.file("ca.pem"))
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Settings of a registry that asks a directory.
pub(crate) fn settings(setup: Setup, strategy: &str, url: &str) -> Setup {
    setup
        .env("HEADWORKS_REGISTRY_LDAP_URLS", url)
        .env("HEADWORKS_REGISTRY_LDAP_STRATEGY", strategy)
        .env("HEADWORKS_REGISTRY_LDAP_SEARCH_BASE", &format!("ou=people,{SUFFIX}"))
        .env("HEADWORKS_REGISTRY_LDAP_SEARCH_FILTER", "(uid={0})")
}

/// Settings with the one who may look up names.
pub(crate) fn as_reader(setup: Setup) -> Setup {
    setup.env("HEADWORKS_REGISTRY_LDAP_MANAGER_DN", READER).env("HEADWORKS_REGISTRY_LDAP_MANAGER_PASSWORD", READERS_PASSWORD)
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

/// The entry of a person.
pub(crate) fn person(uid: &str, cn: &str) -> String {
    format!(
        "dn: uid={uid},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {cn}\nsn: {cn}\n\
         userPassword: secret-{uid}\n\n"
    )
}

fn entries_of_everybody() -> String {
    let people: String = PEOPLE.iter().map(|(uid, cn)| person(uid, cn)).collect();
    format!(
        "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: headworks\no: Headworks\n\n\
         dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n\
         userPassword: {READERS_PASSWORD}\n\n\
         dn: ou=people,{SUFFIX}\nobjectClass: organizationalUnit\nou: people\n\n{people}"
    )
}

fn configuration(demands: Demands, authority: &Authority, database: &str) -> String {
    let schemas: String =
        ["core", "cosine", "inetorgperson"].iter().map(|schema| format!("include /etc/ldap/schema/{schema}.schema\n")).collect();
    let file = |name: &str| authority.path(name);
    let Demands { reader, tls, certificate } = demands;
    format!(
        "{schemas}modulepath /usr/lib/ldap\nmoduleload back_mdb\nallow bind_anon_cred bind_anon_dn\n\
         TLSCACertificateFile {}\nTLSCertificateFile {}\nTLSCertificateKeyFile {}\nTLSVerifyClient {}\n{}\
         database mdb\nsuffix {SUFFIX}\nrootdn cn=root,{SUFFIX}\ndirectory {database}\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to * by dn.exact={READER} read by * {}\n",
        file("ca.pem"),
        file("server.pem"),
        file("server.key"),
        if certificate { "demand" } else { "never" },
        if tls { "security ssf=128\n" } else { "" },
        if reader { "none" } else { "read" },
    )
}
