//! Audit entries: their numbers, those of plugins that failed and rules that spoke, and the removal of old ones.

use super::Group;
use crate::engine::Table;
use crate::format::{encode_audit, keys};
use crate::types::{AuditEntry, AuditEvent};
use headworks_core::{DocumentKey, Result, TenantId, Timestamp};
use std::collections::HashMap;

/// The same failure is noted once in this time, in nanoseconds: failures are as many as requests, and must not drive the
/// changes of documents out of a bounded log.
const PAUSE: i64 = 60 * 1_000_000_000;
/// The most failures that are told apart in that time, of all tenants together.
const APART: usize = 10_000;

/// When each failure was last noted.
pub(crate) type Noted = HashMap<(DocumentKey, AuditEvent), Timestamp>;

impl Group<'_> {
    /// Adds an entry and answers its number.
    pub(super) fn stage_audit(&mut self, author: &str, key: &DocumentKey, event: AuditEvent) -> Result<u64> {
        let sequence = self.writer.next_change;
        self.writer.next_change += 1;
        self.took_change = true;
        let entry = AuditEntry { sequence, at: self.writer.clock.now(), author: author.to_owned(), key: key.clone(), event };
        self.put(Table::Audit, &keys::numbered(key.tenant, sequence), &encode_audit(&entry))?;
        Ok(sequence)
    }

    /// Notes what is no change, unless the same was noted lately.
    pub(crate) fn note(&mut self, author: &str, key: DocumentKey, event: AuditEvent) -> Result<()> {
        self.check_exists(key.tenant)?;
        let now = self.writer.clock.now();
        let noted = &mut self.writer.noted;
        let lately = |at: &Timestamp| (0..PAUSE).contains(&now.0.saturating_sub(at.0));
        if noted.len() >= APART {
            noted.retain(|_, at| lately(at));
        }
        let failure = (key, event);
        if noted.len() >= APART || noted.get(&failure).is_some_and(lately) {
            return Ok(());
        }
        noted.insert(failure.clone(), now);
        let (key, event) = failure;
        self.stage_audit(author, &key, event).map(drop)
    }

    /// Deletes the entries of a tenant before this number.
    pub(crate) fn trim_audit(&mut self, tenant: TenantId, before: u64) -> Result<()> {
        let family = self.writer.engine.family(Table::Audit)?;
        self.batch.delete_range_cf(family, keys::numbered(tenant, 0), keys::numbered(tenant, before));
        Ok(())
    }
}
