//! Identity providers: what they are asked and what they may answer.

#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod support;

use headworks_core::ErrorCode;
use headworks_sandbox::{Denial, IdentityProvider, IdentityRequest, Limits, Proven};
use std::time::Duration;
use support::plugin;

#[test]
#[ignore = "the child process of the other tests"]
fn compile_child() {
    support::compile_child();
}

fn request(word: &str) -> IdentityRequest {
    let headers = [("host", "here"), ("x-do", word)].map(|(name, value)| (name.to_owned(), value.to_owned()));
    IdentityRequest { method: "POST".to_owned(), headers: headers.to_vec() }
}

async fn provider(config: &str, limits: Limits) -> IdentityProvider {
    plugin("test-provider", limits).await.open_identity_provider(config).await.unwrap()
}

fn proven(name: &str) -> Proven {
    Proven { name: name.to_owned(), display_name: None, lifetime: None }
}

#[tokio::test]
async fn a_request_crosses_whole_and_somebody_is_named() {
    let provider = provider("send x-do", Limits::default()).await;
    assert_eq!(provider.usage().await.unwrap().as_deref(), Some("send x-do"));
    assert!(provider.test(&request("x")).await.unwrap());
    assert!(!provider.test(&IdentityRequest::default()).await.unwrap());
    assert_eq!(provider.authenticate(&request("bob")).await.unwrap(), Ok(proven("bob")));
    let told = provider.authenticate(&request("tell")).await.unwrap().unwrap();
    assert_eq!(told.name, r#"POST [("host", "here"), ("x-do", "tell")]"#);
    let whole = provider.authenticate(&request("whole")).await.unwrap().unwrap();
    assert_eq!((whole.display_name.as_deref(), whole.lifetime), (Some("Alice"), Some(Duration::from_secs(600))));
}

#[tokio::test]
async fn who_is_not_proven_is_refused_with_a_reason_for_the_log() {
    let provider = provider("silent", Limits::default()).await;
    assert_eq!(provider.usage().await.unwrap(), None);
    let refused = |why: &str| Err(Denial::Refused(why.to_owned()));
    assert_eq!(provider.authenticate(&IdentityRequest::default()).await.unwrap(), refused("there is no x-do"));
    assert_eq!(provider.authenticate(&request("refuse")).await.unwrap(), refused("no\\u{1b}[2J"));
    let failed = Err(Denial::Failed("the directory is down".to_owned()));
    assert_eq!(provider.authenticate(&request("fail")).await.unwrap(), failed);
}

#[tokio::test]
async fn a_provider_that_misbehaves_is_stopped_and_the_next_request_is_judged() {
    let limits = |cpu| Limits {
        call_cpu: cpu,
        call_wait: Duration::from_secs(10),
        network_wait: Duration::from_secs(1),
        ..Limits::default()
    };
    let (quick, slow) =
        (provider("", limits(Duration::from_millis(100))).await, provider("", limits(Duration::from_secs(20))).await);
    for (word, code, part) in [
        ("hang", ErrorCode::PluginDeadline, "100ms of CPU"),
        ("trap", ErrorCode::PluginTrap, "unreachable"),
        ("grow", ErrorCode::PluginLimit, "64 MiB"),
        ("huge-answer", ErrorCode::PluginOutput, "too much data"),
        ("long-name", ErrorCode::PluginLimit, "2000 bytes, and at most 1024"),
        ("no-name", ErrorCode::PluginOutput, "empty text"),
        ("line-break", ErrorCode::PluginOutput, "control characters"),
    ] {
        let provider = if word == "hang" { &quick } else { &slow };
        let failure = provider.authenticate(&request(word)).await.unwrap_err();
        assert_eq!(failure.error.code, code, "{word}: {failure}");
        assert!(failure.error.message.contains(part), "{word}: {failure}");
        assert_eq!(provider.authenticate(&request("bob")).await.unwrap(), Ok(proven("bob")));
    }
    let failure = slow.authenticate(&request(&"x".repeat(17 << 20))).await.unwrap_err();
    assert_eq!(failure.error.code, ErrorCode::PluginLimit, "{failure}");
    let talkative = provider("huge-usage", Limits::default()).await;
    assert_eq!(talkative.usage().await.unwrap_err().error.code, ErrorCode::PluginLimit);
}

#[tokio::test]
async fn its_configuration_is_read_once_and_may_be_refused() {
    let plugin = plugin("test-provider", Limits { call_cpu: Duration::from_millis(100), ..Limits::default() }).await;
    for (config, code) in
        [("bad", ErrorCode::InvalidProgram), ("hang-in-open", ErrorCode::PluginDeadline), ("trap-in-open", ErrorCode::PluginTrap)]
    {
        assert_eq!(plugin.open_identity_provider(config).await.unwrap_err().code, code, "{config}");
    }
    let error = plugin.open_event_hook("ok").await.unwrap_err();
    assert_eq!((error.code, error.message.as_str()), (ErrorCode::PluginRefused, "this plugin is no event-hook"));
}
