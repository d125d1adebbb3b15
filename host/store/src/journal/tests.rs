#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use super::*;
use proptest::prelude::*;
use std::os::unix::fs::MetadataExt;

const SEGMENT: u64 = 8 << 10;

type Seen = Vec<(u64, Vec<u8>)>;

fn open(folder: &Path, applied: u64) -> Result<(Journal, Seen)> {
    let mut seen = Vec::new();
    let journal = Journal::open(folder, SEGMENT, applied, |sequence, payload| {
        seen.push((sequence, payload.to_vec()));
        Ok(())
    })?;
    Ok((journal, seen))
}

fn payload(sequence: u64, length: usize) -> Vec<u8> {
    (0..length).map(|at| (sequence as usize * 31 + at) as u8).collect()
}

/// Writes frames of these lengths and answers them as they must come back.
fn fill(folder: &Path, lengths: &[usize]) -> Seen {
    let (mut journal, before) = open(folder, 0).unwrap();
    assert!(before.is_empty());
    let mut written = Vec::new();
    for &length in lengths {
        let bytes = payload(journal.sequence() + 1, length);
        let (first, second) = bytes.split_at(length / 2);
        written.push((journal.append(&[first, second], true).unwrap(), bytes));
    }
    written
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    segment_numbers(folder).unwrap().into_iter().map(|number| Segment::path(folder, number)).collect()
}

#[test]
fn frames_come_back_in_order_after_every_opening() {
    let folder = tempfile::tempdir().unwrap();
    let mut written = fill(folder.path(), &[0, 1, 500, 5000, 20_000, 3]);
    for round in 0..5 {
        let (mut journal, seen) = open(folder.path(), 0).unwrap();
        assert_eq!(seen, written);
        let bytes = payload(journal.sequence() + 1, round * 700);
        written.push((journal.append(&[&bytes], true).unwrap(), bytes));
    }
    let (_, seen) = open(folder.path(), 4).unwrap();
    assert_eq!(seen, written[4..]);
}

#[test]
fn released_segments_are_reused_and_the_folder_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    for _ in 0..500 {
        let sequence = journal.append(&[&payload(1, 900)], true).unwrap();
        if journal.waiting() > 3 {
            journal.release(sequence).unwrap();
        }
    }
    assert!(segments(folder.path()).len() <= 3 + KEPT + 2, "{:?}", segments(folder.path()));
    let sequence = journal.sequence();
    drop(journal);
    let (_, seen) = open(folder.path(), sequence - 3).unwrap();
    assert_eq!(seen.len(), 3);
}

#[test]
fn what_was_closed_has_one_segment_to_read_and_goes_on_in_the_one_that_is_ready() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    for _ in 0..30 {
        journal.append(&[&payload(1, 900)], true).unwrap();
    }
    let sequence = journal.sequence();
    journal.release(sequence - 1).unwrap();
    let before = segments(folder.path());
    journal.close().unwrap();
    assert_eq!(segments(folder.path()), before, "not all was in the database");
    assert!(before.len() > 1);
    let (mut journal, seen) = open(folder.path(), sequence - 1).unwrap();
    assert_eq!(seen, [(sequence, payload(1, 900))]);
    let number = journal.active.number;
    journal.release(sequence).unwrap();
    journal.close().unwrap();
    assert_eq!(segments(folder.path()), [Segment::path(folder.path(), number)]);
    // Closing waited for the spare that was being made.
    let file = |path: &Path| path.metadata().map(|metadata| metadata.ino()).ok();
    let left = ["spare-0", "spare-1"].map(|name| file(&folder.path().join(name)));
    let (mut journal, seen) = open(folder.path(), sequence).unwrap();
    assert_eq!((seen, journal.sequence()), (Vec::new(), sequence));
    let taken = file(&journal.active.path);
    assert!(taken.is_some() && left.contains(&taken), "{left:?} {taken:?}");
    assert_eq!(journal.append(&[b"x"], true).unwrap(), sequence + 1);
    drop(journal);
    let (_, seen) = open(folder.path(), sequence).unwrap();
    assert_eq!(seen, [(sequence + 1, b"x".to_vec())]);
}

#[test]
fn a_missing_segment_is_damage_wherever_it_was() {
    for lost in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &[3000; 12]);
        let (_, _) = open(folder.path(), 0).unwrap();
        let paths = segments(folder.path());
        fs::remove_file(&paths[lost]).unwrap();
        let error = open(folder.path(), 0).err().unwrap();
        assert_eq!(error.code, ErrorCode::Corrupt, "{error}");
    }
}

#[test]
fn a_journal_that_is_gone_is_damage_when_the_database_has_used_it() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(open(folder.path(), 7).err().unwrap().code, ErrorCode::Corrupt);
    fill(folder.path(), &[10]);
    assert_eq!(open(folder.path(), 7).err().unwrap().code, ErrorCode::Corrupt);
    fs::remove_file(folder.path().join(SALT)).unwrap();
    assert_eq!(open(folder.path(), 0).err().unwrap().code, ErrorCode::Corrupt);
}

#[test]
fn damage_is_told_with_file_and_offset() {
    let folder = tempfile::tempdir().unwrap();
    fill(folder.path(), &[100, 100, 100]);
    let path = &segments(folder.path())[0];
    let mut bytes = fs::read(path).unwrap();
    bytes[ALIGN + HEADER + 7] ^= 1;
    fs::write(path, bytes).unwrap();
    let error = open(folder.path(), 0).err().unwrap();
    assert_eq!(error.code, ErrorCode::Corrupt);
    assert!(error.message.contains("0000000000000001.journal at byte 512"), "{error}");
}

#[test]
fn a_payload_that_looks_like_a_frame_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut forged = Vec::new();
    frame(&mut forged, &[0; 16], 1, 9, DATA, &[b"forged"]).unwrap();
    let mut bytes = vec![0; ALIGN - HEADER];
    bytes.extend_from_slice(&forged);
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    journal.append(&[&bytes], true).unwrap();
    drop(journal);
    let path = &segments(folder.path())[0];
    let mut torn = fs::read(path).unwrap();
    torn[HEADER + 1] ^= 1;
    fs::write(path, torn).unwrap();
    assert_eq!(open(folder.path(), 0).unwrap().1, []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_flipped_byte_loses_at_most_the_last_frame_or_is_damage(lengths in proptest::collection::vec(0..4000_usize, 1..12), place in any::<prop::sample::Index>(), bit in 0..8) {
        let folder = tempfile::tempdir().unwrap();
        let written = fill(folder.path(), &lengths);
        let paths = segments(folder.path());
        let path = &paths[place.index(paths.len())];
        let mut bytes = fs::read(path).unwrap();
        let at = place.index(bytes.len());
        bytes[at] ^= 1_u8 << bit;
        fs::write(path, bytes).unwrap();
        match open(folder.path(), 0) {
            Ok((_, seen)) => prop_assert!(seen == written || seen == written[..written.len() - 1]),
            Err(error) => prop_assert_eq!(error.code, ErrorCode::Corrupt),
        }
    }

    #[test]
    fn a_torn_end_keeps_all_that_was_synced_before(lengths in proptest::collection::vec(0..1500_usize, 1..6), torn in 0..1500_usize, kept in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().unwrap();
        let written = fill(folder.path(), &lengths);
        {
            let (mut journal, _) = open(folder.path(), 0).unwrap();
            journal.append(&[&payload(99, torn)], true).unwrap();
        }
        let path = segments(folder.path()).pop().unwrap();
        let bytes = fs::read(&path).unwrap();
        let end = (HEADER + torn).next_multiple_of(ALIGN);
        let cut = kept.index(HEADER + torn);
        let mut half = bytes[..cut].to_vec();
        half.resize(end.max(SEGMENT as usize), 0);
        fs::write(&path, half).unwrap();
        let (mut journal, seen) = open(folder.path(), 0).unwrap();
        // A cut that removed nothing but zeros leaves the frame whole.
        prop_assert!(seen[..written.len()] == written[..] && seen.len() <= written.len() + 1);
        let next = journal.append(&[b"after"], true).unwrap();
        drop(journal);
        let (_, seen) = open(folder.path(), 0).unwrap();
        prop_assert_eq!(seen.last().unwrap(), &(next, b"after".to_vec()));
    }
}

#[test]
fn a_failed_sync_is_told_wherever_it_happens() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _) = open(folder.path(), 0).unwrap();
    journal.append(&[&payload(1, 6000)], true).unwrap();
    fault::break_disk(folder.path());
    // Nothing of this frame is synced but the segment before it is ended.
    assert_eq!(journal.append(&[&payload(2, 6000)], false).unwrap_err().code, ErrorCode::Io);
    assert_eq!(fault::mend_disk(folder.path()), 1);
    drop(journal);
    let (mut journal, seen) = open(folder.path(), 0).unwrap();
    assert_eq!(seen.len(), 1);
    fault::break_disk(folder.path());
    assert_eq!(journal.append(&[b"x"], true).unwrap_err().code, ErrorCode::Io);
    assert_eq!(fault::mend_disk(folder.path()), 1);
}
