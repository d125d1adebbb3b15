//! The entries of an archive, read through once each.
//!
//! What must stay true: bytes are counted as they come, and an entry that is longer or shorter than the archive says, or more
//! than the limits allow, is refused before more of it is kept.

use super::source::Source;
use super::{ArchiveLimits, directory, refused, shown};
use headworks_core::{Error, Result};
use std::io::{self, Read, Seek};
use zip::ZipArchive;
use zip::read::{ArchiveOffset, Config};
use zip::result::ZipError;

/// Bytes of an entry that may be packed as tightly as can be.
const RATIO_FREE: u64 = 1 << 20;

/// Reads every entry. `visit` gets the name and the bytes of each; what it leaves unread is read and counted here.
pub(super) fn each<R: Read + Seek>(
    reader: R,
    limits: &ArchiveLimits,
    mut visit: impl FnMut(&str, &mut Entry<'_>) -> Result<()>,
) -> Result<()> {
    let (mut source, fault) = Source::new(reader)?;
    let outcome = directory::check(&mut source, limits).and_then(|()| {
        let mut archive = open(source)?;
        let mut room = limits.unpacked;
        for index in 0..archive.len() {
            let mut file = archive.by_index(index).map_err(unreadable)?;
            let name = file.name().map_err(unreadable)?.into_owned();
            check_name(&name)?;
            let (packed, size) = (file.compressed_size(), file.size());
            let mut entry =
                Entry { inner: &mut file, name: &name, packed, size, count: 0, room, ratio: limits.ratio, refusal: None };
            visit(&name, &mut entry)?;
            entry.finish()?;
            room -= entry.count;
        }
        Ok(())
    });
    match fault.take() {
        Some(error) => Err(error.into()),
        None => outcome,
    }
}

fn open<R: Read + Seek>(source: R) -> Result<ZipArchive<R>> {
    let mut archive = ZipArchive::with_config(Config { archive_offset: ArchiveOffset::Known(0) }, source).map_err(unreadable)?;
    archive.validate_header_consistency().map_err(unreadable)?;
    Ok(archive)
}

/// Names never become paths here; those that could do harm where the archive is unpacked later are refused.
fn check_name(name: &str) -> Result<()> {
    let mut parts = name.split(['/', '\\']);
    let drive = name.as_bytes().get(1) == Some(&b':');
    if name.starts_with(['/', '\\']) || drive || name.contains('\0') || parts.any(|part| part == "..") {
        return Err(refused(format!("the name of its entry {} leads out of the archive", shown(name))));
    }
    Ok(())
}

fn unreadable(error: ZipError) -> Error {
    refused(match error {
        ZipError::Io(error) => error.to_string(),
        ZipError::InvalidArchive(what) => what.into_owned(),
        other => other.to_string(),
    })
}

/// The bytes of one entry.
pub(super) struct Entry<'a> {
    inner: &'a mut dyn Read,
    name: &'a str,
    packed: u64,
    size: u64,
    count: u64,
    room: u64,
    ratio: u64,
    refusal: Option<Error>,
}

impl Entry<'_> {
    /// Refuses an entry that says it is longer than this; a longer one that lies is refused while it is read.
    pub(super) fn at_most(&self, limit: u64) -> Result<()> {
        if self.size <= limit {
            return Ok(());
        }
        Err(refused(format!("its entry {} has {} bytes; at most {limit} are allowed", shown(self.name), self.size)))
    }

    /// All bytes.
    pub(super) fn bytes(&mut self, limit: u64) -> Result<Vec<u8>> {
        self.at_most(limit)?;
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map_err(|error| self.failed(&error))?;
        Ok(bytes)
    }

    /// All bytes as text.
    pub(super) fn text(&mut self, limit: u64) -> Result<String> {
        let name = self.name;
        String::from_utf8(self.bytes(limit)?).map_err(|_| refused(format!("its entry {} is not UTF-8", shown(name))))
    }

    /// Why it was refused while it was read, if it was.
    pub(super) fn refusal(&mut self) -> Option<Error> {
        self.refusal.take()
    }

    /// Why reading failed.
    fn failed(&mut self, error: &dyn std::fmt::Display) -> Error {
        let name = self.name;
        self.refusal.take().unwrap_or_else(|| refused(format!("its entry {} cannot be unpacked: {error}", shown(name))))
    }

    /// Reads what is left.
    fn finish(&mut self) -> Result<()> {
        io::copy(self, &mut io::sink()).map_err(|error| self.failed(&error))?;
        if self.count == self.size {
            return Ok(());
        }
        Err(refused(format!("its entry {} has {} bytes and says {}", shown(self.name), self.count, self.size)))
    }

    fn check(&self) -> Result<()> {
        let what = if self.count > self.size {
            format!("has more than the {} bytes that it says", self.size)
        } else if self.count > self.room {
            "is one too many: the archive's entries are larger than allowed".to_owned()
        } else if self.count > RATIO_FREE && self.count / self.ratio > self.packed {
            format!("is packed {} times and more: it is refused as a trap", self.ratio)
        } else {
            return Ok(());
        };
        Err(refused(format!("its entry {} {what}", shown(self.name))))
    }
}

impl Read for Entry<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer).inspect_err(|error| {
            let what = format!("its entry {} cannot be unpacked: {error}", shown(self.name));
            self.refusal = Some(refused(what));
        })?;
        self.count = self.count.saturating_add(read as u64);
        if let Err(refusal) = self.check() {
            self.refusal = Some(refusal);
            return Err(io::Error::other("refused"));
        }
        Ok(read)
    }
}
