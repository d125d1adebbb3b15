//! Records on the move.
//!
//! A [`Batch`] keeps field names once, one row per record and the values back to back in one pool. It is built once at
//! ingest ([`BatchBuilder`]), mapped by nodes and written to disk row by row. Selecting, slicing and filtering share the
//! data and copy rows only; changing a column copies the data when another batch shares it. Nothing here allocates per
//! field.
//!
//! What must stay true: a name occurs at most once in a row; every cell lies inside the pool; cells marked text or JSON
//! hold UTF-8.

mod builder;
mod columns;
mod flat;
mod names;
mod value;

pub use builder::BatchBuilder;
pub use flat::Flat;
pub use names::FieldId;
pub use value::{Kind, Value};

use crate::{Error, ErrorCode, Timestamp};
use names::Names;
use std::sync::Arc;

/// The most bytes of values one batch may hold.
pub const MAX_POOL: usize = 1 << 30;

fn pool_full() -> Error {
    Error::new(ErrorCode::TooLarge, format!("a batch holds at most {MAX_POOL} bytes of values; send fewer records at a time"))
}

/// Records that share their field names and value pool. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    data: Arc<Data>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, Default)]
struct Data {
    names: Names,
    cells: Vec<Cell>,
    pool: Vec<u8>,
}

/// Where a record's cells are, and when the server received it.
#[derive(Clone, Copy, Debug)]
struct Row {
    time: Timestamp,
    first: u32,
    end: u32,
}

#[derive(Clone, Copy, Debug)]
struct Cell {
    field: FieldId,
    start: u32,
    len: u32,
    kind: Kind,
}

impl Data {
    fn cells(&self, row: Row) -> &[Cell] {
        self.cells.get(row.first as usize..row.end as usize).unwrap_or_default()
    }

    fn bytes(&self, cell: Cell) -> &[u8] {
        let start = cell.start as usize;
        self.pool.get(start..start + cell.len as usize).unwrap_or_default()
    }

    fn value(&self, cell: Cell) -> Value<'_> {
        Value::read(cell.kind, self.bytes(cell))
    }
}

impl Batch {
    /// The number of records.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes of values and names this batch holds on to, shared ones included.
    pub fn memory(&self) -> usize {
        self.data.pool.len() + self.data.cells.len() * size_of::<Cell>() + self.rows.len() * size_of::<Row>()
    }

    /// Bytes of values this batch holds on to, shared ones included.
    pub fn payload(&self) -> usize {
        self.data.pool.len()
    }

    /// The field names that may occur, in order of first use. A name may be left over from records that are gone.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.data.names.iter()
    }

    /// The name of a field of this batch; empty for an id of another batch.
    pub fn name(&self, field: FieldId) -> &str {
        self.data.names.get(field)
    }

    /// The id of a name, if any record ever had it.
    pub fn field(&self, name: &str) -> Option<FieldId> {
        self.data.names.find(name)
    }

    /// One record.
    pub fn record(&self, index: usize) -> Option<Record<'_>> {
        self.rows.get(index).map(|row| Record { data: &self.data, row: *row })
    }

    /// All records in order.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.rows.iter().map(|row| Record { data: &self.data, row: *row })
    }

    /// The same records, each received at `time`.
    #[must_use]
    pub fn received_at(mut self, time: Timestamp) -> Self {
        for row in &mut self.rows {
            row.time = time;
        }
        self
    }

    /// The records at these indexes, in this order; an index outside is passed over. Shares the data.
    #[must_use]
    pub fn select(&self, indexes: &[u32]) -> Self {
        let rows = indexes.iter().filter_map(|&index| self.rows.get(index as usize).copied()).collect();
        Self { data: Arc::clone(&self.data), rows }
    }

    /// The records of a range, which is cut to what there is. Shares the data.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        let end = range.end.min(self.rows.len());
        let rows = self.rows.get(range.start.min(end)..end).unwrap_or_default().to_vec();
        Self { data: Arc::clone(&self.data), rows }
    }

    /// The records whose place in `mask` is true; a missing place counts as false. Shares the data.
    #[must_use]
    pub fn filter(&self, mask: &[bool]) -> Self {
        let rows = self.rows.iter().zip(mask).filter_map(|(row, keep)| keep.then_some(*row)).collect();
        Self { data: Arc::clone(&self.data), rows }
    }

    /// All records of `batches`, in order, in one batch.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`](crate::ErrorCode::TooLarge) when the values together exceed [`MAX_POOL`].
    pub fn concat<'a>(batches: impl IntoIterator<Item = &'a Self>) -> crate::Result<Self> {
        let mut batches = batches.into_iter().peekable();
        let Some(first) = batches.next() else { return Ok(Self::default()) };
        if batches.peek().is_none() {
            return Ok(first.clone());
        }
        let mut builder = BatchBuilder::default();
        builder.append(first);
        for batch in batches {
            builder.append(batch);
        }
        builder.finish()
    }
}

/// Two batches are equal when their records are: times, names, kinds and values; order of fields does not count.
impl PartialEq for Batch {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.records().zip(other.records()).all(|(a, b)| a == b)
    }
}

/// One record of a batch.
#[derive(Clone, Copy)]
pub struct Record<'a> {
    data: &'a Data,
    row: Row,
}

impl<'a> Record<'a> {
    /// When the server received it.
    pub fn time(&self) -> Timestamp {
        self.row.time
    }

    /// The number of fields.
    pub fn len(&self) -> usize {
        (self.row.end - self.row.first) as usize
    }

    /// Whether it has no field.
    pub fn is_empty(&self) -> bool {
        self.row.end == self.row.first
    }

    /// Names and values, in no particular order.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let data = self.data;
        data.cells(self.row).iter().map(move |cell| (data.names.get(cell.field), data.value(*cell)))
    }

    /// Field ids, kinds and raw bytes, in no particular order. See [`Kind`] for the bytes.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = (FieldId, Kind, &'a [u8])> + use<'a> {
        let data = self.data;
        data.cells(self.row).iter().map(move |cell| (cell.field, cell.kind, data.bytes(*cell)))
    }

    /// The value of a field by its id.
    pub fn value(&self, field: FieldId) -> Option<Value<'a>> {
        let cell = self.data.cells(self.row).iter().find(|cell| cell.field == field)?;
        Some(self.data.value(*cell))
    }

    /// The value of a field by its name.
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.value(self.data.names.find(name)?)
    }

    /// The value of a field where it is text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Names and values by ascending name.
    pub fn sorted(&self) -> Vec<(&'a str, Value<'a>)> {
        let mut fields: Vec<_> = self.fields().collect();
        fields.sort_unstable_by_key(|(name, _)| *name);
        fields
    }
}

impl PartialEq for Record<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.row.time == other.row.time && self.sorted() == other.sorted()
    }
}

impl std::fmt::Debug for Record<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.sorted()).finish()
    }
}

/// A JSON object with names in ascending order; times are left out.
impl serde::Serialize for Record<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.sorted())
    }
}

#[cfg(test)]
mod tests;
