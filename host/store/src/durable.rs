//! Journal and database together: the one place that makes a group of writes last.
//!
//! A group is first a frame of the journal, synced, and then a write to the database, which keeps it in memory. With the
//! group's own changes the database gets the number of the frame, so that whatever state it has in its table files says
//! which frames it still lacks; opening applies those. A frame that is applied twice changes nothing.

use crate::engine::{Engine, Table};
use crate::format::keys::meta;
use crate::format::{decode_number, encode_number};
use crate::journal::Journal;
use crate::types::Durability;
use headworks_core::{Error, ErrorCode, Result};
use rocksdb::WriteBatch;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

/// The folder of the journal within that of the database.
pub(crate) const FOLDER: &str = "journal";
const SEGMENT_BYTES: u64 = 32 << 20;
/// Full segments from which on writing waits until the database has written table files.
const MOST_WAITING: usize = 6;

/// What the committer writes through. Nothing may be written after an error.
pub(crate) struct Durable {
    engine: Arc<Engine>,
    journal: Journal,
    sync: bool,
    /// Writing table files; answers the last frame that they hold.
    flushing: Option<JoinHandle<Result<u64>>>,
}

impl Durable {
    /// Brings into the database in `path` what only its journal holds.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] with the file when either is damaged.
    pub(crate) fn open(engine: Engine, path: &Path, durability: Durability) -> Result<Self> {
        let engine = Arc::new(engine);
        let applied = match engine.get(Table::Meta, meta::APPLIED)? {
            Some(value) => decode_number(&value).ok_or_else(|| {
                Error::new(ErrorCode::Corrupt, format!("the database {} does not know its journal", path.display()))
            })?,
            None => 0,
        };
        let mut replayed = false;
        let journal = Journal::open(&path.join(FOLDER), SEGMENT_BYTES, applied, |_, payload| {
            replayed = true;
            engine.write(WriteBatch::from_data(payload))
        })?;
        let mut durable = Self { engine, journal, sync: durability == Durability::Fsync, flushing: None };
        if replayed {
            durable.flush()?;
        } else {
            durable.journal.release(applied)?;
        }
        Ok(durable)
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Writes all or nothing. With [`Durability::Fsync`] it is on the disk when this returns; readers see it after that only.
    pub(crate) fn commit(&mut self, mut batch: WriteBatch) -> Result<()> {
        let sequence = self.journal.sequence() + 1;
        batch.put_cf(self.engine.family(Table::Meta)?, meta::APPLIED, encode_number(sequence));
        self.journal.append(&[batch.data()], self.sync)?;
        self.engine.write(batch)?;
        self.make_room()
    }

    /// Writes table files and waits for them.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.finish_flushing()?;
        self.engine.flush()?;
        self.journal.release(self.journal.sequence())
    }

    /// Writes table files, so that the next start has nothing to bring in.
    pub(crate) fn close(mut self) -> Result<()> {
        self.flush()?;
        self.journal.close()
    }

    /// Has table files written in the background once a segment is full, and waits for them only when too many are.
    fn make_room(&mut self) -> Result<()> {
        let waiting = self.journal.waiting();
        if self.flushing.as_ref().is_some_and(|flushing| flushing.is_finished() || waiting >= MOST_WAITING) {
            self.finish_flushing()?;
        }
        if self.flushing.is_none() && self.journal.waiting() > 0 {
            let (engine, sequence) = (Arc::clone(&self.engine), self.journal.sequence());
            let flush = move || engine.flush().map(|()| sequence);
            self.flushing = Some(std::thread::Builder::new().name("flush".to_owned()).spawn(flush)?);
        }
        Ok(())
    }

    fn finish_flushing(&mut self) -> Result<()> {
        let Some(flushing) = self.flushing.take() else { return Ok(()) };
        let applied = flushing.join().map_err(|_| Error::internal("writing table files ended by a defect"))??;
        self.journal.release(applied)
    }
}
