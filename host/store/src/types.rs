//! What callers of the store give it and get from it.
//!
//! Plain data: knows nothing of keys, encodings or RocksDB.

use crate::view::Mark;
use headworks_core::document::ChangeKind;
use headworks_core::time::{Clock, SystemClock};
use headworks_core::{Batch, Digest, DocumentKey, TenantId, Timestamp, Uid};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// When a write counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// It is in a write-ahead log that `fsync` has put on the disk.
    #[default]
    Fsync,
    /// The operating system has it: it survives the end of this process, but not of the machine.
    Buffered,
}

/// How a store is opened.
#[derive(Clone)]
pub struct StoreOptions {
    /// The folder of the database; it is made when it does not exist.
    pub path: PathBuf,
    /// When a write counts as done.
    pub durability: Durability,
    /// Appends and puts are refused when fewer bytes than this are free on the disk.
    pub min_free_bytes: u64,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// How often the size bounds of streams are enforced (FlowG 10.5).
    pub sweep_interval: Duration,
    /// Settings that every stream has, whatever is asked for; streams made before get them when they are next configured.
    pub imposed: Option<StreamConfig>,
    /// The most dead letters kept per tenant; the oldest give way.
    pub dead_letter_count: u64,
    /// The most bytes of dead letters kept per tenant; the oldest give way.
    pub dead_letter_bytes: u64,
    /// The most bytes that may wait to be delivered in one queue.
    pub outbox_bytes: u64,
    /// The most audit entries kept per tenant after a sweep; the oldest give way.
    pub audit_count: u64,
    /// How long audit entries are kept, to a sweep.
    pub audit_age: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            path: PathBuf::from("data/db"),
            durability: Durability::Fsync,
            min_free_bytes: 256 << 20,
            clock: Arc::new(SystemClock),
            sweep_interval: Duration::from_secs(300),
            imposed: None,
            dead_letter_count: 10_000,
            dead_letter_bytes: 256 << 20,
            outbox_bytes: 256 << 20,
            audit_count: 100_000,
            audit_age: Duration::from_secs(365 * 86_400),
        }
    }
}

/// Whether the store takes writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Ok,
    /// Appends and puts are refused until there is more space; reads, deletes and purges work.
    DiskNearlyFull {
        /// Bytes free on the disk.
        free: u64,
        /// Bytes that have to be free.
        needed: u64,
    },
    /// A write failed: nothing is written any more until the program is started again.
    Failed(String),
}

/// One change of [`Store::write`](crate::Store::write).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which document.
    pub key: DocumentKey,
    /// What has to be true of the stored one.
    pub expect: Expect,
    /// The new content; `None` deletes.
    pub body: Option<Vec<u8>>,
}

impl Change {
    /// Saves a document, whatever is there.
    pub fn put(key: DocumentKey, body: impl Into<Vec<u8>>) -> Self {
        Self { key, expect: Expect::Any, body: Some(body.into()) }
    }

    /// Deletes a document, if it is there.
    pub fn delete(key: DocumentKey) -> Self {
        Self { key, expect: Expect::Any, body: None }
    }

    /// The same change with a condition.
    #[must_use]
    pub fn expecting(mut self, expect: Expect) -> Self {
        self.expect = expect;
        self
    }
}

/// What is written together with documents, so that neither is there without the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beside {
    /// A blob comes. It is there already where the same was put before.
    Blob {
        /// Whose it is.
        tenant: TenantId,
        /// The SHA-256 of `bytes`.
        digest: Digest,
        /// At most 256 MiB.
        bytes: Vec<u8>,
    },
    /// A blob goes, if it is there.
    NoBlob {
        /// Whose it is.
        tenant: TenantId,
        /// Its name by content.
        digest: Digest,
    },
    /// A [content](crate::Content) is kept from now on: it lives until [`NoContent`](Self::NoContent).
    Content {
        /// Whose it is.
        tenant: TenantId,
        /// That of a content which is held until this is written.
        id: Uid,
    },
    /// A content goes, if it is there.
    NoContent {
        /// Whose it is.
        tenant: TenantId,
        /// That of a content which is kept.
        id: Uid,
    },
    /// Everything goes that a plugin remembers.
    NoState {
        /// In which tenant.
        tenant: TenantId,
        /// Its name.
        plugin: String,
    },
}

/// The condition of a [`Change`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// None.
    Any,
    /// The document does not exist; otherwise [`ErrorCode::Exists`](headworks_core::ErrorCode::Exists).
    Absent,
    /// The document exists; otherwise [`ErrorCode::NotFound`](headworks_core::ErrorCode::NotFound).
    Present,
    /// The document has this revision; otherwise
    /// [`ErrorCode::RevisionConflict`](headworks_core::ErrorCode::RevisionConflict).
    Revision(u64),
}

/// What is kept about one change of a document or one failure: who, what and when, but never the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// That of the change event where there is one.
    pub sequence: u64,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it; empty for a failure.
    pub author: String,
    /// The document it happened to.
    pub key: DocumentKey,
    /// What happened.
    pub event: AuditEvent,
}

/// What an [`AuditEntry`] is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AuditEvent {
    /// The document was changed.
    Changed {
        /// Its identity.
        uid: Uid,
        /// The revision after the change; that of the deleted document for a deletion.
        revision: u64,
        /// How.
        kind: ChangeKind,
    },
    /// The sandbox ended a call that was made for the document.
    PluginFailed {
        /// The node of the pipeline.
        node: String,
        /// The name of an [`ErrorCode`](headworks_core::ErrorCode).
        code: String,
        /// The digest of the plugin, in hexadecimal.
        plugin_digest: String,
    },
    /// A rule of the tenant had something to say of a change.
    Judged {
        /// The name of the rule.
        rule: String,
        /// What came of it.
        verdict: Verdict,
        /// What it said first.
        detail: String,
    },
}

/// What a rule meant for a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It was made; the rule warns of it.
    Warned,
    /// It was not made.
    Refused,
    /// The rule could not judge, and the change was not made.
    Closed,
    /// The rule could not judge, and the change was made.
    Opened,
}

/// The settings of a stream (FlowG 2 and 10.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamConfig {
    /// Seconds that records written from now on are kept; 0 keeps them for ever.
    pub ttl_seconds: i64,
    /// The bound of the stream in units of 1,048,576 bytes; 0 is no bound.
    pub size_mib: i64,
    /// Names of the fields whose values are indexed.
    pub indexed_fields: BTreeSet<String>,
}

/// Which records a query looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRange {
    /// The earliest receive time, inclusive, to the millisecond.
    pub from: Timestamp,
    /// The latest receive time, inclusive, to the millisecond.
    pub to: Timestamp,
    /// Fields and the values that are looked for: AND over fields, OR over values (FlowG 10.3). Empty looks at all records.
    pub indexing: Vec<(String, Vec<String>)>,
}

impl ScanRange {
    /// All records there are.
    pub fn all() -> Self {
        Self { from: Timestamp::MIN, to: Timestamp::MAX, indexing: Vec::new() }
    }
}

/// Names one stored record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RecordId {
    /// Its receive time in milliseconds since 1970.
    pub ms: u64,
    /// Unique within the store.
    pub uuid: uuid::Uuid,
}

/// What a backup holds of the records of one stream.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Records, each received when the backup says so. No two of them have one name.
    pub records: Batch,
    /// Their names and expiries, one for each.
    pub marks: Vec<Mark>,
    /// Records that were deleted.
    pub deleted: Vec<RecordId>,
    /// Names of fields that records had at some time.
    pub fields: Vec<String>,
}

/// What a watcher is told.
#[derive(Clone, Debug)]
pub enum WatchItem {
    /// These records were stored.
    Records {
        /// Their names, in the order of the batch.
        ids: Vec<RecordId>,
        /// The records.
        batch: Batch,
    },
    /// So many records were stored that this watcher was too slow to take.
    Lost(u64),
}

/// Records that could not be processed, with the reason.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// The pipeline they were in.
    pub pipeline: String,
    /// The node they were in.
    pub node: String,
    /// The digest of the plugin that failed, in hexadecimal; empty when it was none.
    pub plugin_digest: String,
    /// The name of an [`ErrorCode`](headworks_core::ErrorCode).
    pub code: String,
    /// What went wrong.
    pub reason: String,
    /// Where in the plugin.
    pub backtrace: Option<String>,
    /// Which attempt failed, from 1.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
    /// The records as they came in.
    pub records: Batch,
}

/// A dead letter that is kept, as it was when it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptLetter {
    /// Its number, from 1.
    pub number: u64,
    /// What it holds.
    pub letter: DeadLetter,
    /// Of what is stored.
    pub(crate) digest: Digest,
}

/// A dead letter without its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterSummary {
    /// Its number, from 1.
    pub number: u64,
    /// The pipeline the records were in.
    pub pipeline: String,
    /// The node they were in.
    pub node: String,
    /// The digest of the plugin that failed, in hexadecimal; empty when it was none.
    pub plugin_digest: String,
    /// The name of an [`ErrorCode`](headworks_core::ErrorCode).
    pub code: String,
    /// What went wrong.
    pub reason: String,
    /// Which attempt failed, from 1.
    pub attempt: u32,
    /// When.
    pub at: Timestamp,
    /// How many records it holds.
    pub records: u64,
}

/// Which dead letters are meant: those that all members let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LetterFilter {
    /// Of this pipeline.
    pub pipeline: Option<String>,
    /// With this code.
    pub code: Option<String>,
    /// Of a plugin whose digest begins with this.
    pub plugin_digest: Option<String>,
    /// Not before this time.
    pub from: Option<Timestamp>,
    /// Not after this time.
    pub to: Option<Timestamp>,
}

impl LetterFilter {
    /// Whether a letter is meant.
    pub fn lets_through(&self, letter: &LetterSummary) -> bool {
        let is = |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        is(&self.pipeline, &letter.pipeline)
            && is(&self.code, &letter.code)
            && self.plugin_digest.as_ref().is_none_or(|digest| letter.plugin_digest.starts_with(digest.as_str()))
            && self.from.is_none_or(|from| letter.at >= from)
            && self.to.is_none_or(|to| letter.at <= to)
    }
}

/// How far [`Store::verify`](crate::Store::verify) is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The column family it is in.
    pub table: &'static str,
    /// Entries looked at in it so far.
    pub entries: u64,
}

/// What [`Store::verify`](crate::Store::verify) looked at in one column family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableReport {
    /// Its name.
    pub table: &'static str,
    /// The number of entries.
    pub entries: u64,
    /// Bytes of keys and values.
    pub bytes: u64,
}

/// What [`Store::verify`](crate::Store::verify) found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// What was looked at.
    pub tables: Vec<TableReport>,
    /// The number of entries that each tenant has in all of them.
    pub tenants: BTreeMap<TenantId, u64>,
    /// The number of problems.
    pub problem_count: u64,
    /// The first of the problems, each naming its place.
    pub problems: Vec<String>,
}
