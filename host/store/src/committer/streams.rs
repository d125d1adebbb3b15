//! Streams: their making, their settings and their records.

use super::{Group, StreamName, Writer};
use crate::catalog::Stream;
use crate::durable::Durable;
use crate::engine::{Engine, Reading, Table, failed};
use crate::format::keys::{Place, RecordKey, meta};
use crate::format::{ExpiryRange, Tally, VERSION, decode_text, encode_text, keys, record};
use crate::types::{Change, RecordId, StreamConfig};
use crate::watch::Delivery;
use headworks_core::{Batch, DocumentKey, Error, ErrorCode, Kind, Result, TenantId, Timestamp, Value};
use rocksdb::WriteBatch;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// The kind of the documents that hold the settings.
pub(crate) const KIND: &str = "stream";
/// Who makes streams by writing to them.
const SERVER: &str = "server";
/// The most field names one stream remembers.
pub const MAX_FIELDS: usize = 100_000;
/// Bytes of a value above which it is not indexed; the record is kept (FlowG 2).
const MAX_INDEXED: usize = 4 << 10;

/// A stream as the committer knows it: everything staged so far counts.
pub(crate) struct Writing {
    pub(super) stream: Arc<Stream>,
    pub(super) config: StreamConfig,
    /// Fields whose index is not complete.
    pub(super) building: BTreeSet<String>,
    numbers: HashMap<Arc<str>, u32>,
    /// Per field number, whether its values are indexed.
    indexed: Vec<bool>,
    pub(super) tally: Tally,
    warned: bool,
}

/// The content of a document of kind `stream`.
#[derive(Serialize, Deserialize)]
struct Settings {
    number: u32,
    ttl_seconds: i64,
    size_mib: i64,
    indexed_fields: BTreeSet<String>,
}

impl Writing {
    fn new(tenant: TenantId, number: u32, config: StreamConfig) -> Self {
        Self {
            stream: Arc::new(Stream::new(tenant, number, config.clone())),
            config,
            building: BTreeSet::new(),
            numbers: HashMap::new(),
            indexed: Vec::new(),
            tally: Tally::EMPTY,
            warned: false,
        }
    }

    pub(super) fn number_of(&self, field: &str) -> Option<u32> {
        self.numbers.get(field).copied()
    }

    /// Whether records written from now on enter the index of this field.
    pub(super) fn is_indexed(&self, number: u32) -> bool {
        self.indexed.get(number as usize).copied().unwrap_or_default()
    }

    fn remember(&mut self, name: &str) -> u32 {
        let number = self.indexed.len() as u32;
        let shared: Arc<str> = Arc::from(name);
        self.numbers.insert(Arc::clone(&shared), number);
        self.indexed.push(self.config.indexed_fields.contains(name) || self.building.contains(name));
        self.stream.add_fields([shared]);
        number
    }

    /// Looks again at which fields are indexed.
    pub(super) fn refresh_indexed(&mut self) {
        for (name, number) in &self.numbers {
            let indexed = self.config.indexed_fields.contains(&**name) || self.building.contains(&**name);
            if let Some(slot) = self.indexed.get_mut(*number as usize) {
                *slot = indexed;
            }
        }
    }

    /// Drops the indexes whose building was interrupted.
    fn drop_unfinished(&self, durable: &mut Durable) -> Result<()> {
        let engine = Arc::clone(durable.engine());
        let (tenant, number) = (self.stream.tenant, self.stream.number);
        let marker = meta::of_stream(meta::BUILDING, tenant, number);
        if engine.get(Table::Meta, &marker)?.is_none() {
            return Ok(());
        }
        let mut batch = WriteBatch::default();
        let indexes = engine.family(Table::Indexes)?;
        for field in self.numbers.values().filter(|field| !self.is_indexed(**field)) {
            let prefix = keys::index(tenant, number, *field);
            batch.delete_range_cf(indexes, &prefix, &keys::after(&prefix));
        }
        batch.delete_cf(engine.family(Table::Meta)?, marker);
        durable.commit(batch)
    }

    /// The second from which on a record written now does not show; 0 for never. Never early, up to a second late.
    fn expiry(&self, time: Timestamp) -> u64 {
        if self.config.ttl_seconds <= 0 {
            return 0;
        }
        let second = time.seconds().saturating_add(i64::from(time.subsec_nanos() > 0));
        u64::try_from(second.saturating_add(self.config.ttl_seconds)).unwrap_or(0).max(1)
    }
}

/// The number and the settings of a stream from the body of its document.
pub(crate) fn stored_settings(body: &[u8]) -> Option<(u32, StreamConfig)> {
    let Settings { number, ttl_seconds, size_mib, indexed_fields } = serde_json::from_slice(body).ok()?;
    Some((number, StreamConfig { ttl_seconds, size_mib, indexed_fields }))
}

/// Where records are put, and how long they are kept.
#[derive(Clone, Copy)]
pub(super) enum Placing<'a> {
    /// They are new: behind all others, as the stream's settings say.
    New,
    /// They come back: one place and one expiry for each.
    Given { places: &'a [Place], expiries: &'a [u64] },
}

impl Placing<'_> {
    fn of(self, index: usize) -> Option<(Place, u64)> {
        match self {
            Self::New => None,
            Self::Given { places, expiries } => places.get(index).copied().zip(expiries.get(index).copied()),
        }
    }
}

/// What a value is in an index, where it can be in one.
pub(crate) fn indexed_value(kind: Kind, bytes: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    use std::borrow::Cow;
    match kind {
        Kind::Null => None,
        Kind::Text | Kind::Json | Kind::Bytes => Some(Cow::Borrowed(bytes)),
        Kind::Boolean | Kind::Integer | Kind::Float => {
            Some(Cow::Owned(Value::read(kind, bytes).to_text().into_owned().into_bytes()))
        }
    }
    .filter(|value| value.len() <= MAX_INDEXED)
}

impl Group<'_> {
    /// The settings of a stream, which is made where it does not exist.
    pub(crate) fn ensure(&mut self, tenant: TenantId, name: &str, author: &str) -> Result<StreamConfig> {
        let at = (tenant, name.to_owned());
        if let Some(writing) = self.writer.streams.get(&at) {
            return Ok(writing.config.clone());
        }
        self.check_exists(tenant)?;
        let number = self.writer.next_stream;
        self.writer.next_stream = number
            .checked_add(1)
            .filter(|next| *next < u32::MAX)
            .ok_or_else(|| Error::new(ErrorCode::Exhausted, "all stream numbers are used"))?;
        self.took_stream = true;
        let config = self.writer.catalog.settings(StreamConfig::default());
        let writing = Writing::new(tenant, number, config.clone());
        let stream = Arc::clone(&writing.stream);
        self.writer.streams.insert(at.clone(), writing);
        self.writer.names.insert(number, at);
        self.touched.insert(number);
        self.save_settings(tenant, name, author)?;
        let name = name.to_owned();
        self.publish.push(Box::new(move |catalog| catalog.insert(&name, &stream)));
        Ok(config)
    }

    /// Stages the document of a stream that exists.
    pub(super) fn save_settings(&mut self, tenant: TenantId, name: &str, author: &str) -> Result<()> {
        let Some(writing) = self.writer.streams.get(&(tenant, name.to_owned())) else { return Ok(()) };
        let StreamConfig { ttl_seconds, size_mib, indexed_fields } = writing.config.clone();
        let settings = Settings { number: writing.stream.number, ttl_seconds, size_mib, indexed_fields };
        let body = serde_json::to_vec(&settings).map_err(|error| Error::internal(error.to_string()))?;
        self.write(author, vec![Change::put(DocumentKey::new(tenant, KIND, name), body)])?;
        Ok(())
    }

    /// Adds records to streams. Missing streams are made.
    pub(crate) fn append(&mut self, tenant: TenantId, parts: Vec<(String, Batch)>) -> Result<()> {
        self.check_append(tenant, &parts)?;
        for (name, batch) in parts.into_iter().filter(|(_, batch)| !batch.is_empty()) {
            self.ensure(tenant, &name, SERVER)?;
            let at = (tenant, name);
            let ids = self.append_part(&at, &batch, Placing::New)?;
            if let Some(ids) = ids {
                self.deliveries.push(Delivery { tenant, stream: at.1, ids, batch });
            }
        }
        Ok(())
    }

    /// Refuses what is for a tenant that is gone or would give a stream too many field names.
    pub(crate) fn check_append(&self, tenant: TenantId, parts: &[(String, Batch)]) -> Result<()> {
        self.check_exists(tenant)?;
        parts.iter().try_for_each(|(name, batch)| self.check_fields(tenant, name, batch.names().len()))
    }

    /// Refuses `more` field names where the stream would have too many.
    pub(super) fn check_fields(&self, tenant: TenantId, name: &str, more: usize) -> Result<()> {
        let known = self.writer.streams.get(&(tenant, name.to_owned())).map_or(0, |writing| writing.indexed.len());
        if known + more > MAX_FIELDS {
            let message = format!(
                "the stream `{name}` has {known} different field names, and {MAX_FIELDS} is the most: purge it, and keep what varies in values"
            );
            return Err(Error::new(ErrorCode::Exhausted, message));
        }
        Ok(())
    }

    /// Remembers the names of fields that no record of the stream has to have.
    pub(super) fn remember_fields(&mut self, at: &StreamName, names: &[String]) -> Result<()> {
        for name in names {
            let Some(writing) = self.writer.streams.get_mut(at) else { return Ok(()) };
            if writing.number_of(name).is_none() {
                let (number, field) = (writing.stream.number, writing.remember(name));
                self.put(Table::Meta, &meta::of_field(meta::FIELD, at.0, number, field), &encode_text(name))?;
            }
        }
        Ok(())
    }

    /// Answers the names of the records where somebody follows the stream.
    pub(super) fn append_part(&mut self, at: &StreamName, batch: &Batch, placing: Placing<'_>) -> Result<Option<Vec<RecordId>>> {
        let writer = &mut *self.writer;
        let Some(writing) = writer.streams.get_mut(at) else { return Ok(None) };
        let records = writer.engine.family(Table::Records)?;
        let indexes = writer.engine.family(Table::Indexes)?;
        let meta_family = writer.engine.family(Table::Meta)?;
        let (tenant, number) = (writing.stream.tenant, writing.stream.number);
        let told = matches!(placing, Placing::New) && writer.watchers.any(at.0, &at.1);
        let mut ids = told.then(|| Vec::with_capacity(batch.len()));
        let mut fields: Vec<Option<u32>> = vec![None; batch.names().len()];
        let mut value = Vec::with_capacity(1024);
        let mut entries: Vec<Vec<u8>> = Vec::new();
        let mut expiring: Option<(u64, ExpiryRange)> = None;
        for (index, row) in batch.records().enumerate() {
            let (place, expiry) = match placing.of(index) {
                Some(given) => given,
                None => {
                    let sequence = writer.next_record;
                    writer.next_record += 1;
                    self.took_record = true;
                    (Place { ms: row.time().millis(), sequence }, writing.expiry(row.time()))
                }
            };
            value.clear();
            record::begin(&mut value, row.time(), expiry);
            for (field, kind, bytes) in row.cells() {
                let Some(slot) = fields.get_mut(field.0 as usize) else { continue };
                let field_number = match *slot {
                    Some(known) => known,
                    None => {
                        let name = batch.name(field);
                        let known = writing.number_of(name).unwrap_or_else(|| {
                            let new = writing.remember(name);
                            self.batch.put_cf(meta_family, meta::of_field(meta::FIELD, tenant, number, new), encode_text(name));
                            new
                        });
                        *slot.insert(known)
                    }
                };
                record::cell(&mut value, field_number, kind, bytes);
                if writing.is_indexed(field_number) {
                    match indexed_value(kind, bytes) {
                        Some(text) => entries.push(keys::index_value(tenant, number, field_number, &text)),
                        None if kind != Kind::Null && !std::mem::replace(&mut writing.warned, true) => tracing::warn!(
                            stream = at.1,
                            field = batch.name(field),
                            "a value is longer than {MAX_INDEXED} bytes and is stored but not indexed; said once per stream"
                        ),
                        None => {}
                    }
                }
            }
            for mut entry in entries.drain(..) {
                entry.extend_from_slice(&place.encode());
                self.batch.put_cf(indexes, entry, [VERSION]);
            }
            self.batch.put_cf(records, RecordKey { tenant, number, at: place }.encode(), &value);
            writing.tally.bytes += (RecordKey::LEN + value.len()) as u64;
            writing.tally.count += 1;
            writing.tally.low = writing.tally.low.min(place);
            if expiry > 0 {
                let (last_expiry, range) = expiring.get_or_insert((expiry, ExpiryRange { first: place, last: place }));
                *last_expiry = (*last_expiry).max(expiry);
                (range.first, range.last) = (range.first.min(place), range.last.max(place));
            }
            if let Some(ids) = &mut ids {
                ids.push(RecordId { ms: u64::try_from(place.ms).unwrap_or(0), uuid: place.uuid() });
            }
        }
        if let Some((second, mut range)) = expiring {
            writer.next_expiry = writer.next_expiry.min(second);
            let key = meta::expiry(second, tenant, number, range.first.sequence);
            if let Placing::Given { .. } = placing
                && let Some(before) = writer.engine.get(Table::Meta, &key)?.as_deref().and_then(ExpiryRange::decode)
            {
                // An earlier restore may have begun at the same record and gone further.
                (range.first, range.last) = (range.first.min(before.first), range.last.max(before.last));
            }
            self.batch.put_cf(meta_family, key, range.encode());
        }
        self.touched.insert(number);
        Ok(ids)
    }

    /// Stages the tallies of all streams that changed.
    pub(super) fn stage_tallies(&mut self) -> Result<()> {
        for number in std::mem::take(&mut self.touched) {
            let Some(writing) = self.writer.names.get(&number).and_then(|at| self.writer.streams.get(at)) else { continue };
            let (stream, tally) = (Arc::clone(&writing.stream), writing.tally);
            self.put(Table::Meta, &meta::of_stream(meta::TALLY, stream.tenant, number), &tally.encode())?;
            self.publish.push(Box::new(move |_| stream.set_tally(tally.bytes, tally.low)));
        }
        Ok(())
    }
}

impl Writer {
    /// Reads all streams of the store. Indexes whose building was interrupted are dropped.
    pub(super) fn load_streams(&mut self) -> Result<()> {
        let damaged = |what: &str| Error::new(ErrorCode::Corrupt, format!("{what} cannot be read; run `verify`"));
        let engine = Arc::clone(&self.engine);
        for tenant in tenants(&engine)? {
            for document in engine.documents(tenant, KIND, "")? {
                let name = document.key.name;
                let (number, config) =
                    stored_settings(&document.body).ok_or_else(|| damaged(&format!("the settings of the stream `{name}`")))?;
                let mut writing = Writing::new(tenant, number, config);
                let mut walk = engine.walk_prefix(Table::Meta, &meta::of_stream(meta::FIELD, tenant, number))?;
                walk.seek_to_first();
                while let Some((_, value)) = walk.item() {
                    let field = decode_text(value).ok_or_else(|| damaged(&format!("a field name of the stream `{name}`")))?;
                    writing.remember(field);
                    walk.next();
                }
                walk.status().map_err(failed)?;
                let tally = engine.get(Table::Meta, &meta::of_stream(meta::TALLY, tenant, number))?;
                let tally = tally.as_deref().and_then(Tally::decode);
                writing.tally = tally.ok_or_else(|| damaged(&format!("the tally of the stream `{name}`")))?;
                writing.stream.set_tally(writing.tally.bytes, writing.tally.low);
                writing.drop_unfinished(&mut self.durable)?;
                self.catalog.insert(&name, &writing.stream);
                self.names.insert(number, (tenant, name.clone()));
                self.streams.insert((tenant, name), writing);
            }
        }
        Ok(())
    }
}

/// The tenants that have documents.
fn tenants(engine: &Engine) -> Result<Vec<TenantId>> {
    let mut tenants = Vec::new();
    let mut walk = engine.walk(Table::Documents, &[], &[], Reading::Usual)?;
    walk.seek_to_first();
    while let Some(tenant) = walk.key().and_then(|key| key.first_chunk()).map(|bytes| u32::from_be_bytes(*bytes)) {
        tenants.push(TenantId(tenant));
        let Some(next) = tenant.checked_add(1) else { break };
        walk.seek(next.to_be_bytes());
    }
    walk.status().map_err(failed)?;
    Ok(tenants)
}
