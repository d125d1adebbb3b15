//! Reading documents, audit entries, dead letters and blobs.

use crate::engine::{Engine, Reading, Table, failed};
use crate::format::keys::meta;
use crate::format::{LetterTally, decode_audit, decode_document, decode_letter, decode_waiting, keys, summarize_letter};
use crate::types::{AuditEntry, DeadLetter, KeptLetter, LetterFilter, LetterSummary};
use headworks_core::{Batch, Digest, Document, DocumentKey, Error, ErrorCode, Result, TenantId, Timestamp};
use std::collections::VecDeque;

fn damaged(what: &str) -> Error {
    Error::new(ErrorCode::Corrupt, format!("{what} cannot be read; run `verify`"))
}

impl Engine {
    /// All documents of a kind and scope in ascending order of their names.
    pub(crate) fn documents(&self, tenant: TenantId, kind: &str, scope: &str) -> Result<Vec<Document>> {
        let mut found = Vec::new();
        self.each(Table::Documents, &keys::documents_of(tenant, kind, scope), &[], |key, value| {
            let key = keys::parse_document(key).ok_or_else(|| damaged("the key of a document"))?;
            let name = key.name.clone();
            found.push(decode_document(key, value).ok_or_else(|| damaged(&format!("the stored {kind} `{name}`")))?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// As [`documents`](Self::documents), the names only.
    pub(crate) fn document_names(&self, tenant: TenantId, kind: &str, scope: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        self.each(Table::Documents, &keys::documents_of(tenant, kind, scope), &[], |key, _| {
            found.push(keys::parse_document(key).ok_or_else(|| damaged("the key of a document"))?.name);
            Ok(true)
        })?;
        Ok(found)
    }

    pub(crate) fn audit(&self, tenant: TenantId, from: u64, limit: usize) -> Result<Vec<AuditEntry>> {
        let mut found = Vec::new();
        self.each(Table::Audit, &tenant.0.to_be_bytes(), &keys::numbered(tenant, from), |key, value| {
            if found.len() < limit {
                let entry = keys::parse_numbered(key).and_then(|(tenant, sequence)| decode_audit(tenant, sequence, value));
                found.push(entry.ok_or_else(|| damaged("an audit entry"))?);
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    /// For each tenant with audit entries above `count` or made before `oldest`: the first number that stays.
    pub(crate) fn audit_excess(&self, count: u64, oldest: Timestamp) -> Result<Vec<(TenantId, u64)>> {
        let most = usize::try_from(count).unwrap_or(usize::MAX);
        let mut excess: Vec<(TenantId, u64)> = Vec::new();
        let mut present = None;
        let mut kept = VecDeque::new();
        let mut walk = self.walk(Table::Audit, &[], &[], Reading::Once)?;
        walk.seek_to_first();
        while let Some((key, value)) = walk.item() {
            let entry = keys::parse_numbered(key).and_then(|(tenant, sequence)| decode_audit(tenant, sequence, value));
            let AuditEntry { sequence, at, key: DocumentKey { tenant, .. }, .. } =
                entry.ok_or_else(|| damaged("an audit entry"))?;
            if present.replace(tenant) != Some(tenant) {
                kept.clear();
            }
            kept.push_back(sequence);
            let gone = if at < oldest {
                kept.clear();
                Some(sequence)
            } else if kept.len() > most {
                kept.pop_front()
            } else {
                None
            };
            if let Some(gone) = gone {
                excess.pop_if(|(known, _)| *known == tenant);
                excess.push((tenant, gone + 1));
            }
            walk.next();
        }
        walk.status().map_err(failed)?;
        Ok(excess)
    }

    /// How many dead letters gave way to newer ones, by tenant.
    pub(crate) fn dropped_dead_letters(&self) -> Result<Vec<(TenantId, u64)>> {
        let mut found = Vec::new();
        self.each(Table::Meta, &[meta::LETTERS], &[], |key, value| {
            let tally = meta::parse_letters(key).zip(LetterTally::decode(value));
            let (tenant, tally) = tally.ok_or_else(|| damaged("the tally of the dead letters"))?;
            found.push((tenant, tally.dropped));
            Ok(true)
        })?;
        Ok(found)
    }

    pub(crate) fn dead_letters(&self, tenant: TenantId, after: u64, limit: usize) -> Result<Vec<(u64, DeadLetter)>> {
        let mut found = Vec::new();
        let from = keys::numbered(tenant, after.saturating_add(1));
        self.each(Table::Queue, &tenant.0.to_be_bytes(), &from, |key, value| {
            if found.len() < limit {
                let letter = keys::parse_numbered(key).map(|(_, number)| number).zip(decode_letter(value));
                found.push(letter.ok_or_else(|| damaged("a dead letter"))?);
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    pub(crate) fn letter_summaries(
        &self,
        tenant: TenantId,
        filter: &LetterFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<LetterSummary>> {
        let mut found = Vec::new();
        let from = keys::numbered(tenant, after.saturating_add(1));
        self.each(Table::Queue, &tenant.0.to_be_bytes(), &from, |key, value| {
            if found.len() < limit {
                let letter = keys::parse_numbered(key).and_then(|(_, number)| summarize_letter(number, value));
                found.extend(Some(letter.ok_or_else(|| damaged("a dead letter"))?).filter(|letter| filter.lets_through(letter)));
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    pub(crate) fn dead_letter(&self, tenant: TenantId, number: u64) -> Result<Option<KeptLetter>> {
        let Some(value) = self.get(Table::Queue, &keys::numbered(tenant, number))? else { return Ok(None) };
        let letter = decode_letter(&value).ok_or_else(|| damaged(&format!("the dead letter {number}")))?;
        Ok(Some(KeptLetter { number, letter, digest: Digest::of(&value) }))
    }

    /// Documents of a kind, of all scopes, in ascending order of scope and name, behind one of them, at most `limit`.
    pub(crate) fn documents_after(
        &self,
        tenant: TenantId,
        kind: &str,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Result<Vec<Document>> {
        let mut found = Vec::new();
        let from = match after {
            Some((scope, name)) => keys::after(&keys::document(&DocumentKey::scoped(tenant, kind, scope, name))),
            None => Vec::new(),
        };
        self.each(Table::Documents, &keys::documents_of_kind(tenant, kind), &from, |key, value| {
            if found.len() < limit {
                let key = keys::parse_document(key).ok_or_else(|| damaged("the key of a document"))?;
                let name = key.name.clone();
                found.push(decode_document(key, value).ok_or_else(|| damaged(&format!("the stored {kind} `{name}`")))?);
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    pub(crate) fn queued(&self, tenant: TenantId, queue: &str, after: u64, limit: usize) -> Result<Vec<(u64, Batch)>> {
        let mut found = Vec::new();
        let from = keys::waiting(tenant, queue, after.saturating_add(1));
        self.each(Table::Outbox, &keys::outbox(tenant, queue), &from, |key, value| {
            if found.len() < limit {
                let entry = keys::parse_waiting(key).map(|(.., number)| number).zip(decode_waiting(value));
                found.push(entry.ok_or_else(|| damaged("an entry of a queue"))?);
            }
            Ok(found.len() < limit)
        })?;
        Ok(found)
    }

    pub(crate) fn queues(&self) -> Result<Vec<(TenantId, String)>> {
        let mut found = Vec::new();
        let mut walk = self.walk(Table::Outbox, &[], &[], Reading::Usual)?;
        walk.seek_to_first();
        while let Some(key) = walk.key() {
            let (tenant, queue, _) = keys::parse_waiting(key).ok_or_else(|| damaged("a key of a queue"))?;
            walk.seek(keys::after(&keys::outbox(tenant, &queue)));
            found.push((tenant, queue));
        }
        walk.status().map_err(failed)?;
        Ok(found)
    }

    pub(crate) fn blob(&self, tenant: TenantId, digest: &Digest) -> Result<Option<Vec<u8>>> {
        let Some(value) = self.get(Table::Blobs, &keys::blob(tenant, &digest.0))? else { return Ok(None) };
        let bytes = blob_bytes(&value).filter(|bytes| Digest::of(bytes) == *digest);
        bytes.map(|bytes| Some(bytes.to_vec())).ok_or_else(|| damaged(&format!("the blob {digest}")))
    }

    pub(crate) fn state(&self, tenant: TenantId, plugin: &str, name: &str) -> Result<Option<Vec<u8>>> {
        let Some(value) = self.get(Table::State, &keys::state(tenant, plugin, name))? else { return Ok(None) };
        let bytes = blob_bytes(&value).ok_or_else(|| damaged("what a plugin remembers"))?;
        Ok(Some(bytes.to_vec()))
    }

    pub(crate) fn states(&self, tenant: TenantId, plugin: &str) -> Result<Vec<(String, usize)>> {
        let mut found = Vec::new();
        self.each(Table::State, &keys::states(tenant, plugin), &[], |key, value| {
            let (.., name) = keys::parse_state(key).ok_or_else(|| damaged("what a plugin remembers"))?;
            found.push((name, value.len().saturating_sub(1)));
            Ok(true)
        })?;
        Ok(found)
    }

    /// Calls `visit` for every entry whose key begins with `prefix`, from `from` on, until it answers false.
    fn each(&self, table: Table, prefix: &[u8], from: &[u8], mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool>) -> Result<()> {
        let mut walk = self.walk_prefix(table, prefix)?;
        walk.seek(if from.is_empty() { prefix } else { from });
        while let Some((key, value)) = walk.item() {
            if !visit(key, value)? {
                return Ok(());
            }
            walk.next();
        }
        walk.status().map_err(failed)
    }
}

/// The content of a stored blob.
pub(crate) fn blob_bytes(value: &[u8]) -> Option<&[u8]> {
    crate::format::Reader::versioned(value).map(|rest| rest.0)
}
