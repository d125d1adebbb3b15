//! Settings of a stream, and the building of its value indexes while records keep arriving (FlowG 10.4).
//!
//! Three steps: [`Group::begin`] makes everything written from then on enter the new indexes; [`Group::backfill`] enters what
//! was there before, newest first, a piece at a time; [`Group::finish`] saves the settings, from which on queries use the
//! indexes. What was begun and not finished is dropped at the next start.

use super::Group;
use super::streams::indexed_value;
use crate::engine::{Reading, Table, failed};
use crate::format::keys::{Place, RecordKey, meta, stream_prefix};
use crate::format::record::Stored;
use crate::format::{VERSION, encode_number, keys};
use crate::types::StreamConfig;
use headworks_core::{Error, ErrorCode, Result, TenantId};
use std::sync::Arc;

/// Records that are entered at once, while nothing else is written.
const PIECE: usize = 1000;

/// How a change of settings goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Opening {
    /// It is done.
    Done,
    /// The stream with this number has to be backfilled.
    Build(u32),
}

/// How a backfill goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backfill {
    /// With what is before this place.
    Before(Place),
    /// It is done.
    Done,
    /// The stream was purged meanwhile.
    Gone,
}

impl Group<'_> {
    /// Applies settings that need no new index; otherwise starts the indexes.
    pub(crate) fn begin(&mut self, tenant: TenantId, name: &str, config: &StreamConfig, author: &str) -> Result<Opening> {
        self.ensure(tenant, name, author)?;
        let Some(writing) = self.writer.streams.get_mut(&(tenant, name.to_owned())) else { return Ok(Opening::Done) };
        let number = writing.stream.number;
        let added: Vec<String> = config.indexed_fields.difference(&writing.config.indexed_fields).cloned().collect();
        if added.is_empty() || writing.tally.count == 0 {
            self.finish(tenant, name, number, config, author)?;
            return Ok(Opening::Done);
        }
        writing.building.extend(added);
        writing.refresh_indexed();
        self.put(Table::Meta, &meta::of_stream(meta::BUILDING, tenant, number), &encode_number(0))?;
        Ok(Opening::Build(number))
    }

    /// Enters the next piece of older records. Has to be alone: it reads what was written.
    pub(crate) fn backfill(&mut self, tenant: TenantId, name: &str, number: u32, before: Option<Place>) -> Result<Backfill> {
        let engine = Arc::clone(&self.writer.engine);
        let Some(writing) = self.writer.streams.get(&(tenant, name.to_owned())) else { return Ok(Backfill::Gone) };
        if writing.stream.number != number {
            return Ok(Backfill::Gone);
        }
        let wanted: Vec<u32> = writing.building.iter().filter_map(|field| writing.number_of(field)).collect();
        let prefix = stream_prefix(tenant, number);
        let upper = before.map_or_else(|| keys::after(&prefix), |at| RecordKey { tenant, number, at }.encode().to_vec());
        let mut walk = engine.walk(Table::Records, &prefix, &upper, Reading::Once)?;
        walk.seek_to_last();
        let mut last = None;
        for _ in 0..PIECE {
            let Some((key, value)) = walk.item() else { break };
            let at = RecordKey::decode(key).ok_or_else(|| damaged_record(name))?.at;
            let mut stored = Stored::decode(value).ok_or_else(|| damaged_record(name))?;
            while let Some((field, kind, bytes)) = stored.next_cell().map_err(|_| damaged_record(name))? {
                let Some(text) = wanted.contains(&field).then(|| indexed_value(kind, bytes)).flatten() else { continue };
                let mut entry = keys::index_value(tenant, number, field, &text);
                entry.extend_from_slice(&at.encode());
                self.put(Table::Indexes, &entry, &[VERSION])?;
            }
            last = Some(at);
            walk.prev();
        }
        walk.status().map_err(failed)?;
        let more = walk.valid();
        Ok(last.filter(|_| more).map_or(Backfill::Done, Backfill::Before))
    }

    /// Saves the settings and drops the indexes that are not in them. Answers whether the stream is still the same.
    pub(crate) fn finish(
        &mut self,
        tenant: TenantId,
        name: &str,
        number: u32,
        config: &StreamConfig,
        author: &str,
    ) -> Result<bool> {
        let Some(writing) = self.writer.streams.get_mut(&(tenant, name.to_owned())) else { return Ok(false) };
        if writing.stream.number != number {
            return Ok(false);
        }
        let removed = writing.config.indexed_fields.difference(&config.indexed_fields);
        let dropped: Vec<u32> = removed.filter_map(|field| writing.number_of(field)).collect();
        let built = !std::mem::take(&mut writing.building).is_empty();
        writing.config = config.clone();
        writing.refresh_indexed();
        let stream = Arc::clone(&writing.stream);
        for field in dropped {
            self.delete_prefix(Table::Indexes, &keys::index(tenant, number, field))?;
        }
        if built {
            self.delete(Table::Meta, &meta::of_stream(meta::BUILDING, tenant, number))?;
        }
        self.save_settings(tenant, name, author)?;
        let config = config.clone();
        self.publish.push(Box::new(move |_| stream.set_config(config)));
        Ok(true)
    }
}

pub(super) fn damaged_record(stream: &str) -> Error {
    Error::new(ErrorCode::Corrupt, format!("a record of the stream `{stream}` cannot be read; run `verify`"))
}
