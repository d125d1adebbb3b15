//! What a plugin has of its surroundings: state, secrets, figures, clock, random bytes, log; admission and usage.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::{Digest, Error, ErrorCode};
use headworks_sandbox::{
    Admission, CallFailure, Figure, Grant, Granted, Limits, LogLevel, LogSink, MemoryState, Pending, Permit, Secrets, StateError,
    StateStore, Surroundings, Transformer,
};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use support::{batch, plugin, texts};

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

/// A tenant that has state, and knows every secret by its name backwards.
fn tenant(limits: &Limits) -> Surroundings {
    struct Backwards;
    impl Secrets for Backwards {
        fn get(&self, name: &str) -> Option<String> {
            (name != "unset").then(|| name.chars().rev().collect())
        }
    }
    Surroundings { state: Arc::new(MemoryState::new(limits)), secrets: Arc::new(Backwards), ..Surroundings::default() }
}

async fn opened(limits: Limits, surroundings: Surroundings) -> Transformer {
    plugin("test-platform", limits).await.within(surroundings).open_transformer("").await.unwrap()
}

/// As many answers as there are records.
async fn try_ask(transformer: &Transformer, records: &[&[(&str, &str)]]) -> Result<Vec<String>, CallFailure> {
    let answer = transformer.transform(batch(records)).await?;
    let texts = texts(&answer.batch).into_iter();
    Ok(texts.map(|record| record.into_iter().find(|(name, _)| name == "answer").unwrap().1).collect())
}

async fn ask(transformer: &Transformer, records: &[&[(&str, &str)]]) -> Vec<String> {
    try_ask(transformer, records).await.unwrap()
}

#[tokio::test]
async fn state_is_shared_by_instances_and_not_by_tenants() {
    let limits = Limits::default();
    let plugin = plugin("test-platform", limits.clone()).await;
    let (mine, theirs) = (plugin.within(tenant(&limits)), plugin.within(tenant(&limits)));
    let (one, two) = (mine.open_transformer("").await.unwrap(), mine.open_transformer("").await.unwrap());
    let other = theirs.open_transformer("").await.unwrap();
    let answers = ask(
        &one,
        &[
            &[("do", "get"), ("key", "a")],
            &[("do", "set"), ("key", "a"), ("value", "1")],
            &[("do", "replace"), ("key", "a"), ("expected", "2"), ("value", "3")],
            &[("do", "replace"), ("key", "a"), ("expected", "1"), ("value", "4")],
            &[("do", "set"), ("key", "ab"), ("value", "5")],
            &[("do", "keys"), ("key", "a")],
        ],
    )
    .await;
    assert_eq!(answers, ["Ok(None)", "Ok(())", "Ok(false)", "Ok(true)", "Ok(())", r#"Ok(["a", "ab"])"#]);
    assert_eq!(ask(&two, &[&[("do", "get"), ("key", "a")]]).await, [r#"Ok(Some("4"))"#]);
    let seen = ask(&other, &[&[("do", "get"), ("key", "a")], &[("do", "keys"), ("key", "")]]).await;
    assert_eq!(seen, ["Ok(None)", "Ok([])"]);
    ask(&two, &[&[("do", "set"), ("key", "a")]]).await;
    assert_eq!(ask(&one, &[&[("do", "get"), ("key", "a")]]).await, ["Ok(None)"]);
}

#[tokio::test]
async fn state_is_limited_and_what_is_over_is_an_error_the_plugin_sees() {
    let limits = Limits { state_bytes: 200_000, state_keys: 5, ..Limits::default() };
    let transformer = opened(limits.clone(), tenant(&limits)).await;
    let long = "k".repeat(513);
    let answers = ask(
        &transformer,
        &[
            &[("do", "set-large"), ("key", "a"), ("value", "65536")],
            &[("do", "set-large"), ("key", "a"), ("value", "65537")],
            &[("do", "set"), ("key", &long), ("value", "")],
            &[("do", "get"), ("key", &long)],
            &[("do", "flood-state")],
            &[("do", "flood-keys")],
        ],
    )
    .await;
    assert_eq!(answers[0], "Ok(())");
    assert!(answers[1].contains("Full") && answers[1].contains("at most 65536 bytes"), "{}", answers[1]);
    assert!(answers[2].contains("at most 512 bytes") && answers[3] == answers[2].replace("Ok", "Err"), "{answers:?}");
    assert!(answers[4].contains("at most 200000 bytes"), "{}", answers[4]);
    assert!(answers[5].contains("at most 5 keys"), "{}", answers[5]);
}

#[tokio::test]
async fn floods_of_cheap_questions_end_at_the_accounts_of_a_call() {
    let limits = Limits { call_cpu: Duration::from_millis(300), call_wait: Duration::from_secs(10), ..Limits::default() };
    let transformer = opened(limits.clone(), tenant(&limits)).await;
    for function in ["read-for-ever", "count-for-ever"] {
        let failure = try_ask(&transformer, &[&[("do", function), ("key", "a")]]).await.unwrap_err();
        assert!(matches!(failure.error.code, ErrorCode::PluginDeadline | ErrorCode::PluginLimit), "{function}: {failure}");
        assert_eq!(ask(&transformer, &[&[("do", "get"), ("key", "a")]]).await, ["Ok(None)"]);
    }
}

/// State that is never there.
struct Silent;

impl StateStore for Silent {
    fn get<'a>(&'a self, _: &'a str) -> Pending<'a, Result<Option<Vec<u8>>, StateError>> {
        Box::pin(std::future::pending())
    }

    fn set<'a>(&'a self, _: &'a str, _: Option<Vec<u8>>) -> Pending<'a, Result<(), StateError>> {
        Box::pin(std::future::pending())
    }

    fn replace<'a>(&'a self, _: &'a str, _: Option<Vec<u8>>, _: Option<Vec<u8>>) -> Pending<'a, Result<bool, StateError>> {
        Box::pin(std::future::pending())
    }

    fn keys<'a>(&'a self, _: &'a str, _: usize) -> Pending<'a, Result<Vec<String>, StateError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_plugin_that_waits_for_ever_in_the_host_is_ended_by_the_clock() {
    let surroundings = Surroundings { state: Arc::new(Silent), ..Surroundings::default() };
    let usage = Arc::clone(&surroundings.usage);
    let limits = Limits { call_cpu: Duration::from_secs(1), call_wait: Duration::from_millis(100), ..Limits::default() };
    let transformer = opened(limits, surroundings).await;
    let (started, before) = (Instant::now(), usage.snapshot().cpu_nanos);
    let failure = try_ask(&transformer, &[&[("do", "get"), ("key", "a")]]).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::PluginDeadline);
    assert!(started.elapsed() >= Duration::from_millis(1100), "{:?}", started.elapsed());
    // Waiting is not the plugin's processor time.
    assert!(usage.snapshot().cpu_nanos - before < 1_000_000_000);
    assert!(try_ask(&transformer, &[&[("do", "now")]]).await.is_ok());
}

#[tokio::test]
async fn without_surroundings_state_says_that_there_is_none() {
    let transformer = opened(Limits::default(), Surroundings::default()).await;
    let answers = ask(
        &transformer,
        &[&[("do", "get"), ("key", "a")], &[("do", "set"), ("key", "a"), ("value", "")], &[("do", "secret"), ("key", "granted")]],
    )
    .await;
    assert!(answers[0].contains("Failed(\"this plugin has no state here\")") && answers[1].contains("Failed"), "{answers:?}");
    assert_eq!(answers[2], "None");
}

#[tokio::test]
async fn only_secrets_that_were_asked_for_and_approved_are_told() {
    let ask_for = |granted: Granted| async move {
        let transformer = opened(Limits::default(), Surroundings { granted, ..tenant(&Limits::default()) }).await;
        let names = ["granted", "unset", "other"];
        let mut answers = Vec::new();
        for name in names {
            answers.extend(ask(&transformer, &[&[("do", "secret"), ("key", name)]]).await);
        }
        answers
    };
    assert_eq!(ask_for(Granted::All).await, ["Some(\"detnarg\")", "None", "None"]);
    let only = |grants: &[&str]| Granted::Only(grants.iter().map(|text| Grant::parse(text).unwrap()).collect());
    assert_eq!(ask_for(only(&["secret:other", "https://granted:443"])).await, ["None", "None", "None"]);
    assert_eq!(ask_for(only(&["secret:granted"])).await, ["Some(\"detnarg\")", "None", "None"]);
}

#[tokio::test]
async fn clock_and_random_bytes_are_those_of_the_host() {
    let transformer = opened(Limits::default(), Surroundings::default()).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let answers =
        ask(&transformer, &[&[("do", "now")], &[("do", "random"), ("value", "16")], &[("do", "random"), ("value", "16")]]).await;
    let told: u64 = answers[0].parse().unwrap();
    assert!((now..now + 60).contains(&told), "{told}");
    assert!(answers[1] != answers[2] && answers[1].matches(',').count() == 15, "{answers:?}");
    let failure = try_ask(&transformer, &[&[("do", "random"), ("value", "65537")]]).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::PluginLimit);
    let failure = try_ask(&transformer, &[&[("do", "random"), ("value", "4294967295")]]).await.unwrap_err();
    assert!(failure.error.message.contains("random bytes"), "{failure}");
}

#[derive(Default)]
struct Lines(Mutex<Vec<(Digest, LogLevel, String)>>);

impl LogSink for Lines {
    fn write(&self, plugin: &Digest, level: LogLevel, line: &str) {
        self.0.lock().unwrap().push((*plugin, level, line.to_owned()));
    }
}

#[tokio::test]
async fn figures_and_lines_reach_whoever_asks() {
    let lines = Arc::new(Lines::default());
    let surroundings = Surroundings { log: Arc::clone(&lines) as Arc<dyn LogSink>, ..Surroundings::default() };
    let usage = Arc::clone(&surroundings.usage);
    let transformer = opened(Limits::default(), surroundings).await;
    ask(
        &transformer,
        &[
            &[("do", "log"), ("key", "hello\n\u{1b}[2J")],
            &[("do", "count"), ("key", "seen_total"), ("value", "2")],
            &[("do", "count"), ("key", "seen_total"), ("value", "3")],
            &[("do", "gauge"), ("key", "fill_ratio"), ("value", "0.5")],
            &[("do", "gauge"), ("key", "fill_ratio"), ("value", "nothing")],
            &[("do", "count"), ("key", "No Name"), ("value", "1")],
        ],
    )
    .await;
    let figures = usage.snapshot().figures;
    assert_eq!(figures.len(), 2);
    assert_eq!((figures["seen_total"], figures["fill_ratio"]), (Figure::Counter(5), Figure::Gauge(0.5)));
    let told = std::mem::take(&mut *lines.0.lock().unwrap());
    assert_eq!(told[0], (transformer.digest(), LogLevel::Info, "hello\\n\\u{1b}[2J".to_owned()));
    assert!(told[1].2.contains("cannot be NaN") && told[2].2.contains("\"No Name\" names no figure"), "{told:?}");

    ask(&transformer, &[&[("do", "count-many"), ("value", "1000")]]).await;
    let counted = usage.snapshot();
    assert_eq!(counted.figures.len(), 100);
    assert!(counted.log_dropped > 500, "{counted:?}");
}

#[tokio::test]
async fn use_is_counted_by_call_record_byte_and_time() {
    let surroundings = Surroundings::default();
    let usage = Arc::clone(&surroundings.usage);
    let limits = Limits { call_cpu: Duration::from_millis(100), call_wait: Duration::from_secs(10), ..Limits::default() };
    let transformer = opened(limits, surroundings).await;
    let opening = usage.snapshot();
    assert_eq!(opening.calls, 0);
    ask(&transformer, &[&[("do", "now")], &[("do", "now")]]).await;
    let one = usage.snapshot();
    assert_eq!((one.calls, one.failures, one.records_in, one.records_out), (1, 0, 2, 2));
    assert!(one.host_bytes > 40 && one.peak_memory >= 65536 && one.cpu_nanos > opening.cpu_nanos, "{one:?}");

    try_ask(&transformer, &[&[("do", "spin")]]).await.unwrap_err();
    let two = usage.snapshot();
    assert_eq!((two.calls, two.failures, two.records_in, two.records_out), (2, 1, 3, 2));
    // Ticks are 10 ms apart; the time on a busy machine is longer, not shorter.
    assert!(two.cpu_nanos - one.cpu_nanos > 50_000_000, "{two:?}");

    let records = batch(&[&[("do", "spin")]]);
    let call = transformer.transform(records);
    assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
    assert!(usage.snapshot().cpu_nanos - two.cpu_nanos > 20_000_000, "a call that is given up was not counted");
}

/// Admits two calls at once, and counts.
#[derive(Default)]
struct Gate {
    open: AtomicUsize,
    most: AtomicUsize,
    nanos: AtomicU64,
}

struct Gated(Arc<Gate>);

impl Admission for Gated {
    fn admit(&self) -> Pending<'_, headworks_core::Result<Permit>> {
        Box::pin(async {
            let gate = Arc::clone(&self.0);
            let open = gate.open.fetch_add(1, Ordering::SeqCst) + 1;
            let permit = Permit::new(move |time| {
                gate.nanos.fetch_add(time.as_nanos() as u64, Ordering::SeqCst);
                gate.open.fetch_sub(1, Ordering::SeqCst);
            });
            self.0.most.fetch_max(open.min(2), Ordering::SeqCst);
            if open > 2 { Err(Error::new(ErrorCode::Exhausted, "two calls at once are allowed")) } else { Ok(permit) }
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_run_with_a_permit_that_hears_their_time() {
    let gate = Arc::new(Gate::default());
    let surroundings = Surroundings { admission: Arc::new(Gated(Arc::clone(&gate))), ..Surroundings::default() };
    let usage = Arc::clone(&surroundings.usage);
    let limits =
        Limits { call_cpu: Duration::from_secs(3), call_wait: Duration::from_secs(10), instances: 8, ..Limits::default() };
    let transformer = opened(limits, surroundings).await;
    assert_eq!(gate.open.load(Ordering::SeqCst), 0, "opening gives its permit back");
    assert!(gate.nanos.load(Ordering::SeqCst) > 0);

    let spin = || {
        let transformer = transformer.clone();
        tokio::spawn(async move { transformer.transform(batch(&[&[("do", "spin")]])).await })
    };
    let (one, two) = (spin(), spin());
    let started = Instant::now();
    while gate.open.load(Ordering::SeqCst) < 2 && started.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for _ in 0..10 {
        let refused = transformer.transform(batch(&[&[("do", "now")]])).await.unwrap_err();
        assert_eq!(refused.error.code, ErrorCode::Exhausted);
        assert!(!refused.is_sandbox(), "it may be tried again");
    }
    for spinning in [one, two] {
        assert_eq!(spinning.await.unwrap().unwrap_err().error.code, ErrorCode::PluginDeadline);
    }
    // Ten refusals would have suspended a plugin that failed.
    assert!(transformer.transform(batch(&[&[("do", "now")]])).await.is_ok());
    assert_eq!((gate.open.load(Ordering::SeqCst), gate.most.load(Ordering::SeqCst)), (0, 2));
    assert_eq!(gate.nanos.load(Ordering::SeqCst), usage.snapshot().cpu_nanos, "both hear the same");

    // A call that is given up gives its permit back.
    let call = transformer.transform(batch(&[&[("do", "spin")]]));
    assert!(tokio::time::timeout(Duration::from_millis(20), call).await.is_err());
    assert_eq!(gate.open.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_tenant_leaves_another_its_share() {
    let gate = Arc::new(Gate::default());
    let busy = Surroundings { admission: Arc::new(Gated(Arc::clone(&gate))), ..Surroundings::default() };
    let quiet = Surroundings::default();
    let (busy_usage, quiet_usage) = (Arc::clone(&busy.usage), Arc::clone(&quiet.usage));
    let limits = Limits { call_cpu: Duration::from_secs(30), call_wait: Duration::from_secs(30), ..Limits::default() };
    let plugin = plugin("test-platform", limits).await;
    let mut spinning = Vec::new();
    for _ in 0..8 {
        // Each on its own: another transformer of the tenant, with its own instances.
        let busy = plugin.within(busy.clone());
        spinning.push(tokio::spawn(async move {
            loop {
                if let Ok(transformer) = busy.open_transformer("").await {
                    let _ = transformer.transform(batch(&[&[("do", "spin")]])).await;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }));
    }
    let transformer = plugin.within(quiet).open_transformer("").await.unwrap();
    while gate.open.load(Ordering::SeqCst) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let before = [busy_usage.snapshot().cpu_nanos, quiet_usage.snapshot().cpu_nanos];
    let call = transformer.transform(batch(&[&[("do", "spin")]]));
    assert!(tokio::time::timeout(Duration::from_secs(3), call).await.is_err());
    spinning.iter().for_each(tokio::task::JoinHandle::abort);
    for one in spinning {
        let _ = one.await;
    }
    // Of two cores; 40 % of one is a fifth. What is said is by turns, so it holds on a busy machine too.
    let [busy, quiet] = [busy_usage.snapshot().cpu_nanos - before[0], quiet_usage.snapshot().cpu_nanos - before[1]];
    assert!(quiet * 5 >= busy + quiet, "{quiet} ns beside {busy} ns");
}

#[tokio::test]
async fn an_instance_that_nobody_calls_is_given_up_and_one_in_use_is_kept() {
    let idle = Duration::from_millis(400);
    let limits = Limits { instances: 1, instance_idle: idle, ..Limits::default() };
    let transformer = opened(limits, Surroundings::default()).await;
    let calls = async || ask(&transformer, &[&[("do", "calls")]]).await.remove(0);
    assert_eq!([calls().await, calls().await], ["1", "2"]);
    tokio::time::sleep(idle * 3).await;
    assert_eq!([calls().await, calls().await], ["1", "2"]);
    let mut last = 2;
    let until = Instant::now() + idle * 3;
    while Instant::now() < until {
        last += 1;
        assert_eq!(calls().await, last.to_string());
        tokio::time::sleep(idle / 40).await;
    }
}
