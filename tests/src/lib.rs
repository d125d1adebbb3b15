//! What every test needs to use a Headworks server from outside: start the real program on a data folder of its own, talk to
//! it over HTTP, read its event streams, build pipeline graphs, and count what is in the sample logs.
//!
//! Nothing here knows how the server works inside.

pub mod archives;
pub mod authority;
pub mod backup;
pub mod client;
pub mod events;
pub mod flow;
pub mod logs;
pub mod migration;
pub mod openapi;
pub mod original;
pub mod people;
pub mod plugins;
pub mod server;

pub use authority::Authority;
pub use client::{Answer, Client};
pub use flow::Flow;
pub use server::{Server, Setup};

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A name that no other test of this process uses.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{prefix}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Whether a program that a test needs is there. Where it is missing the test fails in CI and is left out elsewhere.
///
/// # Panics
/// In CI, when it is missing.
pub fn found(what: &str, there: bool) -> bool {
    assert!(there || std::env::var_os("CI").is_none(), "{what} is missing: `sh tools/setup.sh tests` installs it");
    if !there {
        eprintln!("{what} is missing: this test was left out");
    }
    there
}

/// Asks until the answer is `Some`. For what the server does in its own time; the limit is generous because it only guards
/// against waiting for ever.
///
/// # Panics
/// When a minute passes without an answer.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(50));
    }
}
