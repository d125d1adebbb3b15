//! The original registry, started as it was released on a folder of its own: what ours is compared with.
//!
//! Its jars are in the folder `nifi-registry` of the build folder, or `HEADWORKS_ORIGINAL`, where `tools/setup.sh peers` puts
//! them.

use crate::client::Client;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A running one. It is killed when this is dropped.
#[derive(Debug)]
pub struct Original {
    child: Child,
    address: String,
    _folder: TempDir,
}

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(180);
/// What a Java newer than the release closes to it.
const OPENED: &[&str] = &["java.base/java.lang", "java.base/java.util", "java.naming/com.sun.jndi.ldap"];

impl Original {
    /// Where its jars are; `None` where they are not installed.
    pub fn jars() -> Option<PathBuf> {
        let beside = || {
            Some(std::env::current_exe().ok()?.ancestors().find(|folder| folder.ends_with("release"))?.join("../nifi-registry"))
        };
        let folder = std::env::var_os("HEADWORKS_ORIGINAL").map(PathBuf::from).or_else(beside)?;
        folder.is_dir().then_some(folder)
    }

    /// Starts it and waits for its first answer.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start(jars: &Path) -> Self {
        Self::start_with(jars, ("FileSystemFlowPersistenceProvider", Path::new("./flows")))
    }

    /// The same with its flows in a Git repository that is there.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_on_git(jars: &Path, repository: &Path) -> Self {
        Self::start_with(jars, ("git.GitFlowPersistenceProvider", repository))
    }

    /// With this class keeping flows in this folder.
    fn start_with(jars: &Path, flows: (&str, &Path)) -> Self {
        let folder = TempDir::with_prefix("original-").expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        configure(folder.path(), jars, port, flows);
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let mut java = Command::new("java");
        for module in OPENED {
            java.args(["--add-opens", &format!("{module}=ALL-UNNAMED"), "--add-exports", &format!("{module}=ALL-UNNAMED")]);
        }
        java.args(["-Xmx512m", "-Dnifi.registry.properties.file.path=conf/nifi-registry.properties", "-cp"]);
        java.arg(format!("conf:{}/*", jars.display())).arg("org.apache.nifi.registry.NiFiRegistry");
        let child = java.current_dir(folder.path()).stdout(log).stderr(Stdio::null()).spawn().expect("java starts");
        let original = Self { child, address: format!("127.0.0.1:{port}"), _folder: folder };
        let (client, begin) = (original.client(), Instant::now());
        while !client.try_send(http::Method::GET, "/nifi-registry-api/access", &[], None).is_ok_and(|answer| answer.status == 200)
        {
            assert!(begin.elapsed() < PATIENCE, "the original registry does not answer");
            std::thread::sleep(Duration::from_millis(500));
        }
        original
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address)).anonymous()
    }
}

impl Drop for Original {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes the settings of an open server that keeps everything in this folder.
fn configure(folder: &Path, jars: &Path, port: u16, (class, flows): (&str, &Path)) {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>";
    let properties = format!(
        "nifi.registry.web.war.directory={jars}\nnifi.registry.web.http.host=127.0.0.1\nnifi.registry.web.http.port={port}\n\
         nifi.registry.web.https.port=\nnifi.registry.web.jetty.working.directory=./work/jetty\n\
         nifi.registry.web.jetty.threads=200\nnifi.registry.security.authorizers.configuration.file=./conf/authorizers.xml\n\
         nifi.registry.security.authorizer=managed-authorizer\n\
         nifi.registry.security.identity.providers.configuration.file=./conf/identity-providers.xml\n\
         nifi.registry.security.identity.provider=\nnifi.registry.providers.configuration.file=./conf/providers.xml\n\
         nifi.registry.registry.alias.configuration.file=./conf/registry-aliases.xml\n\
         nifi.registry.extensions.working.directory=./work/extensions\n\
         nifi.registry.db.url=jdbc:h2:./database/primary;AUTOCOMMIT=OFF;DB_CLOSE_ON_EXIT=FALSE;LOCK_MODE=3;LOCK_TIMEOUT=25000;\
         WRITE_DELAY=0;AUTO_SERVER=FALSE\nnifi.registry.db.driver.class=org.h2.Driver\nnifi.registry.db.username=nifireg\n\
         nifi.registry.db.password=nifireg\nnifi.registry.db.maxConnections=5\nnifi.registry.revisions.enabled=false\n",
        jars = jars.display(),
    );
    let providers = format!(
        "{head}<providers><flowPersistenceProvider>\
         <class>org.apache.nifi.registry.provider.flow.{class}</class>\
         <property name=\"Flow Storage Directory\">{flows}</property></flowPersistenceProvider>\
         <extensionBundlePersistenceProvider>\
         <class>org.apache.nifi.registry.provider.extension.FileSystemBundlePersistenceProvider</class>\
         <property name=\"Extension Bundle Storage Directory\">./bundles</property></extensionBundlePersistenceProvider></providers>",
        flows = flows.display(),
    );
    let logging = "<configuration><appender name=\"C\" class=\"ch.qos.logback.core.ConsoleAppender\"><encoder>\
                   <pattern>%level %logger %msg%n%ex</pattern></encoder></appender><root level=\"WARN\">\
                   <appender-ref ref=\"C\"/></root></configuration>";
    for part in ["conf", "work", "docs", "database", "flows", "bundles"] {
        std::fs::create_dir(folder.join(part)).expect("a folder");
    }
    let files = [
        ("nifi-registry.properties", properties),
        ("providers.xml", providers),
        ("registry-aliases.xml", format!("{head}<aliases></aliases>")),
        ("identity-providers.xml", format!("{head}<identityProviders></identityProviders>")),
        ("authorizers.xml", format!("{head}<authorizers></authorizers>")),
        ("bootstrap.conf", String::new()),
        ("logback.xml", logging.to_owned()),
    ];
    for (name, text) in files {
        std::fs::write(folder.join("conf").join(name), text).expect("a file of settings");
    }
}
