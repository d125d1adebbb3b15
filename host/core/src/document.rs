//! Documents: whatever a user saves.

use crate::{TenantId, Timestamp, Uid};
use serde::{Deserialize, Serialize};

/// Names one document. Every part but the scope is at least one character; the scope is empty where a kind has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// What it is, such as `pipeline`.
    pub kind: String,
    /// What it belongs to, such as a bucket or a user.
    pub scope: String,
    /// The name its user gave it.
    pub name: String,
}

impl DocumentKey {
    /// A document that belongs to nothing but its tenant.
    pub fn new(tenant: TenantId, kind: &str, name: &str) -> Self {
        Self::scoped(tenant, kind, "", name)
    }

    /// A document that belongs to `scope`.
    pub fn scoped(tenant: TenantId, kind: &str, scope: &str, name: &str) -> Self {
        Self { tenant, kind: kind.to_owned(), scope: scope.to_owned(), name: name.to_owned() }
    }
}

/// One saved document with its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name.
    pub key: DocumentKey,
    /// Its identity, which a document of the same name made later does not share.
    pub uid: Uid,
    /// 1 when it was made, one more with each change.
    pub revision: u64,
    /// Who made the last change.
    pub author: String,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
    /// Its content; JSON unless its kind says otherwise.
    pub body: Vec<u8>,
}

/// What happened to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It was made or changed.
    Put,
    /// It was deleted.
    Delete,
}

/// Told to whoever follows the documents, after the change is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeEvent {
    /// Greater with each change of the store, never used twice. Other audit entries have numbers in between.
    pub sequence: u64,
    /// Which document.
    pub key: DocumentKey,
    /// Its identity.
    pub uid: Uid,
    /// The revision after the change; that of the deleted document for a deletion.
    pub revision: u64,
    /// What happened.
    pub kind: ChangeKind,
}
