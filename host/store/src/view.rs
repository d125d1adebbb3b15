//! One moment of the store, looked at while others write: what backups are made of.
//!
//! What must stay true: everything a view shows was there at the moment it was made, all of it together; it holds no more
//! than a piece of a stream in memory. As long as it lives the database keeps what has changed since, so it must not be
//! waited for without a bound.

use crate::catalog::Stream;
use crate::engine::{Engine, Table, failed};
use crate::format::keys::{self, meta};
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

    /// All keys that begin with `prefix`.
    pub(crate) fn walk(&self, table: Table, prefix: &[u8]) -> Result<DBRawIteratorWithThreadMode<'_, DB>> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(prefix);
        let upper = keys::after(prefix);
        if !upper.is_empty() {
            options.set_iterate_upper_bound(upper);
        }
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
