//! Retention: what is too old or too much is deleted, a piece at a time and without looking at what stays (FlowG 10.5).
//!
//! These works read what was written and have to be alone.

use super::indexes::damaged_record;
use super::streams::indexed_value;
use super::{Group, StreamName};
use crate::engine::{Reading, Table, failed};
use crate::format::ExpiryRange;
use crate::format::keys::{self, Place, RecordKey, meta};
use crate::format::record::Stored;
use headworks_core::{Result, TenantId};
use std::collections::HashSet;
use std::sync::Arc;

/// Records that are deleted at once, while nothing else is written.
const PIECE: usize = 1000;
/// Records that are looked at for that.
const LOOKS: usize = 10 * PIECE;
const MIB: u64 = 1 << 20;

/// What a piece may still do.
struct Budget {
    looks: usize,
    /// What it has deleted: ranges overlap, and its own deletions are not written yet.
    deleted: HashSet<RecordKey>,
}

impl Budget {
    fn is_used_up(&self) -> bool {
        self.looks == 0 || self.deleted.len() >= PIECE
    }
}

impl Group<'_> {
    /// Deletes records whose time is over. Answers whether there are more of them.
    pub(crate) fn expire(&mut self) -> Result<bool> {
        let now = self.writer.clock.now().seconds();
        let second = u64::try_from(now).unwrap_or(0);
        if self.writer.next_expiry > second {
            return Ok(false);
        }
        let engine = Arc::clone(&self.writer.engine);
        let tag = [meta::EXPIRY];
        let mut walk = engine.walk(Table::Meta, &tag, &keys::after(&tag), Reading::Usual)?;
        walk.seek(meta::expiry(self.writer.next_expiry, TenantId(0), 0, 0));
        let mut budget = Budget { looks: LOOKS, deleted: HashSet::new() };
        self.writer.next_expiry = u64::MAX;
        while let Some((key, value)) = walk.item() {
            let due = meta::parse_expiry(key).zip(ExpiryRange::decode(value));
            let Some(((at, tenant, number), range)) = due else {
                self.delete(Table::Meta, key)?;
                walk.next();
                continue;
            };
            if at > second || budget.is_used_up() {
                self.writer.next_expiry = at;
                return Ok(at <= second);
            }
            match self.expire_range(tenant, number, range, now, &mut budget)? {
                None => self.delete(Table::Meta, key)?,
                Some(first) => {
                    self.put(Table::Meta, key, &ExpiryRange { first, ..range }.encode())?;
                    self.writer.next_expiry = at;
                    return Ok(true);
                }
            }
            budget.looks = budget.looks.saturating_sub(1);
            walk.next();
        }
        walk.status().map_err(failed)?;
        Ok(false)
    }

    /// Answers where to go on, unless the range is done.
    fn expire_range(
        &mut self,
        tenant: TenantId,
        number: u32,
        range: ExpiryRange,
        now: i64,
        budget: &mut Budget,
    ) -> Result<Option<Place>> {
        let Some(at) = self.writer.names.get(&number).cloned() else { return Ok(None) };
        let engine = Arc::clone(&self.writer.engine);
        let lower = RecordKey { tenant, number, at: range.first }.encode();
        let mut upper = RecordKey { tenant, number, at: range.last }.encode().to_vec();
        upper.push(0);
        let mut walk = engine.walk(Table::Records, &lower, &upper, Reading::Usual)?;
        walk.seek_to_first();
        while let Some((key, value)) = walk.item() {
            let record = RecordKey::decode(key).ok_or_else(|| damaged_record(&at.1))?;
            if budget.is_used_up() {
                return Ok(Some(record.at));
            }
            budget.looks -= 1;
            let stored = Stored::decode(value).ok_or_else(|| damaged_record(&at.1))?;
            if stored.is_expired(now) && budget.deleted.insert(record) {
                self.delete(Table::Records, key)?;
                self.forget(&at, record.at, value.len(), stored)?;
            }
            walk.next();
        }
        walk.status().map_err(failed)?;
        Ok(None)
    }

    /// The streams above their bound.
    pub(crate) fn oversize(&self) -> Vec<StreamName> {
        let over = self.writer.streams.iter().filter(|(_, writing)| excess(writing.config.size_mib, writing.tally.bytes));
        over.map(|(at, _)| at.clone()).collect()
    }

    /// Deletes the oldest records of a stream until it is within its bound. Answers whether it still is above.
    pub(crate) fn trim(&mut self, at: &StreamName) -> Result<bool> {
        let engine = Arc::clone(&self.writer.engine);
        let Some(writing) = self.writer.streams.get(at) else { return Ok(false) };
        let (tenant, number, low) = (at.0, writing.stream.number, writing.tally.low);
        let lower = RecordKey { tenant, number, at: low }.encode();
        let upper = keys::after(&keys::stream_prefix(tenant, number));
        let mut walk = engine.walk(Table::Records, &lower, &upper, Reading::Once)?;
        walk.seek_to_first();
        let mut left = PIECE;
        let mut next = Place::MAX;
        let mut last = None;
        while let Some((key, value)) = walk.item() {
            let place = RecordKey::decode(key).ok_or_else(|| damaged_record(&at.1))?.at;
            let over = self.writer.streams.get(at).is_some_and(|writing| excess(writing.config.size_mib, writing.tally.bytes));
            if !over || left == 0 {
                next = place;
                break;
            }
            left -= 1;
            let stored = Stored::decode(value).ok_or_else(|| damaged_record(&at.1))?;
            self.forget(at, place, value.len(), stored)?;
            last = Some(key.to_vec());
            walk.next();
        }
        walk.status().map_err(failed)?;
        if let Some(mut end) = last {
            end.push(0);
            let family = self.writer.engine.family(Table::Records)?;
            self.batch.delete_range_cf(family, &lower[..], &end);
        }
        let Some(writing) = self.writer.streams.get_mut(at) else { return Ok(false) };
        writing.tally.low = next;
        self.touched.insert(number);
        Ok(excess(writing.config.size_mib, writing.tally.bytes) && next != Place::MAX)
    }

    /// Takes a record out of the indexes and the tally of its stream.
    pub(super) fn forget(&mut self, at: &StreamName, place: Place, len: usize, mut stored: Stored<'_>) -> Result<()> {
        let family = self.writer.engine.family(Table::Indexes)?;
        let Some(writing) = self.writer.streams.get_mut(at) else { return Ok(()) };
        let (tenant, number) = (at.0, writing.stream.number);
        while let Some((field, kind, bytes)) = stored.next_cell().map_err(|_| damaged_record(&at.1))? {
            let Some(text) = writing.is_indexed(field).then(|| indexed_value(kind, bytes)).flatten() else { continue };
            let mut entry = keys::index_value(tenant, number, field, &text);
            entry.extend_from_slice(&place.encode());
            self.batch.delete_cf(family, entry);
        }
        writing.tally.bytes = writing.tally.bytes.saturating_sub((RecordKey::LEN + len) as u64);
        writing.tally.count = writing.tally.count.saturating_sub(1);
        self.touched.insert(number);
        Ok(())
    }
}

/// FlowG 10.5: a bound of 0 is none.
fn excess(size_mib: i64, bytes: u64) -> bool {
    u64::try_from(size_mib).is_ok_and(|bound| bound > 0 && bytes > bound.saturating_mul(MIB))
}
