//! The end of an archive, checked before the library that reads archives believes it.
//!
//! What must stay true: after [`check`] the archive's directory is as long as it says, ends where its end begins, and holds
//! no more than the limits allow; and every end of directory that the library could find otherwise comes before this one.

use super::{ArchiveLimits, refused};
use headworks_core::Result;
use std::io::{Read, Seek, SeekFrom};

/// Signature of the end of the directory.
const END: &[u8] = b"PK\x05\x06";
/// Its length without the comment.
const END_LENGTH: u64 = 22;
/// Signature of what says where the end for large archives is.
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_LENGTH: u64 = 20;
/// Signature of the end for large archives.
const LARGE_END: &[u8] = b"PK\x06\x06";
/// Its length without what may follow.
const LARGE_END_LENGTH: u64 = 56;
/// The most bytes of data behind it.
const LARGE_END_DATA: u64 = 64 << 10;
/// Signature of an entry of the directory.
const ENTRY: &[u8] = b"PK\x01\x02";
/// The least bytes of an entry of the directory.
const ENTRY_LENGTH: u64 = 46;
const COMMENT: u64 = 65_535;

/// What the end of the directory says.
struct End {
    entries: u64,
    size: u64,
    start: u64,
    /// Where the directory has to end.
    here: u64,
}

/// Refuses archives whose directory is not what its end says, or too large.
pub(super) fn check<R: Read + Seek>(reader: &mut R, limits: &ArchiveLimits) -> Result<()> {
    let length = reader.seek(SeekFrom::End(0))?;
    let end = find(reader, length)?;
    if end.start.checked_add(end.size) != Some(end.here) {
        return Err(refused("its directory does not end where the end of the archive begins"));
    }
    if end.entries > limits.entries {
        return Err(refused(format!("it has {} entries; at most {} are allowed", end.entries, limits.entries)));
    }
    if end.size > limits.directory {
        return Err(refused(format!("its directory has {} bytes; at most {} are allowed", end.size, limits.directory)));
    }
    if end.entries.saturating_mul(ENTRY_LENGTH) > end.size {
        return Err(refused("its directory is shorter than its entries"));
    }
    if end.entries > 0 && take(reader, end.start, 4)? != ENTRY {
        return Err(refused("its directory does not begin with an entry"));
    }
    Ok(())
}

fn find<R: Read + Seek>(reader: &mut R, length: u64) -> Result<End> {
    let from = length.saturating_sub(END_LENGTH + COMMENT);
    let tail = take(reader, from, length - from)?;
    let Some(at) = tail.windows(END.len()).rposition(|window| window == END) else {
        return Err(refused("it has no end of a ZIP directory: it is no ZIP file, or was cut off"));
    };
    let end = tail.get(at..).unwrap_or_default();
    let here = from + at as u64;
    if number(end, 20, 2).map(|comment| here + END_LENGTH + comment) != Some(length) {
        return Err(refused("it does not end where its directory ends: it was cut off, or something was added"));
    }
    let [disk, start_disk, on_disk, entries] = [4, 6, 8, 10].map(|at| number(end, at, 2).unwrap_or_default());
    let [size, start] = [12, 16].map(|at| number(end, at, 4).unwrap_or_default());
    let small = End { entries, size, start, here };
    let Some(large) = find_large(reader, here)? else {
        return if disk == 0 && start_disk == 0 && on_disk == entries { Ok(small) } else { Err(parts()) };
    };
    let agrees = |small: u64, large: u64, most: u64| small == large || small == most;
    let (word, long) = (u64::from(u16::MAX), u64::from(u32::MAX));
    let same = agrees(small.entries, large.entries, word)
        && agrees(on_disk, large.entries, word)
        && agrees(small.size, large.size, long)
        && agrees(small.start, large.start, long)
        && agrees(disk, 0, word)
        && agrees(start_disk, 0, word);
    if same { Ok(large) } else { Err(refused("the two ends of its directory do not agree")) }
}

/// The end for large archives, if there is a locator before the end.
fn find_large<R: Read + Seek>(reader: &mut R, end: u64) -> Result<Option<End>> {
    let Some(at) = end.checked_sub(LOCATOR_LENGTH) else { return Ok(None) };
    let locator = take(reader, at, LOCATOR_LENGTH)?;
    if !locator.starts_with(LOCATOR) {
        return Ok(None);
    }
    let here = number(&locator, 8, 8).unwrap_or(u64::MAX);
    let length = at.checked_sub(here).filter(|length| (LARGE_END_LENGTH..=LARGE_END_LENGTH + LARGE_END_DATA).contains(length));
    let Some(length) = length else {
        return Err(refused("the end of its directory for large archives is not where it should be"));
    };
    let large = take(reader, here, LARGE_END_LENGTH)?;
    if !large.starts_with(LARGE_END) || number(&large, 4, 8) != length.checked_sub(12) {
        return Err(refused("the end of its directory for large archives is not one"));
    }
    let disks = [number(&locator, 4, 4), number(&large, 16, 4), number(&large, 20, 4)];
    let [on_disk, entries, size, start] = [24, 32, 40, 48].map(|at| number(&large, at, 8).unwrap_or(u64::MAX));
    if disks != [Some(0); 3] || number(&locator, 16, 4).is_none_or(|disks| disks > 1) || on_disk != entries {
        return Err(parts());
    }
    Ok(Some(End { entries, size, start, here }))
}

fn parts() -> headworks_core::Error {
    refused("it is one of several parts")
}

/// So many bytes from there on; fewer where the file ends.
fn take<R: Read + Seek>(reader: &mut R, from: u64, length: u64) -> Result<Vec<u8>> {
    reader.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// A number of up to eight bytes, the lowest first.
fn number(bytes: &[u8], at: usize, length: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(length)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
