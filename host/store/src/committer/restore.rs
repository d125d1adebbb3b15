//! Records that come back from a backup: at the places that their names give them, with the expiry that they had.
//!
//! What must stay true: restoring the same records again changes nothing; a record that is there already under the same name
//! is replaced, with its index entries and its part of the tally. Has to be alone: it reads what was written.

use super::indexes::damaged_record;
use super::streams::Placing;
use super::{Group, StreamName};
use crate::engine::Table;
use crate::format::keys::{Place, RecordKey};
use crate::format::record::Stored;
use crate::types::Restored;
use headworks_core::{Error, Result, TenantId};
use std::collections::BTreeSet;

/// Whom the audit names for streams that a restore makes.
const AUTHOR: &str = "restore";
/// Records that are looked up at once.
const FETCH: usize = 256;

impl Group<'_> {
    /// Replaces, adds and deletes records of a stream, which is made where it does not exist.
    pub(crate) fn restore(&mut self, tenant: TenantId, name: &str, restored: Restored) -> Result<()> {
        let Restored { records, marks, deleted, fields } = restored;
        let at = (tenant, name.to_owned());
        let places: Vec<Place> =
            records.records().zip(&marks).map(|(row, mark)| Place::named(row.time().millis(), mark.uuid)).collect();
        let gone = deleted.iter().map(|id| Place::named(i64::try_from(id.ms).unwrap_or(i64::MAX), id.uuid));
        let mut taken: Vec<Place> = places.iter().copied().chain(gone).collect();
        taken.sort_unstable();
        if places.len() != records.len() || taken.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(Error::internal("records that are restored together have to have a name each"));
        }
        let known = self.writer.streams.get(&at);
        let names: BTreeSet<&str> = records.names().chain(fields.iter().map(String::as_str)).collect();
        let new = names.into_iter().filter(|field| known.is_none_or(|writing| writing.number_of(field).is_none()));
        self.check_fields(tenant, name, new.count())?;
        let replaced = self.present(&at, &taken)?;
        if records.is_empty() && fields.is_empty() && !self.writer.streams.contains_key(&at) {
            return Ok(());
        }
        self.ensure(tenant, name, AUTHOR)?;
        self.remember_fields(&at, &fields)?;
        self.erase(&at, &replaced)?;
        let expiries: Vec<u64> = marks.iter().map(|mark| mark.expiry).collect();
        self.append_part(&at, &records, Placing::Given { places: &places, expiries: &expiries })?;
        Ok(())
    }

    /// The stored records at these places, which are in ascending order, as far as there are any that can be read.
    fn present(&self, at: &StreamName, places: &[Place]) -> Result<Vec<(Place, Vec<u8>)>> {
        let writer = &*self.writer;
        let Some(writing) = writer.streams.get(at).filter(|writing| writing.tally.count > 0) else { return Ok(Vec::new()) };
        let (tenant, number) = (at.0, writing.stream.number);
        let mut found = Vec::new();
        for piece in places.chunks(FETCH) {
            let keys: Vec<_> = piece.iter().map(|at| RecordKey { tenant, number, at: *at }.encode()).collect();
            for (place, value) in piece.iter().zip(writer.engine.get_many(Table::Records, &keys)?) {
                let Some(value) = value else { continue };
                let mut stored = Stored::decode(&value).ok_or_else(|| damaged_record(&at.1))?;
                while stored.next_cell().map_err(|_| damaged_record(&at.1))?.is_some() {}
                found.push((*place, value.to_vec()));
            }
        }
        Ok(found)
    }

    /// Takes stored records out of their stream.
    fn erase(&mut self, at: &StreamName, records: &[(Place, Vec<u8>)]) -> Result<()> {
        for (place, value) in records {
            let Some(number) = self.writer.streams.get(at).map(|writing| writing.stream.number) else { return Ok(()) };
            self.delete(Table::Records, &RecordKey { tenant: at.0, number, at: *place }.encode())?;
            let stored = Stored::decode(value).ok_or_else(|| damaged_record(&at.1))?;
            self.forget(at, *place, value.len(), stored)?;
        }
        Ok(())
    }
}
