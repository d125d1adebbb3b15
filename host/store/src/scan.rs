//! Reading streams, newest first.
//!
//! A scan holds no snapshot between chunks, only the place where it goes on: a slow reader pins nothing in the database. The
//! place only goes down, so no record is answered twice; what is written meanwhile at later places is not answered.
//!
//! What must stay true: records whose time is over never show; nothing is allocated per record.

use crate::catalog::Stream;
use crate::engine::{Engine, Reading, Table, failed};
use crate::format::Reader;
use crate::format::keys::{self, IndexEntry, Place, RecordKey};
use crate::format::record::Stored;
use crate::types::ScanRange;
use headworks_core::batch::FieldId;
use headworks_core::time::Clock;
use headworks_core::{Batch, BatchBuilder, Error, ErrorCode, Result};
use rocksdb::DBRawIterator;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

/// Bytes of values after which a chunk ends.
const CHUNK_BYTES: usize = 8 << 20;
/// Records that are fetched at once through an index.
const FETCH: usize = 256;
/// The most values that one query may look for.
const MAX_VALUES: usize = 1000;

/// Records of one stream within a range, newest first. Reading blocks: keep it off the async threads.
pub struct Scan {
    engine: Arc<Engine>,
    clock: Arc<dyn Clock>,
    stream: Arc<Stream>,
    /// The earliest place that is looked at.
    lower: Place,
    /// The latest place not yet looked at; `None` at the end.
    next: Option<Place>,
    /// Per field, the key prefixes of the values that are looked for; empty looks at all records.
    wanted: Vec<Vec<Vec<u8>>>,
}

impl Scan {
    /// # Errors
    /// [`ErrorCode::Invalid`] when more than 1,000 values are looked for.
    pub(crate) fn new(engine: &Arc<Engine>, clock: &Arc<dyn Clock>, stream: &Arc<Stream>, range: &ScanRange) -> Result<Self> {
        let lower = Place { ms: range.from.millis(), sequence: 0 }.max(stream.low());
        let upper = Place { ms: range.to.millis(), sequence: u64::MAX };
        let mut scan = Self {
            engine: Arc::clone(engine),
            clock: Arc::clone(clock),
            stream: Arc::clone(stream),
            lower,
            next: Some(upper),
            wanted: Vec::new(),
        };
        let values: usize = range.indexing.iter().map(|(_, values)| values.len()).sum();
        if values > MAX_VALUES {
            let message = format!("{values} values are looked for, and {MAX_VALUES} is the most; use a filter instead");
            return Err(Error::invalid(message).at("indexing"));
        }
        for (field, values) in &range.indexing {
            let Some(field) = stream.indexed_field(field).filter(|_| !values.is_empty()) else {
                scan.next = None;
                break;
            };
            let values: BTreeSet<&str> = values.iter().map(String::as_str).collect();
            let prefix = |value: &str| keys::index_value(stream.tenant, stream.number, field, value.as_bytes());
            scan.wanted.push(values.into_iter().map(prefix).collect());
        }
        Ok(scan)
    }

    /// A scan that finds nothing, for a stream that does not exist.
    pub(crate) fn nothing(engine: &Arc<Engine>, clock: &Arc<dyn Clock>, tenant: headworks_core::TenantId) -> Self {
        Self {
            engine: Arc::clone(engine),
            clock: Arc::clone(clock),
            stream: Arc::new(Stream::new(tenant, 0, crate::types::StreamConfig::default())),
            lower: Place::MAX,
            next: None,
            wanted: Vec::new(),
        }
    }

    /// Cuts the scan into at most `parts` scans, in order, that together find the same: so they can be read at once.
    pub(crate) fn split(self, parts: usize) -> Result<Vec<Self>> {
        let (Some(next), 2..) = (self.next, parts) else { return Ok(vec![self]) };
        // The times that really occur bound the pieces: a range is often everything from 1970 on.
        let mut walk = self.walk(next, Reading::Usual)?;
        walk.seek_to_last();
        let latest = walk.key().and_then(RecordKey::decode);
        walk.seek_to_first();
        let earliest = walk.key().and_then(RecordKey::decode);
        walk.status().map_err(failed)?;
        drop(walk);
        let (Some(latest), Some(earliest)) = (latest, earliest) else { return Ok(vec![self]) };
        let (low, high) = (i128::from(earliest.at.ms), i128::from(latest.at.ms));
        let (mut scans, mut upper) = (Vec::with_capacity(parts), next);
        for part in (1..parts as i128).rev() {
            let ms = (low + (high - low + 1) * part / parts as i128) as i64;
            let lower = Place { ms, sequence: 0 }.max(self.lower);
            if lower <= upper && lower > self.lower {
                scans.push(self.piece(lower, upper));
                let Some(before) = lower.before() else { return Ok(scans) };
                upper = before;
            }
        }
        scans.push(self.piece(self.lower, upper));
        Ok(scans)
    }

    fn piece(&self, lower: Place, upper: Place) -> Self {
        Self {
            engine: Arc::clone(&self.engine),
            clock: Arc::clone(&self.clock),
            stream: Arc::clone(&self.stream),
            lower,
            next: Some(upper),
            wanted: self.wanted.clone(),
        }
    }

    fn key(&self, at: Place) -> [u8; RecordKey::LEN] {
        RecordKey { tenant: self.stream.tenant, number: self.stream.number, at }.encode()
    }

    fn walk(&self, upper: Place, reading: Reading) -> Result<DBRawIterator<'_>> {
        let mut end = self.key(upper).to_vec();
        end.push(0);
        self.engine.walk(Table::Records, &self.key(self.lower), &end, reading)
    }

    /// The next records, at most `max` (at least one) and about 8 MiB; `None` at the end.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when a stored record cannot be read, [`ErrorCode::Io`] when the disk cannot.
    pub fn next_chunk(&mut self, max: usize) -> Result<Option<Batch>> {
        let max = max.max(1);
        while let Some(next) = self.next.filter(|next| *next >= self.lower) {
            let mut chunk = Chunk::new(&self.stream, self.clock.now().seconds());
            let next =
                if self.wanted.is_empty() { self.fill(&mut chunk, next, max)? } else { self.look_up(&mut chunk, next, max)? };
            self.next = next;
            if !chunk.builder.is_empty() {
                return chunk.builder.finish().map(Some);
            }
        }
        self.next = None;
        Ok(None)
    }

    /// Takes every record. Answers where to go on.
    fn fill(&self, chunk: &mut Chunk, next: Place, max: usize) -> Result<Option<Place>> {
        let mut walk = self.walk(next, Reading::Once)?;
        walk.seek_to_last();
        // A run of expired records is left now and then, so that the clock is looked at.
        let mut looks = max.saturating_mul(4).max(4096);
        while let Some((key, value)) = walk.item() {
            let at = chunk.add(key, value)?;
            looks -= 1;
            if chunk.is_full(max) || looks == 0 {
                return Ok(at.before());
            }
            walk.prev();
        }
        walk.status().map_err(failed)?;
        Ok(None)
    }

    /// Takes the records that the indexes name. Answers where to go on.
    fn look_up(&self, chunk: &mut Chunk, next: Place, max: usize) -> Result<Option<Place>> {
        let mut fields = Vec::with_capacity(self.wanted.len());
        for prefixes in &self.wanted {
            fields.push(Union::new(&self.engine, prefixes, self.lower, next)?);
        }
        let mut places = Vec::with_capacity(FETCH);
        let mut target = next;
        loop {
            places.clear();
            let room = FETCH.min(max - chunk.builder.len().min(max)).max(1);
            let more = intersect(&mut fields, target, room, &mut places)?;
            // The database takes many keys at once, but in ascending order.
            let keys: Vec<_> = places.iter().rev().map(|at| self.key(*at)).collect();
            for (key, value) in keys.iter().zip(self.engine.get_many(Table::Records, &keys)?).rev() {
                // A record that went between the two looks is gone.
                if let Some(value) = value {
                    chunk.add(key, &value)?;
                }
            }
            target = match more {
                Some(place) => place,
                None => return Ok(None),
            };
            if chunk.is_full(max) {
                return Ok(Some(target));
            }
        }
    }
}

/// Finds up to `max` places, descending from `target`, that all fields have. Answers where to go on.
fn intersect(fields: &mut [Union<'_>], mut target: Place, max: usize, places: &mut Vec<Place>) -> Result<Option<Place>> {
    while places.len() < max {
        loop {
            let before = target;
            for field in fields.iter_mut() {
                let Some(found) = field.seek(target)? else { return Ok(None) };
                target = found;
            }
            if target == before {
                break;
            }
        }
        places.push(target);
        let Some(before) = target.before() else { return Ok(None) };
        target = before;
    }
    Ok(Some(target))
}

/// The records that have one of some values in one field, newest first.
struct Union<'a> {
    cursors: Vec<Cursor<'a>>,
    /// Where each cursor stands, the latest first.
    heap: BinaryHeap<(Place, usize)>,
}

/// The records that have one value.
struct Cursor<'a> {
    walk: DBRawIterator<'a>,
    prefix: &'a [u8],
}

impl<'a> Union<'a> {
    fn new(engine: &'a Engine, prefixes: &'a [Vec<u8>], lower: Place, upper: Place) -> Result<Self> {
        let mut union = Self { cursors: Vec::with_capacity(prefixes.len()), heap: BinaryHeap::with_capacity(prefixes.len()) };
        for prefix in prefixes {
            let mut end = entry(prefix, upper);
            end.push(0);
            let mut walk = engine.walk(Table::Indexes, &entry(prefix, lower), &end, Reading::Usual)?;
            walk.seek_to_last();
            let cursor = Cursor { walk, prefix };
            if let Some(place) = cursor.place()? {
                union.heap.push((place, union.cursors.len()));
            }
            union.cursors.push(cursor);
        }
        Ok(union)
    }

    /// The latest record at or before `target`, which never goes up.
    fn seek(&mut self, target: Place) -> Result<Option<Place>> {
        while let Some(&(place, index)) = self.heap.peek() {
            if place <= target {
                return Ok(Some(place));
            }
            self.heap.pop();
            let Some(cursor) = self.cursors.get_mut(index) else { continue };
            // The one before is the likely one, and cheaper to reach.
            cursor.walk.prev();
            let mut found = cursor.place()?;
            if found.is_some_and(|place| place > target) {
                cursor.walk.seek_for_prev(entry(cursor.prefix, target));
                found = cursor.place()?;
            }
            self.heap.extend(found.map(|place| (place, index)));
        }
        Ok(None)
    }
}

impl Cursor<'_> {
    fn place(&self) -> Result<Option<Place>> {
        match self.walk.key() {
            Some(key) => {
                let at = key.get(self.prefix.len()..).and_then(|at| Place::decode(&mut Reader(at)));
                at.map(Some).ok_or_else(|| Error::new(ErrorCode::Corrupt, "an index entry cannot be read; run `verify`"))
            }
            None => self.walk.status().map(|()| None).map_err(failed),
        }
    }
}

fn entry(prefix: &[u8], at: Place) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len() + Place::LEN + 1);
    key.extend_from_slice(prefix);
    key.extend_from_slice(&at.encode());
    key
}

/// A batch in the making.
pub(crate) struct Chunk<'a> {
    stream: &'a Stream,
    /// Records whose time is over at this second are left out.
    second: i64,
    builder: BatchBuilder,
    names: Arc<Vec<Arc<str>>>,
    /// Per field number of the stream, the id in the batch.
    fields: Vec<Option<FieldId>>,
}

impl<'a> Chunk<'a> {
    pub(crate) fn new(stream: &'a Stream, second: i64) -> Self {
        let names = stream.fields();
        Self { stream, second, builder: BatchBuilder::default(), fields: vec![None; names.len()], names }
    }

    /// The number of records so far.
    pub(crate) fn len(&self) -> usize {
        self.builder.len()
    }

    pub(crate) fn finish(self) -> Result<Batch> {
        self.builder.finish()
    }

    pub(crate) fn is_full(&self, max: usize) -> bool {
        self.builder.len() >= max || self.builder.bytes() >= CHUNK_BYTES
    }

    /// Adds a stored record, unless its time is over. Answers its place.
    pub(crate) fn add(&mut self, key: &[u8], value: &[u8]) -> Result<Place> {
        let at = RecordKey::decode(key).ok_or_else(|| damaged(key))?.at;
        let mut stored = Stored::decode(value).ok_or_else(|| damaged(key))?;
        if stored.is_expired(self.second) {
            return Ok(at);
        }
        while let Some((number, kind, bytes)) = stored.next_cell().map_err(|_| damaged(key))? {
            let field = match self.fields.get(number as usize) {
                Some(Some(field)) => *field,
                _ => self.resolve(number).ok_or_else(|| damaged(key))?,
            };
            self.builder.raw_cell(field, kind, bytes);
        }
        self.builder.end_record(stored.time(at.ms));
        Ok(at)
    }

    /// The first use of a field in this batch.
    fn resolve(&mut self, number: u32) -> Option<FieldId> {
        if self.names.len() <= number as usize {
            // A record that is newer than this chunk's look at the names.
            self.names = self.stream.fields();
            self.fields.resize(self.names.len(), None);
        }
        let field = self.builder.intern(self.names.get(number as usize)?);
        *self.fields.get_mut(number as usize)? = Some(field);
        Some(field)
    }
}

fn damaged(key: &[u8]) -> Error {
    use std::fmt::Write as _;
    let mut shown = String::new();
    for byte in key {
        let _ = write!(shown, "{byte:02x}");
    }
    Error::new(ErrorCode::Corrupt, format!("the stored record {shown} cannot be read; run `verify`"))
}

/// The distinct values of every index of a stream that has entries: each is reached by one seek past the one before.
///
/// # Errors
/// [`ErrorCode::Corrupt`] when an entry cannot be read.
pub(crate) fn distinct_values(engine: &Engine, stream: &Stream) -> Result<BTreeMap<String, Vec<String>>> {
    let mut indices = BTreeMap::new();
    for name in &stream.config().indexed_fields {
        let Some(field) = stream.indexed_field(name) else { continue };
        let prefix = keys::index(stream.tenant, stream.number, field);
        let mut walk = engine.walk_prefix(Table::Indexes, &prefix)?;
        walk.seek_to_first();
        let mut values = Vec::new();
        while let Some(key) = walk.key() {
            let value = IndexEntry::decode(key).ok_or_else(|| damaged(key))?.value;
            let past = keys::after(&keys::index_value(stream.tenant, stream.number, field, &value));
            values.push(String::from_utf8_lossy(&value).into_owned());
            walk.seek(past);
        }
        walk.status().map_err(failed)?;
        if !values.is_empty() {
            indices.insert(name.clone(), values);
        }
    }
    Ok(indices)
}
