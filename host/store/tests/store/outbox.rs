use crate::support::*;
use headworks_core::{ErrorCode, TenantId};
use headworks_store::{Store, StoreOptions};

fn one(text: &str) -> Vec<(String, headworks_core::Batch)> {
    vec![("q".to_owned(), batch(&[(1, &[("a", text)])]))]
}

#[tokio::test]
async fn a_queue_is_first_in_first_out_and_survives_a_crash() {
    let bench = Bench::new();
    for text in ["1", "2", "3"] {
        bench.store.accept(T, vec![("s".to_owned(), batch(&[(1, &[("a", text)])]))], one(text)).await.unwrap();
    }
    bench.store.accept(TenantId(2), Vec::new(), one("other")).await.unwrap();
    let bench = bench.reopen();
    assert_eq!(bench.store.queues().unwrap(), [(T, "q".to_owned()), (TenantId(2), "q".to_owned())]);
    let waiting = bench.store.queued(T, "q", 0, 10).unwrap();
    assert_eq!(waiting.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(waiting[0].1, batch(&[(1, &[("a", "1")])]));
    bench.store.dequeue(T, "q", 1, None).await.unwrap();
    let rest = batch(&[(1, &[("a", "rest")])]);
    bench.store.dequeue(T, "q", 2, Some(rest.clone())).await.unwrap();
    bench.store.accept(T, Vec::new(), one("4")).await.unwrap();
    let bench = bench.reopen();
    let waiting = bench.store.queued(T, "q", 0, 10).unwrap();
    assert_eq!(waiting.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!(waiting[0].1, rest);
    assert_eq!(bench.store.queued(T, "q", 2, 1).unwrap(), waiting[1..2]);
    assert_eq!(bench.all("s").len(), 3);
    assert!(bench.verified().is_empty());
}

#[tokio::test]
async fn what_would_make_a_queue_too_long_is_refused_whole() {
    let Bench { folder, clock, store } = Bench::new();
    drop(store);
    let store = Store::open(StoreOptions { outbox_bytes: 3000, ..options(folder.path(), &clock) }).unwrap();
    let text = "x".repeat(1000);
    let stored = || vec![("s".to_owned(), batch(&[(1, &[("a", "b")])]))];
    store.accept(T, stored(), one(&text)).await.unwrap();
    store.accept(T, stored(), one(&text)).await.unwrap();
    let error = store.accept(T, stored(), one(&text)).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::Exhausted);
    assert!(error.message.contains("forwarder q"), "{}", error.message);
    assert_eq!(store.queued(T, "q", 0, 10).unwrap().len(), 2);
    let bench = Bench { folder, clock, store };
    assert_eq!(bench.all("s").len(), 2);
    bench.store.dequeue(T, "q", 1, None).await.unwrap();
    bench.store.accept(T, stored(), one(&text)).await.unwrap();
    assert_eq!(bench.store.queued(T, "q", 0, 10).unwrap().iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 3]);
}
