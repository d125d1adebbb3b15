//! The records of a call.
//!
//! A column is read from the host when it is first asked for, kept, and written back once after the plugin is done. So a
//! plugin may work record by record ([`Event`]) at the price of columns. What must stay true: everything that the host
//! does to records by itself (`select`, `rename`, …) happens after the columns that were changed are written back.

use crate::host;
use crate::{Time, Value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The records of a call. Indexes that do not exist read as absent and ignore what is written.
pub struct Batch {
    inner: host::Batch,
    columns: RefCell<BTreeMap<Rc<str>, Column>>,
    names: RefCell<Option<Rc<[String]>>>,
    times: RefCell<Option<Rc<[Time]>>>,
}

struct Column {
    values: Vec<Option<Value>>,
    changed: bool,
}

impl Batch {
    #[doc(hidden)]
    pub fn from_host(inner: host::Batch) -> Self {
        Self { inner, columns: RefCell::default(), names: RefCell::default(), times: RefCell::default() }
    }

    #[doc(hidden)]
    pub fn into_host(self) -> host::Batch {
        self.write_back();
        self.inner
    }

    /// The number of records.
    pub fn len(&self) -> usize {
        self.inner.len() as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every field name that occurs.
    pub fn names(&self) -> Rc<[String]> {
        let read = || {
            self.write_back();
            Rc::from(self.inner.names())
        };
        Rc::clone(self.names.borrow_mut().get_or_insert_with(read))
    }

    /// When the server received each record.
    pub fn times(&self) -> Rc<[Time]> {
        Rc::clone(self.times.borrow_mut().get_or_insert_with(|| Rc::from(self.inner.times())))
    }

    /// The records one by one.
    pub fn events(&self) -> Events<'_> {
        Events { batch: self, indexes: 0..self.len() }
    }

    /// One record. An index past the end gives a record without fields.
    pub fn event(&self, index: usize) -> Event<'_> {
        Event { batch: self, index }
    }

    /// One field of every record.
    pub fn column(&self, name: &str) -> Vec<Option<Value>> {
        self.with_column(name, |column| column.values.clone())
    }

    /// One field of every record as text: the cheapest way to read many records.
    pub fn text_column(&self, name: &str) -> Vec<Option<String>> {
        self.write_back();
        self.inner.text_column(name)
    }

    /// Replaces a field in every record; none removes it. Missing values remove, values over the number of records are
    /// ignored.
    pub fn set_column(&self, name: &str, mut values: Vec<Option<Value>>) {
        values.resize(self.len(), None);
        self.names.take();
        self.columns.borrow_mut().insert(Rc::from(name), Column { values, changed: true });
    }

    /// As [`set_column`](Self::set_column), with texts: the cheapest way to write many records.
    pub fn set_text_column(&self, name: &str, mut values: Vec<Option<String>>) {
        values.resize(self.len(), None);
        self.names.take();
        self.columns.borrow_mut().remove(name);
        self.inner.set_text_column(name, &values);
    }

    /// Gives a field the same value in every record.
    pub fn fill(&self, name: &str, value: impl Into<Value>) {
        self.names.take();
        self.columns.borrow_mut().remove(name);
        self.inner.fill(name, &value.into());
    }

    /// Renames a field; a field that already has the new name is replaced. Nothing happens where it is absent.
    pub fn rename(&self, name: &str, to: &str) {
        self.forget();
        self.inner.rename(name, to);
    }

    /// Removes a field from every record.
    pub fn remove(&self, name: &str) {
        self.names.take();
        self.columns.borrow_mut().remove(name);
        self.inner.remove_column(name);
    }

    /// Keeps the records at these indexes, in this order; an index may occur more than once or not at all. Indexes that do
    /// not exist are left out.
    pub fn select(&self, indexes: &[usize]) {
        self.forget();
        let most = self.len();
        let indexes: Vec<u32> = indexes.iter().filter(|index| **index < most).filter_map(|i| u32::try_from(*i).ok()).collect();
        self.inner.select(&indexes);
    }

    /// Keeps the records for which `keep` answers true.
    pub fn retain(&self, mut keep: impl FnMut(Event<'_>) -> bool) {
        let kept: Vec<usize> = (0..self.len()).filter(|index| keep(self.event(*index))).collect();
        if kept.len() < self.len() {
            self.select(&kept);
        }
    }

    /// Marks a record as failed. It goes to the dead letters with this reason.
    pub fn reject(&self, index: usize, reason: &str) {
        if index < self.len() {
            self.inner.reject(index as u32, reason);
        }
    }

    fn with_column<T>(&self, name: &str, read: impl FnOnce(&mut Column) -> T) -> T {
        let mut columns = self.columns.borrow_mut();
        if !columns.contains_key(name) {
            let column = Column { values: self.inner.column(name), changed: false };
            columns.insert(Rc::from(name), column);
        }
        match columns.get_mut(name) {
            Some(column) => read(column),
            None => read(&mut Column { values: Vec::new(), changed: false }),
        }
    }

    fn write_back(&self) {
        for (name, column) in self.columns.borrow_mut().iter_mut().filter(|(_, column)| column.changed) {
            self.inner.set_column(name, &column.values);
            column.changed = false;
        }
    }

    fn forget(&self) {
        self.write_back();
        self.columns.borrow_mut().clear();
        self.names.take();
        self.times.take();
    }
}

/// One record of a [`Batch`]. Fields are read from the host when they are asked for.
#[derive(Clone, Copy)]
pub struct Event<'a> {
    batch: &'a Batch,
    index: usize,
}

impl Event<'_> {
    /// Its place in the batch.
    pub fn index(&self) -> usize {
        self.index
    }

    /// A field.
    pub fn get(&self, name: &str) -> Option<Value> {
        self.batch.with_column(name, |column| column.values.get(self.index).cloned().flatten())
    }

    /// A field as text.
    pub fn text(&self, name: &str) -> Option<Rc<str>> {
        self.batch.with_column(name, |column| column.values.get(self.index)?.as_ref().map(Value::to_text))
    }

    /// Sets a field.
    pub fn set(&self, name: &str, value: impl Into<Value>) {
        self.put(name, Some(value.into()));
    }

    /// Removes a field.
    pub fn remove(&self, name: &str) {
        self.put(name, None);
    }

    fn put(&self, name: &str, value: Option<Value>) {
        self.batch.names.take();
        self.batch.with_column(name, |column| {
            if let Some(place) = column.values.get_mut(self.index)
                && *place != value
            {
                *place = value;
                column.changed = true;
            }
        });
    }

    /// When the server received it.
    pub fn time(&self) -> Time {
        self.batch.times().get(self.index).copied().unwrap_or_default()
    }

    /// Every field, sorted by name. Reads the whole batch.
    pub fn fields(&self) -> BTreeMap<String, Value> {
        let names = self.batch.names();
        names.iter().filter_map(|name| self.get(name).map(|value| (name.clone(), value))).collect()
    }

    /// Marks it as failed. It goes to the dead letters with this reason.
    pub fn reject(&self, reason: &str) {
        self.batch.reject(self.index, reason);
    }
}

/// The records of a [`Batch`], one by one.
pub struct Events<'a> {
    batch: &'a Batch,
    indexes: std::ops::Range<usize>,
}

impl<'a> Iterator for Events<'a> {
    type Item = Event<'a>;

    fn next(&mut self) -> Option<Event<'a>> {
        self.indexes.next().map(|index| self.batch.event(index))
    }
}

impl<'a> IntoIterator for &'a Batch {
    type Item = Event<'a>;
    type IntoIter = Events<'a>;

    fn into_iter(self) -> Events<'a> {
        self.events()
    }
}
