use crate::support::*;
use headworks_core::{Batch, BatchBuilder, ErrorCode, TenantId, Timestamp, Value};
use headworks_store::{ScanRange, StreamConfig, WatchItem};
use std::collections::HashSet;
use std::time::Duration;

#[tokio::test]
async fn records_come_back_newest_first_and_whole() {
    let bench = Bench::new();
    let mut builder = BatchBuilder::default();
    builder.field("text", Value::Text("hé"));
    builder.field("", Value::Text("empty name"));
    builder.field("n", Value::Integer(-1));
    builder.field("f", Value::Float(0.5));
    builder.field("b", Value::Bytes(&[0, 255]));
    builder.field("j", Value::Json("{}"));
    builder.field("y", Value::Boolean(true));
    builder.field("z", Value::Null);
    builder.end_record(Timestamp(1_767_322_985_678_901_234));
    builder.end_record(Timestamp(1_767_322_985_678_901_235));
    let stored = builder.finish().unwrap();
    bench.append("s", stored.clone()).await;
    let bench = bench.reopen();
    let mut scan = bench.store.scan(T, "s", ScanRange::all()).unwrap();
    let read = scan.next_chunk(10).unwrap().unwrap();
    assert_eq!(read, stored.select(&[1, 0]));
    assert!(scan.next_chunk(10).unwrap().is_none());
    drop(scan);
    assert_eq!(bench.store.stream_fields(T, "s"), ["", "b", "f", "j", "n", "text", "y", "z"]);
    assert!(bench.verified().is_empty());
}

#[tokio::test]
async fn ranges_are_inclusive_by_the_millisecond() {
    let bench = Bench::new();
    for ms in [5, 1, 3, 2, 4] {
        bench.append("s", batch(&[(ms, &[("n", &ms.to_string())])])).await;
    }
    let times = |from: i64, to: i64| {
        let range = ScanRange { from: Timestamp(from), to: Timestamp(to), indexing: Vec::new() };
        bench.query("s", range).into_iter().map(|(ms, _)| ms).collect::<Vec<_>>()
    };
    assert_eq!(times(2_000_000, 4_000_000), [4, 3, 2]);
    assert_eq!(times(2_999_999, 4_999_999), [4, 3, 2]);
    assert!(times(4_000_000, 2_000_000).is_empty());
    assert_eq!(times(i64::MIN, i64::MAX), [5, 4, 3, 2, 1]);
    assert!(bench.all("unknown").is_empty());
    assert_eq!(bench.store.stream_names(T).len(), 1);
}

#[tokio::test]
async fn one_append_is_for_all_its_streams() {
    let bench = Bench::new();
    let parts = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), batch(&[(1, &[("a", "b")])]))).collect::<Vec<_>>();
    assert_eq!(bench.store.append(T, parts(&["x", ""])).await.unwrap_err().code, ErrorCode::Invalid);
    assert!(bench.store.stream_names(T).is_empty());
    bench.store.append(T, parts(&["x", "y", "x"])).await.unwrap();
    assert_eq!((bench.all("x").len(), bench.all("y").len()), (2, 1));
    assert!(bench.store.scan(TenantId(2), "x", ScanRange::all()).unwrap().next_chunk(1).unwrap().is_none());
    // Nothing to store makes no stream.
    bench.store.append(T, vec![("empty".to_owned(), Batch::default())]).await.unwrap();
    assert_eq!(bench.store.stream_config(T, "empty"), None);
    bench.store.ensure_stream(T, "empty", "root").await.unwrap();
    assert_eq!(bench.store.stream_config(T, "empty"), Some(StreamConfig::default()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn parts_find_the_same_as_one_scan() {
    let bench = Bench::new();
    for ms in 0..500 {
        bench.append("s", batch(&[(ms * ms, &[("n", &ms.to_string())])])).await;
    }
    let whole = bench.all("s");
    for parts in [1, 2, 3, 8, 1000] {
        let scans = bench.store.scan_parts(T, "s", ScanRange::all(), parts).unwrap();
        assert!(scans.len() <= parts);
        let mut found = Vec::new();
        for mut scan in scans {
            while let Some(batch) = scan.next_chunk(64).unwrap() {
                found.extend(plain(&batch));
            }
        }
        assert_eq!(found, whole);
    }
}

#[tokio::test]
async fn usage_is_exact_over_restarts_and_purge_empties() {
    let bench = Bench::new();
    assert_eq!(bench.store.stream_usage(T, "s"), 0);
    bench.append("s", batch(&[(1, &[("a", "b")])])).await;
    // Key 24; version, nanoseconds, expiry 3; field, kind, length 3; value 1.
    assert_eq!(bench.store.stream_usage(T, "s"), 31);
    let bench = bench.reopen();
    bench.append("s", batch(&[(1, &[("a", "b")]), (2, &[])])).await;
    assert_eq!(bench.store.stream_usage(T, "s"), 31 + 31 + 27);
    bench.configure("s", StreamConfig { ttl_seconds: 60, ..indexed(&["a"]) }).await;
    bench.store.purge_stream(T, "s", "root").await.unwrap();
    assert_eq!(bench.store.stream_usage(T, "s"), 0);
    assert_eq!(bench.store.stream_config(T, "s"), None);
    assert!(bench.all("s").is_empty() && bench.store.stream_fields(T, "s").is_empty());
    bench.store.purge_stream(T, "s", "root").await.unwrap();
    let bench = bench.reopen();
    assert_eq!(bench.store.stream_names(T), []);
    bench.append("s", batch(&[(3, &[("c", "d")])])).await;
    assert_eq!(bench.store.stream_config(T, "s"), Some(StreamConfig::default()));
    assert_eq!(bench.store.stream_fields(T, "s"), ["c"]);
    assert_eq!(bench.all("s"), [record(3, &[("c", "d")])]);
    assert!(bench.verified().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn appends_and_purges_that_race_leave_nothing_behind() {
    let bench = Bench::new();
    bench.configure("s", indexed(&["n"])).await;
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let store = bench.store.clone();
            tokio::spawn(async move {
                for n in 0..100 {
                    if task == 0 && n % 10 == 0 {
                        store.purge_stream(T, "s", "root").await.unwrap();
                        store.configure_stream(T, "s", indexed(&["n"]), "root").await.unwrap();
                    }
                    store.append(T, vec![("s".to_owned(), batch(&[(n, &[("n", "x")])]))]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(bench.query("s", by(&[("n", &["x"])])).len(), bench.all("s").len());
    bench.store.purge_stream(T, "s", "root").await.unwrap();
    bench.append("s", batch(&[(1, &[("n", "y")])])).await;
    assert_eq!(bench.all("s").len(), 1);
    assert_eq!(bench.verified(), Vec::<String>::new());
}

#[tokio::test]
async fn watchers_are_told_after_the_write_and_survive_a_purge() {
    let bench = Bench::new();
    let mut watcher = bench.store.watch(T, "s");
    let mut other = bench.store.watch(T, "other");
    bench.append("s", batch(&[(1_000, &[("a", "1")]), (1_000, &[("a", "2")])])).await;
    bench.store.purge_stream(T, "s", "root").await.unwrap();
    bench.append("s", batch(&[(2_000, &[("a", "3")])])).await;
    let mut seen = HashSet::new();
    for expected in [2, 1] {
        let WatchItem::Records { ids, batch } = watcher.next().await else { panic!("nothing was lost") };
        assert_eq!((ids.len(), batch.len()), (expected, expected));
        for (id, record) in ids.iter().zip(batch.records()) {
            assert_eq!(i64::try_from(id.ms).unwrap(), record.time().millis());
            assert!(seen.insert(id.uuid));
        }
    }
    assert!(tokio::time::timeout(Duration::from_millis(50), other.next()).await.is_err());
}
