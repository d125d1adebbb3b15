//! The double of the host for native tests: everything a plugin may ask, answered in this thread. What the host does to
//! records is done here as the interface says it.

#![allow(clippy::panic, reason = "tests only")]
#![cfg_attr(feature = "interface-0-1-0", allow(dead_code, reason = "it offers less"))]

use crate::http::{NetworkError, Request, Response};
use crate::log::Level;
#[cfg(not(feature = "interface-0-1-0"))]
use crate::state::StateError;
use crate::{Time, Value};
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};

/// The most bytes of one value.
const MAX_VALUE: usize = 64 << 10;

/// What the test sets up, and what the plugin did.
#[derive(Default)]
pub(crate) struct Host {
    pub(crate) logged: Vec<(Level, String)>,
    pub(crate) state: BTreeMap<String, Vec<u8>>,
    pub(crate) counters: BTreeMap<String, u64>,
    pub(crate) gauges: BTreeMap<String, f64>,
    pub(crate) secrets: BTreeMap<String, String>,
    pub(crate) now: Time,
    pub(crate) requests: Vec<Request>,
    pub(crate) answers: VecDeque<Result<Response, NetworkError>>,
    random: u64,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

pub(crate) fn with<T>(act: impl FnOnce(&mut Host) -> T) -> T {
    HOST.with_borrow_mut(act)
}

pub(crate) fn log(level: Level, message: &str) {
    with(|host| host.logged.push((level, message.to_owned())));
}

pub(crate) fn now() -> Time {
    with(|host| host.now)
}

/// A sequence that differs from call to call and not from test to test.
pub(crate) fn random(length: u32) -> Vec<u8> {
    with(|host| {
        let mut next = || {
            host.random = host.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (host.random >> 56) as u8
        };
        (0..length).map(|_| next()).collect()
    })
}

pub(crate) fn count(name: &str, by: u64) {
    with(|host| *host.counters.entry(name.to_owned()).or_default() += by);
}

pub(crate) fn gauge(name: &str, value: f64) {
    with(|host| host.gauges.insert(name.to_owned(), value));
}

pub(crate) fn secret(name: &str) -> Option<String> {
    with(|host| host.secrets.get(name).cloned())
}

#[cfg(not(feature = "interface-0-1-0"))]
pub(crate) fn state_get(key: &str) -> Result<Option<Vec<u8>>, StateError> {
    Ok(with(|host| host.state.get(key).cloned()))
}

#[cfg(not(feature = "interface-0-1-0"))]
pub(crate) fn state_set(key: &str, value: Option<&[u8]>) -> Result<(), StateError> {
    if value.is_some_and(|value| value.len() > MAX_VALUE) {
        return Err(StateError::Full(format!("a value holds at most {MAX_VALUE} bytes")));
    }
    with(|host| match value {
        Some(value) => host.state.insert(key.to_owned(), value.to_vec()),
        None => host.state.remove(key),
    });
    Ok(())
}

#[cfg(not(feature = "interface-0-1-0"))]
pub(crate) fn state_replace(key: &str, expected: Option<&[u8]>, value: Option<&[u8]>) -> Result<bool, StateError> {
    if state_get(key)?.as_deref() != expected {
        return Ok(false);
    }
    state_set(key, value).map(|()| true)
}

#[cfg(not(feature = "interface-0-1-0"))]
pub(crate) fn state_keys(prefix: &str) -> Result<Vec<String>, StateError> {
    Ok(with(|host| host.state.keys().filter(|key| key.starts_with(prefix)).take(1_000).cloned().collect()))
}

pub(crate) fn send(request: &Request) -> Result<Response, NetworkError> {
    with(|host| {
        host.requests.push(request.clone());
        host.answers.pop_front().unwrap_or_else(|| Ok(Response { status: 200, ..Response::default() }))
    })
}

/// One record: its fields, when it came, and which record of the call it was made from.
#[derive(Clone, Default)]
pub(crate) struct Row {
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) time: Time,
    pub(crate) origin: usize,
}

/// The records of a call.
#[derive(Default)]
pub struct Batch(RefCell<Records>);

#[derive(Default)]
struct Records {
    rows: Vec<Row>,
    rejected: BTreeMap<usize, String>,
}

impl Batch {
    pub(crate) fn new(rows: Vec<Row>) -> Self {
        Self(RefCell::new(Records { rows, rejected: BTreeMap::new() }))
    }

    /// The records that are left, and those that were rejected by their place in the call.
    pub(crate) fn finish(self) -> (Vec<Row>, Vec<(usize, String)>) {
        let Records { mut rows, rejected } = self.0.into_inner();
        rows.retain(|row| !rejected.contains_key(&row.origin));
        (rows, rejected.into_iter().collect())
    }

    pub(crate) fn len(&self) -> u32 {
        self.0.borrow().rows.len() as u32
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let records = self.0.borrow();
        let mut names: Vec<String> = records.rows.iter().flat_map(|row| row.fields.keys().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }

    pub(crate) fn times(&self) -> Vec<Time> {
        self.0.borrow().rows.iter().map(|row| row.time).collect()
    }

    pub(crate) fn column(&self, name: &str) -> Vec<Option<Value>> {
        self.0.borrow().rows.iter().map(|row| row.fields.get(name).cloned()).collect()
    }

    pub(crate) fn text_column(&self, name: &str) -> Vec<Option<String>> {
        self.column(name).into_iter().map(|value| value.map(|value| value.to_text().to_string())).collect()
    }

    pub(crate) fn set_column(&self, name: &str, values: &[Option<Value>]) {
        for (row, value) in self.0.borrow_mut().rows.iter_mut().zip(values) {
            match value {
                Some(value) => row.fields.insert(name.to_owned(), value.clone()),
                None => row.fields.remove(name),
            };
        }
    }

    pub(crate) fn set_text_column(&self, name: &str, values: &[Option<String>]) {
        let values: Vec<Option<Value>> = values.iter().map(|value| value.as_deref().map(Value::from)).collect();
        self.set_column(name, &values);
    }

    pub(crate) fn fill(&self, name: &str, value: &Value) {
        for row in &mut self.0.borrow_mut().rows {
            row.fields.insert(name.to_owned(), value.clone());
        }
    }

    pub(crate) fn rename(&self, name: &str, to: &str) {
        for row in &mut self.0.borrow_mut().rows {
            if let Some(value) = row.fields.remove(name) {
                row.fields.insert(to.to_owned(), value);
            }
        }
    }

    pub(crate) fn remove_column(&self, name: &str) {
        for row in &mut self.0.borrow_mut().rows {
            row.fields.remove(name);
        }
    }

    pub(crate) fn select(&self, indexes: &[u32]) {
        let mut records = self.0.borrow_mut();
        records.rows = indexes.iter().filter_map(|index| records.rows.get(*index as usize).cloned()).collect();
    }

    pub(crate) fn reject(&self, index: u32, reason: &str) {
        let mut records = self.0.borrow_mut();
        if let Some(origin) = records.rows.get(index as usize).map(|row| row.origin) {
            records.rejected.insert(origin, reason.to_owned());
        }
    }
}
