//! What tenants used: since the start of the process, and by day in the store.
//!
//! What must stay true: a counter never falls while the process runs; the total of a day holds everything up to the last
//! [`Tenants::flush`], whichever process counted it. Days are those of UTC; what is used within a minute around midnight may
//! be counted for the day after.

use super::Tenants;
use headworks_core::{Result, TenantId, Timestamp};
use serde::Serialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many things are counted.
const COUNTS: usize = 9;
/// For how many days totals are kept.
const KEPT_DAYS: u32 = 400;
/// Seconds of a day.
const DAY: i64 = 86_400;

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was used. The order is that of the numbers in the store: new ones are added at the end.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct Usage { $($(#[$doc])* pub $name: u64,)* }

        /// The same as counters that many tasks add to.
        #[derive(Debug, Default)]
        pub(crate) struct Counters { $(pub(crate) $name: AtomicU64,)* }

        impl Counters {
            pub(crate) fn read(&self) -> Usage {
                Usage { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }

        impl Usage {
            fn numbers(&self) -> [u64; COUNTS] {
                [$(self.$name,)*]
            }

            fn of(numbers: &[u64]) -> Self {
                let mut numbers = numbers.iter().copied();
                Self { $($name: numbers.next().unwrap_or_default(),)* }
            }
        }
    };
}

counts! {
    /// Records taken in.
    records,
    /// Bytes of their values.
    bytes,
    /// Records refused because a quota was used up.
    records_refused,
    /// Requests refused because a quota was used up.
    requests_refused,
    /// Calls of plugins.
    plugin_calls,
    /// Nanoseconds of processor time that they took.
    cpu_ns,
    /// Calls refused because a quota was used up.
    plugin_calls_refused,
    /// Bytes that plugins exchanged with the host.
    host_bytes,
    /// Bytes that plugins and forwarders sent over the network.
    outbound_bytes,
}

impl Usage {
    fn with(&self, other: &Self, join: impl Fn(u64, u64) -> u64) -> Self {
        let (one, two) = (self.numbers(), other.numbers());
        let joined: Vec<u64> = one.into_iter().zip(two).map(|(one, two)| join(one, two)).collect();
        Self::of(&joined)
    }

    /// Both together.
    fn plus(&self, other: &Self) -> Self {
        self.with(other, u64::saturating_add)
    }

    /// What came after `earlier`.
    fn since(&self, earlier: &Self) -> Self {
        self.with(earlier, u64::saturating_sub)
    }
}

/// The day on which a tenant was last written to the store, and what was there then.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Written {
    day: Option<u32>,
    total: Usage,
    /// The counters at that moment.
    counted: Usage,
}

/// The usage of one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DayUsage {
    /// Such as `2026-11-22`.
    pub day: String,
    /// What was used.
    #[serde(flatten)]
    pub usage: Usage,
}

/// The present day, counted from 1970.
fn today() -> u32 {
    u32::try_from(Timestamp::now().seconds().div_euclid(DAY)).unwrap_or_default()
}

fn shown(day: u32) -> String {
    let text = Timestamp::from_millis(i64::from(day) * DAY * 1000).rfc3339();
    text.get(..10).unwrap_or_default().to_owned()
}

impl Tenants {
    /// Writes the totals of all tenants that used something.
    ///
    /// # Errors
    /// Those of the store. Nothing is forgotten then: the next flush writes it.
    pub async fn flush(&self) -> Result<()> {
        let _writing = self.0.writing.lock().await;
        let tenants = self.clone();
        let read = tokio::task::spawn_blocking(move || tenants.due(today())).await;
        let due = read.map_err(|error| headworks_core::Error::internal(error.to_string()))??;
        if due.is_empty() {
            return Ok(());
        }
        let totals =
            due.iter().map(|(tenant, written)| (*tenant, written.day.unwrap_or_default(), written.total.numbers().to_vec()));
        self.0.store.put_totals(totals.collect(), today().saturating_sub(KEPT_DAYS)).await?;
        for (tenant, written) in due {
            self.meter(tenant).set_written(written);
        }
        Ok(())
    }

    /// What is to be written: the totals of those that used something since they were last written.
    fn due(&self, day: u32) -> Result<Vec<(TenantId, Written)>> {
        let meters: Vec<_> = self.meters().iter().map(|(tenant, meter)| (*tenant, std::sync::Arc::clone(meter))).collect();
        let mut due = Vec::new();
        for (tenant, meter) in meters {
            let (written, counted) = (meter.written(), meter.usage());
            let new = counted.since(&written.counted);
            if new != Usage::default() {
                let total = self.base(tenant, &written, day)?.plus(&new);
                due.push((tenant, Written { day: Some(day), total, counted }));
            }
        }
        Ok(due)
    }

    /// What the store has of this day.
    fn base(&self, tenant: TenantId, written: &Written, day: u32) -> Result<Usage> {
        if written.day == Some(day) {
            return Ok(written.total);
        }
        let stored = self.0.store.totals(tenant, day)?;
        Ok(stored.first().filter(|(of, _)| *of == day).map(|(_, numbers)| Usage::of(numbers)).unwrap_or_default())
    }

    /// The totals of the last days on which a tenant used something, the earliest first; the present one up to now. Blocks.
    ///
    /// # Errors
    /// Those of the store.
    pub fn days(&self, tenant: TenantId, days: u32) -> Result<Vec<DayUsage>> {
        let today = today();
        let stored = self.0.store.totals(tenant, today.saturating_sub(days.saturating_sub(1)))?;
        let mut found: Vec<DayUsage> = stored
            .iter()
            .filter(|(day, _)| *day != today)
            .map(|(day, numbers)| DayUsage { day: shown(*day), usage: Usage::of(numbers) })
            .collect();
        let meter = self.meter(tenant);
        let written = meter.written();
        let present = self.base(tenant, &written, today)?.plus(&meter.usage().since(&written.counted));
        if present != Usage::default() {
            found.push(DayUsage { day: shown(today), usage: present });
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_names() {
        assert_eq!(shown(0), "1970-01-01");
        assert_eq!(shown(20_779), "2026-11-22");
    }

    #[test]
    fn numbers_of_earlier_versions_are_fewer() {
        let usage = Usage::of(&[1, 2]);
        assert_eq!((usage.records, usage.bytes, usage.host_bytes), (1, 2, 0));
        assert_eq!(Usage::of(&usage.numbers()), usage);
        assert_eq!(usage.plus(&usage).since(&usage), usage);
    }
}
