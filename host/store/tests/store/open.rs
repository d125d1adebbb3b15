use crate::support::*;
use headworks_core::{DocumentKey, ErrorCode};
use headworks_store::{Change, Health, Store};

#[tokio::test]
async fn a_folder_has_one_owner() {
    let bench = Bench::new();
    for error in [
        Store::open(options(bench.folder.path(), &bench.clock)).err().unwrap(),
        Store::verify(bench.folder.path(), |_| {}).err().unwrap(),
    ] {
        assert_eq!(error.code, ErrorCode::Unavailable);
        assert!(error.message.contains("another process"), "{}", error.message);
    }
    let bench = bench.reopen();
    assert_eq!(bench.store.health(), Health::Ok);
}

#[tokio::test]
async fn what_was_answered_is_there_after_closing_either_way() {
    let mut bench = Bench::new();
    for round in 0..3 {
        bench.append("s", batch(&[(round, &[("a", "b")])])).await;
        bench.store.write("ann", vec![Change::put(DocumentKey::new(T, "k", &round.to_string()), "x")]).await.unwrap();
        bench = bench.reopen();
    }
    let Bench { folder, clock, store } = bench;
    let clone = store.clone();
    store.close().await;
    let refused = clone.append(T, vec![("s".to_owned(), batch(&[(9, &[("a", "b")])]))]).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unavailable);
    drop(clone);
    let bench = Bench { store: Store::open(options(folder.path(), &clock)).unwrap(), folder, clock };
    assert_eq!(bench.all("s").len(), 3);
    assert_eq!(bench.store.list_names(T, "k", "").unwrap().len(), 3);
    assert_eq!(bench.verified(), Vec::<String>::new());
}

#[test]
fn verify_needs_a_database() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Store::verify(folder.path(), |_| {}).unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(Store::verify(&folder.path().join("none"), |_| {}).unwrap_err().code, ErrorCode::NotFound);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn verify_looks_at_everything_and_finds_what_is_wrong() {
    let bench = Bench::new();
    bench.configure("s", indexed(&["k"])).await;
    let value = "some text that is long enough to be found in a file".repeat(20);
    for ms in 0..500 {
        bench.append("s", batch(&[(ms, &[("k", "v"), ("text", &format!("{ms} {value}"))])])).await;
    }
    let Bench { folder, store, .. } = bench;
    store.close().await;
    let mut told = Vec::new();
    let report = Store::verify(folder.path(), |progress| told.push(progress.table)).unwrap();
    assert_eq!((report.problem_count, report.problems.len()), (0, 0));
    let entries = |name: &str| report.tables.iter().find(|table| table.table == name).unwrap().entries;
    assert_eq!((entries("records"), entries("indexes"), entries("documents")), (500, 500, 1));
    assert_eq!(told.len(), report.tables.len());

    // One flipped bit in the largest table file.
    let files = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let largest =
        files.filter(|path| path.extension().is_some_and(|end| end == "sst")).max_by_key(|path| path.metadata().unwrap().len());
    let largest = largest.unwrap();
    let mut bytes = std::fs::read(&largest).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(&largest, bytes).unwrap();
    let report = Store::verify(folder.path(), |_| {}).unwrap();
    assert!(report.problem_count > 0);
    assert!(
        report.problems.iter().any(|problem| problem.contains("records") && problem.contains("checksum")),
        "{:?}",
        report.problems
    );
}

/// What a crash leaves: the folder as it is while the store is open.
fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_crash() {
    let bench = Bench::new();
    // More than one segment of the journal, so that table files are written and segments reused on the way.
    let text = "x".repeat(60_000);
    for ms in 0..1500 {
        bench.append("s", batch(&[(ms, &[("n", &ms.to_string()), ("text", &text)])])).await;
    }
    bench.store.purge_stream(T, "gone", "root").await.unwrap();
    bench.append("t", batch(&[(1, &[("a", "b")])])).await;
    let crashed = tempfile::tempdir().unwrap();
    copy(bench.folder.path(), crashed.path());
    for _ in 0..2 {
        let store = Store::open(options(crashed.path(), &bench.clock)).unwrap();
        assert_eq!(bench.all("s").len(), 1500);
        let again = Bench { folder: tempfile::tempdir().unwrap(), clock: bench.clock.clone(), store };
        assert!(again.all("s") == bench.all("s") && again.all("t").len() == 1);
    }
    assert!(Store::verify(crashed.path(), |_| {}).unwrap().problems.is_empty());
}

#[tokio::test]
async fn damage_in_the_middle_of_the_journal_refuses_to_open_and_names_the_file() {
    let bench = Bench::new();
    for ms in 0..20 {
        bench.append("s", batch(&[(ms, &[("n", "some text")])])).await;
    }
    let crashed = tempfile::tempdir().unwrap();
    copy(bench.folder.path(), crashed.path());
    let journal = crashed.path().join("journal");
    let mut files: Vec<_> = std::fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "journal"));
    files.sort();
    let newest = files.last().unwrap();
    let mut bytes = std::fs::read(newest).unwrap();
    bytes[512 * 7 + 40] ^= 4;
    std::fs::write(newest, bytes).unwrap();
    let error = Store::open(options(crashed.path(), &bench.clock)).err().unwrap();
    assert_eq!(error.code, ErrorCode::Corrupt);
    assert!(error.message.contains(newest.to_str().unwrap()) && error.message.contains("3584"), "{}", error.message);
}
