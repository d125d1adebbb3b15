//! A server with a hostile component in it, and what is looked at after each case.

use headworks_tests::server::{components, run};
use headworks_tests::{Client, Flow, Server, Setup, unique};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;

/// A server whose scripts are configurations of one hostile component, and whose forwarders of type `http` are another.
pub struct Hostile {
    server: Server,
    client: Client,
    /// A pipeline and its stream with which nothing is wrong; it runs the same component.
    tame: [String; 2],
    held: Held,
    _components: TempDir,
}

/// What the process of the server holds.
#[derive(Clone, Copy, Debug)]
struct Held {
    memory: usize,
    files: usize,
}

/// A pipeline that leads into a case.
#[derive(Debug)]
pub struct Led {
    pub pipeline: String,
    /// Where what it makes is stored.
    pub stream: String,
}

/// More bytes of memory than this are no noise of the allocator.
const MEMORY: usize = 128 << 20;
/// More open files than this are no connections of the test's client and no files of the database.
const FILES: usize = 12;

fn take(folder: &Path, name: &str, component: &str) {
    let from = components().join(format!("{component}.wasm"));
    std::fs::copy(&from, folder.join(format!("{name}.wasm"))).unwrap_or_else(|error| panic!("{component}: {error}"));
}

impl Hostile {
    /// Starts it with so much processor time for each call, in milliseconds.
    pub fn start(call_cpu: u32) -> Self {
        let folder = TempDir::new().expect("a folder");
        take(folder.path(), "vrl", "test-hostile");
        take(folder.path(), "forwarder-http", "test-reports");
        let server = Setup::new()
            .env("HEADWORKS_COMPONENTS", folder.path().to_str().expect("text"))
            .env("HEADWORKS_SANDBOX_CALL_CPU_MS", &call_cpu.to_string())
            .env("HEADWORKS_SANDBOX_CALL_WAIT_MS", "20000")
            .env("HEADWORKS_SANDBOX_NETWORK_WAIT_MS", "1000")
            .start();
        let client = server.client();
        let Led { pipeline, stream } = through(&client, "calm");
        let mut hostile =
            Self { client, tame: [pipeline, stream], held: Held { memory: 0, files: 0 }, server, _components: folder };
        // What is made once: the component, the first instance, buffers of the database.
        hostile.tame_goes_on();
        let warm = hostile.forward("nothing");
        hostile.client.ingest(&warm.pipeline, &json!([{}])).ok();
        hostile.held = hostile.held_now();
        hostile
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A pipeline whose transformer has this configuration.
    pub fn transform(&self, config: &str) -> Led {
        through(&self.client, config)
    }

    /// A pipeline whose forwarder has a URL with this path.
    pub fn forward(&self, kind: &str) -> Led {
        let (pipeline, forwarder) = (unique("pipeline"), unique("forwarder"));
        let config = json!({ "type": "http", "url": format!("http://192.0.2.1/{kind}") });
        let body = json!({ "forwarder": { "version": 2, "config": config } });
        self.client.put(&format!("/api/v1/forwarders/{forwarder}"), &body).ok();
        self.client.save_pipeline(&pipeline, &Flow::to_forwarder(&forwarder));
        Led { pipeline, stream: String::new() }
    }

    /// Calls that the sandbox ended with this code.
    pub fn failures(&self, code: &str) -> u64 {
        self.server.metric(&format!("headworks_plugin_failures_total{{code=\"{code}\"}}"))
    }

    /// Does something while the other pipeline is in use, which must not notice.
    pub fn beside_others<T>(&self, case: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let other = threads.spawn(|| {
                let mut sent = 0;
                while !done.load(Ordering::Relaxed) || sent == 0 {
                    self.tame_goes_on();
                    sent += 1;
                }
            });
            let answer = case();
            done.store(true, Ordering::Relaxed);
            other.join().expect("the other pipeline goes on");
            answer
        })
    }

    fn tame_goes_on(&self) {
        let [pipeline, _] = &self.tame;
        assert_eq!(self.client.ingest(pipeline, &json!([{ "calm": "yes" }])).processed(), 1);
    }

    /// Checks that the server lives and holds no more than before all cases.
    pub fn nothing_is_left(&mut self, case: &str) {
        assert!(self.server.is_alive(), "{case}: the server ended");
        let before = self.held;
        let mut now = self.held_now();
        for _ in 0..100 {
            if now.memory < before.memory + MEMORY && now.files <= before.files + FILES {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
            now = self.held_now();
        }
        panic!("{case}: {before:?} became {now:?}");
    }

    fn held_now(&self) -> Held {
        let process = format!("/proc/{}", self.server.pid().expect("a running server"));
        let statm = std::fs::read_to_string(format!("{process}/statm")).expect("the memory of the server");
        let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("a number of pages");
        let files = std::fs::read_dir(format!("{process}/fd")).expect("the open files of the server").count();
        Held { memory: pages * 4096, files }
    }

    /// Ends the server and answers its dead letters and audit entries.
    pub fn stop(mut self) -> [Vec<Value>; 2] {
        assert!(self.server.stop().success(), "{}", self.server.output());
        ["dead-letters", "audit"].map(|what| {
            let data = self.server.data();
            let listed = run(&[what, "list", "--data", data.to_str().expect("a path"), "--output", "json"]);
            assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
            let all: Value = serde_json::from_slice(&listed.stdout).expect("JSON");
            all.as_array().expect("a list").clone()
        })
    }
}

fn through(client: &Client, config: &str) -> Led {
    let (pipeline, stream, transformer) = (unique("pipeline"), unique("stream"), unique("transformer"));
    client.save_transformer(&transformer, config);
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    Led { pipeline, stream }
}
