//! Audit entries of failures, and the bounds of all.

use crate::support::*;
use headworks_core::{DocumentKey, TenantId};
use headworks_store::{AuditEntry, AuditEvent, Change, Store, StoreOptions};
use std::time::Duration;

const OTHER: TenantId = TenantId(9);

fn failure(node: &str) -> AuditEvent {
    AuditEvent::PluginFailed { node: node.to_owned(), code: "plugin-trap".to_owned(), plugin_digest: "00ff".to_owned() }
}

fn pipeline(tenant: TenantId, name: &str) -> DocumentKey {
    DocumentKey::new(tenant, "pipeline", name)
}

/// A store with these bounds.
fn bounded(count: u64, age: Duration) -> Bench {
    let Bench { folder, clock, store } = Bench::new();
    drop(store);
    let options = StoreOptions { audit_count: count, audit_age: age, ..options(folder.path(), &clock) };
    Bench { store: Store::open(options).unwrap(), folder, clock }
}

fn names(entries: &[AuditEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.key.name.as_str()).collect()
}

#[tokio::test]
async fn a_failure_is_noted_once_a_minute() {
    let bench = Bench::new();
    for _ in 0..3 {
        bench.store.note_failure(pipeline(T, "p"), failure("n")).await.unwrap();
    }
    bench.store.note_failure(pipeline(T, "p"), failure("other node")).await.unwrap();
    bench.store.note_failure(pipeline(T, "q"), failure("n")).await.unwrap();
    bench.store.note_failure(pipeline(OTHER, "p"), failure("n")).await.unwrap();
    bench.turn(59);
    bench.store.note_failure(pipeline(T, "p"), failure("n")).await.unwrap();
    assert_eq!(names(&bench.store.audit(T, 0, 10).unwrap()), ["p", "p", "q"]);
    bench.turn(1);
    bench.store.note_failure(pipeline(T, "p"), failure("n")).await.unwrap();
    bench.store.write("ann", vec![Change::put(pipeline(T, "r"), "1")]).await.unwrap();

    let entries = bench.store.audit(T, 0, 10).unwrap();
    assert_eq!(names(&entries), ["p", "p", "q", "p", "r"]);
    assert!(entries.windows(2).all(|pair| pair[0].sequence < pair[1].sequence));
    assert_eq!((entries[0].author.as_str(), &entries[0].event), ("", &failure("n")));
    assert_eq!(bench.store.audit(OTHER, 0, 10).unwrap().len(), 1);
    assert!(bench.verified().is_empty());
}

#[tokio::test]
async fn a_sweep_keeps_the_newest_entries_of_each_tenant() {
    let bench = bounded(3, Duration::from_secs(1000));
    for name in ["a", "b", "c", "d", "e"] {
        bench.store.write("ann", vec![Change::put(pipeline(T, name), "1")]).await.unwrap();
    }
    for name in ["x", "y"] {
        bench.store.write("ann", vec![Change::put(pipeline(OTHER, name), "1")]).await.unwrap();
    }
    bench.store.sweep().await.unwrap();
    assert_eq!(names(&bench.store.audit(T, 0, 10).unwrap()), ["c", "d", "e"]);
    assert_eq!(names(&bench.store.audit(OTHER, 0, 10).unwrap()), ["x", "y"]);
    // The documents stay.
    assert_eq!(bench.store.list_names(T, "pipeline", "").unwrap().len(), 5);
    assert!(bench.verified().is_empty());
}

#[tokio::test]
async fn a_sweep_deletes_old_entries() {
    let bench = bounded(100, Duration::from_secs(1000));
    bench.store.write("ann", vec![Change::put(pipeline(T, "old"), "1")]).await.unwrap();
    bench.store.write("ann", vec![Change::put(pipeline(OTHER, "old"), "1")]).await.unwrap();
    bench.turn(600);
    bench.store.write("ann", vec![Change::put(pipeline(T, "new"), "1")]).await.unwrap();
    bench.turn(400);
    bench.store.sweep().await.unwrap();
    assert_eq!(names(&bench.store.audit(T, 0, 10).unwrap()), ["old", "new"], "it is not older than the bound");
    bench.turn(1);
    bench.store.sweep().await.unwrap();
    assert_eq!(names(&bench.store.audit(T, 0, 10).unwrap()), ["new"]);
    assert!(bench.store.audit(OTHER, 0, 10).unwrap().is_empty());
    bench.turn(10_000);
    bench.store.sweep().await.unwrap();
    assert!(bench.store.audit(T, 0, 10).unwrap().is_empty());
    // Numbers go on.
    bench.store.write("ann", vec![Change::put(pipeline(T, "last"), "1")]).await.unwrap();
    assert_eq!(bench.store.audit(T, 0, 10).unwrap()[0].sequence, 4);
}
