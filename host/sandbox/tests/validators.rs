//! Validators: what they are asked and what they may answer.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::ErrorCode;
use headworks_sandbox::{Limits, Operation, Severity, Subject, Surroundings, Validator};
use std::sync::Arc;
use std::time::Duration;
use support::plugin;

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

fn subject(name: &str) -> Subject {
    Subject {
        kind: "pipeline".to_owned(),
        scope: String::new(),
        name: name.to_owned(),
        operation: Operation::Create,
        document: r#"{"nodes":[]}"#.to_owned(),
        previous: None,
        principal: "alice".to_owned(),
    }
}

async fn judge(limits: Limits) -> Validator {
    plugin("test-judge", limits).await.open_validator("").await.unwrap()
}

#[tokio::test]
async fn a_document_is_judged_by_what_it_is_and_who_asks() {
    let judge = judge(Limits::default()).await;
    assert_eq!(judge.validate(&subject("fine")).await.unwrap(), []);
    let refused = judge.validate(&subject("refuse")).await.unwrap();
    assert_eq!((refused.len(), refused[0].severity), (1, Severity::Error));
    let found = judge.validate(&subject("both")).await.unwrap();
    let told: Vec<_> = found.iter().map(|found| (found.severity, found.path.as_str(), found.message.as_str())).collect();
    assert_eq!(told, [(Severity::Warning, "", "this name is odd"), (Severity::Error, "/name", "this name is refused")]);

    let whole = Subject {
        scope: "a".to_owned(),
        operation: Operation::Update,
        previous: Some("{\"old\":1}".to_owned()),
        ..subject("tell")
    };
    let message = judge.validate(&whole).await.unwrap().remove(0).message;
    for part in ["pipeline", "scope: \"a\"", "Update", r#"{\"nodes\":[]}"#, r#"{\"old\":1}"#, "alice"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[tokio::test]
async fn a_validator_that_misbehaves_is_stopped_and_the_next_document_is_judged() {
    let limits = |cpu| Limits { validator_cpu: cpu, call_wait: Duration::from_secs(10), ..Limits::default() };
    let (quick, judge) = (judge(limits(Duration::from_millis(100))).await, judge(limits(Duration::from_secs(20))).await);
    for (name, code, part) in [
        ("hang", ErrorCode::PluginDeadline, "100ms of CPU"),
        ("trap", ErrorCode::PluginTrap, "unreachable"),
        ("grow", ErrorCode::PluginLimit, "64 MiB"),
        ("many", ErrorCode::PluginLimit, "1000 violations, and at most 100"),
        ("undecided", ErrorCode::Failed, "the rule cannot decide"),
    ] {
        let judge = if name == "hang" { &quick } else { &judge };
        let failure = judge.validate(&subject(name)).await.unwrap_err();
        assert_eq!(failure.error.code, code, "{name}: {failure}");
        assert!(failure.error.message.contains(part), "{name}: {failure}");
        assert_eq!(judge.validate(&subject("fine")).await.unwrap(), []);
    }
    let document = format!("\"{}\"", "x".repeat(17 << 20));
    let failure = judge.validate(&Subject { document, ..subject("fine") }).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::PluginLimit, "{failure}");
}

#[tokio::test]
async fn what_it_tells_cannot_steer_a_terminal() {
    let found = judge(Limits::default()).await.validate(&subject("steer")).await.unwrap().remove(0);
    assert_eq!((found.path.as_str(), found.message.as_str()), ("\\u{1b}[2J", "\\u{1b}[2J\\r\\n"));
}

#[tokio::test]
async fn its_configuration_is_read_once_and_may_be_refused() {
    let plugin = plugin("test-judge", Limits { call_cpu: Duration::from_millis(100), ..Limits::default() }).await;
    for (config, code) in
        [("bad", ErrorCode::InvalidProgram), ("hang", ErrorCode::PluginDeadline), ("trap", ErrorCode::PluginTrap)]
    {
        assert_eq!(plugin.open_validator(config).await.unwrap_err().code, code, "{config}");
    }
    let error = support::plugin("test-columns", Limits::default()).await.open_validator("pass").await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::PluginRefused, "this plugin is no validator"));
}

#[tokio::test]
async fn its_calls_are_counted() {
    let surroundings = Surroundings::default();
    let usage = Arc::clone(&surroundings.usage);
    let judge = plugin("test-judge", Limits::default()).await.within(surroundings).open_validator("").await.unwrap();
    judge.validate(&subject("warn")).await.unwrap();
    judge.validate(&subject("trap")).await.unwrap_err();
    let counted = usage.snapshot();
    assert_eq!((counted.calls, counted.failures, counted.records_in), (2, 1, 0));
    assert!(counted.host_bytes > 0 && counted.cpu_nanos > 0 && counted.peak_memory >= 65536, "{counted:?}");
}
