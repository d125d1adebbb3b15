//! Event hooks: what they are told and what they may answer.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::{Digest, ErrorCode, Timestamp};
use headworks_sandbox::{Event, EventHook, Handled, Limits, LogLevel, LogSink, Surroundings};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::plugin;

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

fn event() -> Event {
    let fields = [("BUCKET_ID", "b1"), ("USER", "alice")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    Event { kind: "CREATE_BUCKET".to_owned(), at: Timestamp(1_500_000_000_250_000_000), fields: fields.to_vec() }
}

async fn hook(config: &str, limits: Limits) -> EventHook {
    plugin("test-hook", limits).await.open_event_hook(config).await.unwrap()
}

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn write(&self, _: &Digest, _: LogLevel, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

#[tokio::test]
async fn an_event_crosses_whole_and_its_calls_are_counted() {
    let log = Arc::new(Lines::default());
    let surroundings = Surroundings { log: Arc::clone(&log) as _, ..Surroundings::default() };
    let usage = Arc::clone(&surroundings.usage);
    let hook = plugin("test-hook", Limits::default()).await.within(surroundings).open_event_hook("tell").await.unwrap();
    assert_eq!(hook.handle(&event()).await.unwrap(), Handled::Done);
    let line = log.0.lock().unwrap().concat();
    for part in ["CREATE_BUCKET", "seconds: 1500000000", "nanoseconds: 250000000", r#"[("BUCKET_ID", "b1"), ("USER", "alice")]"#]
    {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!((usage.snapshot().calls, usage.snapshot().records_in, usage.snapshot().records_out), (1, 1, 1));
}

#[tokio::test]
async fn it_may_ask_for_the_event_again_or_give_it_up() {
    let limits = Limits::default();
    let handled = hook("later", limits.clone()).await.handle(&event()).await.unwrap();
    assert_eq!(handled, Handled::RetryAfter(Duration::from_millis(10), "not now".to_owned()));
    let handled = hook("later-for-ever", limits.clone()).await.handle(&event()).await.unwrap();
    assert_eq!(handled, Handled::RetryAfter(Duration::from_millis(u32::MAX.into()), "not now".to_owned()));
    let handled = hook("fail", limits.clone()).await.handle(&event()).await.unwrap();
    assert_eq!(handled, Handled::Failed("it never will\\u{1b}[2J".to_owned()));
    // There is no network in these tests.
    let handled = hook("http://example.com:80/x", limits).await.handle(&event()).await.unwrap();
    assert!(matches!(&handled, Handled::Failed(why) if why.contains("reaches nothing outside")), "{handled:?}");
}

#[tokio::test]
async fn a_hook_that_misbehaves_is_stopped_and_the_next_event_is_handled() {
    let limits = |cpu| Limits {
        call_cpu: cpu,
        call_wait: Duration::from_secs(10),
        network_wait: Duration::from_secs(1),
        ..Limits::default()
    };
    for (word, cpu, code, part) in [
        ("hang", 100, ErrorCode::PluginDeadline, "100ms of CPU"),
        ("trap", 20_000, ErrorCode::PluginTrap, "unreachable"),
        ("grow", 20_000, ErrorCode::PluginLimit, "64 MiB"),
        ("huge-answer", 20_000, ErrorCode::PluginOutput, "too much data"),
    ] {
        let hook = hook(word, limits(Duration::from_millis(cpu))).await;
        for _ in 0..2 {
            let failure = hook.handle(&event()).await.unwrap_err();
            assert_eq!(failure.error.code, code, "{word}: {failure}");
            assert!(failure.error.message.contains(part), "{word}: {failure}");
        }
    }
    let whole = Event { fields: vec![("COMMENT".to_owned(), "x".repeat(17 << 20))], ..event() };
    let failure = hook("ok", Limits::default()).await.handle(&whole).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::PluginLimit, "{failure}");
}

#[tokio::test]
async fn its_configuration_is_read_once_and_may_be_refused() {
    let plugin = plugin("test-hook", Limits { call_cpu: Duration::from_millis(100), ..Limits::default() }).await;
    for (config, code) in [
        ("bad", ErrorCode::InvalidProgram),
        ("hang-in-open", ErrorCode::PluginDeadline),
        ("trap-in-open", ErrorCode::PluginTrap),
        ("http://user name/", ErrorCode::PluginRefused),
    ] {
        assert_eq!(plugin.open_event_hook(config).await.unwrap_err().code, code, "{config}");
    }
    let error = plugin.open_validator("").await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::PluginRefused, "this plugin is no validator"));
}
