//! The real server program on a data folder of its own.
//!
//! The program is `HEADWORKS_BIN`, or `headworks` in the folder above that of the running test. Every server takes free ports
//! and reads nothing from the environment of the test but the folder of the components. The compiled components are made
//! once per build of the program and copied into each new data folder, so that a start takes milliseconds.

use crate::client::Client;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The name of the first user.
pub const USER: &str = "root";
/// The password of the first user.
pub const PASSWORD: &str = "correct horse battery staple";
/// A personal access token of the first user.
pub const TOKEN: &str = "pat_0123456789abcdefghijABCDEFGHIJ01";

/// How long a start or a stop may take before the test gives up. Only a guard: no test measures time with it.
const PATIENCE: Duration = Duration::from_secs(120);

/// The folder that holds the program; tests are in its folder `deps`, the benchmarks beside it.
fn build_folder() -> PathBuf {
    let running = std::env::current_exe().expect("the path of this program");
    let folder = running.parent().expect("the folder of this program");
    if folder.ends_with("deps") { folder.parent().expect("the folder above").to_owned() } else { folder.to_owned() }
}

/// The program under test.
pub fn program() -> PathBuf {
    let path = std::env::var_os("HEADWORKS_BIN").map_or_else(|| build_folder().join("headworks"), PathBuf::from);
    assert!(path.is_file(), "{} is missing: run `cargo build --release` first, or set HEADWORKS_BIN", path.display());
    path
}

/// The folder of the built components.
pub fn components() -> PathBuf {
    let path = std::env::var_os("HEADWORKS_COMPONENTS").map_or_else(|| build_folder().join("../components"), PathBuf::from);
    let path = path.canonicalize().unwrap_or(path);
    assert!(path.join("vrl.wasm").is_file(), "{} has no vrl.wasm: run `make components` first", path.display());
    path
}

/// How to start a server.
#[derive(Clone, Debug, Default)]
pub struct Setup {
    environment: Vec<(String, Option<String>)>,
    arguments: Vec<String>,
    cold: bool,
}

/// A folder that holds the data of one server and what the server printed.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    /// Removes the folder in the end, unless it is somebody else's.
    _own: Option<TempDir>,
}

/// A server that did not start.
#[derive(Debug)]
pub struct Refusal {
    /// How it ended.
    pub status: ExitStatus,
    /// Everything it printed.
    pub output: String,
}

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Option<Child>,
    folder: Arc<Folder>,
    setup: Setup,
    address: String,
    management: String,
}

impl Folder {
    /// A new folder that is removed in the end.
    pub fn new() -> Arc<Self> {
        let own = TempDir::with_prefix("headworks-").expect("a folder for the test");
        Arc::new(Self { root: own.path().to_owned(), _own: Some(own) })
    }

    /// A folder that exists and stays.
    pub fn at(root: &Path) -> Arc<Self> {
        Arc::new(Self { root: root.to_owned(), _own: None })
    }

    /// Where the server keeps its data.
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Everything that the servers on this folder printed.
    pub fn output(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.root.join("output")).unwrap_or_default()).into_owned()
    }
}

impl Setup {
    /// The usual server: bootstrap user, password and token set, free ports.
    pub fn new() -> Self {
        Self::default()
    }

    /// With an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), Some(value.to_owned())));
        self
    }

    /// Without an environment variable that is usually set.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.environment.push((name.to_owned(), None));
        self
    }

    /// With a further argument of `serve`.
    #[must_use]
    pub fn arg(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Without the copied cache of compiled components.
    #[must_use]
    pub fn cold(mut self) -> Self {
        self.cold = true;
        self
    }

    /// Starts on a new folder.
    pub fn start(&self) -> Server {
        self.start_on(&Folder::new())
    }

    /// Starts on a folder.
    ///
    /// # Panics
    /// When the server ends before it is ready.
    pub fn start_on(&self, folder: &Arc<Folder>) -> Server {
        self.try_start_on(folder)
            .unwrap_or_else(|refusal| panic!("the server did not start ({}):\n{}", refusal.status, refusal.output))
    }

    /// Starts on a folder, or tells why the server ended before it was ready.
    ///
    /// # Errors
    /// The exit status and the output of a server that ended.
    pub fn try_start_on(&self, folder: &Arc<Folder>) -> Result<Server, Refusal> {
        let data = folder.data();
        fs::create_dir_all(&data).expect("the data folder");
        if !self.cold && !data.join("cache").exists() {
            copy_folder(warm_cache(), &data.join("cache"));
        }
        let addresses = data.join("addresses.json");
        let _ = fs::remove_file(&addresses);
        let printed_before = folder.output().len();
        let output = fs::File::options().create(true).append(true).open(folder.root.join("output")).expect("the output file");
        let mut child = self
            .command(&data)
            .stdin(Stdio::null())
            .stdout(output.try_clone().expect("the output file"))
            .stderr(output)
            .spawn()
            .expect("the server program starts");
        let begin = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("the state of the server") {
                let output = folder.output();
                return Err(Refusal { status, output: output.get(printed_before..).unwrap_or(&output).to_owned() });
            }
            if let Some((address, management)) = ready_at(&addresses) {
                return Ok(Server { child: Some(child), folder: Arc::clone(folder), setup: self.clone(), address, management });
            }
            if begin.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                panic!("the server was not ready after {PATIENCE:?}:\n{}", folder.output());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The command that starts the server on a data folder.
    pub fn command(&self, data: &Path) -> Command {
        let mut command = clean_command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--management", "127.0.0.1:0"]).arg("--data").arg(data);
        command.args(&self.arguments);
        command.env("HEADWORKS_SYSLOG", "127.0.0.1:0");
        command.env("HEADWORKS_BOOTSTRAP_PASSWORD", PASSWORD).env("HEADWORKS_BOOTSTRAP_TOKEN", TOKEN);
        for (name, value) in &self.environment {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }
}

/// The program with none of its settings taken from the environment of the test.
pub fn clean_command() -> Command {
    let mut command = Command::new(program());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("HEADWORKS_") || name.to_string_lossy().starts_with("FLOWG_") {
            command.env_remove(name);
        }
    }
    command.env("HEADWORKS_COMPONENTS", components());
    command
}

/// The program, with none of its settings taken from the environment of the test.
pub fn command() -> Command {
    let mut command = clean_command();
    command.stdin(Stdio::null());
    command
}

/// Runs the program with these arguments to its end.
pub fn run(arguments: &[&str]) -> Output {
    command().args(arguments).output().expect("the program runs")
}

/// The addresses of a server that says it is ready.
fn ready_at(addresses: &Path) -> Option<(String, String)> {
    let addresses: Value = serde_json::from_slice(&fs::read(addresses).ok()?).ok()?;
    let address = addresses["listen"][0].as_str()?.to_owned();
    let management = addresses["management"].as_str()?.to_owned();
    let ready = Client::new(&format!("http://{management}")).try_send(http::Method::GET, "/ready", &[], None).ok()?;
    (ready.status == 200).then_some((address, management))
}

/// A cache folder with the compiled components of this build, made by the first test that needs it.
fn warm_cache() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| {
        let kept = build_folder().join("../tmp");
        fs::create_dir_all(&kept).expect("the folder for temporary files of the build");
        let name = format!("headworks-cache-{}", fingerprint());
        let cache = kept.join(&name);
        if !cache.is_dir() {
            for entry in fs::read_dir(&kept).into_iter().flatten().flatten() {
                if entry.file_name().to_string_lossy().starts_with("headworks-cache-") {
                    let _ = fs::remove_dir_all(entry.path());
                }
            }
            let mut server = Setup::new().cold().start();
            assert!(server.stop().success(), "{}", server.output());
            let unfinished = TempDir::with_prefix_in("unfinished-", &kept).expect("a folder for the cache");
            copy_folder(&server.data().join("cache"), &unfinished.path().join("cache"));
            // Another test program may have been quicker.
            let _ = fs::rename(unfinished.path().join("cache"), &cache);
        }
        assert!(cache.is_dir(), "{}", cache.display());
        cache
    })
}

/// Tells builds of the program and of its components apart.
fn fingerprint() -> String {
    let state = |path: PathBuf| {
        let file = fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let changed = file.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).unwrap_or_default();
        format!("{:x}-{:x}", file.len(), changed.as_nanos())
    };
    format!("{}-{}", state(program()), state(components().join("vrl.wasm")))
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("the copy of a folder");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("an entry of the folder");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("the type of an entry").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("the copy of a file");
        }
    }
}

impl Server {
    /// A server on a new folder.
    pub fn start() -> Self {
        Setup::new().start()
    }

    /// A server that this test shares with others of the same program that run at the same time. Use only names of
    /// [`unique`](crate::unique), and nothing that others would feel.
    pub fn shared() -> Arc<Self> {
        static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let server = Arc::new(Self::start());
            *shared = Arc::downgrade(&server);
            server
        })
    }

    /// A client with the token of the first user.
    pub fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address)).with_token(TOKEN)
    }

    /// A client of the management listener.
    pub fn management(&self) -> Client {
        Client::new(&format!("http://{}", self.management))
    }

    /// The address of the service listener, such as `127.0.0.1:40001`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The address of the management listener.
    pub fn management_address(&self) -> &str {
        &self.management
    }

    /// The addresses of the syslog server: of UDP and of TCP, each empty where it is off.
    pub fn syslog(&self) -> [String; 2] {
        let addresses: Value =
            serde_json::from_slice(&fs::read(self.data().join("addresses.json")).expect("addresses.json")).expect("JSON");
        ["udp", "tcp"].map(|transport| addresses["syslog"][transport].as_str().unwrap_or_default().to_owned())
    }

    /// The value of a metric, written as in the metrics page: `name` or `name{label="value"}`. 0 where it is not there.
    pub fn metric(&self, name: &str) -> u64 {
        let page = self.management().get("/metrics").text();
        let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.trim().parse::<f64>().expect("a number") as u64)
    }

    /// The folder it runs on.
    pub fn folder(&self) -> &Arc<Folder> {
        &self.folder
    }

    /// Where it keeps its data.
    pub fn data(&self) -> PathBuf {
        self.folder.data()
    }

    /// Everything that the servers on this folder printed.
    pub fn output(&self) -> String {
        self.folder.output()
    }

    /// The bytes of memory that it occupies.
    pub fn memory(&self) -> usize {
        let path = format!("/proc/{}/statm", self.pid().expect("a running server"));
        let pages = std::fs::read_to_string(path).expect("the memory of the server");
        pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number of pages") * 4096
    }

    /// Its process id; none once it ended.
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether the process still runs.
    pub fn is_alive(&mut self) -> bool {
        self.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Ends it as a power cut would: SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("SIGKILL");
            let status = child.wait().expect("the end of the server");
            assert_eq!(status.signal(), Some(9), "the server ended by itself before it was killed:\n{}", self.output());
        }
    }

    /// Asks it to stop with SIGTERM and answers how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        self.signal_stop();
        self.wait()
    }

    /// Asks it to stop with SIGTERM.
    pub fn signal_stop(&self) {
        let child = self.child.as_ref().expect("a running server");
        kill_process(Pid::from_child(child), Signal::TERM).expect("SIGTERM");
    }

    /// Waits until it ended.
    pub fn wait(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a running server");
        let begin = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("the state of the server") {
                return status;
            }
            if begin.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                panic!("the server did not end within {PATIENCE:?}:\n{}", self.output());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts again on the same folder, after [`kill`](Self::kill) or [`stop`](Self::stop).
    pub fn restart(&mut self) {
        assert!(self.child.is_none(), "the server still runs");
        *self = self.setup.start_on(&Arc::clone(&self.folder));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- output of the server ---\n{}", self.output());
        }
    }
}
