//! Which stored documents a rule would refuse.

use crate::support::*;
use headworks_core::ErrorCode;
use headworks_rules::{Place, Scan};
use headworks_sandbox::Operation;
use serde_json::json;

fn scan(does: &str, kinds: &[&str], after: Option<Place>, limit: usize) -> Scan {
    let rule = rule(json!({"plugin": "native", "config": {"do": does}, "kinds": kinds}));
    Scan { name: "draft".to_owned(), rule, after, limit }
}

#[tokio::test]
async fn a_scan_finds_what_a_rule_would_refuse_and_changes_nothing() {
    let world = World::new();
    for number in 0..120 {
        let body = if number % 10 == 3 { "\"bad\"" } else { "\"good\"" };
        world.put("pipeline", &format!("p{number:03}"), body).await.unwrap();
    }
    world.put("transformer", "t", r#"{"script":"bad"}"#).await.unwrap();
    world.put("role", "r", "\"bad\"").await.unwrap();
    let (mut after, mut found, mut pieces, mut checked) = (None, Vec::new(), 0, 0);
    loop {
        let piece = world.rules.scan("admin", T, scan("refuse", &["transformer", "pipeline"], after, 50)).await.unwrap();
        assert!(piece.checked <= 50);
        pieces += 1;
        checked += piece.checked;
        found.extend(piece.findings.into_iter().map(|finding| (finding.place.kind, finding.place.name)));
        after = piece.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!((pieces, checked, found.len()), (3, 121, 13));
    assert_eq!((found[0].1.as_str(), found[12].0.as_str()), ("p003", "transformer"));
    let asked = world.take();
    assert!(asked.iter().all(|subject| subject.operation == Operation::Update && subject.principal == "admin"));
    assert_eq!(asked[0].previous.as_deref(), Some(asked[0].document.as_str()));
    assert!(world.rules.list(T).unwrap().is_empty());
    world.put("pipeline", "p000", "\"bad\"").await.unwrap();
}

#[tokio::test]
async fn a_scan_tells_what_cannot_be_judged_and_stops_where_nobody_judges() {
    let world = World::new();
    world.put("role", "r", "{}").await.unwrap();
    let piece = world.rules.scan("admin", T, scan("trap", &["*"], None, 10)).await.unwrap();
    assert_eq!(piece.findings[0].failure.as_deref(), Some("plugin-trap: the plugin trapped"));
    let error = world.rules.scan("admin", T, scan("suspended", &["role"], None, 10)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RuleFailed);
    let elsewhere = Place { kind: "user".to_owned(), scope: String::new(), name: "x".to_owned() };
    let error = world.rules.scan("admin", T, scan("refuse", &["role"], Some(elsewhere), 10)).await.unwrap_err();
    assert_eq!(error.member.as_deref(), Some("after.kind"));
}

#[tokio::test]
async fn few_scans_go_on_at_once_and_one_that_nobody_waits_for_ends() {
    let world = World::new();
    world.put("role", "r", "{}").await.unwrap();
    let hanging = || {
        let rules = world.rules.clone();
        tokio::spawn(async move { rules.scan("admin", T, scan("hang", &["role"], None, 10)).await })
    };
    let (one, two) = (hanging(), hanging());
    while world.asked.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    let error = world.rules.scan("admin", T, scan("refuse", &["role"], None, 10)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Exhausted);
    one.abort();
    let _ = one.await;
    world.rules.scan("admin", T, scan("refuse", &["role"], None, 10)).await.unwrap();
    two.abort();
}
