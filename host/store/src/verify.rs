//! The check of a stored database: walks every column family, which makes RocksDB compare the checksum of every block, and
//! compares what belongs together. Changes nothing.

use crate::committer::{STREAM_KIND, indexed_value};
use crate::engine::{Engine, Reading, Table, failed};
use crate::format::keys::{self, IndexEntry, RecordKey, meta};
use crate::format::record::Stored;
use crate::format::{
    ContentEntry, ExpiryRange, LetterTally, Reader, Tally, decode_audit, decode_document, decode_letter, decode_number,
    decode_numbers, decode_text, decode_waiting,
};
use crate::read::blob_bytes;
use crate::types::{Progress, TableReport, VerifyReport};
use headworks_core::{Digest, Hasher, Result, TenantId, Uid};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Problems that are told in full.
const SHOWN: usize = 100;
/// Entries between two reports of progress.
const STEP: u64 = 10_000;

/// What the documents and `meta` say about a stream, and what was found.
#[derive(Default)]
struct Known {
    name: String,
    indexed_fields: BTreeSet<String>,
    /// Names by number.
    fields: HashMap<u32, String>,
    tally: Option<Tally>,
    bytes: u64,
    count: u64,
}

struct Check<'a> {
    engine: &'a Engine,
    report: VerifyReport,
    streams: HashMap<(TenantId, u32), Known>,
    /// Contents that are kept, until their pieces were looked at.
    contents: HashMap<(TenantId, Uid), ContentEntry>,
    pending: HashSet<(TenantId, Uid)>,
    content: Option<Pieces>,
}

/// The pieces of the content that is looked at.
struct Pieces {
    of: (TenantId, Uid),
    next: u32,
    bytes: u64,
    hasher: Hasher,
}

/// Looks at everything.
pub(crate) fn verify(engine: &Engine, mut progress: impl FnMut(Progress)) -> Result<VerifyReport> {
    let mut check = Check {
        engine,
        report: VerifyReport::default(),
        streams: HashMap::new(),
        contents: HashMap::new(),
        pending: HashSet::new(),
        content: None,
    };
    // What the others are compared with comes first.
    let first = [Table::Documents, Table::Meta, Table::Records];
    let rest = Table::ALL.into_iter().filter(|table| !first.contains(table));
    for table in first.into_iter().chain(rest) {
        check.table(table, &mut progress)?;
    }
    check.tallies();
    check.missing_contents();
    Ok(check.report)
}

impl Check<'_> {
    fn problem(&mut self, text: impl FnOnce() -> String) {
        self.report.problem_count += 1;
        if self.report.problems.len() < SHOWN {
            self.report.problems.push(text());
        }
    }

    fn table(&mut self, table: Table, progress: &mut impl FnMut(Progress)) -> Result<()> {
        let name = table.name();
        let mut walk = self.engine.walk(table, &[], &[], Reading::Once)?;
        let (mut entries, mut bytes) = (0, 0);
        walk.seek_to_first();
        while let Some((key, value)) = walk.item() {
            entries += 1;
            if let Some(tenant) = keys::owner(table == Table::Meta, key) {
                *self.report.tenants.entry(tenant).or_default() += 1;
            }
            bytes += (key.len() + value.len()) as u64;
            let fine = match table {
                Table::Documents => self.document(key, value),
                Table::Meta => self.meta(key, value),
                Table::Records => self.record(key, value),
                Table::Indexes => self.index_entry(key),
                Table::Audit => {
                    keys::parse_numbered(key).and_then(|(tenant, number)| decode_audit(tenant, number, value)).map(drop)
                }
                Table::Queue => keys::parse_numbered(key).and_then(|_| decode_letter(value)).map(drop),
                Table::Outbox => keys::parse_waiting(key).and_then(|_| decode_waiting(value)).map(drop),
                Table::Blobs => blob(key, value),
                Table::Contents => self.piece(key, value),
                Table::State => keys::parse_state(key).and_then(|_| Reader::versioned(value)).map(drop),
            };
            if fine.is_none() {
                self.problem(|| format!("{name}: the entry {} cannot be read or is not what its key says", hex(key)));
            }
            if entries % STEP == 0 {
                progress(Progress { table: name, entries });
            }
            walk.next();
        }
        if let Err(error) = walk.status() {
            let message = failed(error).message;
            self.problem(|| format!("{name}: reading stopped after {entries} entries: {message}"));
        }
        progress(Progress { table: name, entries });
        self.report.tables.push(TableReport { table: name, entries, bytes });
        Ok(())
    }

    fn document(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let document = decode_document(keys::parse_document(key)?, value)?;
        if document.key.kind == STREAM_KIND {
            let settings: serde_json::Value = serde_json::from_slice(&document.body).ok()?;
            let number = u32::try_from(settings.get("number")?.as_u64()?).ok()?;
            let fields = settings.get("indexed_fields")?.as_array()?.iter().filter_map(|field| field.as_str().map(str::to_owned));
            let known = Known { name: document.key.name, indexed_fields: fields.collect(), ..Known::default() };
            self.streams.insert((document.key.tenant, number), known);
        }
        Some(())
    }

    fn meta(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        match *key.first()? {
            meta::FIELD => {
                let (tenant, number, field) = meta::parse_field(meta::FIELD, key)?;
                let name = decode_text(value)?.to_owned();
                self.streams.get_mut(&(tenant, number))?.fields.insert(field, name);
            }
            meta::TALLY => {
                let (tenant, number) = meta::parse_stream(meta::TALLY, key)?;
                self.streams.get_mut(&(tenant, number))?.tally = Some(Tally::decode(value)?);
            }
            meta::EXPIRY => {
                meta::parse_expiry(key).zip(ExpiryRange::decode(value))?;
            }
            meta::LETTERS => {
                LetterTally::decode(value)?;
            }
            meta::TOTALS => {
                meta::parse_totals(key).zip(decode_numbers(value))?;
            }
            meta::CONTENT => {
                let entry = ContentEntry::decode(value)?;
                self.contents.insert(meta::parse_content(meta::CONTENT, key)?, entry);
            }
            meta::PENDING => {
                decode_number(value)?;
                self.pending.insert(meta::parse_content(meta::PENDING, key)?);
            }
            _ => {
                decode_number(value)?;
            }
        }
        Some(())
    }

    fn record(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let at = RecordKey::decode(key)?;
        let engine = self.engine;
        let known = self.streams.get_mut(&(at.tenant, at.number))?;
        known.bytes += (key.len() + value.len()) as u64;
        known.count += 1;
        let mut stored = Stored::decode(value)?;
        let mut missing = Vec::new();
        while let Some((field, kind, bytes)) = stored.next_cell().ok()? {
            let name = known.fields.get(&field)?;
            if !kind.accepts(bytes) {
                return None;
            }
            let Some(text) = known.indexed_fields.contains(name).then(|| indexed_value(kind, bytes)).flatten() else { continue };
            let mut entry = keys::index_value(at.tenant, at.number, field, &text);
            entry.extend_from_slice(&at.at.encode());
            if engine.get(Table::Indexes, &entry).ok()?.is_none() {
                missing.push(name.clone());
            }
        }
        for field in missing {
            self.problem(|| format!("records: the record {} is not in the index of `{field}`", hex(key)));
        }
        Some(())
    }

    fn index_entry(&mut self, key: &[u8]) -> Option<()> {
        let IndexEntry { record, field, value } = IndexEntry::decode(key)?;
        // Of an index that is being built, the field is known but not in the settings yet.
        self.streams.get(&(record.tenant, record.number))?.fields.get(&field)?;
        let stored = self.engine.get(Table::Records, &record.encode()).ok()??;
        let mut stored = Stored::decode(&stored)?;
        while let Some((number, kind, bytes)) = stored.next_cell().ok()? {
            if number == field {
                return indexed_value(kind, bytes).is_some_and(|text| *text == value).then_some(());
            }
        }
        None
    }

    /// A piece has to belong to a content that is kept, behind the piece before it, or to one that is pending.
    fn piece(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let (tenant, id, number) = keys::parse_piece(key)?;
        let (of, piece) = ((tenant, id), blob_bytes(value)?);
        if self.pending.contains(&of) {
            return Some(());
        }
        if self.content.as_ref().is_none_or(|content| content.of != of) {
            self.end_content();
            self.contents.get(&of)?;
            self.content = Some(Pieces { of, next: 0, bytes: 0, hasher: Hasher::default() });
        }
        let content = self.content.as_mut()?;
        content.bytes += piece.len() as u64;
        content.hasher.update(piece);
        let expected = std::mem::replace(&mut content.next, number.saturating_add(1));
        (expected == number).then_some(())
    }

    /// Compares the content whose pieces were looked at with what its entry says.
    fn end_content(&mut self) {
        let Some(Pieces { of, bytes, hasher, .. }) = self.content.take() else { return };
        let Some(entry) = self.contents.remove(&of) else { return };
        let digest = hasher.finish();
        if (ContentEntry { size: bytes, digest }) != entry {
            let (tenant, id) = of;
            self.problem(|| {
                let ContentEntry { size, digest: known } = entry;
                format!(
                    "contents: {id} of tenant {tenant} has {bytes} bytes of {size}, and the digest {digest} where {known} was"
                )
            });
        }
    }

    fn missing_contents(&mut self) {
        self.end_content();
        let mut missing: Vec<_> = self.contents.drain().filter(|(_, entry)| entry.size > 0).map(|(of, _)| of).collect();
        missing.sort_unstable();
        for (tenant, id) in missing {
            self.problem(|| format!("contents: {id} of tenant {tenant} has no pieces"));
        }
    }

    fn tallies(&mut self) {
        let mut wrong = Vec::new();
        for known in self.streams.values() {
            let counted = (known.bytes, known.count);
            let kept = known.tally.map(|tally| (tally.bytes, tally.count));
            if kept != Some(counted) {
                wrong.push(format!(
                    "meta: the stream `{}` holds {counted:?} bytes and records, its tally says {kept:?}",
                    known.name
                ));
            }
        }
        for text in wrong {
            self.problem(|| text);
        }
    }
}

fn blob(key: &[u8], value: &[u8]) -> Option<()> {
    let (_, digest) = keys::parse_blob(key)?;
    (Digest::of(blob_bytes(value)?).0 == digest).then_some(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
