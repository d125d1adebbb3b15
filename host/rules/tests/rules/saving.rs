//! Saving rules: what can be one, and how many.

use crate::support::*;
use headworks_core::ErrorCode;
use headworks_rules::{Deed, MAX_RULES, Mode, Rule};
use serde_json::json;

#[tokio::test]
async fn a_rule_is_kept_and_judges_from_the_next_write_on() {
    let world = World::new();
    world.put("role", "a", "\"bad\"").await.unwrap();
    let saved = world.rules.save(
        "admin",
        T,
        "r",
        rule(json!({
            "plugin": "native", "config": {"do": "refuse"}, "kinds": ["role"],
        })),
    );
    let saved = saved.await.unwrap();
    assert_eq!((saved.rule.mode, saved.rule.operations.clone()), (Mode::Enforce, vec![Deed::Create, Deed::Update]));
    assert_eq!((saved.revision, saved.author.as_str()), (1, "admin"));
    assert_eq!(world.rules.get(T, "r").unwrap(), Some(saved.clone()));
    assert_eq!(world.rules.list(T).unwrap(), [saved]);
    world.put("role", "a", "\"bad\"").await.unwrap_err();
    world.rule("r", "refuse", &["user"], "enforce").await;
    world.put("role", "a", "\"bad\"").await.unwrap();
    world.rules.delete("admin", T, "r").await.unwrap();
    world.put("user", "a", "\"bad\"").await.unwrap();
}

#[test]
fn what_is_wrong_with_a_rule_is_named() {
    for (sent, member) in [
        (json!({"plugin": "p"}), "body"),
        (json!({"plugin": "p", "kinds": ["role"], "other": 1}), "body"),
        (json!({"plugin": "", "kinds": ["role"]}), "plugin"),
        (json!({"plugin": "p", "kinds": []}), "kinds"),
        (json!({"plugin": "p", "kinds": ["role", "pipelines"]}), "kinds[1]"),
        (json!({"plugin": "p", "kinds": ["role"], "operations": []}), "operations"),
        (json!({"plugin": "p", "kinds": ["role"], "mode": "sometimes"}), "body"),
        (json!({"plugin": "p", "kinds": ["role"], "config": "x".repeat(300_000)}), "config"),
    ] {
        let error = Rule::read(sent.to_string().as_bytes()).unwrap_err();
        assert_eq!((error.code, error.member.as_deref()), (ErrorCode::Invalid, Some(member)), "{sent}: {error}");
    }
}

#[tokio::test]
async fn a_rule_without_a_plugin_is_refused() {
    let world = World::new();
    let unknown = rule(json!({"plugin": "unknown", "kinds": ["role"]}));
    let error = world.rules.save("admin", T, "r", unknown).await.unwrap_err();
    assert_eq!((error.code, error.member.as_deref()), (ErrorCode::Invalid, Some("plugin")));
    let fine = || rule(json!({"plugin": "native", "config": {"do": "refuse"}, "kinds": ["role"]}));
    for name in ["", "a/b", "ä", &"x".repeat(200)] {
        let error = world.rules.save("admin", T, name, fine()).await.unwrap_err();
        assert_eq!(error.member.as_deref(), Some("name"), "{name:?}");
    }
    for number in 0..MAX_RULES {
        world.rules.save("admin", T, &format!("r{number}"), fine()).await.unwrap();
    }
    assert_eq!(world.rules.save("admin", T, "one-more", fine()).await.unwrap_err().code, ErrorCode::Exhausted);
    world.rules.save("admin", T, "r0", fine()).await.unwrap();
}
