//! The batch resource: records stay here while the component works on their columns.

use super::{EACH, Host, stale};
use crate::bindings::headworks::plugin::batches::{self, Flat, Time, Value as Crossing};
use headworks_core::batch::Flat as Lists;
use headworks_core::{Batch, Error, ErrorCode, Result, Timestamp, Value};
use std::collections::BTreeMap;
use wasmtime::component::Resource;

#[allow(unreachable_pub, reason = "the generated bindings export it again")]
/// Records on their way through a component, with where each came from.
pub struct Records {
    pub(crate) batch: Batch,
    /// Per record: the index of its input record.
    pub(crate) origins: Vec<u32>,
    /// Whether records share values, so that few bytes can stand for very many.
    pub(crate) shared: bool,
    /// Input records that failed, and why.
    pub(crate) rejected: BTreeMap<u32, String>,
}

impl Records {
    pub(super) fn new(batch: Batch) -> Self {
        let origins = (0..batch.len() as u32).collect();
        Self { batch, origins, shared: false, rejected: BTreeMap::new() }
    }
}

fn output(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::PluginOutput, message)
}

fn outside(index: u32, len: usize) -> Error {
    output(format!("the plugin named record {index} of a batch of {len}"))
}

fn lower(value: Value<'_>) -> Crossing {
    match value {
        Value::Null => Crossing::Null,
        Value::Boolean(value) => Crossing::Boolean(value),
        Value::Integer(value) => Crossing::Integer(value),
        Value::Float(value) => Crossing::Float(value),
        Value::Text(value) => Crossing::Text(value.to_owned()),
        Value::Bytes(value) => Crossing::Bytes(value.to_vec()),
        Value::Json(value) => Crossing::Json(value.to_owned()),
    }
}

fn lift(value: &Crossing) -> Value<'_> {
    match value {
        Crossing::Null => Value::Null,
        Crossing::Boolean(value) => Value::Boolean(*value),
        Crossing::Integer(value) => Value::Integer(*value),
        Crossing::Float(value) => Value::Float(*value),
        Crossing::Text(value) => Value::Text(value),
        Crossing::Bytes(value) => Value::Bytes(value),
        Crossing::Json(value) => Value::Json(value),
    }
}

fn size(value: &Crossing) -> usize {
    EACH + match value {
        Crossing::Text(value) | Crossing::Json(value) => value.len(),
        Crossing::Bytes(value) => value.len(),
        _ => 0,
    }
}

impl Host {
    pub(super) fn records(&self, handle: &Resource<Records>) -> Result<&Records> {
        self.records.as_ref().filter(|_| handle.rep() == self.call).ok_or_else(stale)
    }

    fn records_mut(&mut self, handle: &Resource<Records>) -> Result<&mut Records> {
        let current = handle.rep() == self.call;
        self.records.as_mut().filter(|_| current).ok_or_else(stale)
    }

    fn give_lists(&mut self, lists: Lists) -> wasmtime::Result<Flat> {
        let Lists { names, rows, fields, kinds, ends, pool, origins } = lists;
        let flat = Flat { names, rows, fields, kinds, ends, pool, origins };
        self.charge(bytes(&flat))?;
        Ok(flat)
    }

    /// As many values as there are records?
    fn fits(&self, handle: &Resource<Records>, values: usize) -> Result<()> {
        match self.records(handle)?.batch.len() {
            len if len == values => Ok(()),
            len => Err(output(format!("the plugin gave {values} values for a column of {len} records"))),
        }
    }
}

impl batches::Host for Host {}

impl batches::HostBatch for Host {
    fn len(&mut self, handle: Resource<Records>) -> wasmtime::Result<u32> {
        Ok(self.records(&handle)?.batch.len() as u32)
    }

    fn names(&mut self, handle: Resource<Records>) -> wasmtime::Result<Vec<String>> {
        let names: Vec<String> = self.records(&handle)?.batch.names().map(str::to_owned).collect();
        self.charge(names.iter().map(|name| EACH + name.len()).sum())?;
        Ok(names)
    }

    fn times(&mut self, handle: Resource<Records>) -> wasmtime::Result<Vec<Time>> {
        let time = |time: Timestamp| Time { seconds: time.seconds(), nanoseconds: time.subsec_nanos() };
        let times: Vec<Time> = self.records(&handle)?.batch.records().map(|record| time(record.time())).collect();
        self.charge(times.len() * EACH)?;
        Ok(times)
    }

    fn text_column(&mut self, handle: Resource<Records>, name: String) -> wasmtime::Result<Vec<Option<String>>> {
        let batch = &self.records(&handle)?.batch;
        let field = batch.field(&name);
        let text = |value: Value<'_>| value.to_text().into_owned();
        let column: Vec<Option<String>> =
            batch.records().map(|record| field.and_then(|field| record.value(field)).map(text)).collect();
        self.charge(column.iter().map(|text| EACH + text.as_ref().map_or(0, String::len)).sum())?;
        Ok(column)
    }

    fn column(&mut self, handle: Resource<Records>, name: String) -> wasmtime::Result<Vec<Option<Crossing>>> {
        let batch = &self.records(&handle)?.batch;
        let field = batch.field(&name);
        let column: Vec<Option<Crossing>> =
            batch.records().map(|record| field.and_then(|field| record.value(field)).map(lower)).collect();
        self.charge(column.iter().map(|value| value.as_ref().map_or(EACH, size)).sum())?;
        Ok(column)
    }

    fn set_text_column(&mut self, handle: Resource<Records>, name: String, values: Vec<Option<String>>) -> wasmtime::Result<()> {
        self.charge(values.iter().map(|text| EACH + text.as_ref().map_or(0, String::len)).sum())?;
        self.fits(&handle, values.len())?;
        let value = |index: usize| values.get(index)?.as_deref().map(Value::Text);
        Ok(self.records_mut(&handle)?.batch.set_column(&name, value)?)
    }

    fn set_column(&mut self, handle: Resource<Records>, name: String, values: Vec<Option<Crossing>>) -> wasmtime::Result<()> {
        self.charge(values.iter().map(|value| value.as_ref().map_or(EACH, size)).sum())?;
        self.fits(&handle, values.len())?;
        let value = |index: usize| values.get(index)?.as_ref().map(lift);
        Ok(self.records_mut(&handle)?.batch.set_column(&name, value)?)
    }

    fn fill(&mut self, handle: Resource<Records>, name: String, value: Crossing) -> wasmtime::Result<()> {
        self.charge(size(&value))?;
        let records = self.records_mut(&handle)?;
        records.shared = true;
        Ok(records.batch.fill(&name, lift(&value))?)
    }

    fn rename(&mut self, handle: Resource<Records>, name: String, to: String) -> wasmtime::Result<()> {
        self.charge(name.len() + to.len())?;
        self.records_mut(&handle)?.batch.rename(&name, &to);
        Ok(())
    }

    fn remove_column(&mut self, handle: Resource<Records>, name: String) -> wasmtime::Result<()> {
        self.charge(name.len())?;
        self.records_mut(&handle)?.batch.remove_column(&name);
        Ok(())
    }

    fn get(&mut self, handle: Resource<Records>, index: u32, name: String) -> wasmtime::Result<Option<Crossing>> {
        let batch = &self.records(&handle)?.batch;
        let record = batch.record(index as usize).ok_or_else(|| outside(index, batch.len()))?;
        let value = record.get(&name).map(lower);
        self.charge(name.len() + value.as_ref().map_or(EACH, size))?;
        Ok(value)
    }

    fn set(&mut self, handle: Resource<Records>, index: u32, name: String, value: Option<Crossing>) -> wasmtime::Result<()> {
        self.charge(name.len() + value.as_ref().map_or(EACH, size))?;
        let batch = &mut self.records_mut(&handle)?.batch;
        if index as usize >= batch.len() {
            return Err(outside(index, batch.len()).into());
        }
        Ok(batch.set(index as usize, &name, value.as_ref().map(lift))?)
    }

    fn select(&mut self, handle: Resource<Records>, indexes: Vec<u32>) -> wasmtime::Result<()> {
        self.charge(indexes.len() * size_of::<u32>())?;
        let records = self.records_mut(&handle)?;
        let mut origins = Vec::with_capacity(indexes.len());
        for &index in &indexes {
            origins.push(*records.origins.get(index as usize).ok_or_else(|| outside(index, records.batch.len()))?);
        }
        records.batch = records.batch.select(&indexes);
        (records.origins, records.shared) = (origins, true);
        Ok(())
    }

    fn reject(&mut self, handle: Resource<Records>, index: u32, reason: String) -> wasmtime::Result<()> {
        self.charge(reason.len())?;
        let records = self.records_mut(&handle)?;
        let origin = records.origins.get(index as usize).ok_or_else(|| outside(index, records.batch.len()))?;
        records.rejected.entry(*origin).or_insert(reason);
        Ok(())
    }

    fn take(&mut self, handle: Resource<Records>) -> wasmtime::Result<Flat> {
        let lists = self.records(&handle)?.batch.to_flat();
        self.give_lists(lists)
    }

    fn take_fields(&mut self, handle: Resource<Records>, names: Vec<String>) -> wasmtime::Result<Flat> {
        let lists = self.records(&handle)?.batch.to_flat_fields(names);
        self.give_lists(lists)
    }

    fn put(&mut self, handle: Resource<Records>, flat: Flat) -> wasmtime::Result<()> {
        self.charge(bytes(&flat))?;
        let records = self.records_mut(&handle)?;
        let (batch, from) = lift_lists(flat, &records.batch)?;
        let origin = |&index: &u32| records.origins.get(index as usize).copied();
        records.origins = from.iter().filter_map(origin).collect();
        (records.batch, records.shared) = (batch, false);
        Ok(())
    }

    fn put_fields(&mut self, handle: Resource<Records>, names: Vec<String>, flat: Flat) -> wasmtime::Result<()> {
        self.charge(bytes(&flat) + names.iter().map(|name| EACH + name.len()).sum::<usize>())?;
        let batch = &mut self.records_mut(&handle)?.batch;
        let (new, origins) = lift_lists(flat, batch)?;
        let mut named = vec![false; batch.len()];
        for origin in &origins {
            let place = named.get_mut(*origin as usize);
            if place.is_none_or(|place| std::mem::replace(place, true)) {
                return Err(output(format!("the plugin gave new fields for record {origin} twice")).into());
            }
        }
        Ok(batch.set_fields(&names, &new, &origins)?)
    }

    fn drop(&mut self, handle: Resource<Records>) -> wasmtime::Result<()> {
        if handle.rep() == self.call {
            self.records = None;
        }
        Ok(())
    }
}

/// The records that flat lists hold, made from those of `before`, and their origins.
fn lift_lists(flat: Flat, before: &Batch) -> Result<(Batch, Vec<u32>)> {
    let times: Vec<Timestamp> = before.records().map(|record| record.time()).collect();
    let Flat { names, rows, fields, kinds, ends, pool, origins } = flat;
    Batch::from_flat(Lists { names, rows, fields, kinds, ends, pool, origins }, &times)
}

fn bytes(flat: &Flat) -> usize {
    let words = flat.rows.len() + flat.fields.len() + flat.ends.len() + flat.origins.len();
    let names: usize = flat.names.iter().map(|name| EACH + name.len()).sum();
    names + words * size_of::<u32>() + flat.kinds.len() + flat.pool.len()
}
