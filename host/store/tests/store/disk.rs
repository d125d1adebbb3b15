use crate::support::*;
use headworks_core::{DocumentKey, ErrorCode};
use headworks_store::{Change, Health, Store, StoreOptions, StreamConfig};

#[tokio::test]
async fn a_nearly_full_disk_refuses_what_fills_it_and_nothing_else() {
    let bench = Bench::new();
    let key = DocumentKey::new(T, "k", "n");
    bench.store.write("ann", vec![Change::put(key.clone(), "x")]).await.unwrap();
    bench.append("s", batch(&[(1, &[("a", "b")])])).await;
    let Bench { folder, clock, store } = bench;
    drop(store);
    let store = Store::open(StoreOptions { min_free_bytes: u64::MAX, ..options(folder.path(), &clock) }).unwrap();
    assert!(matches!(store.health(), Health::DiskNearlyFull { needed: u64::MAX, .. }));

    let refused = store.append(T, vec![("s".to_owned(), batch(&[(2, &[("a", "b")])]))]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::DiskFull);
    assert!(refused.message.contains("bytes are free"), "{}", refused.message);
    assert_eq!(store.write("ann", vec![Change::put(key.clone(), "y")]).await.unwrap_err().code, ErrorCode::DiskFull);
    assert_eq!(store.put_blob(T, vec![1]).await.unwrap_err().code, ErrorCode::DiskFull);
    assert_eq!(store.configure_stream(T, "s", indexed(&["a"]), "ann").await.unwrap_err().code, ErrorCode::DiskFull);

    let bench = Bench { folder, clock, store };
    assert_eq!(bench.all("s").len(), 1);
    bench.configure("s", StreamConfig { size_mib: 1, ..StreamConfig::default() }).await;
    bench.store.sweep().await.unwrap();
    bench.store.write("ann", vec![Change::delete(key.clone())]).await.unwrap();
    assert_eq!(bench.store.get(&key).unwrap(), None);
    bench.store.purge_stream(T, "s", "ann").await.unwrap();
    assert!(bench.all("s").is_empty());
}
