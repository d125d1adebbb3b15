//! Changing fields of all records.

use super::{Batch, Cell, Data, FieldId, MAX_POOL, Row, Value, pool_full};
use crate::Result;
use std::sync::Arc;

impl Batch {
    /// Replaces a field: `value` is asked per record index, `None` removes the field there.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`](crate::ErrorCode::TooLarge) when the values exceed [`MAX_POOL`]; the batch is then unchanged.
    pub fn set_column<'v>(&mut self, name: &str, mut value: impl FnMut(usize) -> Option<Value<'v>>) -> Result<()> {
        self.edit(|data, rows| {
            let field = data.names.intern(name);
            let mut cells = Vec::with_capacity(data.cells.len() + rows.len());
            let mut changed = Vec::with_capacity(rows.len());
            for (index, row) in rows.iter().enumerate() {
                let first = cells.len() as u32;
                cells.extend(data.cells(*row).iter().filter(|cell| cell.field != field));
                if let Some(value) = value(index) {
                    cells.push(data.push(field, value)?);
                }
                changed.push(Row { time: row.time, first, end: cells.len() as u32 });
            }
            data.cells = cells;
            *rows = changed;
            Ok(())
        })
    }

    /// Replaces the fields `names` of some records: record `index` of `from` has the new ones of record `origins[index]`, and
    /// the last one counts. What `from` has under other names is added where the record has no such field.
    ///
    /// # Errors
    /// As [`set_column`](Self::set_column).
    pub fn set_fields(&mut self, names: &[String], from: &Self, origins: &[u32]) -> Result<()> {
        let mut news = vec![None; self.len()];
        for (&origin, row) in origins.iter().zip(&from.rows) {
            if let Some(place) = news.get_mut(origin as usize) {
                *place = Some(*row);
            }
        }
        self.edit(|data, rows| {
            let base = data.pool.len();
            if base + from.data.pool.len() > MAX_POOL {
                return Err(pool_full());
            }
            data.pool.extend_from_slice(&from.data.pool);
            let ids: Vec<FieldId> = from.names().map(|name| data.names.intern(name)).collect();
            let mut replaced = vec![false; data.names.len()];
            for name in names {
                if let Some(place) = data.names.find(name).and_then(|field| replaced.get_mut(field.0 as usize)) {
                    *place = true;
                }
            }
            let gives_way = |field: FieldId| replaced.get(field.0 as usize).copied().unwrap_or_default();
            let mut cells = Vec::with_capacity(data.cells.len() + from.data.cells.len());
            for (row, new) in rows.iter_mut().zip(news) {
                let first = cells.len();
                let old = data.cells(*row).iter();
                match new {
                    None => cells.extend(old),
                    Some(new) => {
                        cells.extend(old.filter(|cell| !gives_way(cell.field)));
                        let kept = cells.len();
                        for cell in from.data.cells(new) {
                            let Some(&field) = ids.get(cell.field.0 as usize) else { continue };
                            let has = |cells: &[Cell]| cells.iter().any(|cell| cell.field == field);
                            if gives_way(field) || !cells.get(first..kept).is_some_and(has) {
                                cells.push(Cell { field, start: cell.start + base as u32, ..*cell });
                            }
                        }
                    }
                }
                (row.first, row.end) = (first as u32, cells.len() as u32);
            }
            data.cells = cells;
            Ok(())
        })
    }

    /// Gives a field the same value in every record.
    ///
    /// # Errors
    /// As [`set_column`](Self::set_column).
    pub fn fill(&mut self, name: &str, value: Value<'_>) -> Result<()> {
        self.edit(|data, rows| {
            let field = data.names.intern(name);
            let shared = data.push(field, value)?;
            data.rebuild(rows, |_| Some(shared), |_, cell| (cell.field != field).then_some(cell));
            Ok(())
        })
    }

    /// Removes a field from every record.
    pub fn remove_column(&mut self, name: &str) {
        let Some(field) = self.field(name) else { return };
        self.rebuild(|data, rows| data.rebuild(rows, |_| None, |_, cell| (cell.field != field).then_some(cell)));
    }

    /// Renames a field. Where a record has the new name already, that value is replaced.
    pub fn rename(&mut self, name: &str, to: &str) {
        let Some(from) = self.field(name).filter(|_| name != to) else { return };
        self.rebuild(|data, rows| {
            let to = data.names.intern(to);
            let moved = |cells: &[Cell]| cells.iter().find(|cell| cell.field == from).map(|cell| Cell { field: to, ..*cell });
            let replaced: Vec<Option<Cell>> = rows.iter().map(|row| moved(data.cells(*row))).collect();
            let has = |index: usize| replaced.get(index).copied().flatten();
            data.rebuild(rows, has, |index, cell| {
                let gone = cell.field == from || (cell.field == to && has(index).is_some());
                (!gone).then_some(cell)
            });
        });
    }

    /// Replaces one cell; `None` removes it. Nothing happens for an index outside.
    ///
    /// # Errors
    /// As [`set_column`](Self::set_column).
    pub fn set(&mut self, index: usize, name: &str, value: Option<Value<'_>>) -> Result<()> {
        self.edit(|data, rows| {
            let Some(row) = rows.get_mut(index) else { return Ok(()) };
            let field = data.names.intern(name);
            let new = value.map(|value| data.push(field, value)).transpose()?;
            let first = data.cells.len();
            for place in row.first..row.end {
                if let Some(cell) = data.cells.get(place as usize).copied().filter(|cell| cell.field != field) {
                    data.cells.push(cell);
                }
            }
            data.cells.extend(new);
            (row.first, row.end) = (first as u32, data.cells.len() as u32);
            Ok(())
        })
    }

    /// Runs a change on data that nothing else shares. A change that fails leaves the rows as they are.
    fn edit(&mut self, change: impl FnOnce(&mut Data, &mut Vec<Row>) -> Result<()>) -> Result<()> {
        let mut data = Arc::unwrap_or_clone(std::mem::take(&mut self.data));
        let result = change(&mut data, &mut self.rows);
        self.data = Arc::new(data);
        result
    }

    /// As [`edit`](Self::edit), for changes that cannot fail.
    fn rebuild(&mut self, change: impl FnOnce(&mut Data, &mut Vec<Row>)) {
        let mut data = Arc::unwrap_or_clone(std::mem::take(&mut self.data));
        change(&mut data, &mut self.rows);
        self.data = Arc::new(data);
    }
}

impl Data {
    fn push(&mut self, field: FieldId, value: Value<'_>) -> Result<Cell> {
        let (start, len) = (self.pool.len(), value.size());
        if start + len > MAX_POOL {
            return Err(pool_full());
        }
        Ok(Cell { field, start: start as u32, len: len as u32, kind: value.write(&mut self.pool) })
    }

    /// Lays out the cells of `rows` anew: of each row those that `keep` answers, then the one that `add` answers for its index.
    fn rebuild(&mut self, rows: &mut [Row], add: impl Fn(usize) -> Option<Cell>, keep: impl Fn(usize, Cell) -> Option<Cell>) {
        let mut cells = Vec::with_capacity(self.cells.len() + rows.len());
        for (index, row) in rows.iter_mut().enumerate() {
            let first = cells.len();
            cells.extend(self.cells(*row).iter().filter_map(|cell| keep(index, *cell)));
            cells.extend(add(index));
            (row.first, row.end) = (first as u32, cells.len() as u32);
        }
        self.cells = cells;
    }
}
