use crate::support::*;
use headworks_core::{ErrorCode, Timestamp};
use headworks_store::ScanRange;
use std::collections::BTreeMap;

#[tokio::test]
async fn fields_are_and_values_are_or() {
    let bench = Bench::new();
    bench.configure("s", indexed(&["level", "host"])).await;
    for ms in 0..60 {
        let level = ["info", "warn", "error"][ms as usize % 3];
        let host = ["a", "b", "a\0", ""][ms as usize % 4];
        bench.append("s", batch(&[(ms, &[("level", level), ("host", host), ("n", &ms.to_string())])])).await;
    }
    bench.append("s", batch(&[(100, &[("n", "bare")])])).await;
    let times = |range| bench.query("s", range).into_iter().map(|(ms, _)| ms).collect::<Vec<_>>();
    let expected = |keep: &dyn Fn(i64) -> bool| (0..60).rev().filter(|ms| keep(*ms)).collect::<Vec<_>>();
    assert_eq!(times(by(&[("level", &["warn"])])), expected(&|ms| ms % 3 == 1));
    assert_eq!(times(by(&[("level", &["warn", "error", "warn", "never"])])), expected(&|ms| ms % 3 > 0));
    assert_eq!(times(by(&[("level", &["info"]), ("host", &["a", ""])])), expected(&|ms| ms % 3 == 0 && matches!(ms % 4, 0 | 3)));
    assert_eq!(times(by(&[("host", &["a\0"])])), expected(&|ms| ms % 4 == 2));
    assert!(times(by(&[("level", &[])])).is_empty());
    assert!(times(by(&[("level", &["never"])])).is_empty());
    assert!(times(by(&[("n", &["1"])])).is_empty());
    assert!(times(by(&[("level", &["info"]), ("n", &["0"])])).is_empty());
    let range = ScanRange { from: Timestamp::from_millis(10), to: Timestamp::from_millis(20), ..by(&[("level", &["info"])]) };
    assert_eq!(times(range), [18, 15, 12]);
    let many: Vec<String> = (0..1001).map(|n| n.to_string()).collect();
    let range = ScanRange { indexing: vec![("level".to_owned(), many)], ..ScanRange::all() };
    let error = bench.store.scan(T, "s", range).err().unwrap();
    assert_eq!((error.code, error.member.as_deref()), (ErrorCode::Invalid, Some("indexing")));
    assert!(bench.verified().is_empty());
}

#[tokio::test]
async fn the_values_of_indexes_are_listed_once_each() {
    let bench = Bench::new();
    bench.configure("s", indexed(&["level", "unused"])).await;
    for value in ["b", "a", "a", "", "a\0", "aa"] {
        bench.append("s", batch(&[(1, &[("level", value), ("other", "x")])])).await;
    }
    let values = ["", "a", "a\0", "aa", "b"].map(str::to_owned).to_vec();
    assert_eq!(bench.store.stream_indices(T, "s").unwrap(), BTreeMap::from([("level".to_owned(), values)]));
    assert!(bench.store.stream_indices(T, "unknown").unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_index_is_built_while_records_arrive() {
    let bench = Bench::new();
    let records: Vec<(i64, &[(&str, &str)])> = (0..2500).map(|ms| (ms, [("k", "old")].as_slice())).collect();
    bench.append("s", batch(&records)).await;
    let writer = {
        let store = bench.store.clone();
        tokio::spawn(async move {
            for ms in 0..200 {
                store.append(T, vec![("s".to_owned(), batch(&[(5000 + ms, &[("k", "new")])]))]).await.unwrap();
            }
        })
    };
    bench.configure("s", indexed(&["k"])).await;
    assert_eq!(bench.query("s", by(&[("k", &["old"])])).len(), 2500);
    writer.await.unwrap();
    assert_eq!(bench.query("s", by(&[("k", &["new"])])).len(), 200);

    bench.configure("s", indexed(&[])).await;
    assert!(bench.query("s", by(&[("k", &["old"])])).is_empty());
    assert!(bench.store.stream_indices(T, "s").unwrap().is_empty());
    let bench = bench.reopen();
    bench.configure("s", indexed(&["k"])).await;
    assert_eq!(bench.query("s", by(&[("k", &["old", "new"])])).len(), 2700);
    assert_eq!(bench.verified(), Vec::<String>::new());
}

#[tokio::test]
async fn a_value_too_long_for_an_index_is_stored() {
    let bench = Bench::new();
    bench.configure("s", indexed(&["k"])).await;
    let long = "x".repeat(5000);
    bench.append("s", batch(&[(1, &[("k", &long)]), (2, &[("k", "short")])])).await;
    assert_eq!(bench.all("s").len(), 2);
    assert_eq!(bench.query("s", by(&[("k", &["short"])])).len(), 1);
    assert!(bench.query("s", by(&[("k", &[&long])])).is_empty());
    assert!(bench.verified().is_empty());
}
