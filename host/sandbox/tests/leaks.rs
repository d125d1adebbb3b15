//! What is left of instances and calls: nothing. One test at a time, because they look at the whole process.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::ErrorCode;
use headworks_sandbox::{Limits, Plugin};
use std::time::Duration;
use support::{batch, plugin};
use tokio::sync::Mutex;

static ALONE: Mutex<()> = Mutex::const_new(());

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

/// What this process holds.
#[derive(Debug)]
struct Held {
    /// Bytes of memory.
    memory: usize,
    /// Bytes of address space: what a leaked instance would keep without touching it.
    addresses: usize,
    files: usize,
}

fn held() -> Held {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: Vec<usize> = statm.split(' ').take(2).map(|pages| pages.parse().unwrap()).collect();
    let page = 4096;
    Held { memory: pages[1] * page, addresses: pages[0] * page, files: std::fs::read_dir("/proc/self/fd").unwrap().count() }
}

/// Runs a little of something to warm up, then a lot, and compares.
async fn leaves_nothing(many: usize, mut something: impl AsyncFnMut()) {
    for _ in 0..many / 10 {
        something().await;
    }
    let before = held();
    for _ in 0..many {
        something().await;
    }
    // Threads of the runtime may still hold the last call.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let after = held();
    assert!(after.files <= before.files, "{before:?} {after:?}");
    assert!(after.memory < before.memory + (16 << 20), "{before:?} {after:?}");
    assert!(after.addresses < before.addresses + (1 << 30), "{before:?} {after:?}");
}

async fn hostile() -> Plugin {
    let limits = Limits { call_cpu: Duration::from_millis(200), call_wait: Duration::from_secs(10), ..Limits::default() };
    plugin("test-hostile", limits).await
}

#[tokio::test]
async fn ten_thousand_instances() {
    let _alone = ALONE.lock().await;
    let plugin = hostile().await;
    leaves_nothing(10_000, async || {
        plugin.open_transformer("trap").await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cancelled_calls() {
    let _alone = ALONE.lock().await;
    let transformer = hostile().await.open_transformer("loop").await.unwrap();
    leaves_nothing(1000, async || {
        let call = transformer.transform(batch(&[&[("x", "1")]]));
        assert!(tokio::time::timeout(Duration::from_millis(1), call).await.is_err());
    })
    .await;
    assert!(transformer.transform(batch(&[&[("calm", "yes")]])).await.is_ok());
}

#[tokio::test]
async fn a_thousand_traps() {
    let _alone = ALONE.lock().await;
    let transformer = hostile().await.open_transformer("trap").await.unwrap();
    leaves_nothing(1000, async || {
        let failure = transformer.transform(batch(&[&[("x", "1")]])).await.unwrap_err();
        assert_eq!(failure.error.code, ErrorCode::PluginTrap);
        // Without a success between them it would be suspended.
        assert!(transformer.transform(batch(&[&[("calm", "yes")]])).await.is_ok());
    })
    .await;
}
