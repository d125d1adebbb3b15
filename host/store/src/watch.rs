//! Telling those who follow a stream what was stored (FlowG 10.7).
//!
//! What must stay true: a slow watcher never slows a writer down and never holds more than its bound; what it loses is
//! counted and told.

use crate::types::{RecordId, WatchItem};
use headworks_core::{Batch, TenantId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use tokio::sync::Notify;

/// Records that may wait for one watcher. One batch may be larger.
const BOUND: usize = 8192;

/// Records that were stored in one stream.
pub(crate) struct Delivery {
    pub(crate) tenant: TenantId,
    pub(crate) stream: String,
    pub(crate) ids: Vec<RecordId>,
    pub(crate) batch: Batch,
}

type Queues = HashMap<TenantId, HashMap<String, Vec<Arc<Queue>>>>;

/// Who follows what.
#[derive(Default)]
pub(crate) struct Watchers(RwLock<Queues>);

#[derive(Default)]
struct Queue {
    state: Mutex<Waiting>,
    filled: Notify,
}

#[derive(Default)]
struct Waiting {
    items: VecDeque<(Vec<RecordId>, Batch)>,
    records: usize,
    lost: u64,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watchers {
    /// Whether anybody follows this stream.
    pub(crate) fn any(&self, tenant: TenantId, stream: &str) -> bool {
        let queues = self.0.read().unwrap_or_else(PoisonError::into_inner);
        queues.get(&tenant).is_some_and(|streams| streams.contains_key(stream))
    }

    pub(crate) fn deliver(&self, delivery: Delivery) {
        let queues = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(followers) = queues.get(&delivery.tenant).and_then(|streams| streams.get(&delivery.stream)) else { return };
        for queue in followers {
            let mut waiting = queue.lock();
            waiting.records += delivery.batch.len();
            waiting.items.push_back((delivery.ids.clone(), delivery.batch.clone()));
            while waiting.records > BOUND && waiting.items.len() > 1 {
                if let Some((ids, _)) = waiting.items.pop_front() {
                    waiting.records -= ids.len();
                    waiting.lost += ids.len() as u64;
                }
            }
            drop(waiting);
            queue.filled.notify_one();
        }
    }
}

/// Follows one stream, which does not have to exist yet and may be purged meanwhile. Dropping it ends that.
pub struct Watcher {
    registry: Arc<Watchers>,
    tenant: TenantId,
    stream: String,
    queue: Arc<Queue>,
}

impl Watcher {
    pub(crate) fn new(registry: &Arc<Watchers>, tenant: TenantId, stream: &str) -> Self {
        let queue = Arc::new(Queue::default());
        let mut queues = registry.0.write().unwrap_or_else(PoisonError::into_inner);
        queues.entry(tenant).or_default().entry(stream.to_owned()).or_default().push(Arc::clone(&queue));
        Self { registry: Arc::clone(registry), tenant, stream: stream.to_owned(), queue }
    }

    /// The next records that were stored since this watcher was made, in the order of storing; first how many were lost.
    /// Nothing is lost when the answer is not waited for.
    pub async fn next(&mut self) -> WatchItem {
        loop {
            {
                let mut waiting = self.queue.lock();
                if waiting.lost > 0 {
                    return WatchItem::Lost(std::mem::take(&mut waiting.lost));
                }
                if let Some((ids, batch)) = waiting.items.pop_front() {
                    waiting.records -= ids.len();
                    return WatchItem::Records { ids, batch };
                }
            }
            self.queue.filled.notified().await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut queues = self.registry.0.write().unwrap_or_else(PoisonError::into_inner);
        let Some(streams) = queues.get_mut(&self.tenant) else { return };
        if let Some(followers) = streams.get_mut(&self.stream) {
            followers.retain(|queue| !Arc::ptr_eq(queue, &self.queue));
            if followers.is_empty() {
                streams.remove(&self.stream);
            }
        }
        if streams.is_empty() {
            queues.remove(&self.tenant);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use headworks_core::{BatchBuilder, Timestamp};

    fn batch(records: usize) -> (Vec<RecordId>, Batch) {
        let mut builder = BatchBuilder::default();
        for _ in 0..records {
            builder.end_record(Timestamp(0));
        }
        (vec![RecordId { ms: 0, uuid: uuid::Uuid::nil() }; records], builder.finish().unwrap())
    }

    #[tokio::test]
    async fn a_slow_watcher_loses_the_oldest_and_is_told() {
        let registry = Arc::new(Watchers::default());
        let mut watcher = Watcher::new(&registry, TenantId::DEFAULT, "s");
        for records in [5000, 3000, 3000] {
            let (ids, batch) = batch(records);
            registry.deliver(Delivery { tenant: TenantId::DEFAULT, stream: "s".to_owned(), ids, batch });
        }
        assert!(matches!(watcher.next().await, WatchItem::Lost(5000)));
        for _ in 0..2 {
            let WatchItem::Records { ids, batch } = watcher.next().await else { panic!("records were expected") };
            assert_eq!((ids.len(), batch.len()), (3000, 3000));
        }
        drop(watcher);
        assert!(!registry.any(TenantId::DEFAULT, "s"));
    }
}
