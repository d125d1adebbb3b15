//! Streams as keys: settings, field names, records and index entries (FlowG 16).
//!
//! What must stay true: a file is read twice, first to its end without changing anything; of the records no more than a piece
//! is held. Index entries are written for others; here the records themselves are indexed anew.

use super::badger::{Kv, Reader, Writer};
use super::keys;
use crate::record;
use crate::streams::Settings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use headworks_core::{BatchBuilder, Error, ErrorCode, Result, TenantId, Timestamp, Value};
use headworks_store::{MAX_FIELDS, Mark, RecordId, Restored, Store, StreamConfig, StreamView, View};
use keys::{join, under};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{Read, Seek};
use uuid::Uuid;

/// Records, and bytes of their values, that are restored together.
const PIECE_RECORDS: usize = 8192;
const PIECE_BYTES: usize = 8 << 20;
/// The most streams of a file.
const MAX_STREAMS: usize = 100_000;
/// Whom the audit names.
const AUTHOR: &str = "restore";

/// Writes everything of a tenant.
pub(super) fn write(view: &View<'_>, tenant: TenantId, send: impl FnMut(Bytes) -> Result<()>) -> Result<()> {
    let version = view.version()?;
    let mut writer = Writer::new(send);
    writer.put(&keys::marker(version))?;
    let streams = view.streams(tenant)?;
    for stream in &streams {
        let settings =
            serde_json::to_vec(&Settings::from(stream.config.clone())).map_err(|error| Error::internal(error.to_string()))?;
        writer.put(&Kv::new(join(&["stream", "config", &stream.name]), settings, version, 0))?;
        for field in stream.fields().iter() {
            writer.put(&Kv::new(join(&["stream", "field", &stream.name, field]), "", version, 0))?;
        }
    }
    streams.iter().try_for_each(|stream| write_records(view, stream, version, &mut writer))?;
    writer.finish()
}

fn write_records<F: FnMut(Bytes) -> Result<()>>(
    view: &View<'_>,
    stream: &StreamView,
    version: u64,
    writer: &mut Writer<F>,
) -> Result<()> {
    view.records(stream, |records, marks| {
        for (record, mark) in records.records().zip(marks) {
            let ms = format!("{:020}", u64::try_from(record.time().millis()).unwrap_or(0));
            let uuid = mark.uuid.to_string();
            let mut value = Vec::new();
            record::write(record, &mut value);
            writer.put(&Kv::new(join(&["entry", &stream.name, &ms, &uuid]), value, version, mark.expiry))?;
            for field in &stream.config.indexed_fields {
                let Some(value) = record.get(field).filter(|value| *value != Value::Null) else { continue };
                let value = STANDARD.encode(value.to_text().as_bytes());
                let key = join(&["index", &stream.name, "field", field, &value, "entry", &stream.name, &ms, &uuid]);
                writer.put(&Kv::new(key, "", version, mark.expiry))?;
            }
        }
        Ok(())
    })
}

/// A record in a file.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    timestamp: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    fields: Option<HashMap<Cow<'a, str>, Cow<'a, str>>>,
}

/// Everything of a file but its records.
#[derive(Default)]
pub(super) struct Head {
    /// Settings by stream; `None` where they were deleted.
    configs: BTreeMap<String, Option<StreamConfig>>,
    fields: BTreeMap<String, BTreeSet<String>>,
    /// Bytes of all records.
    bytes: usize,
}

/// Records of one stream that are restored together.
#[derive(Default)]
struct Piece {
    builder: BatchBuilder,
    restored: Restored,
    places: HashSet<(u64, Uuid)>,
}

/// Reads a file to its end and checks all of it.
pub(super) fn check(file: impl Read, len: u64, second: u64) -> Result<Head> {
    let mut head = Head::default();
    // Names of fields cannot be told from names of streams before all streams are known.
    let mut fields = Vec::new();
    walk(file, len, second, |kv, key| head.note(kv, key, &mut fields), |stream, restored| restored.check(stream))?;
    for key in fields {
        let rest = under(&key, &["stream", "field"]).ok_or_else(|| keys::refused(&key, "names no field"))?;
        let cuts: Vec<(&str, &str)> = rest.around("").collect();
        let listed = cuts.iter().find(|(stream, _)| head.configs.contains_key(*stream) || head.fields.contains_key(*stream));
        let (stream, field) = listed.or(cuts.first()).ok_or_else(|| keys::refused(&key, "names no field"))?;
        head.add_field(stream, field)?;
    }
    Ok(head)
}

impl Head {
    fn note(&mut self, kv: &Kv, key: Key<'_>, fields: &mut Vec<String>) -> Result<()> {
        match key {
            Key::Config(stream) => {
                let settings = match kv.value.as_ref() {
                    [] => StreamConfig::default(),
                    value => serde_json::from_slice::<Settings>(value)
                        .ok()
                        .map(StreamConfig::from)
                        .filter(|config| config.ttl_seconds >= 0 && config.size_mib >= 0)
                        .ok_or_else(|| {
                            Error::invalid(format!("the settings of the stream {stream:?} of the backup cannot be used"))
                        })?,
                };
                Restored::default().check(stream)?;
                self.configs.insert(stream.to_owned(), (!kv.is_deleted()).then_some(settings));
            }
            Key::Field(whole) if !kv.is_deleted() => fields.push(whole.to_owned()),
            Key::Entry(stream, ..) if !kv.is_deleted() => {
                self.bytes += kv.value.len();
                self.fields.entry(stream.to_owned()).or_default();
            }
            Key::Entry(..) | Key::Field(_) | Key::Other => {}
        }
        if fields.len() > 10 * MAX_FIELDS || self.configs.len() + self.fields.len() > 2 * MAX_STREAMS {
            let message = format!("a backup has at most {MAX_STREAMS} streams and {} names of fields", 10 * MAX_FIELDS);
            return Err(Error::new(ErrorCode::TooLarge, message));
        }
        Ok(())
    }

    fn add_field(&mut self, stream: &str, field: &str) -> Result<()> {
        Restored::default().check(stream)?;
        let names = self.fields.entry(stream.to_owned()).or_default();
        names.insert(field.to_owned());
        if names.len() > MAX_FIELDS {
            return Err(Error::new(
                ErrorCode::TooLarge,
                format!("the stream {stream:?} has more than {MAX_FIELDS} names of fields"),
            ));
        }
        Ok(())
    }

    /// About how many bytes of records there will be.
    pub(super) fn stored(&self) -> usize {
        self.bytes
    }

    /// About how much space the file will take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.saturating_mul(2)
    }
}

/// Restores a file that was [checked](check). Blocks. What was restored before it failed stays; the same file can be restored
/// again.
pub(super) fn apply(
    store: &Store,
    tenant: TenantId,
    mut file: impl Read + Seek,
    len: u64,
    second: u64,
    head: Head,
) -> Result<()> {
    let runtime = tokio::runtime::Handle::current();
    for (stream, config) in &head.configs {
        if let Some(config) = config {
            runtime.block_on(store.restore_settings(tenant, stream, config.clone(), AUTHOR))?;
        }
    }
    for (stream, fields) in head.fields {
        let fields: Vec<String> = fields.into_iter().collect();
        runtime.block_on(store.restore(tenant, &stream, Restored { fields, ..Restored::default() }))?;
    }
    file.rewind()?;
    walk(file, len, second, |_, _| Ok(()), |stream, restored| runtime.block_on(store.restore(tenant, stream, restored)))?;
    for (stream, _) in head.configs.iter().filter(|(_, config)| config.is_none()) {
        // A stream whose settings were deleted was purged: what it holds all the same was written later.
        if store.stream_usage(tenant, stream) == 0 {
            runtime.block_on(store.purge_stream(tenant, stream, AUTHOR))?;
        } else {
            runtime.block_on(store.restore_settings(tenant, stream, StreamConfig::default(), AUTHOR))?;
        }
    }
    Ok(())
}

/// What a key of a file is about.
#[derive(Debug, PartialEq, Eq)]
enum Key<'a> {
    /// The settings of a stream.
    Config(&'a str),
    /// A name of a field: the whole key.
    Field(&'a str),
    /// A record: its stream and its name.
    Entry(&'a str, RecordId),
    /// What follows from the others.
    Other,
}

impl<'a> Key<'a> {
    fn parse(key: &'a str) -> Result<Self> {
        if let Some(rest) = under(key, &["stream", "config"]) {
            return Ok(Self::Config(rest.text));
        }
        if under(key, &["stream", "field"]).is_some() {
            return Ok(Self::Field(key));
        }
        if let Some(rest) = under(key, &["entry"]) {
            let parts = rest.last().and_then(|(rest, uuid)| Some((rest.last()?, uuid)));
            let parts = parts.and_then(|((stream, ms), uuid)| Some((stream.text, moment(ms)?, Uuid::parse_str(uuid).ok()?)));
            let (stream, ms, uuid) = parts.ok_or_else(|| keys::refused(key, "names no record"))?;
            return Ok(Self::Entry(stream, RecordId { ms, uuid }));
        }
        // `index, role, …` and the like belong to users.
        let index =
            under(key, &["index"]).filter(|rest| rest.around("field").next().is_some() && rest.around("entry").next().is_some());
        if index.is_some() || keys::is_marker(key) {
            return Ok(Self::Other);
        }
        Err(keys::refused(key, "is none of streams and their records: this is another kind of backup"))
    }
}

/// Milliseconds since 1970 that a record can have been received at.
fn moment(digits: &str) -> Option<u64> {
    let ms = digits.parse().ok().filter(|_| digits.bytes().all(|digit| digit.is_ascii_digit()))?;
    (ms <= i64::MAX as u64 / 1_000_000).then_some(ms)
}

/// Shows every key of a file, and the records piece by piece.
fn walk(
    file: impl Read,
    len: u64,
    second: u64,
    mut each: impl FnMut(&Kv, Key<'_>) -> Result<()>,
    mut take: impl FnMut(&str, Restored) -> Result<()>,
) -> Result<()> {
    let mut reader = Reader::new(file, len);
    let mut pieces: HashMap<String, Piece> = HashMap::new();
    let (mut records, mut bytes) = (0, 0);
    while let Some(kv) = reader.next()? {
        let key = keys::text(&kv)?;
        let parsed = Key::parse(key)?;
        if kv.is_expired(second) {
            continue;
        }
        if let Key::Entry(stream, id) = parsed {
            let again = pieces.get(stream).is_some_and(|piece| piece.places.contains(&(id.ms, id.uuid)));
            if again || records >= PIECE_RECORDS || bytes >= PIECE_BYTES {
                hand_on(&mut pieces, &mut take)?;
                (records, bytes) = (0, 0);
            }
            if !pieces.contains_key(stream) {
                pieces.insert(stream.to_owned(), Piece::default());
            }
            if let Some(piece) = pieces.get_mut(stream) {
                piece.add(key, &kv, id)?;
            }
            (records, bytes) = (records + 1, bytes + kv.value.len());
        }
        each(&kv, parsed)?;
    }
    hand_on(&mut pieces, &mut take)
}

fn hand_on(pieces: &mut HashMap<String, Piece>, take: &mut impl FnMut(&str, Restored) -> Result<()>) -> Result<()> {
    for (stream, Piece { builder, restored, .. }) in pieces.drain() {
        take(&stream, Restored { records: builder.finish()?, ..restored })?;
    }
    Ok(())
}

impl Piece {
    fn add(&mut self, key: &str, kv: &Kv, id: RecordId) -> Result<()> {
        self.places.insert((id.ms, id.uuid));
        if kv.is_deleted() {
            self.restored.deleted.push(id);
            return Ok(());
        }
        let entry: Entry<'_> = serde_json::from_slice(&kv.value).map_err(|error| {
            keys::refused(key, &format!("has a value that is no record (line {}, column {})", error.line(), error.column()))
        })?;
        let start = Timestamp::from_millis(i64::try_from(id.ms).unwrap_or(i64::MAX));
        let exact = entry.timestamp.as_deref().and_then(Timestamp::parse_rfc3339);
        // The key says to the millisecond when it was received, and the value says the rest.
        let time = exact.filter(|exact| exact.millis() == start.millis()).unwrap_or(start);
        for (name, value) in entry.fields.iter().flatten() {
            self.builder.field(name, Value::Text(value));
        }
        self.builder.end_record(time);
        self.restored.marks.push(Mark { uuid: id.uuid, expiry: kv.expires_at });
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_logs_are_told_apart() {
        let uuid: Uuid = "0b1d1c5e-7f0e-4a63-9f0a-2b9a2a0d8a11".parse().unwrap();
        let id = RecordId { ms: 1_767_322_985_500, uuid };
        for key in
            [format!("entry:a:b:00000001767322985500:{uuid}"), format!("entry\u{1b}a:b\u{1b}00000001767322985500\u{1b}{uuid}")]
        {
            assert_eq!(Key::parse(&key).unwrap(), Key::Entry("a:b", id));
        }
        assert_eq!(Key::parse("stream:config:a:b").unwrap(), Key::Config("a:b"));
        assert_eq!(Key::parse("stream:field:a:b").unwrap(), Key::Field("stream:field:a:b"));
        let index = format!("index:role:field:f:YQ==:entry:role:00000001767322985500:{uuid}");
        assert_eq!(Key::parse(&index).unwrap(), Key::Other);
        for key in ["entry:a:1", "entry:a:-1:0b1d1c5e-7f0e-4a63-9f0a-2b9a2a0d8a11", "index:role:a", "user:a:password", "x"] {
            assert_eq!(Key::parse(key).unwrap_err().code, ErrorCode::Invalid, "{key}");
        }
        assert_eq!(moment("18446744073709551615"), None);
    }
}
