//! The record that a script sees as `.`, read from the flat batch field by field.
//!
//! A field becomes a VRL value when the script asks for it; what is not asked for is copied to the output as it is. A
//! script that asks for the whole of `.` gets an object of all fields, which stands for the record from then on.

use crate::flat::Flat;
use crate::output::Output;
use bytes::Bytes;
use std::cell::OnceCell;
use vrl::compiler::{SecretTarget, Target};
use vrl::path::{OwnedSegment, OwnedTargetPath, PathPrefix};
use vrl::value::{KeyString, ObjectMap, Value};

/// One field of the present record.
#[derive(Debug, Default)]
struct Slot {
    present: bool,
    /// The cell of the batch that holds it, while no other value was given.
    cell: Option<usize>,
    value: OnceCell<Value>,
}

/// The records of a batch, one at a time.
pub(crate) struct Record {
    input: Flat,
    pool: Bytes,
    /// By number of the name. Names that the script adds come behind those of the input.
    slots: Vec<Slot>,
    /// The slots that the present record uses or used.
    live: Vec<u32>,
    /// Stands for the slots once it is there.
    whole: OnceCell<Value>,
    metadata: Value,
    pub(crate) output: Output,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self {
            input: Flat::default(),
            pool: Bytes::new(),
            slots: Vec::new(),
            live: Vec::new(),
            whole: OnceCell::new(),
            metadata: Value::Object(ObjectMap::new()),
            output: Output::default(),
        }
    }

    /// Takes over a batch.
    pub(crate) fn begin(&mut self, mut input: Flat) {
        self.pool = Bytes::from(std::mem::take(&mut input.pool));
        self.output.reset(std::mem::take(&mut input.names));
        self.input = input;
        self.slots.clear();
        self.slots.resize_with(self.output.names.len(), Slot::default);
        self.live.clear();
    }

    /// The number of records.
    pub(crate) fn len(&self) -> usize {
        self.input.rows.len()
    }

    /// Turns to a record.
    pub(crate) fn open(&mut self, index: usize) {
        self.close();
        for cell in self.input.row(index) {
            let Some(&field) = self.input.fields.get(cell) else { continue };
            if let Some(slot) = self.slots.get_mut(field as usize) {
                (slot.present, slot.cell) = (true, Some(cell));
                self.live.push(field);
            }
        }
    }

    /// Forgets the present record.
    pub(crate) fn close(&mut self) {
        for field in self.live.drain(..) {
            if let Some(slot) = self.slots.get_mut(field as usize) {
                (slot.present, slot.cell) = (false, None);
                slot.value.take();
            }
        }
        self.whole.take();
        self.metadata = Value::Object(ObjectMap::new());
    }

    /// Writes what became of the present record, which was record `origin` (FlowG 8).
    pub(crate) fn write(&mut self, origin: u32) {
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

    fn write_slots(&mut self) {
        let nested = |field: &u32| {
            let value = self.slots.get(*field as usize).and_then(|slot| slot.value.get());
            matches!(value, Some(Value::Object(_) | Value::Array(_)))
        };
        // Only a nested value can come to the name of another one; then the order of the keys decides.
        if self.live.iter().any(nested) {
            let Record { live, output, .. } = self;
            live.sort_unstable_by(|&a, &b| output.names.get(a).cmp(output.names.get(b)));
            self.write_sorted();
            return;
        }
        let Record { input, pool, slots, live, output, .. } = self;
        let untouched = |field: u32| slots.get(field as usize).and_then(|slot| slot.cell.filter(|_| slot.present));
        let mut place = 0;
        while let Some(&field) = live.get(place) {
            let Some(first) = untouched(field) else {
                if let Some(value) = slots.get(field as usize).filter(|slot| slot.present).and_then(|slot| slot.value.get()) {
                    output.value(field, value);
                }
                place += 1;
                continue;
            };
            // Neighbours that nobody touched are copied together.
            let mut next = first;
            while live.get(place).and_then(|&field| untouched(field)) == Some(next) {
                (place, next) = (place + 1, next + 1);
            }
            let bytes = input.bytes(first).start..input.bytes(next - 1).end;
            let cells = (first..next).map(|cell| {
                let field = input.fields.get(cell).copied().unwrap_or_default();
                let kind = input.kinds.get(cell).copied().unwrap_or_default();
                (field, kind, input.bytes(cell).len() as u32)
            });
            output.copy(cells, pool.get(bytes).unwrap_or_default());
        }
    }

    fn write_sorted(&mut self) {
        let Record { input, pool, slots, live, output, .. } = self;
        for &field in live.iter() {
            let Some(slot) = slots.get_mut(field as usize).filter(|slot| slot.present) else { continue };
            if let Some(cell) = slot.cell {
                slot.value.get_or_init(|| read(input, pool, cell));
            }
            if let Some(value) = slot.value.get() {
                output.value(field, value);
            }
        }
    }

    fn value(&self, field: u32) -> Option<&Value> {
        let slot = self.slots.get(field as usize).filter(|slot| slot.present)?;
        Some(match slot.cell {
            Some(cell) => slot.value.get_or_init(|| read(&self.input, &self.pool, cell)),
            None => slot.value.get()?,
        })
    }

    /// The value of a field, to be changed: from now on it is no longer the one of the batch.
    fn value_mut(&mut self, field: u32) -> Option<&mut Value> {
        let slot = self.slots.get_mut(field as usize).filter(|slot| slot.present)?;
        if let Some(cell) = slot.cell.take() {
            slot.value.get_or_init(|| read(&self.input, &self.pool, cell));
        }
        slot.value.get_mut()
    }

    fn set(&mut self, name: &str, value: Value) {
        let field = self.output.names.intern(name);
        if self.slots.len() <= field as usize {
            self.slots.resize_with(field as usize + 1, Slot::default);
        }
        let Some(slot) = self.slots.get_mut(field as usize) else { return };
        // A field that was removed before is still listed.
        if !slot.present && !self.live.contains(&field) {
            self.live.push(field);
        }
        (slot.present, slot.cell) = (true, None);
        slot.value = value.into();
    }

    fn remove(&mut self, name: &str) -> Option<Value> {
        let field = self.output.names.find(name)?;
        let slot = self.slots.get_mut(field as usize).filter(|slot| slot.present)?;
        slot.present = false;
        let cell = slot.cell.take();
        slot.value.take().or_else(|| cell.map(|cell| read(&self.input, &self.pool, cell)))
    }

    fn whole(&self) -> &Value {
        self.whole.get_or_init(|| {
            let field = |&field: &u32| Some((KeyString::from(self.output.names.get(field)), self.value(field)?.clone()));
            Value::Object(self.live.iter().filter_map(field).collect())
        })
    }

    fn whole_mut(&mut self) -> Option<&mut Value> {
        self.whole();
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
            self.whole = value.into();
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
