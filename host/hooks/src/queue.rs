//! The places in the queue of events.

use headworks_core::{TenantId, Timestamp, Uid};
use headworks_registry::Event;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// The most events that wait in one server, those included that are being delivered (NiFi Registry 22.3).
pub const QUEUE: usize = 10_000;
/// A tenant holds at most so many times the places that are free: a tenth stays for others.
const SHARE: usize = 9;
/// How often an operator is told of events that found no place.
const TELL: Duration = Duration::from_secs(10);

/// An event that holds its place until all hooks are done with it.
pub(crate) struct Told {
    pub(crate) event: Event,
    pub(crate) at: Timestamp,
    pub(crate) id: Uid,
    pub(crate) _place: Place,
}

/// All places.
#[derive(Clone, Default)]
pub(crate) struct Places(Arc<Shared>);

#[derive(Default)]
struct Shared {
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    total: usize,
    tenants: HashMap<TenantId, usize>,
    /// Events without a place since that was last told, and when it was.
    dropped: usize,
    told: Option<Instant>,
}

/// One place, until it is dropped.
pub(crate) struct Place {
    places: Places,
    tenant: TenantId,
}

impl Places {
    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for an event of a tenant.
    pub(crate) fn take(&self, tenant: TenantId) -> Option<Place> {
        let mut taken = self.lock();
        let free = QUEUE.saturating_sub(taken.total);
        let own = taken.tenants.get(&tenant).copied().unwrap_or_default();
        if own >= free.saturating_mul(SHARE) {
            taken.dropped += 1;
            return None;
        }
        taken.total += 1;
        taken.tenants.insert(tenant, own + 1);
        metrics::gauge!("headworks_event_hook_events_waiting").set(taken.total as f64);
        drop(taken);
        Some(Place { places: self.clone(), tenant })
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> usize {
        self.lock().total
    }

    /// How many events found no place since this was last asked, unless that was a moment ago.
    pub(crate) fn dropped(&self) -> Option<usize> {
        let mut taken = self.lock();
        if taken.told.is_some_and(|told| told.elapsed() < TELL) {
            return None;
        }
        taken.told = Some(Instant::now());
        Some(std::mem::take(&mut taken.dropped))
    }

    /// Waits until none is taken.
    pub(crate) async fn empty(&self) {
        loop {
            let freed = self.0.freed.notified();
            if self.taken() == 0 {
                return;
            }
            freed.await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        taken.total = taken.total.saturating_sub(1);
        if let Some(own) = taken.tenants.get_mut(&self.tenant) {
            *own = own.saturating_sub(1);
            if *own == 0 {
                taken.tenants.remove(&self.tenant);
            }
        }
        metrics::gauge!("headworks_event_hook_events_waiting").set(taken.total as f64);
        if taken.total == 0 {
            self.places.0.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn fill(places: &Places, tenant: u32) -> Vec<Place> {
        std::iter::from_fn(|| places.take(TenantId(tenant))).collect()
    }

    #[test]
    fn one_tenant_fills_nine_tenths_and_others_still_find_a_place() {
        let places = Places::default();
        let first = fill(&places, 1);
        assert_eq!(first.len(), QUEUE / 10 * 9);
        let second = fill(&places, 2);
        assert_eq!(second.len(), 900);
        let third = fill(&places, 3);
        assert!(third.len() >= 80 && places.taken() < QUEUE);
        assert_eq!(places.dropped(), Some(3));
        assert_eq!(places.dropped(), None);
        drop((second, third));
        assert_eq!(places.taken(), first.len());
    }

    #[tokio::test]
    async fn whoever_waits_hears_of_the_last_place() {
        let places = Places::default();
        places.empty().await;
        let held = places.take(TenantId(1)).unwrap();
        let waiting = tokio::spawn({
            let places = places.clone();
            async move { places.empty().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(held);
        waiting.await.unwrap();
    }
}
