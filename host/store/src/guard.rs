//! Who judges what users save: the seam between every user's write and the rules of a tenant.
//!
//! Knows nothing of rules. What must stay true: a guard sees each document as it is at the moment of the write; where that
//! changes before the commit, it is asked again.

use crate::types::AuditEvent;
use headworks_core::{DocumentKey, Result, TenantId};
use std::pin::Pin;

/// What a guard answers in.
pub type Judging<'a> = Pin<Box<dyn Future<Output = Result<Notes>> + Send + 'a>>;

/// Entries for the audit log, written with the changes that they are about.
pub type Notes = Vec<(DocumentKey, AuditEvent)>;

/// One change that a user asks for, beside what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Which document.
    pub key: DocumentKey,
    /// The new content; `None` deletes.
    pub body: Option<Vec<u8>>,
    /// The present content; `None` where the document does not exist.
    pub before: Option<Vec<u8>>,
}

/// Judges the writes of users.
pub trait Guard: Send + Sync {
    /// Whether changes of this kind have to be judged at all. Called for every write: must be fast and must not block.
    fn watches(&self, tenant: TenantId, kind: &str) -> bool;

    /// Judges changes that are made together.
    ///
    /// # Errors
    /// Why they may not be made.
    fn check<'a>(&'a self, author: &'a str, proposals: &'a [Proposal]) -> Judging<'a>;
}
