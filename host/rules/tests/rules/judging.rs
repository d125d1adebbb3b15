//! What the word of a rule comes to.

use crate::support::*;
use headworks_core::{ErrorCode, Severity, TenantId};
use headworks_rules::{VALIDATOR, collecting};
use headworks_sandbox::Operation;
use headworks_store::{AuditEvent, Change, Store, StreamConfig, Verdict};

fn verdicts(store: &Store) -> Vec<(String, Verdict)> {
    let entries = store.audit(T, 0, 999).unwrap();
    let told = entries.into_iter().filter_map(|entry| match entry.event {
        AuditEvent::Judged { rule, verdict, .. } => Some((rule, verdict)),
        _ => None,
    });
    told.collect()
}

#[tokio::test]
async fn an_enforced_rule_refuses_and_tells_why() {
    let world = World::new();
    world.put("pipeline", "p", r#"{"old":1}"#).await.unwrap();
    world.rule("names", "refuse", &["pipeline"], "enforce").await;
    let error = world.put("pipeline", "p", r#"{"bad":1}"#).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RuleViolation);
    assert_eq!(error.message, "the pipeline `p` may not be changed: rule `names`: /x: p is bad");
    assert_eq!((error.violations.len(), error.violations[0].path.as_str()), (1, "/x"));
    assert_eq!((error.violations[0].rule.as_str(), error.violations[0].severity), ("names", Severity::Error));
    assert_eq!(world.store.get(&key("pipeline", "p")).unwrap().unwrap().body, br#"{"old":1}"#);
    let subject = world.take().remove(0);
    assert_eq!((subject.operation, subject.principal.as_str()), (Operation::Update, "ann"));
    assert_eq!((subject.document.as_str(), subject.previous.as_deref()), (r#"{"bad":1}"#, Some(r#"{"old":1}"#)));

    world.put("pipeline", "p", r#"{"good":1}"#).await.unwrap();
    world.put("transformer", "t", r#"{"script":"bad"}"#).await.unwrap();
    assert_eq!(world.take().len(), 1);
    assert_eq!(verdicts(&world.store), [("names".to_owned(), Verdict::Refused)]);
    // Another tenant has rules of its own.
    let theirs = headworks_core::DocumentKey::new(TenantId(9), "pipeline", "p");
    world.store.write("ann", vec![Change::put(theirs, "bad")]).await.unwrap();
}

#[tokio::test]
async fn a_warning_rule_lets_everything_pass_and_tells_it() {
    let world = World::new();
    world.rule("odd", "refuse", &["pipeline"], "warn").await;
    let (saved, warnings) = collecting(world.put("pipeline", "p", "\"bad\"")).await;
    saved.unwrap();
    assert_eq!((warnings.len(), warnings[0].severity, warnings[0].message.as_str()), (1, Severity::Warning, "p is bad"));
    // Words of an enforced rule that are warnings are no refusals either.
    world.rule("odd", "warn", &["pipeline"], "enforce").await;
    let (saved, warnings) = collecting(world.put("pipeline", "q", "\"bad\"")).await;
    saved.unwrap();
    assert_eq!(warnings.len(), 1);
    let odd = || ("odd".to_owned(), Verdict::Warned);
    assert_eq!(verdicts(&world.store), [odd(), odd()]);
}

#[tokio::test]
async fn what_cannot_be_judged_is_closed_or_open_and_deletions_are_always_open() {
    for does in ["trap", "suspended"] {
        let world = World::new();
        for name in ["a", "b", "c"] {
            world.put("role", name, "{}").await.unwrap();
        }
        world.full_rule("broken", does, &["*"], "enforce").await;
        let error = world.put("role", "a", "{}").await.unwrap_err();
        assert_eq!(error.code, ErrorCode::RuleFailed);
        assert!(error.message.contains("rule `broken`: the rule cannot judge this: plugin-"), "{error}");
        assert_eq!(error.violations.len(), 1);
        world.delete("role", "a").await.unwrap();
        world.full_rule("broken", does, &["*"], "warn").await;
        world.put("role", "b", "{}").await.unwrap();
        world.delete("role", "c").await.unwrap();
        let words: Vec<Verdict> = verdicts(&world.store).into_iter().map(|(_, verdict)| verdict).collect();
        assert_eq!(words, [Verdict::Closed, Verdict::Opened, Verdict::Opened, Verdict::Opened]);
    }
}

#[tokio::test]
async fn a_rule_that_never_answers_is_given_up() {
    let world = World::new();
    world.full_rule("slow", "hang", &["role"], "enforce").await;
    let error = world.put("role", "a", "{}").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RuleFailed);
    assert!(error.message.contains("did not answer within 2s"), "{error}");
    world.store.write_unjudged("ann", vec![Change::put(key("role", "a"), "{}")]).await.unwrap();
    world.delete("role", "a").await.unwrap();
}

#[tokio::test]
async fn a_rule_that_judges_deletions_may_refuse_them() {
    let world = World::new();
    world.put("pipeline", "p", "\"bad\"").await.unwrap();
    world.full_rule("keep", "refuse", &["pipeline"], "enforce").await;
    let error = world.delete("pipeline", "p").await.unwrap_err();
    assert!(error.message.starts_with("the pipeline `p` may not be deleted"), "{error}");
    assert_eq!(world.take().pop().unwrap().operation, Operation::Delete);
    world.delete("pipeline", "none").await.unwrap();
    world.rules.delete("admin", T, "keep").await.unwrap();
    world.delete("pipeline", "p").await.unwrap();
}

#[tokio::test]
async fn settings_of_streams_are_shown_under_their_names() {
    let world = World::new();
    world.rule("ttl", "refuse", &["stream"], "enforce").await;
    let config = |ttl_seconds, field: &str| StreamConfig {
        ttl_seconds,
        indexed_fields: [field.to_owned()].into(),
        ..StreamConfig::default()
    };
    world.store.configure_stream(T, "s", config(60, "f"), "ann").await.unwrap();
    let error = world.store.configure_stream(T, "s", config(60, "bad"), "ann").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RuleViolation);
    let asked = world.take();
    assert_eq!(asked[0].document, r#"{"ttl":60,"size":0,"indexed_fields":["f"]}"#);
    assert_eq!(asked[1].previous.as_deref(), Some(r#"{"ttl":60,"size":0,"indexed_fields":["f"]}"#));
}

#[tokio::test]
async fn rules_are_judged_only_by_rules_for_rules_and_can_always_be_deleted() {
    let world = World::new();
    world.full_rule("all", "trap", &["*"], "enforce").await;
    world.full_rule("more", "trap", &["*"], "enforce").await;
    world.full_rule("guard", "trap", &[VALIDATOR], "enforce").await;
    let free = rule(serde_json::json!({"plugin": "native", "config": {"do": "warn"}, "kinds": ["role"]}));
    let error = world.rules.save("admin", T, "new", free.clone()).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RuleFailed);
    for name in ["guard", "all", "more"] {
        assert!(world.rules.delete("admin", T, name).await.unwrap());
    }
    assert!(!world.rules.delete("admin", T, "more").await.unwrap());
    world.rules.save("admin", T, "new", free).await.unwrap();
    // Also by whoever deletes the document itself.
    world.full_rule("guard", "trap", &[VALIDATOR], "enforce").await;
    world.delete(VALIDATOR, "guard").await.unwrap();
}

#[tokio::test]
async fn a_rule_does_not_keep_off_the_repair_of_its_plugin() {
    let world = World::new();
    world.full_rule("broken", "trap", &["*"], "enforce").await;
    world.put("plugin", "native", "{}").await.unwrap();
    let version = headworks_core::DocumentKey::scoped(T, "plugin-version", "native", "2.0.0");
    world.store.write("ann", vec![Change::put(version, "{}")]).await.unwrap();
    assert_eq!(world.put("plugin", "other", "{}").await.unwrap_err().code, ErrorCode::RuleFailed);
}

#[tokio::test]
async fn answers_are_bounded() {
    let world = World::new();
    world.rule("many", "many", &["role"], "enforce").await;
    world.rule("more", "many", &["role"], "enforce").await;
    let error = world.put("role", "a", "{}").await.unwrap_err();
    assert_eq!(error.violations.len(), 50);
    assert!(error.violations.iter().all(|violation| violation.message.len() <= 1024));
    assert!(error.message.ends_with("(and 99 more)"), "{}", error.message.len());
    let entries = world.store.audit(T, 0, 99).unwrap();
    let detail = entries.iter().rev().find_map(|entry| match &entry.event {
        AuditEvent::Judged { detail, .. } => Some(detail.len()),
        _ => None,
    });
    assert!(detail.is_some_and(|bytes| bytes <= 256), "{detail:?}");
}
