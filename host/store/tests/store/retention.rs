use crate::support::*;
use headworks_store::StreamConfig;

fn ttl(seconds: i64) -> StreamConfig {
    StreamConfig { ttl_seconds: seconds, ..indexed(&["k"]) }
}

#[tokio::test]
async fn records_go_when_their_time_is_over() {
    let bench = Bench::new();
    bench.append("s", batch(&[(START, &[("k", "for ever")])])).await;
    bench.configure("s", ttl(10)).await;
    bench.append("s", batch(&[(START, &[("k", "ten")])])).await;
    bench.configure("s", ttl(100)).await;
    bench.append("s", batch(&[(START + 500, &[("k", "hundred")])])).await;
    let left = || bench.all("s").into_iter().map(|(_, fields)| fields[0].1.clone()).collect::<Vec<_>>();
    let values = |bench: &Bench| bench.store.stream_indices(T, "s").unwrap()["k"].clone();

    bench.turn(9);
    assert_eq!(left(), ["hundred", "ten", "for ever"]);
    bench.turn(1);
    // Not shown at once, even before the sweep.
    assert_eq!(left(), ["hundred", "for ever"]);
    assert_eq!(bench.query("s", by(&[("k", &["ten"])])), []);
    let before = bench.store.stream_usage(T, "s");
    bench.store.sweep().await.unwrap();
    assert_eq!(values(&bench), ["for ever", "hundred"]);
    assert!(bench.store.stream_usage(T, "s") < before);

    bench.turn(90);
    assert_eq!(left(), ["hundred", "for ever"], "a record never goes early");
    bench.turn(1);
    assert_eq!(left(), ["for ever"]);
    // What was due while the store was closed goes after it is opened.
    let bench = bench.reopen();
    bench.store.sweep().await.unwrap();
    assert_eq!(values(&bench), ["for ever"]);
    bench.configure("s", ttl(0)).await;
    bench.append("s", batch(&[(START, &[("k", "kept")])])).await;
    bench.turn(1_000_000);
    assert_eq!(bench.all("s").len(), 2);
    assert_eq!(bench.verified(), Vec::<String>::new());
}

#[tokio::test]
async fn many_records_expire_in_pieces() {
    let bench = Bench::new();
    bench.configure("s", ttl(1)).await;
    bench.configure("t", ttl(0)).await;
    for round in 0..30 {
        let records: Vec<(i64, &[(&str, &str)])> = (0..100).map(|n| (START + round * 100 + n, [("k", "v")].as_slice())).collect();
        bench.append("s", batch(&records)).await;
        bench.append("t", batch(&records)).await;
    }
    bench.store.purge_stream(T, "t", "root").await.unwrap();
    bench.turn(1000);
    bench.store.sweep().await.unwrap();
    assert_eq!(bench.store.stream_usage(T, "s"), 0);
    assert!(bench.store.stream_indices(T, "s").unwrap().is_empty());
    assert_eq!(bench.verified(), Vec::<String>::new());
}

#[tokio::test]
async fn the_oldest_go_above_the_bound() {
    let bench = Bench::new();
    bench.configure("s", StreamConfig { size_mib: 1, ..indexed(&["k"]) }).await;
    let value = "v".repeat(900);
    for round in 0..30 {
        let names: Vec<String> = (0..100).map(|n| format!("{}", round * 100 + n)).collect();
        let fields: Vec<[(&str, &str); 2]> = names.iter().map(|name| [("k", name.as_str()), ("v", value.as_str())]).collect();
        let records: Vec<(i64, &[(&str, &str)])> =
            fields.iter().enumerate().map(|(n, fields)| (START + round * 100 + n as i64, fields.as_slice())).collect();
        bench.append("s", batch(&records)).await;
    }
    assert!(bench.store.stream_usage(T, "s") > 2 << 20);
    bench.store.sweep().await.unwrap();
    let usage = bench.store.stream_usage(T, "s");
    assert!(usage <= 1 << 20 && usage > (1 << 20) - 2000, "{usage}");
    let left = bench.all("s");
    assert_eq!(left.first().unwrap().0, START + 2999);
    assert_eq!(left.last().unwrap().0, START + 3000 - left.len() as i64);
    assert_eq!(bench.store.stream_indices(T, "s").unwrap()["k"].len(), left.len());

    // A record that comes later with an earlier time is the oldest again.
    let bench = bench.reopen();
    bench.append("s", batch(&[(START, &[("k", "late"), ("v", &value)])])).await;
    assert_eq!(bench.all("s").last().unwrap().0, START);
    bench.append("s", batch(&[(START + 9999, &[("k", "new"), ("v", &value)])])).await;
    bench.store.sweep().await.unwrap();
    assert!(bench.query("s", by(&[("k", &["late"])])).is_empty());
    assert_eq!(bench.query("s", by(&[("k", &["new"])])).len(), 1);
    assert_eq!(bench.verified(), Vec::<String>::new());
}
