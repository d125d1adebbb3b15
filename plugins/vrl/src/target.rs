//! The record that a script sees as `.`, read from the flat batch field by field.
//!
//! A field becomes a VRL value when the script asks for it; what is not asked for is copied to the output as it is. A
//! script that asks for the whole of `.` gets an object of all fields, which stands for the record from then on.

use crate::flat::Flat;
use crate::output::Output;
use bytes::Bytes;
use std::cell::{Cell, OnceCell, RefCell};
use std::ops::Range;
use vrl::compiler::{SecretTarget, Target};
use vrl::path::{OwnedSegment, OwnedTargetPath, PathPrefix};
use vrl::value::{KeyString, ObjectMap, Value};

/// A field of the present record, as far as the script has asked for it.
#[derive(Default)]
struct Slot {
    /// Whether the script gave it another value, or took it away (then there is no value).
    changed: bool,
    value: OnceCell<Value>,
    /// The place of the field in the latest record that was asked for it. Records of a batch are often alike.
    place: Cell<usize>,
}

/// The records of a batch, one at a time.
pub(crate) struct Record {
    input: Flat,
    pool: Bytes,
    /// The cells of the present record.
    row: Range<usize>,
    /// By number of the name. Names that the script adds come behind those of the input.
    slots: Vec<Slot>,
    /// The slots that are not as new.
    used: RefCell<Vec<u32>>,
    /// Stands for the slots once it is there.
    whole: OnceCell<Value>,
    /// Whether the record is no longer what it was in the batch.
    changed: bool,
    metadata: Value,
    output: Output,
    /// Records that are to be copied as they are, once something else comes behind them.
    same: Range<usize>,
    /// Whether unchanged records are left out of the output.
    changes_only: bool,
}

impl Record {
    pub(crate) fn new(changes_only: bool) -> Self {
        Self {
            input: Flat::default(),
            pool: Bytes::new(),
            row: 0..0,
            slots: Vec::new(),
            used: RefCell::default(),
            whole: OnceCell::new(),
            changed: false,
            metadata: Value::Object(ObjectMap::new()),
            output: Output::default(),
            same: 0..0,
            changes_only,
        }
    }

    /// Takes over a batch.
    pub(crate) fn begin(&mut self, mut input: Flat) {
        self.pool = Bytes::from(std::mem::take(&mut input.pool));
        self.output.reset(std::mem::take(&mut input.names));
        self.input = input;
        self.slots.clear();
        self.slots.resize_with(self.output.names.len(), Slot::default);
        self.same = 0..0;
    }

    /// The number of records.
    pub(crate) fn len(&self) -> usize {
        self.input.rows.len()
    }

    /// Turns to a record.
    pub(crate) fn open(&mut self, index: usize) {
        for field in self.used.get_mut().drain(..) {
            if let Some(slot) = self.slots.get_mut(field as usize) {
                slot.changed = false;
                slot.value.take();
            }
        }
        self.whole.take();
        self.changed = false;
        if !matches!(&self.metadata, Value::Object(members) if members.is_empty()) {
            self.metadata = Value::Object(ObjectMap::new());
        }
        self.row = self.input.row(index);
    }

    /// Ends the batch. `None` when every record is to stay as it was.
    pub(crate) fn end(&mut self) -> Option<Flat> {
        self.row = 0..0;
        if self.same == (0..self.len()) {
            return None;
        }
        self.copy_same();
        Some(self.output.take())
    }

    /// Takes back the memory of an answer of [`end`](Self::end).
    pub(crate) fn reuse(&mut self, flat: Flat) {
        self.output.reuse(flat);
    }

    /// Writes what became of record `index`, the present one (FlowG 8).
    pub(crate) fn write(&mut self, index: usize) {
        if !self.changed {
            if self.same.end != index {
                self.copy_same();
                self.same = index..index;
            }
            self.same.end = index + 1;
            return;
        }
        self.copy_same();
        let origin = index as u32;
        match self.whole.take() {
            None => {
                self.write_slots();
                self.output.end_record(origin);
            }
            Some(Value::Array(elements)) => {
                for element in &elements {
                    self.output.root(element);
                    self.output.end_record(origin);
                }
            }
            Some(other) => {
                self.output.root(&other);
                self.output.end_record(origin);
            }
        }
    }

    fn copy_same(&mut self) {
        let rows = std::mem::take(&mut self.same);
        if !self.changes_only {
            self.output.copy_records(&self.input, &self.pool, rows);
        }
    }

    fn write_slots(&mut self) {
        let Self { input, pool, row, slots, used, output, .. } = self;
        let used = used.get_mut();
        let changed = |field: u32| slots.get(field as usize).filter(|slot| slot.changed);
        let value = |field: u32| changed(field).and_then(|slot| slot.value.get());
        // Only a nested value can come to the name of another one; then the order of the keys decides.
        if used.iter().any(|&field| matches!(value(field), Some(Value::Object(_) | Value::Array(_)))) {
            return self.write_sorted();
        }
        let mut first = row.start;
        for cell in row.clone() {
            if input.fields.get(cell).is_some_and(|&field| changed(field).is_some()) {
                output.copy_cells(input, pool, first..cell);
                first = cell + 1;
            }
        }
        output.copy_cells(input, pool, first..row.end);
        for &field in used.iter() {
            if let Some(value) = value(field) {
                output.value(field, value);
            }
        }
    }

    fn write_sorted(&mut self) {
        let (row, mut fields) = (self.row.clone(), self.fields());
        fields.sort_unstable_by(|&a, &b| self.output.names.get(a).cmp(self.output.names.get(b)));
        for field in fields {
            let Self { input, pool, slots, output, .. } = self;
            let Some(slot) = slots.get(field as usize) else { continue };
            match (slot.changed, slot.value.get()) {
                (true, Some(value)) => output.value(field, value),
                (true, None) => {}
                (false, _) => {
                    if let Some(cell) = row.clone().find(|&cell| input.fields.get(cell) == Some(&field)) {
                        output.copy_cell(input, pool, cell, field);
                    }
                }
            }
        }
    }

    /// The fields that the record has now.
    fn fields(&self) -> Vec<u32> {
        let slot = |field: u32| self.slots.get(field as usize);
        let cells = self.input.fields.get(self.row.clone()).unwrap_or_default().iter().copied();
        let mut fields: Vec<u32> = cells.filter(|&field| slot(field).is_none_or(|slot| !slot.changed)).collect();
        let given = |&field: &u32| slot(field).is_some_and(|slot| slot.changed && slot.value.get().is_some());
        fields.extend(self.used.borrow().iter().copied().filter(given));
        fields
    }

    /// The cell of the present record that holds a field.
    fn cell(&self, field: u32, slot: &Slot) -> Option<usize> {
        let fields = self.input.fields.get(self.row.clone())?;
        let place = slot.place.get();
        if fields.get(place) == Some(&field) {
            return Some(self.row.start + place);
        }
        let place = fields.iter().position(|&known| known == field)?;
        slot.place.set(place);
        Some(self.row.start + place)
    }

    fn value(&self, field: u32) -> Option<&Value> {
        let slot = self.slots.get(field as usize)?;
        if slot.changed || slot.value.get().is_some() {
            return slot.value.get();
        }
        let cell = self.cell(field, slot)?;
        self.used.borrow_mut().push(field);
        Some(slot.value.get_or_init(|| read(&self.input, &self.pool, cell)))
    }

    /// The value of a field, to be changed: from now on it is no longer the one of the batch.
    fn value_mut(&mut self, field: u32) -> Option<&mut Value> {
        self.value(field)?;
        let slot = self.slots.get_mut(field as usize)?;
        (slot.changed, self.changed) = (true, true);
        slot.value.get_mut()
    }

    fn set(&mut self, name: &str, value: Value) {
        let field = self.output.names.intern(name);
        if self.slots.len() <= field as usize {
            self.slots.resize_with(field as usize + 1, Slot::default);
        }
        let Some(slot) = self.slots.get_mut(field as usize) else { return };
        if !slot.changed && slot.value.get().is_none() {
            self.used.get_mut().push(field);
        }
        (slot.changed, self.changed) = (true, true);
        slot.value = value.into();
    }

    fn remove(&mut self, name: &str) -> Option<Value> {
        let field = self.output.names.find(name)?;
        self.value(field)?;
        let slot = self.slots.get_mut(field as usize)?;
        (slot.changed, self.changed) = (true, true);
        slot.value.take()
    }

    fn whole(&self) -> &Value {
        self.whole.get_or_init(|| {
            let member = |field: u32| Some((KeyString::from(self.output.names.get(field)), self.value(field)?.clone()));
            Value::Object(self.fields().into_iter().filter_map(member).collect())
        })
    }

    fn whole_mut(&mut self) -> Option<&mut Value> {
        self.whole();
        self.changed = true;
        self.whole.get_mut()
    }
}

/// The value of a cell as the script sees it: text is bytes (FlowG 8).
fn read(input: &Flat, pool: &Bytes, cell: usize) -> Value {
    let range = input.bytes(cell);
    let Some(bytes) = pool.get(range.clone()) else { return Value::Null };
    let number = || bytes.try_into().ok();
    match input.kinds.get(cell) {
        Some(0) | None => Value::Null,
        Some(1) => Value::Boolean(bytes == [1]),
        Some(2) => number().map(i64::from_le_bytes).map_or(Value::Null, Value::Integer),
        Some(3) => number().map(f64::from_le_bytes).map_or(Value::Null, Value::from_f64_or_zero),
        Some(_) => Value::Bytes(pool.slice(range)),
    }
}

impl std::fmt::Debug for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.whole().fmt(f)
    }
}

/// Where a path leads: to the record as a whole, or to a field and on within it.
fn split(path: &OwnedTargetPath) -> Option<(&str, &[OwnedSegment])> {
    match path.path.segments.split_first() {
        Some((OwnedSegment::Field(name), rest)) => Some((name, rest)),
        _ => None,
    }
}

impl Target for Record {
    fn target_insert(&mut self, path: &OwnedTargetPath, value: Value) -> Result<(), String> {
        if path.prefix == PathPrefix::Metadata {
            self.metadata.insert(&path.path, value);
            return Ok(());
        }
        if path.path.is_root() {
            (self.whole, self.changed) = (value.into(), true);
            return Ok(());
        }
        match split(path).filter(|_| self.whole.get().is_none()) {
            Some((name, [])) => self.set(name, value),
            Some((name, rest)) => {
                let field = self.output.names.intern(name);
                if self.value(field).is_none() {
                    self.set(name, Value::Null);
                }
                if let Some(inner) = self.value_mut(field) {
                    inner.insert(rest, value);
                }
            }
            None => {
                if let Some(whole) = self.whole_mut() {
                    whole.insert(&path.path, value);
                }
            }
        }
        Ok(())
    }

    fn target_get(&self, path: &OwnedTargetPath) -> Result<Option<&Value>, String> {
        if path.prefix == PathPrefix::Metadata {
            return Ok(self.metadata.get(&path.path));
        }
        Ok(match split(path).filter(|_| self.whole.get().is_none()) {
            Some((name, rest)) => {
                let value = self.output.names.find(name).and_then(|field| self.value(field));
                if rest.is_empty() { value } else { value.and_then(|value| value.get(rest)) }
            }
            None => self.whole().get(&path.path),
        })
    }

    fn target_get_mut(&mut self, path: &OwnedTargetPath) -> Result<Option<&mut Value>, String> {
        if path.prefix == PathPrefix::Metadata {
            return Ok(self.metadata.get_mut(&path.path));
        }
        Ok(match split(path).filter(|_| self.whole.get().is_none()) {
            Some((name, rest)) => {
                let value = self.output.names.find(name).and_then(|field| self.value_mut(field));
                value.and_then(|value| value.get_mut(rest))
            }
            None => self.whole_mut().and_then(|whole| whole.get_mut(&path.path)),
        })
    }

    fn target_remove(&mut self, path: &OwnedTargetPath, compact: bool) -> Result<Option<Value>, String> {
        if path.prefix == PathPrefix::Metadata {
            return Ok(self.metadata.remove(&path.path, compact));
        }
        Ok(match split(path).filter(|_| self.whole.get().is_none()) {
            Some((name, [])) => self.remove(name),
            Some((name, rest)) => {
                let value = self.output.names.find(name).and_then(|field| self.value_mut(field));
                let Some(value) = value else { return Ok(None) };
                let removed = value.remove(rest, compact);
                if compact && removed.is_some() && value.is_empty() {
                    self.remove(name);
                }
                removed
            }
            None => self.whole_mut().and_then(|whole| whole.remove(&path.path, compact)),
        })
    }
}

/// There are no secrets (FlowG 8).
impl SecretTarget for Record {
    fn get_secret(&self, _: &str) -> Option<&str> {
        None
    }

    fn insert_secret(&mut self, _: &str, _: &str) {}

    fn remove_secret(&mut self, _: &str) {}
}
