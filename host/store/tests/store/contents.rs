//! Large bytes: whole and kept with their document, or gone.

use crate::support::{Bench, T, options};
use headworks_core::{Digest, DocumentKey, ErrorCode, TenantId, Uid};
use headworks_store::{Beside, Change, Content, ContentReader, Expect, Store, StoreOptions};
use proptest::prelude::*;
use std::io::{Read, Seek, SeekFrom};

const MIB: usize = 1 << 20;

/// Bytes that differ from place to place.
fn bytes(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..len).map(next).collect()
}

async fn pending(store: &Store, bytes: &[u8]) -> Content {
    let mut writer = store.start_content(T).await.unwrap();
    for piece in bytes.chunks(300_000) {
        writer.write(piece).await.unwrap();
    }
    writer.finish().await.unwrap()
}

fn key(name: &str) -> DocumentKey {
    DocumentKey::new(T, "archive", name)
}

fn naming(name: &str, id: Uid) -> Change {
    Change::put(key(name), id.to_string()).expecting(Expect::Absent)
}

async fn kept(store: &Store, name: &str, bytes: &[u8]) -> Uid {
    let content = pending(store, bytes).await;
    let id = content.id;
    store.write_with("ann", vec![naming(name, id)], vec![Beside::Content { tenant: T, id }]).await.unwrap();
    id
}

fn whole(mut reader: ContentReader) -> Vec<u8> {
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    read
}

/// Closes the store and answers how many pieces it holds, and its problems.
fn checked(bench: Bench) -> (u64, Vec<String>) {
    let Bench { folder, store, .. } = bench;
    drop(store);
    let report = Store::verify(folder.path(), |_| {}).unwrap();
    (report.tables.iter().find(|table| table.table == "contents").unwrap().entries, report.problems)
}

#[tokio::test]
async fn a_content_is_read_as_it_was_written_and_survives() {
    let bench = Bench::new();
    let mut ids = Vec::new();
    for len in [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 77] {
        let content = pending(&bench.store, &bytes(len)).await;
        assert_eq!((content.size, content.digest), (len as u64, Digest::of(&bytes(len))));
        assert_eq!(whole(content.reader()), bytes(len));
        assert!(bench.store.content(T, &content.id).unwrap().is_none(), "it is pending");
        let id = content.id;
        let beside = vec![Beside::Content { tenant: T, id }];
        bench.store.write_with("ann", vec![naming(&len.to_string(), id)], beside).await.unwrap();
        ids.push((id, len));
    }
    bench.store.sweep().await.unwrap();
    let bench = bench.reopen();
    for (id, len) in &ids {
        let reader = bench.store.content(T, id).unwrap().unwrap();
        assert_eq!((reader.len(), reader.digest()), (*len as u64, Digest::of(&bytes(*len))));
        assert_eq!(whole(reader), bytes(*len));
        assert!(bench.store.content(TenantId(2), id).unwrap().is_none());
    }
    assert_eq!(checked(bench), (1 + 1 + 1 + 2 + 3 + 4, Vec::new()));
}

#[tokio::test]
async fn a_content_that_is_given_up_leaves_nothing() {
    let bench = Bench::new();
    let mut writer = bench.store.start_content(T).await.unwrap();
    writer.write(&bytes(2 * MIB + 5)).await.unwrap();
    assert_eq!((writer.size(), bench.store.tenant_usage(T)), (2 * MIB as u64 + 5, 2 * MIB as u64));
    drop(writer);
    drop(pending(&bench.store, &bytes(MIB + 5)).await);
    bench.store.sweep().await.unwrap();
    assert_eq!(bench.store.tenant_usage(T), 0);
    // Where the document is refused, its content is not kept either.
    kept(&bench.store, "a", b"one").await;
    let content = pending(&bench.store, b"two").await;
    let beside = vec![Beside::Content { tenant: T, id: content.id }];
    let refused = bench.store.write_with("ann", vec![naming("a", content.id)], beside.clone()).await.unwrap_err();
    assert_eq!(refused.code, ErrorCode::Exists);
    let id = content.id;
    drop(content);
    bench.store.sweep().await.unwrap();
    assert!(bench.store.content(T, &id).unwrap().is_none());
    assert!(bench.store.write_with("ann", vec![naming("b", id)], beside).await.is_err(), "it is gone");
    assert_eq!(bench.store.get(&key("b")).unwrap(), None, "all or nothing");
    assert_eq!(checked(bench), (1, Vec::new()));
}

#[tokio::test]
async fn what_is_pending_when_the_process_ends_is_cleared_at_the_next_start() {
    let bench = Bench::new();
    let id = kept(&bench.store, "a", &bytes(MIB + 1)).await;
    let mut writer = bench.store.start_content(T).await.unwrap();
    writer.write(&bytes(3 * MIB)).await.unwrap();
    let content = pending(&bench.store, &bytes(10)).await;
    // As if the process had been killed: nobody gives anything up.
    let Bench { folder, clock, store } = bench;
    drop(store);
    std::mem::forget((writer, content));
    let copy = tempfile::tempdir().unwrap();
    copy_folder(folder.path(), copy.path());
    let report = Store::verify(copy.path(), |_| {}).unwrap();
    assert_eq!((report.problem_count, report.problems), (0, Vec::<String>::new()));
    let store = Store::open(options(copy.path(), &clock)).unwrap();
    assert_eq!(store.tenant_usage(T), MIB as u64 + 1);
    assert_eq!(whole(store.content(T, &id).unwrap().unwrap()), bytes(MIB + 1));
    assert_eq!(checked(Bench { folder: copy, clock, store }), (2, Vec::new()));
}

fn copy_folder(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test]
async fn a_content_goes_with_its_document() {
    let bench = Bench::new();
    let (first, second) = (kept(&bench.store, "a", &bytes(MIB + 1)).await, kept(&bench.store, "b", b"other").await);
    assert_eq!(bench.store.tenant_usage(T), MIB as u64 + 6);
    let mut reader = bench.store.content(T, &first).unwrap().unwrap();
    reader.read_exact(&mut [0; 10]).unwrap();
    let gone = vec![Beside::NoContent { tenant: T, id: first }];
    bench.store.write_with("ann", vec![Change::delete(key("a"))], gone.clone()).await.unwrap();
    assert!(bench.store.content(T, &first).unwrap().is_none());
    assert!(reader.read_to_end(&mut Vec::new()).is_err(), "what is not in memory is gone");
    bench.store.write_with("ann", Vec::new(), gone).await.unwrap();
    assert_eq!(bench.store.tenant_usage(T), 5);
    // Replacing: the new one comes and the old one goes, together.
    let content = pending(&bench.store, b"newer").await;
    let (new, change) = (content.id, Change::put(key("b"), content.id.to_string()));
    let beside = vec![Beside::Content { tenant: T, id: new }, Beside::NoContent { tenant: T, id: second }];
    bench.store.write_with("ann", vec![change], beside).await.unwrap();
    assert_eq!(whole(bench.store.content(T, &new).unwrap().unwrap()), b"newer");
    assert!(bench.store.content(T, &second).unwrap().is_none());
    drop((reader, content));
    assert_eq!(checked(bench.reopen()), (1, Vec::new()));
}

#[tokio::test]
async fn a_content_of_a_tenant_that_goes_is_not_finished() {
    let bench = Bench::new();
    let going = TenantId(7);
    let document = DocumentKey::new(TenantId::HOST, "tenant", "going");
    bench.store.write("root", vec![Change::put(document.clone(), "{}")]).await.unwrap();
    let mut writer = bench.store.start_content(going).await.unwrap();
    writer.write(&bytes(MIB + 1)).await.unwrap();
    let mut other = bench.store.start_content(going).await.unwrap();
    other.write(b"x").await.unwrap();
    let other = other.finish().await.unwrap();
    bench.store.purge_tenant(going, document, "root").await.unwrap();
    assert_eq!(bench.store.tenant_usage(going), 0);
    assert_eq!(writer.finish().await.unwrap_err().code, ErrorCode::NotFound);
    let beside = vec![Beside::Content { tenant: going, id: other.id }];
    assert_eq!(bench.store.write_with("ann", Vec::new(), beside).await.unwrap_err().code, ErrorCode::NotFound);
    drop(other);
    assert_eq!(checked(bench), (0, Vec::new()));
}

#[tokio::test]
async fn a_full_disk_ends_a_content() {
    let bench = Bench::new();
    let Bench { folder, clock, store } = bench;
    drop(store);
    let store = Store::open(StoreOptions { min_free_bytes: u64::MAX, ..options(folder.path(), &clock) }).unwrap();
    assert_eq!(store.start_content(T).await.err().unwrap().code, ErrorCode::DiskFull);
}

#[tokio::test]
async fn a_writer_that_failed_writes_no_more() {
    let bench = Bench::new();
    let mut writer = bench.store.start_content(T).await.unwrap();
    let large = bytes(2 * MIB);
    // Polled once and dropped: nobody knows whether the piece arrived.
    {
        let mut writing = Box::pin(writer.write(&large));
        let waker = std::task::Waker::noop();
        assert!(writing.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_pending());
    }
    assert_eq!(writer.finish().await.unwrap_err().code, ErrorCode::Internal);
    bench.store.sweep().await.unwrap();
    bench.store.sweep().await.unwrap();
    assert_eq!(checked(bench), (0, Vec::new()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_place_is_read_as_in_memory(
        len in prop_oneof![0usize..5, (MIB - 3)..(MIB + 3), (2 * MIB)..(2 * MIB + 1000)],
        reads in prop::collection::vec((0i64..(3 * MIB as i64), 0usize..70_000, 0u8..3), 1..20),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new();
            let plain = bytes(len);
            let id = kept(&bench.store, "a", &plain).await;
            let mut reader = bench.store.content(T, &id).unwrap().unwrap();
            let mut expected = std::io::Cursor::new(plain);
            for (place, count, from) in reads {
                let to = match from {
                    0 => SeekFrom::Start(place as u64),
                    1 => SeekFrom::End(-place),
                    _ => SeekFrom::Current(place - MIB as i64),
                };
                let (ours, theirs) = (reader.seek(to), expected.seek(to));
                assert_eq!(ours.ok(), theirs.ok(), "{to:?}");
                let (mut ours, mut theirs) = (Vec::new(), Vec::new());
                reader.by_ref().take(count as u64).read_to_end(&mut ours).unwrap();
                expected.by_ref().take(count as u64).read_to_end(&mut theirs).unwrap();
                assert!(ours == theirs, "{to:?}, {count} bytes");
            }
        });
    }
}
