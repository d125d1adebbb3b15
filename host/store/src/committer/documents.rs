//! Documents: condition, change, audit entry and event in one write.

use super::Group;
use crate::engine::Table;
use crate::format::{decode_document, encode_document, keys};
use crate::store::Pins;
use crate::types::{AuditEvent, Change, Expect};
use headworks_core::document::{ChangeEvent, ChangeKind};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, Uid};
use std::collections::HashMap;
use std::sync::Arc;

impl Group<'_> {
    /// The document as it is after everything staged so far.
    pub(super) fn document(&self, key: &DocumentKey) -> Result<Option<Document>> {
        if let Some(staged) = self.documents.get(key) {
            return Ok(staged.clone());
        }
        self.writer.engine.document(key)
    }

    /// Makes all changes or none. Answers the new documents, and for deletions the deleted ones.
    pub(crate) fn write(&mut self, author: &str, changes: Vec<Change>) -> Result<Vec<Option<Document>>> {
        changes.iter().try_for_each(|change| self.check_exists(change.key.tenant))?;
        let now = self.writer.clock.now();
        let mut latest: HashMap<DocumentKey, Option<Document>> = HashMap::new();
        let mut outcomes = Vec::with_capacity(changes.len());
        for Change { key, expect, body } in changes {
            let before = match latest.get(&key) {
                Some(staged) => staged.clone(),
                None => self.document(&key)?,
            };
            check(&key, expect, before.as_ref())?;
            let outcome = match body {
                Some(body) => Some(Document {
                    uid: before.as_ref().map_or_else(Uid::new, |document| document.uid),
                    revision: before.as_ref().map_or(1, |document| document.revision + 1),
                    author: author.to_owned(),
                    created: before.as_ref().map_or(now, |document| document.created),
                    updated: now,
                    body,
                    key: key.clone(),
                })
                .map(|document| (ChangeKind::Put, document)),
                None => before.map(|document| (ChangeKind::Delete, document)),
            };
            let after = outcome.as_ref().filter(|(kind, _)| *kind == ChangeKind::Put).map(|(_, document)| document.clone());
            latest.insert(key, after);
            outcomes.push(outcome);
        }
        for (kind, document) in outcomes.iter().flatten() {
            self.stage_document(author, *kind, document)?;
        }
        self.documents.extend(latest);
        Ok(outcomes.into_iter().map(|outcome| outcome.map(|(_, document)| document)).collect())
    }

    /// Whether documents are still what they were when they were judged.
    pub(crate) fn are_as_judged(&self, pins: &Pins) -> Result<bool> {
        for (key, judged) in pins {
            if self.document(key)?.map(|document| (document.uid, document.revision)) != *judged {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn stage_document(&mut self, author: &str, kind: ChangeKind, document: &Document) -> Result<()> {
        let Document { key, uid, revision, .. } = document;
        match kind {
            ChangeKind::Put => self.put(Table::Documents, &keys::document(key), &encode_document(document))?,
            ChangeKind::Delete => self.delete(Table::Documents, &keys::document(key))?,
        }
        let event = AuditEvent::Changed { uid: *uid, revision: *revision, kind };
        let sequence = self.stage_audit(author, key, event)?;
        self.events.push(Arc::new(ChangeEvent { sequence, key: key.clone(), uid: *uid, revision: *revision, kind }));
        Ok(())
    }
}

/// Refuses a change whose condition does not hold.
pub(crate) fn check(key: &DocumentKey, expect: Expect, before: Option<&Document>) -> Result<()> {
    let named = || format!("the {} `{}`", key.kind, key.name);
    let error = match (expect, before) {
        (Expect::Any, _) | (Expect::Absent, None) | (Expect::Present, Some(_)) => return Ok(()),
        (Expect::Revision(expected), Some(before)) if before.revision == expected => return Ok(()),
        (Expect::Absent, Some(_)) => Error::new(ErrorCode::Exists, format!("{} exists already", named())),
        (Expect::Present, None) => Error::not_found(format!("{} does not exist", named())),
        (Expect::Revision(expected), before) => {
            let now = before.map_or_else(|| "it does not exist".to_owned(), |before| format!("it is at {}", before.revision));
            let message = format!("{} is not at revision {expected}: {now}; read it again and repeat the change", named());
            Error::new(ErrorCode::RevisionConflict, message)
        }
    };
    Err(error)
}

impl crate::engine::Engine {
    /// A stored document.
    pub(crate) fn document(&self, key: &DocumentKey) -> Result<Option<Document>> {
        let Some(value) = self.get(Table::Documents, &keys::document(key))? else { return Ok(None) };
        let damaged = || Error::new(ErrorCode::Corrupt, format!("the stored {} `{}` cannot be read", key.kind, key.name));
        decode_document(key.clone(), &value).map(Some).ok_or_else(damaged)
    }
}
