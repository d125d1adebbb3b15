use crate::support::*;
use headworks_core::{Digest, DocumentKey, ErrorCode, TenantId, Timestamp};
use headworks_store::{Beside, Change, DeadLetter, Expect, LetterFilter, Store, StoreOptions};

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

#[tokio::test]
async fn letters_are_found_by_what_they_are() {
    let bench = Bench::new();
    let of = |pipeline: &str, digest: &str, at: i64| {
        let (pipeline, plugin_digest) = (pipeline.to_owned(), digest.to_owned());
        DeadLetter { pipeline, plugin_digest, at: Timestamp(at), ..letter("x") }
    };
    for (pipeline, digest, at) in [("p", "aa11", 1), ("q", "aa22", 2), ("p", "bb33", 3)] {
        bench.store.bury(T, of(pipeline, digest, at)).await.unwrap();
    }
    let found = |filter: LetterFilter, after| {
        let found = bench.store.letter_summaries(T, &filter, after, 10).unwrap();
        found.iter().map(|letter| letter.number).collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(found(LetterFilter::default(), 0), [1, 2, 3]);
    assert_eq!(found(LetterFilter::default(), 1), [2, 3]);
    assert_eq!(found(LetterFilter { pipeline: text("p"), ..LetterFilter::default() }, 0), [1, 3]);
    assert_eq!(found(LetterFilter { plugin_digest: text("aa"), ..LetterFilter::default() }, 0), [1, 2]);
    assert_eq!(found(LetterFilter { code: text("failed"), ..LetterFilter::default() }, 0), [0u64; 0]);
    let times = LetterFilter { from: Some(Timestamp(2)), to: Some(Timestamp(2)), ..LetterFilter::default() };
    assert_eq!(found(times, 0), [2]);
    let summary = &bench.store.letter_summaries(T, &LetterFilter::default(), 0, 1).unwrap()[0];
    assert_eq!((summary.records, summary.node.as_str(), summary.attempt), (1, "n", 1));
    assert_eq!(bench.store.discard_letters(T, vec![1, 3, 9, 1]).await.unwrap(), 2);
    assert_eq!(found(LetterFilter::default(), 0), [2]);
    bench.store.bury(T, letter("next")).await.unwrap();
    assert_eq!(found(LetterFilter::default(), 0), [2, 4]);
    let bench = bench.reopen();
    assert_eq!(bench.store.dead_letters(T, 0, 9).unwrap().len(), 2);
    assert!(bench.verified().is_empty());
}

#[tokio::test]
async fn a_replayed_letter_is_gone_with_what_was_made_of_it() {
    let bench = Bench::new();
    bench.store.bury(T, letter("x")).await.unwrap();
    let seen = bench.store.dead_letter(T, 1).unwrap().unwrap();
    assert_eq!(seen.letter, letter("x"));
    let made = || vec![("s".to_owned(), seen.letter.records.clone())];

    // Twice at once: one of them is told that it came too late, and nothing is there twice.
    let (one, two) = tokio::join!(
        bench.store.accept_replayed(T, &seen, made(), made(), None),
        bench.store.accept_replayed(T, &seen, made(), made(), None),
    );
    let codes: Vec<ErrorCode> = [one, two].into_iter().filter_map(|done| done.err().map(|error| error.code)).collect();
    assert_eq!(codes, [ErrorCode::NotFound]);
    assert_eq!(bench.all("s").len(), 1);
    assert_eq!(bench.store.queued(T, "s", 0, 9).unwrap().len(), 1);

    // What is left stays under the number; who saw the letter before cannot replay it.
    bench.store.bury(T, letter("y")).await.unwrap();
    let seen = bench.store.dead_letter(T, 2).unwrap().unwrap();
    let rest = DeadLetter { attempt: 2, ..letter("a longer reason than before") };
    bench.store.accept_replayed(T, &seen, Vec::new(), Vec::new(), Some(rest.clone())).await.unwrap();
    let error = bench.store.accept_replayed(T, &seen, Vec::new(), Vec::new(), None).await.unwrap_err();
    assert_eq!(error.code, ErrorCode::RevisionConflict);
    let bench = bench.reopen();
    assert_eq!(bench.store.dead_letters(T, 0, 9).unwrap(), [(2, rest)]);
    assert!(bench.verified().is_empty());
}

#[tokio::test]
async fn blobs_and_state_come_and_go_with_documents() {
    let bench = Bench::new();
    let (store, key) = (&bench.store, DocumentKey::new(T, "plugin", "p"));
    let (bytes, digest) = (vec![7; 10_000], Digest::of(&[7; 10_000]));
    let blob = || vec![Beside::Blob { tenant: T, digest, bytes: bytes.clone() }];
    let refused = Change::put(key.clone(), "{}").expecting(Expect::Present);
    assert_eq!(store.write_with("a", vec![refused], blob()).await.unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(store.blob(T, &digest).unwrap(), None);
    store.write_with("a", vec![Change::put(key.clone(), "{}")], blob()).await.unwrap();
    assert_eq!(store.blob(T, &digest).unwrap(), Some(bytes));
    let values = [("b", "2"), ("a", "1"), ("a\0", "3")].map(|(name, value)| (name.to_owned(), Some(value.into())));
    store.remember(T, "p", values.to_vec()).await.unwrap();
    store.remember(T, "p\0", vec![("c".to_owned(), Some(vec![]))]).await.unwrap();
    store.remember(T, "p", vec![("b".to_owned(), None), ("none".to_owned(), None)]).await.unwrap();
    let bench = bench.reopen();
    let store = &bench.store;
    assert_eq!(store.states(T, "p").unwrap(), [("a".to_owned(), 1), ("a\0".to_owned(), 1)]);
    assert_eq!(store.state(T, "p", "a").unwrap(), Some(b"1".to_vec()));
    assert_eq!(store.state(TenantId(2), "p", "a").unwrap(), None);
    let gone = vec![Beside::NoBlob { tenant: T, digest }, Beside::NoState { tenant: T, plugin: "p".to_owned() }];
    store.write_with("a", vec![Change::delete(key)], gone).await.unwrap();
    assert_eq!((store.blob(T, &digest).unwrap(), store.states(T, "p").unwrap()), (None, vec![]));
    assert_eq!(store.states(T, "p\0").unwrap(), [("c".to_owned(), 0)]);
    assert!(bench.verified().is_empty());
}
