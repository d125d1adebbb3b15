//! The write-ahead journal: what makes an answer durable.
//!
//! RocksDB's own log grows as it is written, so each sync also waits for the file system to record the new size. This
//! journal overwrites segments that were filled with zeros beforehand; a sync then waits for the data alone
//! (`docs/adr/0004`). One frame holds one group of write batches. The store applies frames to RocksDB without its log and
//! keeps the sequence of the last applied frame there; when RocksDB has flushed past a segment, the segment is reused.
//!
//! What must stay true: frames have consecutive sequences over all segments; a frame is written only after the one before
//! was synced; a segment is reused only when everything in it is in RocksDB's files. So the first frame that does not pass
//! its check is the torn end of the journal when nothing valid follows it, and damage otherwise: damage refuses to open
//! and is never skipped.

mod spares;

use headworks_core::{Error, ErrorCode, Result};
use spares::Spares;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Frames begin at multiples of this many bytes, so that a search for later frames knows where to look.
const ALIGN: usize = 512;
const HEADER: usize = 32;
const MAGIC: u32 = 0x314a_5748;
const DATA: u8 = 1;
const END: u8 = 2;
/// Segments kept for reuse.
const KEPT: usize = 2;
/// The file whose random bytes enter every checksum: stored data that looks like a frame is not one.
const SALT: &str = "salt";

/// The journal of one store, owned by its committer.
pub(crate) struct Journal {
    folder: PathBuf,
    salt: [u8; 16],
    segment_bytes: u64,
    active: Segment,
    offset: u64,
    /// The sequence of the last frame.
    sequence: u64,
    /// Full segments with the sequence of their last frame, oldest first.
    full: VecDeque<(Segment, u64)>,
    /// Frames up to here are in files of the database.
    released: u64,
    spares: Spares,
    buffer: Vec<u8>,
}

struct Segment {
    number: u64,
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal in `folder`, or makes it where `applied` is 0 and there is none, and hands every frame after
    /// `applied` to `apply` in order.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] names the file and the offset of damage.
    pub(crate) fn open(
        folder: &Path,
        segment_bytes: u64,
        applied: u64,
        mut apply: impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let numbers = segment_numbers(folder)?;
        let salt = read_salt(folder, numbers.is_empty() && applied == 0)?;
        if numbers.is_empty() && applied > 0 {
            return Err(damage(folder, 0, "every segment is missing"));
        }
        let mut full = VecDeque::new();
        let mut last = None;
        let newest = numbers.last().copied().unwrap_or(0);
        for (&number, next) in numbers.iter().zip(numbers.iter().skip(1).map(Some).chain([None])) {
            let segment = Segment::open(folder, number)?;
            if next.is_some_and(|next| *next != number + 1) {
                return Err(damage(&segment.path, 0, "the segment after it is missing"));
            }
            let bytes = segment.read()?;
            let scan = Scan { path: &segment.path, bytes: &bytes, number, salt: &salt };
            let end = scan.run(&mut last, applied, number == newest, &mut apply)?;
            if let Some(offset) = end {
                segment.end_at(offset, &salt, last.unwrap_or(applied))?;
            }
            full.push_back((segment, last.unwrap_or(applied)));
        }
        let sequence = last.unwrap_or(applied);
        if sequence < applied {
            return Err(damage(folder, 0, "it ends before what the database already holds"));
        }
        // Writing goes on in a fresh segment, so that nothing torn lies behind the next frame.
        let spares = Spares::start(folder, segment_bytes);
        let active = spares.take()?.become_number(folder, newest + 1)?;
        let folder = folder.to_owned();
        let buffer = Vec::new();
        Ok(Self { folder, salt, segment_bytes, active, offset: 0, sequence, full, released: 0, spares, buffer })
    }

    /// Writes one frame of all `parts`, back to back, and waits until it is on the disk unless `sync` is false.
    /// Answers its sequence. After an error nothing more may be appended.
    pub(crate) fn append(&mut self, parts: &[&[u8]], sync: bool) -> Result<u64> {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let frame = (HEADER + length).next_multiple_of(ALIGN) as u64;
        if self.offset > 0 && self.offset + frame + ALIGN as u64 > self.segment_bytes {
            self.rotate()?;
        }
        self.sequence += 1;
        self.write(DATA, parts)?;
        if sync {
            self.active.sync()?;
        }
        Ok(self.sequence)
    }

    /// The sequence of the last frame.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// How many full segments wait to be [released](Self::release).
    pub(crate) fn waiting(&self) -> usize {
        self.full.iter().filter(|(_, last)| *last > self.released).count()
    }

    /// Tells that every frame up to `applied` is in files of the database. Segments that end there are reused; more than a
    /// few of them are removed, oldest first, so that those on the disk always follow each other.
    pub(crate) fn release(&mut self, applied: u64) -> Result<()> {
        self.released = self.released.max(applied);
        while self.full.len() - self.waiting() > KEPT {
            if let Some((segment, _)) = self.full.pop_front() {
                fs::remove_file(segment.path)?;
            }
        }
        Ok(())
    }

    /// Removes all but the last segment where everything is in files of the database, so that the next opening has no more
    /// to read.
    pub(crate) fn close(mut self) -> Result<()> {
        if self.released < self.sequence {
            return Ok(());
        }
        for (segment, _) in self.full.drain(..) {
            fs::remove_file(segment.path)?;
        }
        Ok(())
    }

    fn rotate(&mut self) -> Result<()> {
        self.write(END, &[])?;
        self.active.sync()?;
        let reusable = self.full.pop_front_if(|(_, last)| *last <= self.released);
        let next = reusable.map_or_else(|| self.spares.take(), |(segment, _)| Ok(segment))?;
        let next = next.become_number(&self.folder, self.active.number + 1)?;
        let full = std::mem::replace(&mut self.active, next);
        self.full.push_back((full, self.sequence));
        self.offset = 0;
        Ok(())
    }

    fn write(&mut self, kind: u8, parts: &[&[u8]]) -> Result<()> {
        frame(&mut self.buffer, &self.salt, self.active.number, self.sequence, kind, parts)?;
        self.active.file.write_all_at(&self.buffer, self.offset)?;
        self.offset += self.buffer.len() as u64;
        if self.buffer.capacity() > 8 << 20 {
            self.buffer = Vec::new();
        }
        Ok(())
    }
}

/// Lays out one frame: magic, checksum, segment, sequence, length, kind, then the parts, padded with zeros.
fn frame(buffer: &mut Vec<u8>, salt: &[u8], segment: u64, sequence: u64, kind: u8, parts: &[&[u8]]) -> Result<()> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length)
        .map_err(|_| Error::new(ErrorCode::TooLarge, "a group of writes exceeds 4 GiB; write less at a time"))?;
    let mut rest = [0; HEADER - 8];
    let fields = segment.to_le_bytes().into_iter().chain(sequence.to_le_bytes()).chain(length.to_le_bytes()).chain([kind]);
    rest.iter_mut().zip(fields).for_each(|(place, byte)| *place = byte);
    buffer.clear();
    buffer.extend_from_slice(&MAGIC.to_le_bytes());
    buffer.extend_from_slice(&checksum(salt, &rest, parts).to_le_bytes());
    buffer.extend_from_slice(&rest);
    for part in parts {
        buffer.extend_from_slice(part);
    }
    buffer.resize(buffer.len().next_multiple_of(ALIGN), 0);
    Ok(())
}

fn checksum(salt: &[u8], header: &[u8], parts: &[&[u8]]) -> u32 {
    let start = crc32c::crc32c_append(crc32c::crc32c(salt), header);
    parts.iter().fold(start, |sum, part| crc32c::crc32c_append(sum, part))
}

struct Frame<'a> {
    sequence: u64,
    kind: u8,
    payload: &'a [u8],
    /// Where the next frame begins.
    next: usize,
}

/// Reading one segment.
struct Scan<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    number: u64,
    salt: &'a [u8],
}

impl<'a> Scan<'a> {
    /// The frame at `offset`, if it passes its check and belongs to this segment.
    fn frame(&self, offset: usize) -> Option<Frame<'a>> {
        let header = self.bytes.get(offset..offset + HEADER)?;
        let number = |from: usize| Some(u64::from_le_bytes(header.get(from..from + 8)?.try_into().ok()?));
        let short = |from: usize| Some(u32::from_le_bytes(header.get(from..from + 4)?.try_into().ok()?));
        if short(0)? != MAGIC || number(8)? != self.number {
            return None;
        }
        let length = short(24)? as usize;
        let payload = self.bytes.get(offset + HEADER..(offset + HEADER).checked_add(length)?)?;
        if checksum(self.salt, header.get(8..)?, &[payload]) != short(4)? {
            return None;
        }
        let next = offset + (HEADER + length).next_multiple_of(ALIGN);
        Some(Frame { sequence: number(16)?, kind: *header.get(28)?, payload, next })
    }

    /// Reads the frames in order. Answers where the next frame would begin, or none where the segment was ended.
    fn run(
        &self,
        last: &mut Option<u64>,
        applied: u64,
        newest: bool,
        apply: &mut impl FnMut(u64, &[u8]) -> Result<()>,
    ) -> Result<Option<usize>> {
        let mut offset = 0;
        loop {
            let Some(frame) = self.frame(offset) else {
                if !newest {
                    return Err(damage(self.path, offset, "a frame does not pass its check and later segments follow"));
                }
                let later = (offset + ALIGN..self.bytes.len()).step_by(ALIGN).find(|&later| self.frame(later).is_some());
                return match later {
                    Some(_) => Err(damage(self.path, offset, "a frame does not pass its check and later frames follow")),
                    None => Ok(Some(offset)),
                };
            };
            if frame.kind == END {
                return Ok(None);
            }
            let expected = last.map_or(frame.sequence.min(applied + 1), |last| last + 1);
            if frame.sequence != expected {
                return Err(damage(self.path, offset, "frames before it are missing"));
            }
            if frame.sequence > applied {
                apply(frame.sequence, frame.payload)?;
            }
            *last = Some(frame.sequence);
            offset = frame.next;
        }
    }
}

fn damage(path: &Path, offset: usize, what: &str) -> Error {
    let path = path.display();
    Error::new(
        ErrorCode::Corrupt,
        format!("the journal is damaged: {path} at byte {offset}: {what}; restore this data folder from a backup"),
    )
}

impl Segment {
    fn path(folder: &Path, number: u64) -> PathBuf {
        folder.join(format!("{number:016}.journal"))
    }

    fn open(folder: &Path, number: u64) -> Result<Self> {
        let path = Self::path(folder, number);
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        Ok(Self { number, path, file })
    }

    fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        (&self.file).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Waits until what was written is on the disk. After an error the operating system may have dropped it: never try again.
    fn sync(&self) -> Result<()> {
        #[cfg(test)]
        fault::sync(&self.path)?;
        Ok(self.file.sync_data()?)
    }

    /// Ends the segment behind its last valid frame, so that a later opening expects nothing more in it.
    fn end_at(&self, offset: usize, salt: &[u8], sequence: u64) -> Result<()> {
        let mut end = Vec::new();
        frame(&mut end, salt, self.number, sequence, END, &[])?;
        self.file.write_all_at(&end, offset as u64)?;
        self.sync()
    }

    /// Gives the file its place in the journal. What it holds belongs to another number and counts for nothing.
    fn become_number(self, folder: &Path, number: u64) -> Result<Self> {
        let path = Self::path(folder, number);
        fs::rename(&self.path, &path)?;
        sync_folder(folder)?;
        Ok(Self { number, path, file: self.file })
    }
}

fn segment_numbers(folder: &Path) -> Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        numbers
            .extend(name.to_str().and_then(|name| name.strip_suffix(".journal")).and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

fn read_salt(folder: &Path, make: bool) -> Result<[u8; 16]> {
    let path = folder.join(SALT);
    match fs::read(&path) {
        Ok(bytes) => bytes.try_into().map_err(|_| damage(&path, 0, "it does not hold 16 bytes")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && make => {
            let mut salt = [0; 16];
            getrandom::fill(&mut salt).map_err(|error| Error::internal(format!("no entropy: {error}")))?;
            let new = folder.join("salt.new");
            let mut file = File::create(&new)?;
            file.write_all(&salt)?;
            file.sync_all()?;
            fs::rename(&new, &path)?;
            sync_folder(folder)?;
            Ok(salt)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(damage(&path, 0, "the file is missing")),
        Err(error) => Err(error.into()),
    }
}

fn sync_folder(folder: &Path) -> Result<()> {
    Ok(File::open(folder)?.sync_all()?)
}

#[cfg(test)]
pub(crate) mod fault;
#[cfg(test)]
mod tests;
