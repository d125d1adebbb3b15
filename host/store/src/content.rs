//! Contents: large bytes of a tenant, written while they arrive and read from any place.
//!
//! A content has an id of its own and lives as long as the one document that names it: until [`Beside::Content`] keeps it
//! together with that document it is pending, and a pending content goes with whoever holds it, or at the next start. What
//! must stay true: no more than one piece of a content is in memory, whatever its size.
//!
//! [`Beside::Content`]: crate::Beside::Content

use crate::committer::{Company, Group};
use crate::engine::{Engine, Table};
use crate::format::{ContentEntry, VERSION, keys};
use crate::read::blob_bytes;
use crate::store::Store;
use headworks_core::{Digest, Error, ErrorCode, Hasher, Result, TenantId, Uid};
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of each piece of a content but the last. Part of the format: what is stored is found by it.
pub(crate) const PIECE: usize = 1 << 20;

/// Pending contents that nobody holds any more.
#[derive(Default)]
pub(crate) struct Abandoned(Mutex<Vec<(TenantId, Uid)>>);

impl Abandoned {
    /// Those since the last call.
    pub(crate) fn take(&self) -> Vec<(TenantId, Uid)> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What keeps a pending content from being cleared.
struct Hold {
    tenant: TenantId,
    id: Uid,
    abandoned: Arc<Abandoned>,
}

impl Drop for Hold {
    fn drop(&mut self) {
        // One that was kept meanwhile is passed over.
        self.abandoned.0.lock().unwrap_or_else(PoisonError::into_inner).push((self.tenant, self.id));
    }
}

/// Takes the bytes of a new content. Dropping it gives them up; so does an error, or a call that was not awaited to its end.
pub struct ContentWriter {
    store: Store,
    hold: Hold,
    hasher: Hasher,
    size: u64,
    /// The piece that is gathered, behind the number of its format.
    piece: Vec<u8>,
    pieces: u32,
    /// A piece is on its way; stays when it did not arrive.
    broken: bool,
}

/// A content that is complete and pending. It has to be held until it is kept by [`Beside::Content`](crate::Beside::Content);
/// dropping it before that gives it up.
pub struct Content {
    /// What it is called from now on.
    pub id: Uid,
    /// Bytes of all of it.
    pub size: u64,
    /// Of all of it.
    pub digest: Digest,
    hold: Hold,
    engine: Arc<Engine>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("id", &self.id).field("size", &self.size).field("digest", &self.digest).finish()
    }
}

impl ContentWriter {
    pub(crate) fn new(store: Store, tenant: TenantId) -> Self {
        let hold = Hold { tenant, id: Uid::new(), abandoned: Arc::clone(store.abandoned()) };
        Self { store, hold, hasher: Hasher::default(), size: 0, piece: vec![VERSION], pieces: 0, broken: false }
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next bytes. Waits for the disk whenever a piece is full.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`]; [`ErrorCode::NotFound`] when the tenant is deleted meanwhile.
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = (PIECE + 1).saturating_sub(self.piece.len()).min(bytes.len());
            let (now, rest) = bytes.split_at(room);
            self.piece.extend_from_slice(now);
            bytes = rest;
            if self.piece.len() > PIECE {
                self.put(None).await?;
            }
        }
        Ok(())
    }

    /// Ends the content. Durable when it returns, and still pending.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn finish(mut self) -> Result<Content> {
        let digest = std::mem::take(&mut self.hasher).finish();
        self.put(Some(ContentEntry { size: self.size, digest })).await?;
        let engine = Arc::clone(self.store.engine());
        Ok(Content { id: self.hold.id, size: self.size, digest, hold: self.hold, engine })
    }

    /// Writes what was gathered, and with the last piece what the whole is.
    async fn put(&mut self, whole: Option<ContentEntry>) -> Result<()> {
        if std::mem::replace(&mut self.broken, true) {
            return Err(Error::internal("a content was written on after a failure"));
        }
        let (tenant, id, number) = (self.hold.tenant, self.hold.id, self.pieces);
        self.pieces = number.checked_add(1).ok_or_else(|| Error::new(ErrorCode::TooLarge, "a content has at most 4 PiB"))?;
        let piece = std::mem::replace(&mut self.piece, vec![VERSION]);
        let bytes = piece.len();
        self.store.reserve(bytes)?;
        let work = move |group: &mut Group<'_>| group.put_piece(tenant, id, number, &piece, whole);
        self.store.committer().submit(Company::Shared, bytes, work).await?;
        self.broken = false;
        Ok(())
    }
}

impl Content {
    /// Reads it before it is kept. Reading blocks.
    pub fn reader(&self) -> ContentReader {
        let entry = ContentEntry { size: self.size, digest: self.digest };
        ContentReader::new(Arc::clone(&self.engine), self.hold.tenant, self.id, entry)
    }
}

/// Reads a content from any place; blocks. What was read before the content was deleted is right, and reading on fails.
pub struct ContentReader {
    engine: Arc<Engine>,
    tenant: TenantId,
    id: Uid,
    entry: ContentEntry,
    position: u64,
    /// The piece that was read last.
    piece: Option<(u32, Vec<u8>)>,
}

impl ContentReader {
    pub(crate) fn new(engine: Arc<Engine>, tenant: TenantId, id: Uid, entry: ContentEntry) -> Self {
        Self { engine, tenant, id, entry, position: 0, piece: None }
    }

    /// Bytes of the whole content.
    pub fn len(&self) -> u64 {
        self.entry.size
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.entry.size == 0
    }

    /// What was found when it was written. `verify` compares it.
    pub fn digest(&self) -> Digest {
        self.entry.digest
    }

    /// What is left of the piece at the present position.
    fn rest(&mut self) -> io::Result<&[u8]> {
        let at = u32::try_from(self.position / PIECE as u64).map_err(io::Error::other)?;
        if self.piece.as_ref().is_none_or(|(number, _)| *number != at) {
            let piece = self.load(at)?;
            self.piece = Some((at, piece));
        }
        let within = (self.position % PIECE as u64) as usize;
        let piece = self.piece.as_ref().map(|(_, piece)| piece.as_slice()).unwrap_or_default();
        Ok(piece.get(within..).unwrap_or_default())
    }

    fn load(&self, number: u32) -> io::Result<Vec<u8>> {
        let damaged = |what: &str| {
            let text = format!("the stored content {} {what}", self.id);
            io::Error::new(io::ErrorKind::InvalidData, text)
        };
        let stored = self.engine.get(Table::Contents, &keys::piece(self.tenant, &self.id, number)).map_err(io::Error::other)?;
        let stored = stored.ok_or_else(|| damaged("was deleted, or a piece of it is missing: run `verify`"))?;
        let piece = blob_bytes(&stored).ok_or_else(|| damaged("cannot be read; run `verify`"))?;
        let expected = self.entry.size.saturating_sub(u64::from(number) * PIECE as u64).min(PIECE as u64);
        if piece.len() as u64 != expected {
            return Err(damaged("has a piece of a wrong length; run `verify`"));
        }
        Ok(piece.to_vec())
    }
}

impl Read for ContentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.position >= self.entry.size {
            return Ok(0);
        }
        let count = self.rest()?.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for ContentReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.entry.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = place.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a place before the beginning"))?;
        Ok(self.position)
    }
}

impl Engine {
    /// What is known of a content that is kept.
    pub(crate) fn content(&self, tenant: TenantId, id: &Uid) -> Result<Option<ContentEntry>> {
        let key = keys::meta::of_content(keys::meta::CONTENT, tenant, id);
        let Some(value) = self.get(Table::Meta, &key)? else { return Ok(None) };
        let damaged = || Error::new(ErrorCode::Corrupt, format!("the entry of the content {id} cannot be read; run `verify`"));
        ContentEntry::decode(&value).map(Some).ok_or_else(damaged)
    }
}
