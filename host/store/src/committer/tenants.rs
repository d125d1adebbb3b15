//! Tenants as a whole: everything of one goes at once, and daily totals of each.
//!
//! What must stay true: once a tenant is gone nothing is written for it any more, so that a request that was under way while
//! it went leaves nothing behind. Numbers of tenants are not used twice, so it is gone for ever.

use super::Group;
use crate::engine::{Table, failed};
use crate::format::{decode_document, decode_numbers, encode_numbers, keys};
use crate::types::Change;
use headworks_core::document::{ChangeEvent, ChangeKind};
use headworks_core::{DocumentKey, Error, ErrorCode, Result, TenantId};
use keys::meta;
use std::sync::Arc;

impl Group<'_> {
    /// Refuses what is to be written for a tenant that is gone.
    pub(crate) fn check_exists(&self, tenant: TenantId) -> Result<()> {
        if self.writer.gone.contains(&tenant) {
            return Err(Error::new(ErrorCode::NotFound, "the tenant was deleted"));
        }
        Ok(())
    }

    /// Deletes everything that belongs to a tenant, and with it the document that stands for it. Followers of changes are
    /// told of each document; the only audit entry is that of the last one.
    pub(crate) fn purge_tenant(&mut self, tenant: TenantId, document: DocumentKey, author: &str) -> Result<()> {
        let engine = Arc::clone(&self.writer.engine);
        let prefix = tenant.0.to_be_bytes();
        let mut walk = engine.walk_prefix(Table::Documents, &prefix)?;
        walk.seek_to_first();
        while let Some((key, value)) = walk.item() {
            if let Some(document) = keys::parse_document(key).and_then(|key| decode_document(key, value)) {
                let sequence = self.writer.next_change;
                self.writer.next_change += 1;
                self.took_change = true;
                let (key, uid, revision) = (document.key, document.uid, document.revision);
                self.events.push(Arc::new(ChangeEvent { sequence, key, uid, revision, kind: ChangeKind::Delete }));
            }
            walk.next();
        }
        walk.status().map_err(failed)?;
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Meta) {
            self.delete_prefix(table, &prefix)?;
        }
        for tag in meta::OF_TENANT {
            self.delete_prefix(Table::Meta, &meta::of_tenant(tag, tenant))?;
        }
        let mut walk = engine.walk_prefix(Table::Meta, &[meta::EXPIRY])?;
        walk.seek_to_first();
        while let Some((key, _)) = walk.item() {
            if meta::owner(key) == Some(tenant) {
                self.delete(Table::Meta, key)?;
            }
            walk.next();
        }
        walk.status().map_err(failed)?;
        self.writer.streams.retain(|(of, _), _| *of != tenant);
        self.writer.names.retain(|_, (of, _)| *of != tenant);
        self.writer.noted.retain(|(key, _), _| key.tenant != tenant);
        self.writer.letters.forget(tenant);
        self.writer.outbox.forget(tenant);
        self.writer.contents.forget(tenant);
        self.write(author, vec![Change::delete(document)])?;
        self.writer.gone.insert(tenant);
        self.publish.push(Box::new(move |catalog| catalog.remove_tenant(tenant)));
        Ok(())
    }

    /// Writes totals in the place of those that are there, and forgets those of days before `oldest`. Tenants that are gone
    /// are passed over.
    pub(crate) fn put_totals(&mut self, totals: &[(TenantId, u32, Vec<u64>)], oldest: u32) -> Result<()> {
        for (tenant, day, numbers) in totals {
            if self.check_exists(*tenant).is_err() {
                continue;
            }
            let family = self.writer.engine.family(Table::Meta)?;
            self.batch.delete_range_cf(family, meta::totals(*tenant, 0), meta::totals(*tenant, oldest));
            self.put(Table::Meta, &meta::totals(*tenant, *day), &encode_numbers(numbers))?;
        }
        Ok(())
    }
}

impl crate::engine::Engine {
    /// The totals of a tenant from a day on, the earliest first.
    pub(crate) fn totals(&self, tenant: TenantId, from: u32) -> Result<Vec<(u32, Vec<u64>)>> {
        let mut walk = self.walk_prefix(Table::Meta, &meta::of_tenant(meta::TOTALS, tenant))?;
        walk.seek(meta::totals(tenant, from));
        let mut found = Vec::new();
        while let Some((key, value)) = walk.item() {
            let damaged = || Error::new(ErrorCode::Corrupt, "a daily total cannot be read; run `verify`");
            let ((_, day), numbers) = meta::parse_totals(key).zip(decode_numbers(value)).ok_or_else(damaged)?;
            found.push((day, numbers));
            walk.next();
        }
        walk.status().map_err(failed)?;
        Ok(found)
    }
}
