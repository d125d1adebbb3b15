//! Components that misbehave: each ends with its own error code, and the next call of the same transformer works.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, clippy::panic, reason = "tests")]

mod support;

use headworks_core::{Batch, ErrorCode};
use headworks_sandbox::{CallFailure, Limits, Transformer};
use std::time::{Duration, Instant};
use support::{batch, plugin, texts};

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

/// As the defaults, but quick: a fifth of a second of CPU, however long that takes on a busy machine.
fn limits() -> Limits {
    Limits { call_cpu: Duration::from_millis(200), ..patient() }
}

/// As the defaults, but another limit than time is the first that is met, on a busy machine too.
fn patient() -> Limits {
    Limits { call_cpu: Duration::from_secs(20), call_wait: Duration::from_secs(10), ..Limits::default() }
}

fn wild() -> Batch {
    batch(&[&[("x", "1"), ("y", "2")]])
}

fn calm() -> Batch {
    batch(&[&[("calm", "yes")]])
}

async fn hostile(kind: &str, limits: Limits) -> Transformer {
    plugin("test-hostile", limits).await.open_transformer(kind).await.unwrap()
}

/// The failure of a call; a calm call before and after it works.
async fn failure(kind: &str, limits: Limits) -> CallFailure {
    let transformer = hostile(kind, limits).await;
    assert_eq!(transformer.transform(calm()).await.unwrap().batch, calm());
    let failure = transformer.transform(wild()).await.expect_err(kind);
    assert_eq!(failure.digest, transformer.digest());
    assert_eq!(transformer.transform(calm()).await.unwrap().batch, calm(), "{kind}: the transformer does not recover");
    failure
}

#[tokio::test]
async fn every_misbehaviour_has_its_code() {
    use ErrorCode::{PluginDeadline, PluginLimit, PluginOutput, PluginTrap};
    for (kind, code, part) in [
        ("loop", PluginDeadline, "200ms of CPU"),
        ("cheap-call-flood", PluginDeadline, "200ms of CPU"),
        ("clock-flood", PluginDeadline, "200ms of CPU"),
        ("loop-in-allocator", PluginDeadline, "200ms of CPU"),
        ("loop-in-post-return", PluginDeadline, "200ms of CPU"),
        ("loop-in-destructor", PluginDeadline, "200ms of CPU"),
        ("trap", PluginTrap, "unreachable"),
        ("panic", PluginTrap, "unreachable"),
        ("grow", PluginLimit, "64 MiB of memory"),
        ("recurse", PluginTrap, "out of bounds"),
        ("recurse-bare", PluginLimit, "stack"),
        ("host-call-flood", PluginLimit, "16777216 bytes"),
        ("random-flood", PluginLimit, "random bytes"),
        ("amplify", PluginLimit, "200000 records of 1"),
        ("amplify-bytes", PluginLimit, "16777216 bytes"),
        ("false-origin", PluginOutput, "origins"),
        ("bad-rows", PluginOutput, "rows"),
        ("rows-backwards", PluginOutput, "rows"),
        ("bad-field", PluginOutput, "fields"),
        ("bad-kind", PluginOutput, "kinds"),
        ("bad-end", PluginOutput, "ends"),
        ("bad-utf8", PluginOutput, "kind"),
        ("lists-differ", PluginOutput, "length"),
        ("twice", PluginOutput, "twice"),
        ("fields-twice", PluginOutput, "record 0 twice"),
        ("fields-outside", PluginOutput, "origins"),
        ("huge-list", PluginOutput, ""),
        ("past-the-end", PluginOutput, ""),
        ("overlapping", PluginOutput, ""),
        ("bad-handle", PluginOutput, ""),
        ("wrong-length", PluginOutput, "0 values for a column of 1"),
        ("index-outside", PluginOutput, "record 77 of a batch of 1"),
        ("get-outside", PluginOutput, "record 77 of a batch of 1"),
    ] {
        let limits = if code == PluginDeadline { limits() } else { patient() };
        let failure = failure(kind, limits).await;
        assert_eq!(failure.error.code, code, "{kind}: {failure:?}");
        assert!(failure.error.message.contains(part), "{kind}: {}", failure.error.message);
        assert!(failure.is_sandbox(), "{kind}");
    }
}

#[tokio::test]
async fn a_call_ends_in_time_whatever_the_processor_does() {
    let limits = Limits { call_cpu: Duration::from_secs(1), call_wait: Duration::ZERO, ..Limits::default() };
    let transformer = hostile("loop", limits).await;
    let started = Instant::now();
    assert_eq!(transformer.transform(wild()).await.unwrap_err().error.code, ErrorCode::PluginDeadline);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_trap_tells_where_it_happened() {
    let failure = failure("trap", limits()).await;
    assert!(failure.trap.as_deref().is_some_and(|trap| trap.contains("unreachable")), "{failure:?}");
    assert!(
        failure.backtrace.as_deref().is_some_and(|frames| frames.contains("transform") && !frames.contains("_RN")),
        "{failure:?}"
    );
    assert_eq!(failure.digest.to_string().len(), 64);
}

#[tokio::test]
async fn an_error_of_the_plugin_is_not_the_sandbox_s() {
    let failure = failure("error", limits()).await;
    assert_eq!((failure.error.code, failure.error.message.as_str()), (ErrorCode::Failed, "the plugin gave up"));
    assert!(!failure.is_sandbox() && failure.trap.is_none());
}

#[tokio::test]
async fn memory_ends_where_it_should() {
    let answer = hostile("grow-to-the-end", patient()).await.transform(wild()).await.unwrap();
    let pages: usize = texts(&answer.batch)[0].iter().find(|(name, _)| name == "pages").unwrap().1.parse().unwrap();
    assert_eq!(pages * 65536, limits().memory);
}

#[tokio::test]
async fn opening_has_the_same_limits() {
    let quick = plugin("test-hostile", limits()).await;
    for (kind, code) in [("loop-in-open", ErrorCode::PluginDeadline), ("trap-in-open", ErrorCode::PluginTrap)] {
        let started = Instant::now();
        let error = quick.open_transformer(kind).await.unwrap_err();
        assert_eq!(error.code, code, "{kind}: {error}");
        assert!(started.elapsed() < Duration::from_secs(5), "{kind}");
    }
    let error = plugin("test-hostile", patient()).await.open_transformer("grow-in-open").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PluginLimit, "{error}");
}

#[tokio::test]
async fn a_destructor_that_loops_is_not_run_by_the_host() {
    let transformer = hostile("loop-when-dropped", limits()).await;
    assert!(transformer.transform(calm()).await.is_ok());
    let started = Instant::now();
    drop(transformer);
    assert!(started.elapsed() < limits().call_cpu, "{:?}", started.elapsed());
}

#[tokio::test]
async fn memory_of_one_instance_is_never_seen_by_another() {
    let plugin = plugin("test-hostile", Limits::default()).await;
    let count = async |kind: &str, field: &str| {
        let transformer = plugin.open_transformer(kind).await.unwrap();
        let answer = transformer.transform(wild()).await.unwrap();
        texts(&answer.batch)[0].iter().find(|(name, _)| name == field).unwrap().1.parse::<usize>().unwrap()
    };
    for _ in 0..5 {
        let painted = count("paint", "painted").await;
        assert!(painted > 4_000_000, "the search finds what is there: {painted}");
        let found = count("search", "found").await;
        assert!(found < 10, "{found} words of another instance");
    }
}

#[tokio::test]
async fn a_batch_belongs_to_its_call() {
    let transformer = hostile("replay", limits()).await;
    assert_eq!(transformer.transform(wild()).await.unwrap_err().error.code, ErrorCode::Failed);
    let failure = transformer.transform(wild()).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::PluginOutput, "{failure:?}");
    assert!(failure.error.message.contains("does not belong to this call"), "{failure:?}");
}

#[tokio::test]
async fn leaked_handles_end_the_instance_and_nothing_else() {
    let transformer = hostile("leak", Limits { handles: 16, ..limits() }).await;
    let mut codes = Vec::new();
    for _ in 0..64 {
        codes.push(transformer.transform(wild()).await.unwrap_err().error.code);
    }
    assert!(codes.contains(&ErrorCode::Failed) && codes.iter().any(|&code| code != ErrorCode::Failed), "{codes:?}");
    assert_eq!(transformer.transform(calm()).await.unwrap().batch, calm());
}

#[tokio::test]
async fn floods_of_messages_are_harmless() {
    for kind in ["log-flood", "print-flood"] {
        let result = hostile(kind, patient()).await.transform(wild()).await;
        assert!(result.is_ok(), "{kind}: {result:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_loops_does_not_stop_its_neighbours() {
    let looping = hostile("loop", limits()).await;
    let busy: Vec<_> =
        (0..4).map(|_| looping.clone()).map(|one| tokio::spawn(async move { one.transform(wild()).await })).collect();
    let other = plugin("test-columns", limits()).await.open_transformer("edit").await.unwrap();
    let started = Instant::now();
    for _ in 0..20 {
        other.transform(wild()).await.unwrap();
    }
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    for one in busy {
        assert_eq!(one.await.unwrap().unwrap_err().error.code, ErrorCode::PluginDeadline);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_calls_leave_nothing_behind() {
    let transformer = hostile("loop", limits()).await;
    for _ in 0..50 {
        let call = transformer.transform(wild());
        assert!(tokio::time::timeout(Duration::from_millis(15), call).await.is_err());
    }
    assert_eq!(transformer.transform(calm()).await.unwrap().batch, calm());
}

#[tokio::test]
async fn one_that_only_fails_is_suspended_and_comes_back() {
    let transformer = hostile("trap", limits()).await;
    for _ in 0..5 {
        assert_eq!(transformer.transform(wild()).await.unwrap_err().error.code, ErrorCode::PluginTrap);
    }
    let failure = transformer.transform(calm()).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::PluginSuspended);
    assert!(failure.error.message.contains("not called for another"), "{}", failure.error.message);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(transformer.transform(calm()).await.is_ok());
    assert_eq!(transformer.transform(wild()).await.unwrap_err().error.code, ErrorCode::PluginTrap);
}

#[tokio::test]
async fn one_that_serves_the_others_is_never_suspended() {
    let transformer = hostile("trap", limits()).await;
    for _ in 0..20 {
        assert_eq!(transformer.transform(wild()).await.unwrap_err().error.code, ErrorCode::PluginTrap);
        assert!(transformer.transform(calm()).await.is_ok());
    }
}
