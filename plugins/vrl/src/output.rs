//! The records that a script makes, as flat lists.

use crate::flat::{Flat, TEXT};
use crate::names::Names;
use crate::text;
use std::fmt::Write as _;
use std::ops::Range;
use vrl::value::Value;

/// Takes the cells of one record after the other. A name that comes twice keeps the later value.
#[derive(Default)]
pub(crate) struct Output {
    pub(crate) names: Names,
    flat: Flat,
    /// Per name: the record, counted from 1, that has it.
    seen: Vec<u32>,
    record: u32,
    /// Where names of nested values are put together.
    path: String,
}

impl Output {
    /// Begins anew. The names keep their numbers.
    pub(crate) fn reset(&mut self, names: Vec<String>) {
        self.flat.clear();
        self.names.reset(names);
        self.seen.clear();
        self.record = 1;
    }

    /// What was made since the last reset. The lists are given back by [`reuse`](Self::reuse).
    pub(crate) fn take(&mut self) -> Flat {
        let mut flat = std::mem::take(&mut self.flat);
        flat.names = self.names.take();
        flat
    }

    pub(crate) fn reuse(&mut self, flat: Flat) {
        self.flat = flat;
    }

    /// Ends a record that was made from record `origin`.
    pub(crate) fn end_record(&mut self, origin: u32) {
        self.flat.rows.push(self.flat.fields.len() as u32);
        self.flat.origins.push(origin);
        self.record += 1;
    }

    /// Adds whole records as they are in the input.
    pub(crate) fn copy_records(&mut self, input: &Flat, pool: &[u8], records: Range<usize>) {
        let (Some(last), false) = (records.end.checked_sub(1), records.is_empty()) else { return };
        let cells = input.row(records.start).start..input.row(last).end;
        let before = self.flat.fields.len();
        let rows = input.rows.get(records.clone()).unwrap_or_default();
        self.flat.rows.extend(rows.iter().map(|&end| (end as usize - cells.start + before) as u32));
        self.flat.origins.extend(records.start as u32..records.end as u32);
        self.record += rows.len() as u32;
        self.copy_cells(input, pool, cells);
    }

    /// Adds cells as they are in the input. None of them may be in the open record already, nor come again.
    pub(crate) fn copy_cells(&mut self, input: &Flat, pool: &[u8], cells: Range<usize>) {
        let (Some(last), false) = (cells.end.checked_sub(1), cells.is_empty()) else { return };
        let bytes = input.bytes(cells.start).start..input.bytes(last).end;
        let before = self.flat.pool.len();
        let ends = input.ends.get(cells.clone()).unwrap_or_default();
        self.flat.ends.extend(ends.iter().map(|&end| (end as usize - bytes.start + before) as u32));
        self.flat.fields.extend_from_slice(input.fields.get(cells.clone()).unwrap_or_default());
        self.flat.kinds.extend_from_slice(input.kinds.get(cells).unwrap_or_default());
        self.flat.pool.extend_from_slice(pool.get(bytes).unwrap_or_default());
    }

    /// Adds one cell as it is in the input. A value that the open record has under that name already gives way.
    pub(crate) fn copy_cell(&mut self, input: &Flat, pool: &[u8], cell: usize, field: u32) {
        if self.mark(field) {
            self.forget(field);
        }
        self.copy_cells(input, pool, cell..cell + 1);
    }

    /// Adds a value under a name; objects and arrays become one cell per scalar in them (FlowG 8).
    pub(crate) fn value(&mut self, field: u32, value: &Value) {
        match value {
            Value::Object(_) | Value::Array(_) => {
                let mut path = std::mem::take(&mut self.path);
                path.clear();
                path.push_str(self.names.get(field));
                self.nested(&mut path, value);
                self.path = path;
            }
            scalar => self.scalar(field, scalar),
        }
    }

    /// Adds what is in an object or array; a scalar gets the name `value`.
    pub(crate) fn root(&mut self, value: &Value) {
        match value {
            Value::Object(_) | Value::Array(_) => {
                let mut path = std::mem::take(&mut self.path);
                path.clear();
                self.nested(&mut path, value);
                self.path = path;
            }
            scalar => {
                let field = self.names.intern("value");
                self.scalar(field, scalar);
            }
        }
    }

    fn nested(&mut self, path: &mut String, value: &Value) {
        let len = path.len();
        let dot = if len == 0 { "" } else { "." };
        match value {
            Value::Object(members) => {
                for (name, member) in members {
                    path.push_str(dot);
                    path.push_str(name);
                    self.nested(path, member);
                    path.truncate(len);
                }
            }
            Value::Array(elements) => {
                for (index, element) in elements.iter().enumerate() {
                    let _ = write!(path, "{dot}{index}");
                    self.nested(path, element);
                    path.truncate(len);
                }
            }
            scalar => {
                let field = self.names.intern(path);
                self.scalar(field, scalar);
            }
        }
    }

    fn scalar(&mut self, field: u32, value: &Value) {
        if self.mark(field) {
            self.forget(field);
        }
        text::write(value, &mut self.flat.pool);
        let end = self.flat.pool.len() as u32;
        self.push(field, TEXT, end);
    }

    fn push(&mut self, field: u32, kind: u8, end: u32) {
        self.flat.fields.push(field);
        self.flat.kinds.push(kind);
        self.flat.ends.push(end);
    }

    /// Notes that the open record has the field, and tells whether it had it before.
    fn mark(&mut self, field: u32) -> bool {
        let field = field as usize;
        if self.seen.len() <= field {
            self.seen.resize(self.names.len().max(field + 1), 0);
        }
        let record = self.record;
        self.seen.get_mut(field).is_some_and(|seen| std::mem::replace(seen, record) == record)
    }

    /// Takes a cell out of the open record. Rare: two paths that flatten to one name.
    fn forget(&mut self, field: u32) {
        let Flat { rows, fields, kinds, ends, pool, .. } = &mut self.flat;
        let first = rows.last().map_or(0, |&end| end as usize);
        let found = fields.get(first..).and_then(|cells| cells.iter().rposition(|&cell| cell == field));
        let Some(cell) = found.map(|place| first + place) else { return };
        let start = cell.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or_default();
        fields.remove(cell);
        kinds.remove(cell);
        let end = ends.remove(cell);
        pool.drain(start as usize..end as usize);
        for later in ends.iter_mut().skip(cell) {
            *later -= end - start;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vrl::value;

    fn flattened(value: &Value) -> Vec<(String, String)> {
        let mut output = Output::default();
        output.reset(Vec::new());
        output.root(value);
        output.end_record(0);
        let flat = output.take();
        let cell = |cell| {
            let name = flat.names[flat.fields[cell] as usize].clone();
            (name, String::from_utf8(flat.pool[flat.bytes(cell)].to_vec()).unwrap())
        };
        flat.row(0).map(cell).collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn nesting_becomes_dots_and_positions() {
        let value = value!({ foo: "bar", bar: { baz: [1, 2, [3, { x: null }], "a"] }, none: {}, nil: [] });
        assert_eq!(
            flattened(&value),
            pairs(&[
                ("bar.baz.0", "1"),
                ("bar.baz.1", "2"),
                ("bar.baz.2.0", "3"),
                ("bar.baz.2.1.x", "<nil>"),
                ("bar.baz.3", "a"),
                ("foo", "bar")
            ])
        );
        assert_eq!(flattened(&value!([1, { x: 2 }])), pairs(&[("0", "1"), ("1.x", "2")]));
        assert_eq!(flattened(&value!(7)), pairs(&[("value", "7")]));
    }

    #[test]
    fn the_later_of_two_equal_paths_wins() {
        let value = value!({ a: { b: "first", c: "kept" }, "a.b": "second", z: "end" });
        assert_eq!(flattened(&value), pairs(&[("a.c", "kept"), ("a.b", "second"), ("z", "end")]));
    }
}
