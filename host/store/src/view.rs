//! One moment of the store, looked at while others write: what backups are made of.
//!
//! What must stay true: everything a view shows was there at the moment it was made, all of it together; it holds no more
//! than a piece of a stream in memory. As long as it lives the database keeps what has changed since, so it must not be
//! waited for without a bound.

use crate::catalog::Stream;
use crate::engine::{Engine, Table, failed};
use crate::format::keys::{self, Place, meta};
use crate::format::record::Stored;
use crate::format::{decode_document, decode_number, decode_text};
use crate::scan::Chunk;
use crate::types::{RecordId, StreamConfig};
use headworks_core::{Batch, Document, Error, ErrorCode, Result, TenantId};
use rocksdb::{DB, DBRawIteratorWithThreadMode, ReadOptions, Snapshot};
use std::sync::Arc;

/// Records that are handed out at once.
const PIECE: usize = 1000;

/// One moment of the store. Reading blocks: keep it off the async threads.
pub struct View<'a> {
    engine: &'a Engine,
    snapshot: Snapshot<'a>,
    /// Records whose time is over at this second do not show.
    second: i64,
}

/// A stream at the moment of a view.
pub struct StreamView {
    /// Its name.
    pub name: String,
    /// Its settings.
    pub config: StreamConfig,
    stream: Stream,
}

impl StreamView {
    /// The names of all fields that its records ever had, in the order of their first use.
    pub fn fields(&self) -> Arc<Vec<Arc<str>>> {
        self.stream.fields()
    }
}

/// Which record it is, and until when it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Names the record within its stream and millisecond.
    pub uuid: uuid::Uuid,
    /// The second since 1970 from which on it does not show; 0 for never.
    pub expiry: u64,
}

impl Mark {
    /// The name of a record that was received at `ms`.
    pub fn id(&self, ms: u64) -> RecordId {
        RecordId { ms, uuid: self.uuid }
    }
}

impl<'a> View<'a> {
    pub(crate) fn new(engine: &'a Engine, second: i64) -> Self {
        Self { engine, snapshot: engine.snapshot(), second }
    }

    fn walk(&self, table: Table, prefix: &[u8]) -> Result<DBRawIteratorWithThreadMode<'_, DB>> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(prefix);
        options.set_iterate_upper_bound(keys::after(prefix));
        options.fill_cache(false);
        let mut walk = self.snapshot.raw_iterator_cf_opt(self.engine.family(table)?, options);
        walk.seek_to_first();
        Ok(walk)
    }

    /// Grows with every change of a document.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when it cannot be read.
    pub fn version(&self) -> Result<u64> {
        let stored = self.snapshot.get_cf(self.engine.family(Table::Meta)?, meta::NEXT_CHANGE).map_err(failed)?;
        stored.map_or(Ok(1), |value| decode_number(&value).ok_or_else(|| damaged("the number of the next change")))
    }

    /// Shows all documents of a kind, of all scopes, in ascending order of scope and name.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when one cannot be read; those of `each`.
    pub fn documents(&self, tenant: TenantId, kind: &str, mut each: impl FnMut(Document) -> Result<()>) -> Result<()> {
        let mut walk = self.walk(Table::Documents, &keys::documents_of_kind(tenant, kind))?;
        while let Some((key, value)) = walk.item() {
            let key = keys::parse_document(key).ok_or_else(|| damaged("the key of a document"))?;
            let named = format!("the stored {kind} `{}`", key.name);
            each(decode_document(key, value).ok_or_else(|| damaged(&named))?)?;
            walk.next();
        }
        walk.status().map_err(failed)
    }

    /// All streams in ascending order of their names.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when one cannot be read.
    pub fn streams(&self, tenant: TenantId) -> Result<Vec<StreamView>> {
        let mut streams = Vec::new();
        self.documents(tenant, crate::committer::STREAM_KIND, |document| {
            let name = document.key.name;
            let (number, config) = crate::committer::stored_settings(&document.body)
                .ok_or_else(|| damaged(&format!("the settings of the stream `{name}`")))?;
            let stream = Stream::new(tenant, number, config.clone());
            let mut walk = self.walk(Table::Meta, &meta::of_stream(meta::FIELD, tenant, number))?;
            while let Some((_, value)) = walk.item() {
                let field = decode_text(value).ok_or_else(|| damaged(&format!("a field name of the stream `{name}`")))?;
                stream.add_fields([Arc::from(field)]);
                walk.next();
            }
            walk.status().map_err(failed)?;
            streams.push(StreamView { name, config, stream });
            Ok(())
        })?;
        Ok(streams)
    }

    /// Shows the records of a stream, oldest first, a piece at a time with the marks of its records.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when one cannot be read; those of `each`.
    pub fn records(&self, of: &StreamView, mut each: impl FnMut(&Batch, &[Mark]) -> Result<()>) -> Result<()> {
        let mut walk = self.walk(Table::Records, &keys::stream_prefix(of.stream.tenant, of.stream.number))?;
        let mut marks = Vec::with_capacity(PIECE);
        while walk.valid() {
            let mut chunk = Chunk::new(&of.stream, self.second);
            marks.clear();
            while let Some((key, value)) = walk.item() {
                let at = chunk.add(key, value)?;
                if chunk.len() > marks.len() {
                    let expiry = Stored::decode(value).map_or(0, |stored| stored.expiry);
                    marks.push(Mark { uuid: at.uuid(), expiry });
                }
                walk.next();
                if chunk.is_full(PIECE) {
                    break;
                }
            }
            each(&chunk.finish()?, &marks)?;
        }
        walk.status().map_err(failed)
    }
}

fn damaged(what: &str) -> Error {
    Error::new(ErrorCode::Corrupt, format!("{what} cannot be read; run `verify`"))
}

/// The name of a record: the same record has the same name in every store that it was restored into.
///
/// Names that we make hold the sequence number of the record, whose first value each store draws at random from so many that
/// two stores never count alike. Of names that others made a number is taken that differs for different names, but for one
/// chance in some 10^18, with its highest bit set, which no store counts up to.
impl Place {
    const MAGIC: u128 = 0x6865_6164_776b << 80;
    const LOW: u128 = (1 << 62) - 1;
    const FOREIGN: u64 = 1 << 63;

    pub(crate) fn uuid(self) -> uuid::Uuid {
        let sequence = u128::from(self.sequence);
        let bits = Self::MAGIC | ((sequence >> 62) << 64) | (sequence & Self::LOW);
        uuid::Builder::from_custom_bytes(bits.to_be_bytes()).into_uuid()
    }

    pub(crate) fn named(ms: i64, uuid: uuid::Uuid) -> Self {
        let bits = uuid.as_u128();
        let own = Self { ms, sequence: ((((bits >> 64) & 3) << 62) | (bits & Self::LOW)) as u64 };
        if own.uuid() == uuid {
            return own;
        }
        let (high, low) = uuid.as_u64_pair();
        Self { ms, sequence: Self::FOREIGN | (high ^ low.rotate_left(32)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_records() {
        for sequence in [0, 1, 77, u64::MAX >> 2, 1 << 62, 1 << 63, u64::MAX - 1, u64::MAX] {
            let place = Place { ms: 5, sequence };
            assert_eq!(Place::named(5, place.uuid()), place, "{sequence:x}");
        }
        let foreign = uuid::Uuid::from_u128(0x0b1d_1c5e_7f0e_4a63_9f0a_2b9a_2a0d_8a11);
        let place = Place::named(5, foreign);
        assert_eq!(place.sequence >> 63, 1);
        assert_eq!(Place::named(5, place.uuid()), place, "a restored record keeps its place in the next store");
        assert_ne!(Place::named(5, uuid::Uuid::from_u128(foreign.as_u128() ^ 1)), place);
    }
}
