//! Messages that wait for the pipelines, and the batches they become.
//!
//! An idle server hands a message on at once; while batches are run, messages gather and are taken together.

use crate::meters::{Complaint, Meters};
use crate::{AllowedOrigins, ENTRY, Shutdown, SyslogLimits};
use bytes::Bytes;
use headworks_core::time::Clock;
use headworks_core::{Batch, Error, ErrorCode, Result, TenantId, Timestamp};
use headworks_pipelines::Pipelines;
use headworks_pipelines::decode::{SyslogBatch, SyslogSender};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Bytes that a message takes beside its own.
const OVERHEAD: usize = 256;
/// Pause before records are offered again to a pipeline in front of which too many wait.
const PAUSE: Duration = Duration::from_millis(20);

/// What listeners need to hand messages on.
pub(crate) struct Intake {
    pub(crate) limits: SyslogLimits,
    pub(crate) origins: AllowedOrigins,
    pub(crate) meters: Meters,
    clock: Arc<dyn Clock>,
    queue: mpsc::Sender<Queued>,
    bytes: Arc<Semaphore>,
    /// Bytes in the queue by UDP sender; those with none are not in it.
    sources: Arc<Mutex<HashMap<IpAddr, usize>>>,
    overflowing: Complaint,
}

/// A message that waits.
pub(crate) struct Queued {
    message: Bytes,
    from: Arc<SyslogSender>,
    received: Timestamp,
    held: Held,
}

/// The room that a message takes, until it is run.
struct Held {
    _bytes: OwnedSemaphorePermit,
    _source: Option<Share>,
}

/// What a message takes of its sender's part.
struct Share {
    sources: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
    bytes: usize,
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(held) = sources.get_mut(&self.address) {
            *held = held.saturating_sub(self.bytes);
            if *held == 0 {
                sources.remove(&self.address);
            }
        }
    }
}

impl Intake {
    pub(crate) fn new(limits: SyslogLimits, origins: AllowedOrigins, clock: Arc<dyn Clock>) -> (Self, mpsc::Receiver<Queued>) {
        let (queue, waiting) = mpsc::channel(limits.queue_messages);
        let bytes = Arc::new(Semaphore::new(limits.queue_bytes));
        let (meters, sources, overflowing) = (Meters::new(), Arc::default(), Complaint::default());
        (Self { limits, origins, meters, clock, queue, bytes, sources, overflowing }, waiting)
    }

    /// Takes a message if there is room, else counts it.
    pub(crate) fn offer(&self, message: Bytes, from: &Arc<SyslogSender>, address: IpAddr) {
        let size = message.len() + OVERHEAD;
        let Some(share) = self.share(address, size) else { return self.meters.source.increment(1) };
        let room = Arc::clone(&self.bytes).try_acquire_many_owned(size as u32).ok();
        let place = self.queue.try_reserve().ok();
        let (Some(room), Some(place)) = (room, place) else {
            self.meters.overflow.increment(1);
            if self.overflowing.due() {
                tracing::warn!("syslog messages come quicker than the pipelines take them: UDP messages are dropped");
            }
            return;
        };
        let held = Held { _bytes: room, _source: Some(share) };
        place.send(Queued { message, from: Arc::clone(from), received: self.clock.now(), held });
    }

    fn share(&self, address: IpAddr, bytes: usize) -> Option<Share> {
        let mut sources = self.sources.lock().unwrap_or_else(PoisonError::into_inner);
        let held = sources.get(&address).copied().unwrap_or_default() + bytes;
        if held > self.limits.source_bytes {
            return None;
        }
        sources.insert(address, held);
        Some(Share { sources: Arc::clone(&self.sources), address, bytes })
    }

    /// Takes a message as soon as there is room.
    pub(crate) async fn push(&self, message: Bytes, from: &Arc<SyslogSender>) {
        let received = self.clock.now();
        let size = (message.len() + OVERHEAD) as u32;
        // Neither is ever closed while a listener can push.
        let Ok(room) = Arc::clone(&self.bytes).acquire_many_owned(size).await else { return };
        let held = Held { _bytes: room, _source: None };
        let _ = self.queue.send(Queued { message, from: Arc::clone(from), received, held }).await;
    }
}

/// Takes what waits to the pipelines.
pub(crate) struct Runner {
    pub(crate) pipelines: Pipelines,
    pub(crate) tenant: TenantId,
    pub(crate) failed: metrics::Counter,
    /// A quota of the tenant was used up.
    pub(crate) over_quota: metrics::Counter,
    pub(crate) failing: Complaint,
    /// Cancelled when nothing may be tried again.
    pub(crate) hurry: Shutdown,
}

/// Runs batches until the last listener is gone and nothing waits.
pub(crate) async fn run(runner: Runner, limits: &SyslogLimits, mut waiting: mpsc::Receiver<Queued>) {
    let runner = Arc::new(runner);
    let mut running = JoinSet::new();
    let mut queued = Vec::with_capacity(limits.batch_messages);
    while waiting.recv_many(&mut queued, limits.batch_messages).await > 0 {
        let mut batch = SyslogBatch::default();
        let mut held = Vec::with_capacity(queued.len());
        for message in queued.drain(..) {
            batch.message(&message.message, &message.from, message.received);
            held.push(message.held);
        }
        let runner = Arc::clone(&runner);
        running.spawn(async move {
            match batch.finish() {
                Ok(batch) => runner.run(batch).await,
                Err(error) => runner.complain("", held.len(), &error),
            }
            drop(held);
        });
        while running.len() >= limits.batches {
            running.join_next().await;
        }
    }
    while running.join_next().await.is_some() {}
}

impl Runner {
    /// Runs a batch through every pipeline with the entry point, all at once, and waits for all.
    async fn run(self: Arc<Self>, batch: Batch) {
        let names = match self.pipelines.with_entry(self.tenant, ENTRY).await {
            Ok(names) => names,
            Err(error) => return self.complain("", batch.len(), &error),
        };
        let mut runs = JoinSet::new();
        for place in 0..names.len() {
            let (runner, names, batch) = (Arc::clone(&self), Arc::clone(&names), batch.clone());
            runs.spawn(async move {
                if let Some(name) = names.get(place) {
                    runner.run_through(name, batch).await;
                }
            });
        }
        while runs.join_next().await.is_some() {}
    }

    async fn run_through(&self, name: &str, batch: Batch) {
        let told = loop {
            let told = self.pipelines.ingest_each(self.tenant, name, ENTRY, batch.clone()).await;
            match told {
                // A quota: waiting would only fill the queue. A full queue has room again soon.
                Err(error) if error.retry_after.is_some() => return self.over_quota(batch.len(), &error),
                Err(error) if error.code == ErrorCode::Exhausted && !self.hurry.is_cancelled() => sleep(PAUSE).await,
                told => break told,
            }
        };
        match told {
            Ok(told) => {
                let mut failures = told.into_iter().filter_map(Result::err);
                if let Some(first) = failures.next() {
                    self.complain(name, 1 + failures.count(), &first);
                }
            }
            // It was deleted after its name was looked up.
            Err(error) if error.code == ErrorCode::NotFound => {}
            Err(error) => self.complain(name, batch.len(), &error),
        }
    }

    fn over_quota(&self, messages: usize, error: &Error) {
        self.over_quota.increment(messages as u64);
        if self.failing.due() {
            tracing::warn!(tenant = %self.tenant, messages, cause = %error, "syslog messages are dropped");
        }
    }

    fn complain(&self, pipeline: &str, messages: usize, error: &Error) {
        self.failed.increment(messages as u64);
        if self.failing.due() {
            tracing::warn!(pipeline, messages, cause = %error, "a pipeline could not process syslog messages");
        }
    }
}
