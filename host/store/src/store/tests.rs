//! What cannot be brought about from outside.
#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::journal::fault;
use crate::types::Change;
use headworks_core::{BatchBuilder, Timestamp, Value};
use std::collections::BTreeSet;

const T: TenantId = TenantId::DEFAULT;

fn options(path: &Path) -> StoreOptions {
    StoreOptions { path: path.to_owned(), min_free_bytes: 0, ..StoreOptions::default() }
}

fn batch(records: i64) -> Batch {
    let mut builder = BatchBuilder::default();
    for ms in 0..records {
        builder.field("k", Value::Text("v"));
        builder.end_record(Timestamp::from_millis(ms));
    }
    builder.finish().unwrap()
}

#[tokio::test]
async fn an_index_whose_building_was_interrupted_is_dropped_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(options(folder.path())).unwrap();
    store.append(T, vec![("s".to_owned(), batch(2500))]).await.unwrap();
    let config = StreamConfig { indexed_fields: BTreeSet::from(["k".to_owned()]), ..StreamConfig::default() };
    let wanted = config.clone();
    let begin = store.0.committer.submit(Company::Shared, 0, move |group| group.begin(T, "s", &wanted, "root")).await.unwrap();
    let Opening::Build(number) = begin else { panic!("there is something to build") };
    let piece = store.0.committer.submit(Company::Alone, 0, move |group| group.backfill(T, "s", number, None)).await.unwrap();
    assert!(matches!(piece, Backfill::Before(_)));
    // A purge in the middle is noticed.
    let other = move |group: &mut committer::Group<'_>| group.backfill(T, "s", number + 1, None);
    assert_eq!(store.0.committer.submit(Company::Alone, 0, other).await.unwrap(), Backfill::Gone);
    drop(store);

    let entries = || {
        let report = Store::verify(folder.path(), |_| {}).unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        report.tables.iter().find(|table| table.table == "indexes").unwrap().entries
    };
    assert_eq!(entries(), 1000);
    let store = Store::open(options(folder.path())).unwrap();
    assert_eq!(store.stream_config(T, "s"), Some(StreamConfig::default()));
    drop(store);
    assert_eq!(entries(), 0);
    let store = Store::open(options(folder.path())).unwrap();
    store.configure_stream(T, "s", config, "root").await.unwrap();
    drop(store);
    assert_eq!(entries(), 2500);
}

#[tokio::test]
async fn after_a_failed_write_nothing_is_written_but_all_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(options(folder.path())).unwrap();
    store.append(T, vec![("s".to_owned(), batch(3))]).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.failed().await }
    });
    store.0.failure.set(&Error::new(ErrorCode::Io, "the disk is gone"));
    store.0.failure.set(&Error::new(ErrorCode::Io, "a later reason"));
    assert_eq!(waiting.await.unwrap(), "the disk is gone");
    assert_eq!(store.health(), Health::Failed("the disk is gone".to_owned()));
    let refused = [
        store.append(T, vec![("s".to_owned(), batch(1))]).await.unwrap_err(),
        store.purge_stream(T, "s", "root").await.unwrap_err(),
        store.sweep().await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.code, ErrorCode::Unavailable);
        assert!(error.message.contains("the disk is gone"), "{}", error.message);
    }
    assert_eq!(store.scan(T, "s", ScanRange::all()).unwrap().next_chunk(10).unwrap().unwrap().len(), 3);
    drop(store);
    assert_eq!(Store::open(options(folder.path())).unwrap().health(), Health::Ok);
}

/// Promise 1 of the design.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_fsync_is_not_retried_and_nothing_is_written_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join(crate::durable::FOLDER);
    let store = Store::open(options(folder.path())).unwrap();
    store.append(T, vec![("s".to_owned(), batch(3))]).await.unwrap();
    let waiting = tokio::spawn({
        let store = store.clone();
        async move { store.failed().await }
    });

    fault::break_disk(&journal);
    let append = || {
        let store = store.clone();
        tokio::spawn(async move { store.append(T, vec![("s".to_owned(), batch(1))]).await })
    };
    let appends: Vec<_> = (0..20).map(|_| append()).collect();
    for append in appends {
        let error = append.await.unwrap().expect_err("nobody is told of a success");
        assert_eq!(error.code, ErrorCode::Unavailable);
        assert!(error.message.contains("Input/output error"), "{}", error.message);
    }
    // The server ends when this is answered.
    assert!(waiting.await.unwrap().contains("Input/output error"));
    assert!(matches!(store.health(), Health::Failed(reason) if reason.contains("Input/output error")));
    let refused = [
        append().await.unwrap().unwrap_err(),
        store.purge_stream(T, "s", "root").await.unwrap_err(),
        store.write("root", vec![Change::put(DocumentKey::new(T, "k", "n"), "1")]).await.unwrap_err(),
        store.sweep().await.unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.code == ErrorCode::Unavailable), "{refused:?}");
    // What was not written is not shown; what was is.
    let count =
        |store: &Store| store.scan(T, "s", ScanRange::all()).unwrap().next_chunk(100).unwrap().map_or(0, |found| found.len());
    assert_eq!(count(&store), 3);
    store.close().await;
    assert_eq!(fault::mend_disk(&journal), 1, "the fsync was tried again");

    // What the failed one left on the disk may be there or not, as a whole; what was acknowledged is.
    let store = Store::open(options(folder.path())).unwrap();
    assert_eq!(store.health(), Health::Ok);
    assert!((3..=23).contains(&count(&store)));
    store.append(T, vec![("s".to_owned(), batch(1))]).await.unwrap();
}

#[tokio::test]
async fn a_defect_in_the_writing_thread_is_a_failure() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(options(folder.path())).unwrap();
    let defect = |_: &mut committer::Group<'_>| -> Result<()> { panic!("a defect for this test") };
    assert!(store.0.committer.submit(Company::Shared, 0, defect).await.is_err());
    assert!(store.failed().await.contains("defect"));
}

#[test]
fn a_store_of_a_newer_program_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(options(folder.path())).unwrap());
    {
        let mut durable = open_durable(folder.path(), Durability::Fsync).unwrap();
        let mut batch = rocksdb::WriteBatch::default();
        batch.put_cf(durable.engine().family(Table::Meta).unwrap(), meta::FORMAT, encode_number(STORE_FORMAT + 1));
        durable.commit(batch).unwrap();
        durable.close().unwrap();
    }
    for error in [Store::open(options(folder.path())).err().unwrap(), Store::verify(folder.path(), |_| {}).unwrap_err()] {
        assert_eq!(error.code, ErrorCode::Unavailable);
        assert!(error.message.contains("format 2"), "{}", error.message);
    }
}

#[tokio::test]
async fn verify_finds_contents_that_are_not_whole() {
    type Damage = fn(&Engine, &mut rocksdb::WriteBatch, Uid);
    let damage = async |work: Damage| {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(options(folder.path())).unwrap();
        let mut writer = store.start_content(T).await.unwrap();
        writer.write(&vec![7; (2 << 20) + 5]).await.unwrap();
        let content = writer.finish().await.unwrap();
        let id = content.id;
        store.write_with("ann", Vec::new(), vec![crate::Beside::Content { tenant: T, id }]).await.unwrap();
        drop((content, store));
        {
            let mut durable = open_durable(folder.path(), Durability::Fsync).unwrap();
            let mut batch = rocksdb::WriteBatch::default();
            work(durable.engine(), &mut batch, id);
            durable.commit(batch).unwrap();
            durable.close().unwrap();
        }
        Store::verify(folder.path(), |_| {}).unwrap().problems
    };
    assert_eq!(damage(|_, _, _| {}).await, Vec::<String>::new());
    let cases: [(Damage, &str); 6] = [
        (
            |engine, batch, id| batch.delete_cf(engine.family(Table::Contents).unwrap(), keys::piece(T, &id, 1)),
            "1048581 bytes of 2097157",
        ),
        (
            |engine, batch, id| batch.delete_cf(engine.family(Table::Contents).unwrap(), keys::piece(T, &id, 2)),
            "2097152 bytes of 2097157",
        ),
        (
            |engine, batch, id| {
                (0..3).for_each(|number| batch.delete_cf(engine.family(Table::Contents).unwrap(), keys::piece(T, &id, number)));
            },
            "has no pieces",
        ),
        (
            |engine, batch, id| {
                batch.put_cf(engine.family(Table::Contents).unwrap(), keys::piece(T, &id, 2), [VERSION, 7, 7, 7, 7, 8]);
            },
            "the digest",
        ),
        (
            |engine, batch, id| batch.delete_cf(engine.family(Table::Meta).unwrap(), meta::of_content(meta::CONTENT, T, &id)),
            "is not what its key says",
        ),
        (
            |engine, batch, id| {
                batch.put_cf(engine.family(Table::Meta).unwrap(), meta::of_content(meta::CONTENT, T, &id), [VERSION])
            },
            "cannot be read",
        ),
    ];
    for (work, expected) in cases {
        let problems = damage(work).await;
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{expected}: {problems:?}");
    }
}
