use crate::support::*;
use headworks_core::{Digest, ErrorCode, TenantId, Timestamp};
use headworks_store::{DeadLetter, Store, StoreOptions};

fn letter(reason: &str) -> DeadLetter {
    DeadLetter {
        pipeline: "p".to_owned(),
        node: "n".to_owned(),
        plugin_digest: String::new(),
        code: ErrorCode::PluginTrap.as_str().to_owned(),
        reason: reason.to_owned(),
        backtrace: None,
        attempt: 1,
        at: Timestamp(5),
        records: batch(&[(1, &[("a", "b")]), (2, &[("c", "d"), ("a", "")])]).select(&[1]),
    }
}

#[tokio::test]
async fn letters_are_kept_in_order_and_the_oldest_give_way() {
    let Bench { folder, clock, store } = Bench::new();
    drop(store);
    let open = || Store::open(StoreOptions { dead_letter_count: 3, ..options(folder.path(), &clock) }).unwrap();
    let store = open();
    for reason in ["1", "2", "3", "4"] {
        store.bury(T, letter(reason)).await.unwrap();
    }
    store.bury(TenantId(2), letter("other")).await.unwrap();
    drop(store);
    let store = open();
    store.bury(T, letter("5")).await.unwrap();
    let kept = store.dead_letters(T, 0, 10).unwrap();
    assert_eq!(kept.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [3, 4, 5]);
    assert_eq!(kept[2].1, letter("5"));
    assert_eq!(store.dead_letters(T, 3, 1).unwrap(), kept[1..2]);
    assert_eq!(store.dead_letters(TenantId(2), 0, 10).unwrap().len(), 1);
    assert_eq!(store.dropped_dead_letters().unwrap(), [(T, 2), (TenantId(2), 0)]);
    drop(store);
    assert!(Store::verify(folder.path(), |_| {}).unwrap().problems.is_empty());
}

#[tokio::test]
async fn blobs_are_found_by_their_digest() {
    let bench = Bench::new();
    let bytes: Vec<u8> = (0..100_000u32).flat_map(u32::to_le_bytes).collect();
    let digest = bench.store.put_blob(T, bytes.clone()).await.unwrap();
    assert_eq!(digest, Digest::of(&bytes));
    assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
    assert_eq!(bench.store.put_blob(T, bytes.clone()).await.unwrap(), digest);
    bench.store.put_blob(T, Vec::new()).await.unwrap();
    let bench = bench.reopen();
    assert_eq!(bench.store.blob(T, &digest).unwrap(), Some(bytes));
    assert_eq!(bench.store.blob(T, &Digest::of(b"")).unwrap(), Some(Vec::new()));
    assert_eq!(bench.store.blob(TenantId(2), &digest).unwrap(), None);
    assert!("12".parse::<Digest>().is_err());
    assert!(bench.verified().is_empty());
}
