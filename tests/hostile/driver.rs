//! A server with hostile components in one tenant, another tenant that must not notice, and what is looked at after each case.

use headworks_tests::plugins::component;
use headworks_tests::server::{PASSWORD, USER, run};
use headworks_tests::{Client, Flow, Server, Setup, unique};
use http::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A server to which the components were uploaded.
pub struct Hostile {
    server: Server,
    client: Client,
    quiet: Quiet,
    held: Held,
}

/// A tenant that uses a component with which nothing is wrong: the same one.
struct Quiet {
    client: Client,
    pipeline: String,
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

/// What `test-reports` asks for.
const ASKED: &str = "http://asked.example:80";
/// More bytes of memory than this are no noise of the allocator.
const MEMORY: usize = 128 << 20;
/// More open files than this are no connections of the test's client and no files of the database.
const FILES: usize = 12;

impl Quiet {
    fn new(server: &Server) -> Self {
        let operator = server.client();
        let tenant = json!({ "name": "quiet", "administrator": { "name": USER, "password": PASSWORD } });
        assert_eq!(operator.post("/platform/v1/tenants", &tenant).status, 201);
        let login = json!({ "username": format!("{USER}@quiet"), "password": PASSWORD });
        let session = operator.anonymous().post("/api/v1/auth/login", &login).ok();
        let session = operator.with_token(session["token"].as_str().expect("a session"));
        let token = session.send(Method::POST, "/api/v1/token", &[], None).ok();
        let client = operator.with_token(token["token"].as_str().expect("a token"));
        client.push(&component("test-hostile"));
        let Led { pipeline, .. } = through(&client, "calm");
        Self { client, pipeline }
    }

    fn goes_on(&self) {
        assert_eq!(self.client.ingest(&self.pipeline, &json!([{ "calm": "yes" }])).processed(), 1);
    }
}

impl Hostile {
    /// Starts it with so much processor time for each call, in milliseconds.
    pub fn start(call_cpu: u32) -> Self {
        let server = Setup::new()
            .env("HEADWORKS_SANDBOX_CALL_CPU_MS", &call_cpu.to_string())
            .env("HEADWORKS_SANDBOX_CALL_WAIT_MS", "20000")
            .env("HEADWORKS_SANDBOX_NETWORK_WAIT_MS", "1000")
            .start();
        let client = server.client();
        client.push(&component("test-hostile"));
        let approved = client.upload(&component("test-reports"), &[("approve", ASKED), ("release", "true")]);
        assert_eq!(approved.status, 201, "{}", approved.text());
        let quiet = Quiet::new(&server);
        let mut hostile = Self { client, quiet, held: Held { memory: 0, files: 0 }, server };
        // What is made once: the first instances, buffers of the database.
        hostile.quiet.goes_on();
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
        let config = json!({ "url": format!("http://asked.example/{kind}") });
        self.client.save_forwarder(&forwarder, &json!({ "type": "plugin", "plugin": "test-reports", "config": config }));
        self.client.save_pipeline(&pipeline, &Flow::to_forwarder(&forwarder));
        Led { pipeline, stream: String::new() }
    }

    /// Calls that the sandbox ended with this code.
    pub fn failures(&self, code: &str) -> u64 {
        self.server.metric(&format!("headworks_plugin_failures_total{{code=\"{code}\"}}"))
    }

    /// Does something while the other tenant uses its pipeline, which must not notice.
    pub fn beside_others<T>(&self, case: impl FnOnce() -> T) -> T {
        /// Also when the case panics, so that nobody waits for ever.
        struct Done<'a>(&'a AtomicBool);
        impl Drop for Done<'_> {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        let done = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let other = threads.spawn(|| {
                loop {
                    self.quiet.goes_on();
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    // Within the quotas that every tenant has.
                    std::thread::sleep(Duration::from_millis(10));
                }
            });
            let answer = {
                let _done = Done(&done);
                case()
            };
            other.join().expect("the other tenant goes on");
            answer
        })
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
            std::thread::sleep(Duration::from_millis(100));
            now = self.held_now();
        }
        panic!("{case}: {before:?} became {now:?}");
    }

    fn held_now(&self) -> Held {
        let process = format!("/proc/{}", self.server.pid().expect("a running server"));
        let files = std::fs::read_dir(format!("{process}/fd")).expect("the open files of the server").count();
        Held { memory: self.server.memory(), files }
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
    client.save_transformer(&transformer, &format!("#!plugin test-hostile\n{config}"));
    client.save_pipeline(&pipeline, &Flow::through(&transformer, &stream));
    Led { pipeline, stream }
}
