//! A tenant that goes leaves nothing, and nothing of it comes back; totals of days.

use crate::support::{Bench, START, T, batch};
use headworks_core::{Batch, DocumentKey, ErrorCode, TenantId, Timestamp};
use headworks_store::{Beside, Change, DeadLetter, Store, StreamConfig};
use std::collections::BTreeSet;

const GOING: TenantId = TenantId(7);

fn document() -> DocumentKey {
    DocumentKey::new(TenantId::HOST, "tenant", "going")
}

fn one() -> Batch {
    batch(&[(START, &[("k", "v")])])
}

/// Something in every table.
async fn furnish(store: &Store, tenant: TenantId) {
    let config = StreamConfig { ttl_seconds: 60, indexed_fields: BTreeSet::from(["k".to_owned()]), ..StreamConfig::default() };
    store.configure_stream(tenant, "s", config, "root").await.unwrap();
    store.append(tenant, vec![("s".to_owned(), one())]).await.unwrap();
    store.accept(tenant, Vec::new(), vec![("q".to_owned(), one())]).await.unwrap();
    store.write("root", vec![Change::put(DocumentKey::new(tenant, "pipeline", "p"), "{}")]).await.unwrap();
    store.put_blob(tenant, b"bytes".to_vec()).await.unwrap();
    store.bury(tenant, letter()).await.unwrap();
    let mut writer = store.start_content(tenant).await.unwrap();
    writer.write(b"bytes").await.unwrap();
    let content = writer.finish().await.unwrap();
    let beside = vec![Beside::Content { tenant, id: content.id }];
    store.write_with("root", Vec::new(), beside).await.unwrap();
    store.put_totals(vec![(tenant, 20_000, vec![1, 2, 3])], 19_000).await.unwrap();
}

fn letter() -> DeadLetter {
    DeadLetter {
        pipeline: "p".to_owned(),
        node: "n".to_owned(),
        plugin_digest: String::new(),
        code: "plugin-trap".to_owned(),
        reason: "x".to_owned(),
        backtrace: None,
        attempt: 1,
        at: Timestamp::from_millis(START),
        records: one(),
    }
}

#[tokio::test]
async fn a_tenant_that_goes_leaves_no_key_and_others_keep_theirs() {
    let bench = Bench::new();
    bench.store.write("root", vec![Change::put(document(), "{}")]).await.unwrap();
    for tenant in [T, GOING, TenantId(8)] {
        furnish(&bench.store, tenant).await;
    }
    let mut events = bench.store.subscribe();
    bench.store.purge_tenant(GOING, document(), "root").await.unwrap();
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push((event.key.tenant, event.key.kind.clone()));
    }
    let expected = [(GOING, "pipeline"), (GOING, "stream"), (TenantId::HOST, "tenant")];
    assert_eq!(told, expected.map(|(tenant, kind)| (tenant, kind.to_owned())));
    assert_eq!(bench.store.get(&document()).unwrap(), None);
    assert_eq!((bench.store.tenant_usage(GOING), bench.store.stream_names(GOING).len()), (0, 0));

    // Whoever was under way with something for it.
    let store = &bench.store;
    let stored = store.append(GOING, vec![("s".to_owned(), one())]).await;
    let written = store.write("root", vec![Change::put(DocumentKey::new(GOING, "pipeline", "p"), "{}")]).await.map(drop);
    let queued = store.accept(GOING, Vec::new(), vec![("q".to_owned(), one())]).await;
    let ensured = store.ensure_stream(GOING, "t", "root").await.map(drop);
    let kept = store.put_blob(GOING, b"bytes".to_vec()).await.map(drop);
    for result in [stored, written, queued, ensured, kept, store.bury(GOING, letter()).await] {
        assert_eq!(result.unwrap_err().code, ErrorCode::NotFound);
    }
    store.put_totals(vec![(GOING, 20_000, vec![9]), (T, 20_001, vec![4])], 19_000).await.unwrap();
    assert_eq!(store.totals(T, 0).unwrap(), [(20_000, vec![1, 2, 3]), (20_001, vec![4])]);

    let bench = bench.reopen();
    for tenant in [T, TenantId(8)] {
        assert_eq!(bench.store.stream_names(tenant).len(), 1);
        assert_eq!(bench.store.dead_letters(tenant, 0, 10).unwrap().len(), 1);
        assert_eq!(bench.store.queued(tenant, "q", 0, 10).unwrap().len(), 1);
    }
    let Bench { folder, store, .. } = bench;
    drop(store);
    let report = Store::verify(folder.path(), |_| {}).unwrap();
    assert_eq!((report.problem_count, report.problems), (0, Vec::<String>::new()));
    let numbers: Vec<u32> = report.tenants.keys().map(|tenant| tenant.0).collect();
    assert_eq!(numbers, [0, 1, 8], "{:?}", report.tenants);
}

#[tokio::test]
async fn totals_of_old_days_are_forgotten() {
    let bench = Bench::new();
    for day in [10, 20, 30] {
        bench.store.put_totals(vec![(T, day, vec![u64::from(day)])], day.saturating_sub(15)).await.unwrap();
    }
    assert_eq!(bench.store.totals(T, 0).unwrap(), [(20, vec![20]), (30, vec![30])]);
    bench.store.put_totals(vec![(T, 30, vec![31])], 0).await.unwrap();
    assert_eq!(bench.reopen().store.totals(T, 25).unwrap(), [(30, vec![31])]);
}
