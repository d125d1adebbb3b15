//! Values other than records.

use super::keys::Place;
use super::{Reader, VERSION, put_bytes, put_varint, record};
use crate::types::{AuditEntry, AuditEvent, DeadLetter, LetterSummary, Verdict};
use headworks_core::document::ChangeKind;
use headworks_core::{Batch, BatchBuilder, Digest, Document, DocumentKey, Timestamp, Uid, Value};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// A number, such as the next of a sequence.
pub(crate) fn encode_number(number: u64) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_varint(&mut out, number);
    out
}

pub(crate) fn decode_number(value: &[u8]) -> Option<u64> {
    let mut reader = Reader::versioned(value)?;
    let number = reader.varint()?;
    reader.is_empty().then_some(number)
}

/// Several numbers in a fixed order, which may become more: those that are missing are 0.
pub(crate) fn encode_numbers(numbers: &[u64]) -> Vec<u8> {
    let mut out = vec![VERSION];
    numbers.iter().for_each(|number| put_varint(&mut out, *number));
    out
}

pub(crate) fn decode_numbers(value: &[u8]) -> Option<Vec<u64>> {
    let mut reader = Reader::versioned(value)?;
    let mut numbers = Vec::new();
    while !reader.is_empty() {
        numbers.push(reader.varint()?);
    }
    Some(numbers)
}

/// A text, such as the name of a field.
pub(crate) fn encode_text(text: &str) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(text.as_bytes());
    out
}

pub(crate) fn decode_text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(Reader::versioned(value)?.0).ok()
}

pub(crate) fn encode_document(document: &Document) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(document.uid.0.as_bytes());
    put_varint(&mut out, document.revision);
    out.extend_from_slice(&document.created.0.to_be_bytes());
    out.extend_from_slice(&document.updated.0.to_be_bytes());
    put_bytes(&mut out, document.author.as_bytes());
    out.extend_from_slice(&document.body);
    out
}

pub(crate) fn decode_document(key: DocumentKey, value: &[u8]) -> Option<Document> {
    let mut reader = Reader::versioned(value)?;
    Some(Document {
        key,
        uid: Uid(uuid::Uuid::from_bytes(reader.array()?)),
        revision: reader.varint()?,
        created: Timestamp(reader.i64()?),
        updated: Timestamp(reader.i64()?),
        author: reader.text()?.to_owned(),
        body: reader.0.to_vec(),
    })
}

const PUT: u8 = 1;
const DELETE: u8 = 2;
const PLUGIN_FAILED: u8 = 3;
const JUDGED: u8 = 4;
const VERDICTS: [Verdict; 4] = [Verdict::Warned, Verdict::Refused, Verdict::Closed, Verdict::Opened];

/// The sequence number and the tenant are in the key.
pub(crate) fn encode_audit(entry: &AuditEntry) -> Vec<u8> {
    let mut out = vec![VERSION];
    out.extend_from_slice(&entry.at.0.to_be_bytes());
    out.push(match entry.event {
        AuditEvent::Changed { kind: ChangeKind::Put, .. } => PUT,
        AuditEvent::Changed { kind: ChangeKind::Delete, .. } => DELETE,
        AuditEvent::PluginFailed { .. } => PLUGIN_FAILED,
        AuditEvent::Judged { .. } => JUDGED,
    });
    if let AuditEvent::Changed { uid, revision, .. } = &entry.event {
        out.extend_from_slice(uid.0.as_bytes());
        put_varint(&mut out, *revision);
    }
    for text in [&entry.author, &entry.key.kind, &entry.key.scope, &entry.key.name] {
        put_bytes(&mut out, text.as_bytes());
    }
    if let AuditEvent::PluginFailed { node, code, plugin_digest } = &entry.event {
        for text in [node, code, plugin_digest] {
            put_bytes(&mut out, text.as_bytes());
        }
    }
    if let AuditEvent::Judged { rule, verdict, detail } = &entry.event {
        put_varint(&mut out, VERDICTS.iter().position(|known| known == verdict).unwrap_or_default() as u64);
        for text in [rule, detail] {
            put_bytes(&mut out, text.as_bytes());
        }
    }
    out
}

pub(crate) fn decode_audit(tenant: headworks_core::TenantId, sequence: u64, value: &[u8]) -> Option<AuditEntry> {
    let mut reader = Reader::versioned(value)?;
    let at = Timestamp(reader.i64()?);
    let kind = reader.byte()?;
    let change = match kind {
        PUT => Some(ChangeKind::Put),
        DELETE => Some(ChangeKind::Delete),
        PLUGIN_FAILED | JUDGED => None,
        _ => return None,
    };
    let changed = match change {
        Some(kind) => Some((Uid(uuid::Uuid::from_bytes(reader.array()?)), reader.varint()?, kind)),
        None => None,
    };
    let text = |reader: &mut Reader<'_>| reader.text().map(str::to_owned);
    let author = text(&mut reader)?;
    let key = DocumentKey { tenant, kind: text(&mut reader)?, scope: text(&mut reader)?, name: text(&mut reader)? };
    let event = match changed {
        Some((uid, revision, kind)) => AuditEvent::Changed { uid, revision, kind },
        None if kind == JUDGED => {
            let verdict = *VERDICTS.get(usize::try_from(reader.varint()?).ok()?)?;
            AuditEvent::Judged { rule: text(&mut reader)?, verdict, detail: text(&mut reader)? }
        }
        None => {
            AuditEvent::PluginFailed { node: text(&mut reader)?, code: text(&mut reader)?, plugin_digest: text(&mut reader)? }
        }
    };
    reader.is_empty().then_some(AuditEntry { sequence, at, author, key, event })
}

/// How much a stream holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Bytes of keys and values of stored records (FlowG 10.5).
    pub(crate) bytes: u64,
    /// The number of stored records.
    pub(crate) count: u64,
    /// No record is before this place.
    pub(crate) low: Place,
}

impl Tally {
    pub(crate) const EMPTY: Self = Self { bytes: 0, count: 0, low: Place::MAX };

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_varint(&mut out, self.bytes);
        put_varint(&mut out, self.count);
        out.extend_from_slice(&self.low.encode());
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::versioned(value)?;
        let tally = Self { bytes: reader.varint()?, count: reader.varint()?, low: Place::decode(&mut reader)? };
        reader.is_empty().then_some(tally)
    }
}

/// Records that were written together with a time to live; both ends inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExpiryRange {
    pub(crate) first: Place,
    pub(crate) last: Place,
}

impl ExpiryRange {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        out.extend_from_slice(&self.first.encode());
        out.extend_from_slice(&self.last.encode());
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::versioned(value)?;
        let range = Self { first: Place::decode(&mut reader)?, last: Place::decode(&mut reader)? };
        reader.is_empty().then_some(range)
    }
}

/// What is known of a content that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ContentEntry {
    /// Bytes of all pieces together.
    pub(crate) size: u64,
    /// Of all pieces together.
    pub(crate) digest: Digest,
}

impl ContentEntry {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_varint(&mut out, self.size);
        out.extend_from_slice(&self.digest.0);
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::versioned(value)?;
        let entry = Self { size: reader.varint()?, digest: Digest(reader.array()?) };
        reader.is_empty().then_some(entry)
    }
}

/// How the dead letters of a tenant stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LetterTally {
    /// The number of the next letter.
    pub(crate) next: u64,
    /// How many gave way to newer ones.
    pub(crate) dropped: u64,
}

impl LetterTally {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        put_varint(&mut out, self.next);
        put_varint(&mut out, self.dropped);
        out
    }

    pub(crate) fn decode(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::versioned(value)?;
        let tally = Self { next: reader.varint()?, dropped: reader.varint()? };
        reader.is_empty().then_some(tally)
    }
}

/// All of a dead letter but its records.
#[derive(Serialize, Deserialize)]
struct LetterHead {
    pipeline: String,
    node: String,
    plugin_digest: String,
    code: String,
    reason: String,
    backtrace: Option<String>,
    attempt: u32,
    at: Timestamp,
}

/// The head as JSON, then the records.
pub(crate) fn encode_letter(letter: &DeadLetter) -> headworks_core::Result<Vec<u8>> {
    let DeadLetter { pipeline, node, plugin_digest, code, reason, backtrace, attempt, at, records } = letter.clone();
    let head = LetterHead { pipeline, node, plugin_digest, code, reason, backtrace, attempt, at };
    let head = serde_json::to_vec(&head).map_err(|error| headworks_core::Error::internal(error.to_string()))?;
    let mut out = vec![VERSION];
    put_bytes(&mut out, &head);

    put_records(&mut out, &records);
    Ok(out)
}

/// Records that wait to be delivered.
pub(crate) fn encode_waiting(records: &Batch) -> Vec<u8> {
    let mut out = vec![VERSION];
    put_records(&mut out, records);
    out
}

pub(crate) fn decode_waiting(value: &[u8]) -> Option<Batch> {
    take_records(Reader::versioned(value)?)
}

/// The field names, then the records, each with its milliseconds before it.
fn put_records(out: &mut Vec<u8>, records: &Batch) {
    let mut used: HashMap<u32, u32> = HashMap::new();
    let mut names = Vec::new();
    for (field, ..) in records.records().flat_map(|record| record.cells()) {
        let next = used.len() as u32;
        used.entry(field.0).or_insert_with(|| {
            names.push(field);
            next
        });
    }
    put_varint(out, names.len() as u64);
    for field in names {
        put_bytes(out, records.name(field).as_bytes());
    }
    put_varint(out, records.len() as u64);
    let mut stored = Vec::new();
    for row in records.records() {
        out.extend_from_slice(&row.time().millis().to_be_bytes());
        stored.clear();
        record::begin(&mut stored, row.time(), 0);
        for (field, kind, bytes) in row.cells() {
            record::cell(&mut stored, used.get(&field.0).copied().unwrap_or_default(), kind, bytes);
        }
        put_bytes(out, &stored);
    }
}

/// What is left of a value that [`put_records`] ended.
fn take_records(mut reader: Reader<'_>) -> Option<Batch> {
    let mut builder = BatchBuilder::default();
    let count = reader.varint()?;
    let mut fields = Vec::new();
    for _ in 0..count {
        fields.push(builder.intern(reader.text()?));
    }
    for _ in 0..reader.varint()? {
        let ms = reader.i64()?;
        let mut stored = record::Stored::decode(reader.bytes()?)?;
        while let Some((field, kind, bytes)) = stored.next_cell().ok()? {
            builder.cell(*fields.get(field as usize)?, Value::read(kind, bytes));
        }
        builder.end_record(stored.time(ms));
    }
    if reader.is_empty() { builder.finish().ok() } else { None }
}

/// All of a letter but its records and the backtrace: those are counted.
pub(crate) fn summarize_letter(number: u64, value: &[u8]) -> Option<LetterSummary> {
    let mut reader = Reader::versioned(value)?;
    let head: LetterHead = serde_json::from_slice(reader.bytes()?).ok()?;
    for _ in 0..reader.varint()? {
        reader.text()?;
    }
    let records = reader.varint()?;
    let LetterHead { pipeline, node, plugin_digest, code, reason, attempt, at, .. } = head;
    Some(LetterSummary { number, pipeline, node, plugin_digest, code, reason, attempt, at, records })
}

pub(crate) fn decode_letter(value: &[u8]) -> Option<DeadLetter> {
    let mut reader = Reader::versioned(value)?;
    let head: LetterHead = serde_json::from_slice(reader.bytes()?).ok()?;
    let records = take_records(reader)?;
    let LetterHead { pipeline, node, plugin_digest, code, reason, backtrace, attempt, at } = head;
    Some(DeadLetter { pipeline, node, plugin_digest, code, reason, backtrace, attempt, at, records })
}
