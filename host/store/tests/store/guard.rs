//! Who judges writes is asked before each, with what is there, and what it says holds.

use crate::support::*;
use headworks_core::{DocumentKey, Error, ErrorCode, TenantId};
use headworks_store::{AuditEvent, Change, Expect, Guard, Judging, Notes, Proposal, Store, StreamConfig, Verdict};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Keeps what it was asked, refuses bodies that hold `bad`, and may change something meanwhile.
#[derive(Default)]
struct Judge {
    asked: Mutex<Vec<(String, Vec<Proposal>)>>,
    meddle: Mutex<Option<Store>>,
    meddled: AtomicUsize,
}

fn key(name: &str) -> DocumentKey {
    DocumentKey::new(T, "k", name)
}

fn has(body: Option<&Vec<u8>>, what: &str) -> bool {
    body.is_some_and(|body| String::from_utf8_lossy(body).contains(what))
}

impl Guard for Judge {
    fn watches(&self, tenant: TenantId, kind: &str) -> bool {
        tenant == T && kind != "free"
    }

    fn check<'a>(&'a self, author: &'a str, proposals: &'a [Proposal]) -> Judging<'a> {
        Box::pin(async move {
            self.asked.lock().unwrap().push((author.to_owned(), proposals.to_vec()));
            let meddle = self.meddle.lock().unwrap().clone();
            if let Some(store) = meddle
                && self.meddled.fetch_add(1, Ordering::Relaxed) < 2
            {
                store.write_unjudged("other", vec![Change::put(key("a"), "between")]).await?;
            }
            if proposals.iter().any(|asked| has(asked.body.as_ref(), "bad") || has(asked.before.as_ref(), "kept")) {
                return Err(Error::new(ErrorCode::RuleViolation, "refused"));
            }
            let noted = proposals.iter().filter(|asked| has(asked.body.as_ref(), "odd"));
            let event = || AuditEvent::Judged { rule: "r".to_owned(), verdict: Verdict::Warned, detail: "odd".to_owned() };
            Ok(noted.map(|asked| (asked.key.clone(), event())).collect::<Notes>())
        })
    }
}

fn guarded() -> (Bench, Arc<Judge>) {
    let (bench, judge) = (Bench::new(), Arc::new(Judge::default()));
    bench.store.guard_with(judge.clone());
    (bench, judge)
}

impl Judge {
    fn take(&self) -> Vec<(String, Vec<Proposal>)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn asked(name: &str, body: Option<&str>, before: Option<&str>) -> Proposal {
    let bytes = |text: Option<&str>| text.map(|text| text.as_bytes().to_vec());
    Proposal { key: key(name), body: bytes(body), before: bytes(before) }
}

#[tokio::test]
async fn a_write_is_judged_beside_what_is_there() {
    let (bench, judge) = guarded();
    let store = &bench.store;
    store.write("ann", vec![Change::put(key("a"), "1"), Change::put(key("a"), "2"), Change::delete(key("b"))]).await.unwrap();
    let both = vec![asked("a", Some("1"), None), asked("a", Some("2"), Some("1"))];
    assert_eq!(judge.take(), [("ann".to_owned(), both)]);

    let refused = store.write("ann", vec![Change::put(key("c"), "good"), Change::put(key("a"), "bad")]).await.unwrap_err();
    assert_eq!((refused.code, store.get(&key("c")).unwrap()), (ErrorCode::RuleViolation, None));
    assert_eq!(store.get(&key("a")).unwrap().unwrap().body, b"2");
    judge.take();

    // What cannot be is refused before anybody judges it; what nobody watches, and what the server does, is not judged.
    let absent = Change::put(key("a"), "bad").expecting(Expect::Absent);
    assert_eq!(store.write("ann", vec![absent]).await.unwrap_err().code, ErrorCode::Exists);
    store.write("ann", vec![Change::put(DocumentKey::new(T, "free", "x"), "bad")]).await.unwrap();
    store.write("ann", vec![Change::put(DocumentKey::new(TenantId(9), "k", "x"), "bad")]).await.unwrap();
    store.write_unjudged("ann", vec![Change::put(key("a"), "kept bad")]).await.unwrap();
    assert_eq!(judge.take(), []);
    assert_eq!(store.write("ann", vec![Change::delete(key("a"))]).await.unwrap_err().code, ErrorCode::RuleViolation);

    store.write("ann", vec![Change::put(key("d"), "odd")]).await.unwrap();
    let entries = store.audit(T, 0, 99).unwrap();
    let last = entries.last().unwrap();
    assert!(matches!(&last.event, AuditEvent::Judged { rule, .. } if rule == "r"), "{last:?}");
    assert_eq!((last.author.as_str(), last.key.name.as_str()), ("ann", "d"));
    assert!(bench.verified().is_empty());
}

#[tokio::test]
async fn a_document_that_changes_while_it_is_judged_is_judged_again() {
    let (bench, judge) = guarded();
    let store = bench.store.clone();
    store.write_unjudged("ann", vec![Change::put(key("a"), "first")]).await.unwrap();
    *judge.meddle.lock().unwrap() = Some(store.clone());
    store.write("ann", vec![Change::put(key("a"), "mine")]).await.unwrap();
    *judge.meddle.lock().unwrap() = None;
    let befores: Vec<_> = judge.take().into_iter().map(|(_, asked)| asked[0].before.clone().unwrap()).collect();
    assert_eq!(befores, [&b"first"[..], b"between", b"between"]);
    assert_eq!(store.get(&key("a")).unwrap().unwrap().body, b"mine");
    drop(store);
    drop(bench);
}

#[tokio::test]
async fn settings_of_streams_and_purges_are_judged() {
    let (bench, judge) = guarded();
    let store = &bench.store;
    store.ensure_stream(T, "s", "ann").await.unwrap();
    store.ensure_stream(T, "s", "ann").await.unwrap();
    store.configure_stream(T, "s", StreamConfig { ttl_seconds: 60, ..indexed(&["f"]) }, "bob").await.unwrap();
    let made = judge.take();
    assert_eq!(made.len(), 2, "{made:?}");
    let texts = |asked: &Proposal| {
        let text = |body: &Option<Vec<u8>>| body.as_ref().map(|body| String::from_utf8(body.clone()).unwrap());
        (text(&asked.body), text(&asked.before))
    };
    let new = r#"{"ttl_seconds":0,"size_mib":0,"indexed_fields":[]}"#.to_owned();
    assert_eq!(texts(&made[0].1[0]), (Some(new.clone()), None));
    let configured = r#"{"ttl_seconds":60,"size_mib":0,"indexed_fields":["f"]}"#.to_owned();
    assert_eq!((made[1].0.as_str(), texts(&made[1].1[0])), ("bob", (Some(configured), Some(new))));

    let bad = store.configure_stream(T, "s", indexed(&["bad"]), "ann").await.unwrap_err();
    assert_eq!((bad.code, store.stream_config(T, "s").unwrap().ttl_seconds), (ErrorCode::RuleViolation, 60));
    store.restore_settings(T, "s", indexed(&["kept"]), "ann").await.unwrap();
    assert_eq!(store.purge_stream(T, "s", "ann").await.unwrap_err().code, ErrorCode::RuleViolation);
    store.restore_settings(T, "s", indexed(&[]), "ann").await.unwrap();
    judge.take();
    // Records make their streams without asking anybody.
    store.append(T, vec![("bad".to_owned(), batch(&[(1, &[("a", "b")])]))]).await.unwrap();
    assert_eq!(judge.take(), []);
    store.purge_stream(T, "s", "ann").await.unwrap();
    store.purge_stream(T, "s", "ann").await.unwrap();
    assert_eq!(judge.take().len(), 1);
    assert_eq!(store.stream_config(T, "s"), None);
}
