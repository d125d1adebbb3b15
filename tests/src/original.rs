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

/// Where it keeps the contents of flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provider {
    /// In the folder `flows`.
    Files,
    /// In its database.
    Database,
    /// In a Git repository in the folder `flows`.
    Git,
}

/// The zone that it counts its time in.
pub const ZONE: &str = "Europe/Berlin";
/// Address, user and password of its database, as it says them.
const DATABASE: &str = "jdbc:h2:./database/primary";
const USER: &str = "nifireg";

/// A running one. It is killed when this is dropped.
#[derive(Debug)]
pub struct Original {
    child: Child,
    address: String,
    folder: TempDir,
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
        Self::start_with(jars, Provider::Files)
    }

    /// The same with contents of flows elsewhere.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(jars: &Path, provider: Provider) -> Self {
        Self::launch(jars, provider, Path::new("./flows"))
    }

    /// The same with its flows in a Git repository that is there.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_on_git(jars: &Path, repository: &Path) -> Self {
        Self::launch(jars, Provider::Git, repository)
    }

    fn launch(jars: &Path, provider: Provider, flows: &Path) -> Self {
        let folder = TempDir::with_prefix("original-").expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        configure(folder.path(), jars, port, (provider, flows));
        let log = std::fs::File::create(folder.path().join("log")).expect("a file");
        let mut java = Command::new("java");
        for module in OPENED {
            java.args(["--add-opens", &format!("{module}=ALL-UNNAMED"), "--add-exports", &format!("{module}=ALL-UNNAMED")]);
        }
        java.arg(format!("-Duser.timezone={ZONE}"));
        java.args(["-Xmx512m", "-Dnifi.registry.properties.file.path=conf/nifi-registry.properties", "-cp"]);
        java.arg(format!("conf:{}/*", jars.display())).arg("org.apache.nifi.registry.NiFiRegistry");
        let child = java.current_dir(folder.path()).stdout(log).stderr(Stdio::null()).spawn().expect("java starts");
        let original = Self { child, address: format!("127.0.0.1:{port}"), folder };
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

    /// Where it keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it in order and writes an SQL dump of its database, as its documentation says.
    ///
    /// # Panics
    /// When that fails.
    pub fn dump(&mut self, to: &Path) {
        // It takes its own jars away when it ends.
        let h2 = self.folder.path().join("h2.jar");
        std::fs::copy(found(&self.folder.path().join("work"), "h2-").expect("the jar of its database"), &h2).expect("a copy");
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is told to end");
        self.child.wait().expect("it ends");
        let mut script = Command::new("java");
        script.arg("-cp").arg(h2).args(["org.h2.tools.Script", "-url", DATABASE, "-user", USER, "-password", USER, "-script"]);
        let done = script.arg(to).current_dir(self.folder.path()).output().expect("java runs");
        assert!(done.status.success() && to.exists(), "{}", String::from_utf8_lossy(&done.stderr));
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

/// The first jar below a folder whose name begins so.
fn found(folder: &Path, beginning: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() {
            found(&path, beginning)
        } else {
            (name.starts_with(beginning) && name.ends_with(".jar")).then_some(path)
        }
    })
}

/// Writes the settings of an open server that keeps everything in this folder.
fn configure(folder: &Path, jars: &Path, port: u16, (provider, flows): (Provider, &Path)) {
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
         nifi.registry.db.url={DATABASE};AUTOCOMMIT=OFF;DB_CLOSE_ON_EXIT=FALSE;LOCK_MODE=3;LOCK_TIMEOUT=25000;\
         WRITE_DELAY=0;AUTO_SERVER=FALSE\nnifi.registry.db.driver.class=org.h2.Driver\nnifi.registry.db.username={USER}\n\
         nifi.registry.db.password={USER}\nnifi.registry.db.maxConnections=5\nnifi.registry.revisions.enabled=false\n",
        jars = jars.display(),
    );
    let storage = format!("<property name=\"Flow Storage Directory\">{}</property>", flows.display());
    let (class, storage) = match provider {
        Provider::Files => ("FileSystemFlowPersistenceProvider", storage),
        Provider::Database => ("DatabaseFlowPersistenceProvider", String::new()),
        Provider::Git => ("git.GitFlowPersistenceProvider", storage),
    };
    let providers = format!(
        "{head}<providers><flowPersistenceProvider>\
         <class>org.apache.nifi.registry.provider.flow.{class}</class>{storage}</flowPersistenceProvider>\
         <extensionBundlePersistenceProvider>\
         <class>org.apache.nifi.registry.provider.extension.FileSystemBundlePersistenceProvider</class>\
         <property name=\"Extension Bundle Storage Directory\">./bundles</property></extensionBundlePersistenceProvider></providers>",
    );
    let logging = "<configuration><appender name=\"C\" class=\"ch.qos.logback.core.ConsoleAppender\"><encoder>\
                   <pattern>%level %logger %msg%n%ex</pattern></encoder></appender><root level=\"WARN\">\
                   <appender-ref ref=\"C\"/></root></configuration>";
    for part in ["conf", "work", "docs", "database", "flows", "bundles"] {
        std::fs::create_dir(folder.join(part)).expect("a folder");
    }
    if provider == Provider::Git {
        let made = Command::new("git").args(["init", "-q"]).arg(folder.join(flows)).status().expect("git runs");
        assert!(made.success(), "git makes a repository");
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
