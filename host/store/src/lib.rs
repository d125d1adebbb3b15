//! Storage: documents, streams of records, dead letters, blobs and contents in one RocksDB database.
//!
//! The only crate that names RocksDB. Owns how things look on disk (`format`), the one thread that writes
//! (`committer`), what makes its writes last (`durable`, `journal`), reading (`scan`, `read`, `view`), retention (`sweeper`) and the check of a stored database (`verify`) and the whole of it as bytes (`dump`). Knows
//! nothing of what documents mean, of users, plugins or HTTP; whoever judges writes is asked through [`Guard`].
//!
//! What must stay true: a write that was answered is durable (group commit, one sync for all that wait); it is all there or
//! not at all; after a failed write nothing is written any more; every key begins with a tenant, every value with the number
//! of its format.

mod catalog;
mod committer;
mod content;
mod dump;
mod durable;
mod engine;
mod format;
mod guard;
mod health;
mod journal;
mod lock;
mod read;
mod scan;
mod space;
mod store;
mod sweeper;
mod types;
mod verify;
mod view;
mod watch;

pub use committer::MAX_FIELDS;
pub use content::{Content, ContentReader, ContentWriter};
pub use guard::{Guard, Judging, Notes, Proposal};
pub use scan::Scan;
pub use store::Store;
pub use types::{
    AuditEntry, AuditEvent, Beside, Change, DeadLetter, Durability, Expect, Health, KeptLetter, LetterFilter, LetterSummary,
    Progress, RecordId, Restored, ScanRange, StoreOptions, StreamConfig, TableReport, Verdict, VerifyReport, WatchItem,
};
pub use view::{Mark, StreamView, View};
pub use watch::Watcher;
