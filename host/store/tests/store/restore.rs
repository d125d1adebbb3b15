//! Records from a view of one store into another, or back into the same.

use crate::support::*;
use headworks_core::{Batch, ErrorCode};
use headworks_store::{Mark, RecordId, Restored, Store, StreamConfig};

/// Everything that a view shows of a stream.
fn saved(store: &Store, stream: &str) -> Vec<Restored> {
    let take = |view: &headworks_store::View<'_>| {
        let mut pieces = Vec::new();
        for of in view.streams(T)?.iter().filter(|of| of.name == stream) {
            let fields: Vec<String> = of.fields().iter().map(|name| name.to_string()).collect();
            view.records(of, |records, marks| {
                let restored =
                    Restored { records: records.clone(), marks: marks.to_vec(), fields: fields.clone(), deleted: vec![] };
                pieces.push(restored);
                Ok(())
            })?;
        }
        Ok(pieces)
    };
    store.view(take).unwrap()
}

async fn restore(bench: &Bench, pieces: &[Restored]) {
    for piece in pieces {
        bench.store.restore(T, "s", piece.clone()).await.unwrap();
    }
}

fn filled() -> Vec<Batch> {
    (0..3)
        .map(|part| {
            let texts: Vec<String> = (0..900).map(|n| (n % 7).to_string()).collect();
            let fields: Vec<[(&str, &str); 2]> = texts.iter().map(|text| [("k", text.as_str()), ("part", "x")]).collect();
            let records: Vec<(i64, &[(&str, &str)])> =
                fields.iter().enumerate().map(|(n, fields)| (START + part * 300 + n as i64 / 3, fields.as_slice())).collect();
            batch(&records)
        })
        .collect()
}

#[tokio::test]
async fn what_is_restored_twice_or_into_its_own_store_is_there_once() {
    let (one, other) = (Bench::new(), Bench::new());
    one.configure("s", indexed(&["k"])).await;
    for part in filled() {
        one.append("s", part).await;
    }
    let expected = one.all("s");
    assert_eq!(expected.len(), 2700);
    let pieces = saved(&one.store, "s");
    assert!(pieces.len() > 1, "one piece tests nothing");
    other.configure("s", indexed(&["k"])).await;
    for _ in 0..2 {
        restore(&other, &pieces).await;
        restore(&one, &pieces).await;
    }
    let there_and_back = saved(&other.store, "s");
    restore(&one, &there_and_back).await;
    for bench in [one, other] {
        assert_eq!(bench.all("s"), expected);
        assert_eq!(bench.query("s", by(&[("k", &["3"])])).len(), 3 * 129, "every seventh of 900 from the fourth on");
        assert_eq!(bench.verified(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn records_of_two_stores_do_not_take_each_others_place() {
    let (one, other) = (Bench::new(), Bench::new());
    one.append("s", batch(&[(START, [("from", "one")].as_slice()); 50])).await;
    other.append("s", batch(&[(START, [("from", "other")].as_slice()); 50])).await;
    restore(&one, &saved(&other.store, "s")).await;
    assert_eq!(one.all("s").len(), 100);
    assert!(one.verified().is_empty());
}

#[tokio::test]
async fn a_view_does_not_see_what_comes_after_it() {
    let bench = Bench::new();
    bench.append("s", batch(&[(START, &[("n", "before")])])).await;
    let store = bench.store.clone();
    let handle = tokio::runtime::Handle::current();
    let seen = tokio::task::spawn_blocking(move || {
        store.view(|view| {
            handle.block_on(store.append(T, vec![("s".to_owned(), batch(&[(START, &[("n", "after"), ("new", "x")])]))]))?;
            let stream = view.streams(T)?.pop().unwrap();
            let mut seen = 0;
            view.records(&stream, |records, _| {
                seen += records.len();
                Ok(())
            })?;
            assert_eq!(stream.fields().len(), 1);
            Ok(seen)
        })
    });
    assert_eq!(seen.await.unwrap().unwrap(), 1);
    assert_eq!(bench.all("s").len(), 2);
}

#[tokio::test]
async fn expiry_comes_back_with_the_record_and_is_kept_to() {
    let (one, other) = (Bench::new(), Bench::new());
    one.configure("s", StreamConfig { ttl_seconds: 60, ..StreamConfig::default() }).await;
    one.append("s", batch(&[(START, &[("n", "1")]), (START + 1, &[("n", "2")])])).await;
    let pieces = saved(&one.store, "s");
    restore(&other, &pieces).await;
    // A second restore that begins at the same record and is shorter must not shorten what is to be deleted.
    let mut shorter = pieces[0].clone();
    (shorter.records, shorter.marks) = (shorter.records.slice(0..1), shorter.marks[..1].to_vec());
    restore(&other, &[shorter]).await;
    other.turn(59);
    assert_eq!(other.all("s").len(), 2);
    other.turn(3);
    assert!(other.all("s").is_empty());
    other.store.sweep().await.unwrap();
    assert_eq!(other.store.stream_usage(T, "s"), 0);
    assert!(saved(&other.store, "s").is_empty(), "what expired is in no view");
    assert!(other.verified().is_empty());
}

#[tokio::test]
async fn deleted_records_go_and_unknown_ones_are_passed_over() {
    let bench = Bench::new();
    bench.configure("s", indexed(&["n"])).await;
    bench.append("s", batch(&[(START, &[("n", "1")]), (START, &[("n", "2")])])).await;
    let marks: Vec<Mark> = saved(&bench.store, "s")[0].marks.clone();
    let gone = |uuid| RecordId { ms: START as u64, uuid };
    let deleted = vec![gone(marks[0].uuid), gone(uuid::Uuid::from_u128(7))];
    bench.store.restore(T, "s", Restored { deleted: deleted.clone(), ..Restored::default() }).await.unwrap();
    bench.store.restore(T, "nowhere", Restored { deleted, ..Restored::default() }).await.unwrap();
    assert_eq!(bench.all("s"), [record(START, &[("n", "2")])]);
    assert_eq!(bench.store.stream_names(T).len(), 1);
    let twice = Restored { records: batch(&[(1, &[]), (1, &[])]), marks: vec![marks[0]; 2], ..Restored::default() };
    assert_eq!(bench.store.restore(T, "s", twice).await.unwrap_err().code, ErrorCode::Internal);
    assert!(bench.verified().is_empty());
}
