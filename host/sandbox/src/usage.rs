//! What a plugin uses, counted without locks on the way of a call.

use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The most names of figures of one plugin.
const FIGURES: usize = 100;
/// The most bytes of such a name.
const NAME: usize = 64;

/// Counters of one plugin of one tenant since they were made.
#[derive(Debug, Default)]
pub struct Usage {
    calls: AtomicU64,
    failures: AtomicU64,
    records_in: AtomicU64,
    records_out: AtomicU64,
    cpu_nanos: AtomicU64,
    host_bytes: AtomicU64,
    outbound_bytes: AtomicU64,
    peak_memory: AtomicU64,
    log_dropped: AtomicU64,
    figures: Mutex<BTreeMap<String, Figure>>,
    /// Where the bytes that cross and those that are sent are counted too.
    whole: Option<Arc<Usage>>,
}

/// A figure that the plugin itself keeps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Figure {
    /// Only grows.
    Counter(u64),
    /// The last value.
    Gauge(f64),
}

/// The values of a [`Usage`] at one time.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct UsageSnapshot {
    /// Calls that mapped, delivered or judged something.
    pub calls: u64,
    /// Those that gave no result.
    pub failures: u64,
    /// Records given to calls.
    pub records_in: u64,
    /// Records that calls made or delivered.
    pub records_out: u64,
    /// Nanoseconds in which the plugin ran, with what the host did for it meanwhile.
    pub cpu_nanos: u64,
    /// Bytes that crossed between the plugin and the host.
    pub host_bytes: u64,
    /// Bytes that the plugin sent over the network: requests with their headers, datagrams, what went over connections.
    pub outbound_bytes: u64,
    /// The most bytes of memory of one instance.
    pub peak_memory: u64,
    /// Lines that were not logged because there were too many.
    pub log_dropped: u64,
    /// What the plugin itself counts.
    pub figures: BTreeMap<String, Figure>,
}

impl Usage {
    /// A part of a whole, such as one plugin of a tenant: the bytes that cross and those that are sent are counted there too.
    pub fn part_of(whole: &Arc<Self>) -> Self {
        Self { whole: Some(Arc::clone(whole)), ..Self::default() }
    }

    /// The present values.
    pub fn snapshot(&self) -> UsageSnapshot {
        UsageSnapshot {
            calls: self.calls.load(Relaxed),
            failures: self.failures.load(Relaxed),
            records_in: self.records_in.load(Relaxed),
            records_out: self.records_out.load(Relaxed),
            cpu_nanos: self.cpu_nanos.load(Relaxed),
            host_bytes: self.host_bytes.load(Relaxed),
            outbound_bytes: self.outbound_bytes.load(Relaxed),
            peak_memory: self.peak_memory.load(Relaxed),
            log_dropped: self.log_dropped.load(Relaxed),
            figures: self.figures.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Counts a call: the records it was given and, if it gave a result, those it made.
    pub(crate) fn call(&self, given: usize, made: Option<usize>) {
        self.calls.fetch_add(1, Relaxed);
        self.records_in.fetch_add(given as u64, Relaxed);
        match made {
            Some(made) => self.records_out.fetch_add(made as u64, Relaxed),
            None => self.failures.fetch_add(1, Relaxed),
        };
    }

    pub(crate) fn cpu(&self, time: Duration) {
        self.cpu_nanos.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// Counts what a call left in its accounts.
    pub(crate) fn account(&self, bytes: usize, sent: usize, memory: usize, dropped: u64) {
        for usage in [Some(self), self.whole.as_deref()].into_iter().flatten() {
            usage.host_bytes.fetch_add(bytes as u64, Relaxed);
            usage.outbound_bytes.fetch_add(sent as u64, Relaxed);
        }
        if memory as u64 > self.peak_memory.load(Relaxed) {
            self.peak_memory.fetch_max(memory as u64, Relaxed);
        }
        if dropped > 0 {
            self.log_dropped.fetch_add(dropped, Relaxed);
        }
    }

    /// Adds to a counter or sets a gauge.
    ///
    /// # Errors
    /// Why it is not kept.
    pub(crate) fn figure(&self, name: &str, value: Figure) -> Result<(), String> {
        let mut figures = self.figures.lock().unwrap_or_else(PoisonError::into_inner);
        let full = figures.len() >= FIGURES;
        match (figures.get_mut(name), value) {
            (_, Figure::Gauge(value)) if !value.is_finite() => return Err(format!("the gauge {name:?} cannot be {value}")),
            (Some(Figure::Counter(sum)), Figure::Counter(by)) => *sum = sum.saturating_add(by),
            (Some(Figure::Gauge(last)), Figure::Gauge(value)) => *last = value,
            (Some(_), _) => return Err(format!("{name:?} is a counter and a gauge")),
            (None, _) if !is_name(name) => {
                return Err(format!(
                    "{name:?} names no figure: it has to be lower-case words with underscores, at most {NAME} bytes"
                ));
            }
            (None, _) if full => return Err(format!("{name:?} is not kept: a plugin has at most {FIGURES} figures")),
            (None, value) => drop(figures.insert(name.to_owned(), value)),
        }
        Ok(())
    }
}

/// Lower-case words with underscores.
fn is_name(name: &str) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'_';
    name.len() <= NAME && name.as_bytes().first().is_some_and(u8::is_ascii_lowercase) && name.as_bytes().iter().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_few_and_have_plain_names() {
        let usage = Usage::default();
        usage.figure("seen_total", Figure::Counter(2)).unwrap();
        usage.figure("seen_total", Figure::Counter(3)).unwrap();
        usage.figure("seen_total", Figure::Counter(u64::MAX)).unwrap();
        usage.figure("fill_ratio", Figure::Gauge(0.5)).unwrap();
        usage.figure("fill_ratio", Figure::Gauge(0.25)).unwrap();
        assert!(usage.figure("fill_ratio", Figure::Counter(1)).unwrap_err().contains("a counter and a gauge"));
        assert!(usage.figure("fill_ratio", Figure::Gauge(f64::NAN)).is_err());
        for name in ["", "Seen", "1st", "a b", "a\n", "é", &"x".repeat(65)] {
            assert!(usage.figure(name, Figure::Counter(1)).unwrap_err().contains("names no figure"), "{name}");
        }
        for number in 2..100 {
            usage.figure(&format!("n{number}"), Figure::Counter(1)).unwrap();
        }
        assert!(usage.figure("one_more", Figure::Counter(1)).unwrap_err().contains("at most 100"));
        let figures = usage.snapshot().figures;
        assert_eq!(figures.len(), 100);
        assert_eq!((figures["seen_total"], figures["fill_ratio"]), (Figure::Counter(u64::MAX), Figure::Gauge(0.25)));
    }
}
