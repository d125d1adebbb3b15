//! The batch as flat lists: what crosses into a plugin at once.

use super::{Batch, Cell, Data, FieldId, Kind, Row};
use crate::{Error, ErrorCode, Result, Timestamp};
use std::sync::Arc;

/// All of a batch as lists (`flat` in `wit/headworks-plugin`). The cells of record `r` end at `rows[r]`, the value of cell
/// `c` ends at `ends[c]`; each begins where the one before ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flat {
    /// Field names, each once.
    pub names: Vec<String>,
    /// Per record, the index after its last cell.
    pub rows: Vec<u32>,
    /// Per cell, the index of its name.
    pub fields: Vec<u32>,
    /// Per cell, the number of its [`Kind`].
    pub kinds: Vec<u8>,
    /// Per cell, the index after its last byte in the pool.
    pub ends: Vec<u32>,
    /// The values, back to back.
    pub pool: Vec<u8>,
    /// Per record, the index of the record it was made from.
    pub origins: Vec<u32>,
}

impl Batch {
    /// This batch as flat lists; the origins are 0, 1, 2, …
    pub fn to_flat(&self) -> Flat {
        let cells = self.rows.iter().map(|row| (row.end - row.first) as usize).sum();
        let pool = self.data.pool.len().min(self.rows.len().saturating_mul(4096));
        self.lists(self.names().map(str::to_owned).collect(), cells, pool, |field| Some(field.0))
    }

    /// These fields as flat lists; a name that comes twice has its fields under the later one.
    pub fn to_flat_fields(&self, names: Vec<String>) -> Flat {
        let mut asked = vec![None; self.data.names.len()];
        for (index, name) in (0..).zip(&names) {
            if let Some(place) = self.field(name).and_then(|field| asked.get_mut(field.0 as usize)) {
                *place = Some(index);
            }
        }
        let cells = self.rows.len() * names.len();
        self.lists(names, cells, 0, |field| asked.get(field.0 as usize).copied().flatten())
    }

    /// The cells to which `number` gives the index of a name.
    fn lists(&self, names: Vec<String>, cells: usize, pool: usize, number: impl Fn(FieldId) -> Option<u32>) -> Flat {
        let mut flat = Flat {
            names,
            rows: Vec::with_capacity(self.rows.len()),
            fields: Vec::with_capacity(cells),
            kinds: Vec::with_capacity(cells),
            ends: Vec::with_capacity(cells),
            pool: Vec::with_capacity(pool),
            origins: (0..self.rows.len() as u32).collect(),
        };
        for row in &self.rows {
            for cell in self.data.cells(*row) {
                let Some(field) = number(cell.field) else { continue };
                flat.fields.push(field);
                flat.kinds.push(cell.kind as u8);
                flat.pool.extend_from_slice(self.data.bytes(*cell));
                flat.ends.push(flat.pool.len() as u32);
            }
            flat.rows.push(flat.fields.len() as u32);
        }
        flat
    }

    /// A batch of flat lists that come from a plugin, with the times of their origins in `times`. Answers the origins too.
    ///
    /// # Errors
    /// [`ErrorCode::PluginOutput`] names the list that does not fit: an index or offset outside, a kind that does not exist,
    /// bytes that its kind does not accept, or a name that occurs twice in a record.
    pub fn from_flat(flat: Flat, times: &[Timestamp]) -> Result<(Self, Vec<u32>)> {
        let bad = |what: &str| Error::new(ErrorCode::PluginOutput, format!("the plugin answered a batch that cannot be: {what}"));
        let Flat { names, rows, fields, kinds, ends, pool, origins } = flat;
        if fields.len() != kinds.len() || fields.len() != ends.len() {
            return Err(bad("fields, kinds and ends differ in length"));
        }
        if rows.len() != origins.len() {
            return Err(bad("rows and origins differ in length"));
        }
        if pool.len() > super::MAX_POOL {
            return Err(bad("the pool is too large"));
        }
        // Checking the pool as a whole is much quicker than checking each text in it.
        let text = std::str::from_utf8(&pool).ok();
        let accepts = |kind: Kind, start: u32, end: u32, bytes: &[u8]| match (kind, text) {
            (Kind::Text | Kind::Json, Some(text)) => text.is_char_boundary(start as usize) && text.is_char_boundary(end as usize),
            _ => kind.accepts(bytes),
        };
        let mut data = Data::default();
        let ids: Vec<FieldId> = names.iter().map(|name| data.names.intern(name)).collect();
        data.cells.reserve(fields.len());
        let mut start = 0;
        for ((&field, &kind), &end) in fields.iter().zip(&kinds).zip(&ends) {
            let field = *ids.get(field as usize).ok_or_else(|| bad("fields has an index outside names"))?;
            let kind = Kind::from_u8(kind).ok_or_else(|| bad("kinds has a number that is no kind"))?;
            let bytes = pool.get(start as usize..end as usize).ok_or_else(|| bad("ends goes backwards or past the pool"))?;
            if !accepts(kind, start, end, bytes) {
                return Err(bad("a value is not of its kind"));
            }
            data.cells.push(Cell { field, start, len: end - start, kind });
            start = end;
        }
        data.pool = pool;
        let mut seen = vec![0u32; data.names.len()];
        let mut answer = Vec::with_capacity(rows.len());
        let mut first = 0;
        for (index, (&end, &origin)) in rows.iter().zip(&origins).enumerate() {
            let time = *times.get(origin as usize).ok_or_else(|| bad("origins has an index outside the batch"))?;
            let cells =
                data.cells.get(first as usize..end as usize).ok_or_else(|| bad("rows goes backwards or past the cells"))?;
            for cell in cells {
                match seen.get_mut(cell.field.0 as usize) {
                    Some(last) if *last != index as u32 + 1 => *last = index as u32 + 1,
                    _ => return Err(bad("a name occurs twice in a record")),
                }
            }
            answer.push(Row { time, first, end });
            first = end;
        }
        Ok((Self { data: Arc::new(data), rows: answer }, origins))
    }
}
