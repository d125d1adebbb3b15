//! Contents: piece by piece, pending until a document keeps them, gone when it goes.
//!
//! What must stay true: a content is marked as pending or has its entry, never both and never neither; what is marked when
//! the store is opened belongs to a process that is gone, and goes.

use super::{Group, Writer};
use crate::engine::{Table, failed};
use crate::format::keys::{self, meta};
use crate::format::{ContentEntry, encode_number};
use crate::types::Beside;
use headworks_core::{Error, ErrorCode, Result, TenantId, Uid};
use rocksdb::WriteBatch;
use std::collections::HashMap;
use std::sync::Arc;

/// The contents as the committer knows them.
#[derive(Default)]
pub(crate) struct Contents {
    pending: HashMap<(TenantId, Uid), Pending>,
    /// Bytes by tenant, those of pending contents with them.
    bytes: HashMap<TenantId, u64>,
}

#[derive(Default)]
struct Pending {
    bytes: u64,
    /// There when it is complete.
    whole: Option<ContentEntry>,
}

impl Contents {
    /// Forgets what is known of a tenant that is gone.
    pub(crate) fn forget(&mut self, tenant: TenantId) {
        self.pending.retain(|(of, _), _| *of != tenant);
        self.bytes.remove(&tenant);
    }
}

impl Writer {
    /// Clears what was pending when the store was last closed and counts the rest.
    pub(super) fn load_contents(&mut self) -> Result<()> {
        let damaged = || Error::new(ErrorCode::Corrupt, "the entry of a content cannot be read; run `verify`");
        let engine = Arc::clone(&self.engine);
        let mut batch = WriteBatch::default();
        let mut walk = engine.walk_prefix(Table::Meta, &[meta::PENDING])?;
        walk.seek_to_first();
        while let Some(key) = walk.key() {
            let (tenant, id) = meta::parse_content(meta::PENDING, key).ok_or_else(damaged)?;
            let pieces = keys::content(tenant, &id);
            batch.delete_range_cf(engine.family(Table::Contents)?, &pieces, &keys::after(&pieces));
            batch.delete_cf(engine.family(Table::Meta)?, key);
            walk.next();
        }
        walk.status().map_err(failed)?;
        if !batch.is_empty() {
            self.durable.commit(batch)?;
        }
        let mut walk = engine.walk_prefix(Table::Meta, &[meta::CONTENT])?;
        walk.seek_to_first();
        while let Some((key, value)) = walk.item() {
            let (tenant, _) = meta::parse_content(meta::CONTENT, key).ok_or_else(damaged)?;
            *self.contents.bytes.entry(tenant).or_default() += ContentEntry::decode(value).ok_or_else(damaged)?.size;
            walk.next();
        }
        walk.status().map_err(failed)?;
        for (tenant, bytes) in &self.contents.bytes {
            self.catalog.set_content_bytes(*tenant, *bytes);
        }
        Ok(())
    }
}

impl Group<'_> {
    /// Adds a piece, an encoded one, to a pending content; the first one makes it. With the last comes what the whole is.
    pub(crate) fn put_piece(
        &mut self,
        tenant: TenantId,
        id: Uid,
        number: u32,
        piece: &[u8],
        whole: Option<ContentEntry>,
    ) -> Result<()> {
        self.check_exists(tenant)?;
        if number == 0 {
            let now = u64::try_from(self.writer.clock.now().seconds()).unwrap_or_default();
            self.put(Table::Meta, &meta::of_content(meta::PENDING, tenant, &id), &encode_number(now))?;
        }
        let bytes = piece.len().saturating_sub(1) as u64;
        let pending = self.writer.contents.pending.entry((tenant, id)).or_default();
        pending.bytes += bytes;
        pending.whole = whole;
        if bytes > 0 {
            self.put(Table::Contents, &keys::piece(tenant, &id, number), piece)?;
        }
        self.count_contents(tenant, bytes, 0);
        Ok(())
    }

    /// Refuses to keep what is not there.
    pub(crate) fn check_beside(&self, beside: &[Beside]) -> Result<()> {
        for one in beside {
            if let Beside::Content { tenant, id } = one {
                self.check_exists(*tenant)?;
                let pending = self.writer.contents.pending.get(&(*tenant, *id));
                if pending.and_then(|pending| pending.whole).is_none() {
                    return Err(Error::internal(format!("the content {id} was not held until it was kept")));
                }
            }
        }
        Ok(())
    }

    /// From now on a content lives as long as its document.
    pub(super) fn keep_content(&mut self, tenant: TenantId, id: Uid) -> Result<()> {
        let Some(entry) = self.writer.contents.pending.remove(&(tenant, id)).and_then(|pending| pending.whole) else {
            return Ok(());
        };
        self.delete(Table::Meta, &meta::of_content(meta::PENDING, tenant, &id))?;
        self.put(Table::Meta, &meta::of_content(meta::CONTENT, tenant, &id), &entry.encode())?;
        self.contents.insert((tenant, id), Some(entry));
        Ok(())
    }

    /// Deletes a content that is kept, if it is there.
    pub(super) fn drop_content(&mut self, tenant: TenantId, id: Uid) -> Result<()> {
        let entry = match self.contents.get(&(tenant, id)) {
            Some(staged) => *staged,
            None => self.writer.engine.content(tenant, &id)?,
        };
        let Some(entry) = entry else { return Ok(()) };
        self.delete(Table::Meta, &meta::of_content(meta::CONTENT, tenant, &id))?;
        self.delete_prefix(Table::Contents, &keys::content(tenant, &id))?;
        self.contents.insert((tenant, id), None);
        self.count_contents(tenant, 0, entry.size);
        Ok(())
    }

    /// Clears those of these contents that are still pending.
    pub(crate) fn discard_contents(&mut self, abandoned: &[(TenantId, Uid)]) -> Result<()> {
        for (tenant, id) in abandoned {
            let Some(pending) = self.writer.contents.pending.remove(&(*tenant, *id)) else { continue };
            self.delete(Table::Meta, &meta::of_content(meta::PENDING, *tenant, id))?;
            self.delete_prefix(Table::Contents, &keys::content(*tenant, id))?;
            self.count_contents(*tenant, 0, pending.bytes);
        }
        Ok(())
    }

    fn count_contents(&mut self, tenant: TenantId, more: u64, less: u64) {
        let bytes = self.writer.contents.bytes.entry(tenant).or_default();
        *bytes = bytes.saturating_add(more).saturating_sub(less);
        let bytes = *bytes;
        self.publish.push(Box::new(move |catalog| catalog.set_content_bytes(tenant, bytes)));
    }
}
