//! Making batches.

use super::{Batch, Cell, Data, FieldId, Kind, MAX_POOL, Row, Value, pool_full};
use crate::{Result, Timestamp};
use std::sync::Arc;

/// Takes records field by field. A field that is given twice in one record keeps the later value.
///
/// ```
/// use headworks_core::{BatchBuilder, Timestamp, Value};
/// let mut builder = BatchBuilder::default();
/// builder.field("level", Value::Text("info"));
/// builder.end_record(Timestamp::now());
/// assert_eq!(builder.finish().map(|batch| batch.len()), Ok(1));
/// ```
#[derive(Debug, Default)]
pub struct BatchBuilder {
    data: Data,
    rows: Vec<Row>,
    /// Where the open record begins.
    first: u32,
    /// Per field: the index after its latest cell, to find it again within the open record.
    latest: Vec<u32>,
    overflow: bool,
}

impl BatchBuilder {
    /// The id under which [`cell`](Self::cell) takes this name.
    pub fn intern(&mut self, name: &str) -> FieldId {
        let field = self.data.names.intern(name);
        if self.latest.len() < self.data.names.len() {
            self.latest.resize(self.data.names.len(), 0);
        }
        field
    }

    /// The name that was interned here; empty for an id of another batch.
    pub fn name(&self, field: FieldId) -> &str {
        self.data.names.get(field)
    }

    /// Adds a field to the open record.
    pub fn field(&mut self, name: &str, value: Value<'_>) {
        let field = self.intern(name);
        self.cell(field, value);
    }

    /// Adds a field whose name was interned here.
    pub fn cell(&mut self, field: FieldId, value: Value<'_>) {
        self.add(field, value.size(), |pool| value.write(pool));
    }

    /// Adds a field whose kind and bytes come from [`Record::cells`](super::Record::cells) or from storage that wrote such.
    /// Bytes that the kind does not accept read as null later.
    pub fn raw_cell(&mut self, field: FieldId, kind: Kind, bytes: &[u8]) {
        self.add(field, bytes.len(), |pool| {
            pool.extend_from_slice(bytes);
            kind
        });
    }

    fn add(&mut self, field: FieldId, len: usize, write: impl FnOnce(&mut Vec<u8>) -> Kind) {
        let start = self.data.pool.len();
        if start + len > MAX_POOL {
            self.overflow = true;
            return;
        }
        let cell = Cell { field, start: start as u32, len: len as u32, kind: write(&mut self.data.pool) };
        let Some(latest) = self.latest.get_mut(field.0 as usize) else { return };
        match self.data.cells.get_mut((*latest as usize).wrapping_sub(1)) {
            Some(known) if *latest > self.first => *known = cell,
            _ => {
                self.data.cells.push(cell);
                *latest = self.data.cells.len() as u32;
            }
        }
    }

    /// Ends the open record, which may have no field.
    pub fn end_record(&mut self, time: Timestamp) {
        let end = self.data.cells.len() as u32;
        self.rows.push(Row { time, first: self.first, end });
        self.first = end;
    }

    /// Forgets the fields of the open record.
    pub fn drop_record(&mut self) {
        self.data.cells.truncate(self.first as usize);
        for latest in &mut self.latest {
            *latest = (*latest).min(self.first);
        }
    }

    /// Adds the records of another batch.
    pub fn append(&mut self, batch: &Batch) {
        let ids: Vec<FieldId> = batch.names().map(|name| self.intern(name)).collect();
        for record in batch.records() {
            for (field, kind, bytes) in record.cells() {
                if let Some(&field) = ids.get(field.0 as usize) {
                    self.raw_cell(field, kind, bytes);
                }
            }
            self.end_record(record.time());
        }
    }

    /// The number of ended records.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether no record was ended.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of values so far.
    pub fn bytes(&self) -> usize {
        self.data.pool.len()
    }

    /// The batch of all ended records.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`](crate::ErrorCode::TooLarge) when the values exceed [`MAX_POOL`].
    pub fn finish(mut self) -> Result<Batch> {
        if self.overflow {
            return Err(pool_full());
        }
        self.drop_record();
        Ok(Batch { data: Arc::new(self.data), rows: self.rows })
    }
}
