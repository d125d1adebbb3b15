use crate::support::*;
use headworks_core::document::ChangeKind;
use headworks_core::{DocumentKey, ErrorCode, TenantId};
use headworks_store::{AuditEntry, AuditEvent, Change, Expect};

/// The revision and the kind of a change.
fn change(entry: &AuditEntry) -> (u64, ChangeKind) {
    match entry.event {
        AuditEvent::Changed { revision, kind, .. } => (revision, kind),
        AuditEvent::PluginFailed { .. } | AuditEvent::Judged { .. } => panic!("{entry:?}"),
    }
}

fn key(name: &str) -> DocumentKey {
    DocumentKey::new(T, "pipeline", name)
}

#[tokio::test]
async fn revisions_count_and_identity_lasts_until_deletion() {
    let bench = Bench::new();
    let store = &bench.store;
    let first = store.write("ann", vec![Change::put(key("p"), "1")]).await.unwrap()[0].clone().unwrap();
    bench.turn(5);
    let second = store.write("bob", vec![Change::put(key("p"), "2")]).await.unwrap()[0].clone().unwrap();
    assert_eq!((first.revision, second.revision), (1, 2));
    assert_eq!((first.uid, first.created), (second.uid, second.created));
    assert_eq!((second.author.as_str(), second.body.as_slice()), ("bob", b"2".as_slice()));
    assert!(second.updated > second.created);
    assert_eq!(store.get(&key("p")).unwrap().unwrap(), second);

    let deleted = store.write("bob", vec![Change::delete(key("p"))]).await.unwrap();
    assert_eq!(deleted, [Some(second)]);
    assert_eq!(store.write("bob", vec![Change::delete(key("p"))]).await.unwrap(), [None]);
    let anew = store.write("ann", vec![Change::put(key("p"), "3")]).await.unwrap()[0].clone().unwrap();
    assert_eq!(anew.revision, 1);
    assert_ne!(anew.uid, first.uid);
}

#[tokio::test]
async fn conditions_hold_for_all_changes_or_none() {
    let bench = Bench::new();
    let store = &bench.store;
    let code = async |changes: Vec<Change>| store.write("ann", changes).await.unwrap_err().code;
    store.write("ann", vec![Change::put(key("a"), "1").expecting(Expect::Absent)]).await.unwrap();
    assert_eq!(code(vec![Change::put(key("a"), "2").expecting(Expect::Absent)]).await, ErrorCode::Exists);
    assert_eq!(code(vec![Change::put(key("b"), "2").expecting(Expect::Present)]).await, ErrorCode::NotFound);
    assert_eq!(code(vec![Change::put(key("b"), "2").expecting(Expect::Revision(1))]).await, ErrorCode::RevisionConflict);
    let mixed = vec![Change::put(key("c"), "1"), Change::put(key("a"), "2").expecting(Expect::Revision(7))];
    assert_eq!(code(mixed).await, ErrorCode::RevisionConflict);
    assert_eq!(store.list_names(T, "pipeline", "").unwrap(), ["a"]);
    // Later changes of one write see the earlier ones.
    let chain = vec![
        Change::put(key("d"), "1").expecting(Expect::Absent),
        Change::put(key("d"), "2").expecting(Expect::Revision(1)),
        Change::delete(key("d")).expecting(Expect::Revision(2)),
        Change::put(key("d"), "3").expecting(Expect::Absent),
    ];
    store.write("ann", chain).await.unwrap();
    assert_eq!(store.get(&key("d")).unwrap().unwrap().body, b"3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_writers_of_a_revision_wins() {
    let bench = Bench::new();
    bench.store.write("ann", vec![Change::put(key("n"), "0")]).await.unwrap();
    for revision in 1..=20 {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let store = bench.store.clone();
                let change = Change::put(key("n"), writer.to_string()).expecting(Expect::Revision(revision));
                tokio::spawn(async move { store.write("w", vec![change]).await.is_ok() })
            })
            .collect();
        let mut won = 0;
        for writer in writers {
            won += i32::from(writer.await.unwrap());
        }
        assert_eq!(won, 1);
    }
    assert_eq!(bench.store.get(&key("n")).unwrap().unwrap().revision, 21);
}

#[tokio::test]
async fn every_change_has_its_audit_entry_and_event() {
    let bench = Bench::new();
    let mut events = bench.store.subscribe();
    bench.store.write("ann", vec![Change::put(key("a"), "1"), Change::put(key("b"), "1")]).await.unwrap();
    bench.store.write("bob", vec![Change::delete(key("a"))]).await.unwrap();
    let bench = bench.reopen();
    bench.store.write("ann", vec![Change::put(key("c"), "1")]).await.unwrap();

    let audit = bench.store.audit(T, 0, 10).unwrap();
    let seen: Vec<_> = audit.iter().map(|entry| (entry.author.as_str(), entry.key.name.as_str(), change(entry))).collect();
    let expected = [
        ("ann", "a", (1, ChangeKind::Put)),
        ("ann", "b", (1, ChangeKind::Put)),
        ("bob", "a", (1, ChangeKind::Delete)),
        ("ann", "c", (1, ChangeKind::Put)),
    ];
    assert_eq!(seen, expected);
    assert!(audit.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    assert_eq!(bench.store.audit(T, audit[2].sequence, 1).unwrap(), audit[2..3]);
    assert!(bench.store.audit(TenantId(9), 0, 10).unwrap().is_empty());
    for entry in &audit[..3] {
        let event = events.recv().await.unwrap();
        assert_eq!((event.sequence, &event.key, event.kind), (entry.sequence, &entry.key, change(entry).1));
    }
}

#[tokio::test]
async fn lists_are_by_byte_order_and_do_not_mix() {
    let bench = Bench::new();
    let names = ["b", "a", "a\0", "a\0b", "ä", "Z", "a/b", "aa"];
    let mut changes: Vec<_> = names.iter().map(|name| Change::put(key(name), *name)).collect();
    changes.push(Change::put(DocumentKey::scoped(T, "pipeline", "s", "x"), "x"));
    changes.push(Change::put(DocumentKey::new(T, "pipelin", "x"), "x"));
    changes.push(Change::put(DocumentKey::new(TenantId(2), "pipeline", "x"), "x"));
    bench.store.write("ann", changes).await.unwrap();
    let mut sorted = names;
    sorted.sort_unstable();
    assert_eq!(bench.store.list_names(T, "pipeline", "").unwrap(), sorted);
    assert_eq!(bench.store.list(T, "pipeline", "s").unwrap().len(), 1);
    let bench = bench.reopen();
    assert_eq!(bench.store.list_names(T, "pipeline", "").unwrap(), sorted);
}

#[tokio::test]
async fn keys_that_cannot_be_are_refused() {
    let bench = Bench::new();
    for name in [String::new(), "x".repeat(5000)] {
        let error = bench.store.write("ann", vec![Change::put(key(&name), "1")]).await.unwrap_err();
        assert_eq!((error.code, error.member.as_deref()), (ErrorCode::Invalid, Some("name")));
    }
    let large = Change::put(key("p"), vec![0; (16 << 20) + 1]);
    assert_eq!(bench.store.write("ann", vec![large]).await.unwrap_err().code, ErrorCode::TooLarge);
}
