//! Delivering later: one task per forwarder that something waits for.
//!
//! What must stay true: what a client was told is safe is delivered or goes to the dead letters, also when the process dies
//! in between (then some of it may be delivered twice); records reach a forwarder in the order in which they were accepted.
//! A task ends when its queue has been empty for a while. It gives up its place under the lock that wakes it, so that
//! what is accepted meanwhile is either seen by it or starts the next one.

use super::Shared;
use crate::forward::Target;
use futures_util::FutureExt;
use headworks_core::{Batch, Error, ErrorCode, Result, TenantId, Timestamp};
use headworks_store::DeadLetter;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// Entries that are read at once.
const READ: usize = 64;
/// The shortest and the longest time between two tries.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LAST_WAIT: Duration = Duration::from_secs(60);

/// The queues that have a task, and what wakes it.
#[derive(Default)]
pub(super) struct Outbox {
    tasks: Mutex<HashMap<(TenantId, String), Arc<Notify>>>,
}

impl Outbox {
    fn tasks(&self) -> MutexGuard<'_, HashMap<(TenantId, String), Arc<Notify>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of one entry.
enum Outcome {
    Done,
    /// The rest has to wait.
    Later {
        rest: Batch,
        wait: Option<Duration>,
    },
}

/// Has what waits in a queue delivered.
pub(super) fn wake(shared: &Arc<Shared>, tenant: TenantId, name: &str) {
    let mut tasks = shared.outbox.tasks();
    let key = (tenant, name.to_owned());
    if let Some(task) = tasks.get(&key) {
        task.notify_one();
        return;
    }
    let woken = Arc::new(Notify::new());
    tasks.insert(key, Arc::clone(&woken));
    let work = Work { shared: Arc::clone(shared), tenant, name: name.to_owned(), woken };
    tokio::spawn(work.run());
}

struct Work {
    shared: Arc<Shared>,
    tenant: TenantId,
    name: String,
    woken: Arc<Notify>,
}

impl Work {
    async fn run(self) {
        let mut last = 0;
        loop {
            let waiting = match self.read(last).await {
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::error!(tenant = %self.tenant, forwarder = self.name, cause = %error, "what waits for a forwarder cannot be read");
                    tokio::time::sleep(jittered(LAST_WAIT)).await;
                    continue;
                }
            };
            if waiting.is_empty() {
                if self.is_over().await {
                    return;
                }
                continue;
            }
            for (number, batch) in waiting {
                if self.deliver(number, batch).await.is_err() {
                    // The store takes no more writes: the process is about to end.
                    return;
                }
                last = number;
            }
        }
    }

    /// Waits for more, or gives up the task's place when nothing came for a while.
    async fn is_over(&self) -> bool {
        if timeout(self.shared.options.idle, self.woken.notified()).await.is_ok() {
            return false;
        }
        let mut tasks = self.shared.outbox.tasks();
        // Whoever woke this task after its time was up did so before the lock was taken.
        if self.woken.notified().now_or_never().is_some() {
            return false;
        }
        tasks.remove(&(self.tenant, self.name.clone()));
        true
    }

    async fn read(&self, after: u64) -> Result<Vec<(u64, Batch)>> {
        let (store, tenant, name) = (self.shared.store.clone(), self.tenant, self.name.clone());
        let read = tokio::task::spawn_blocking(move || store.queued(tenant, &name, after, READ)).await;
        read.map_err(|error| Error::internal(error.to_string()))?
    }

    /// Delivers an entry, however long it takes, and takes it out of the queue.
    async fn deliver(&self, number: u64, mut batch: Batch) -> Result<()> {
        let mut wait = FIRST_WAIT;
        loop {
            match self.attempt(batch.clone()).await {
                Outcome::Done => return self.shared.store.dequeue(self.tenant, &self.name, number, None).await,
                Outcome::Later { rest, wait: asked } => {
                    if rest.len() < batch.len() {
                        self.shared.store.dequeue(self.tenant, &self.name, number, Some(rest.clone())).await?;
                        wait = FIRST_WAIT;
                    }
                    batch = rest;
                    tokio::time::sleep(jittered(wait.max(asked.unwrap_or_default()).min(LAST_WAIT))).await;
                    wait = wait.saturating_mul(2).min(LAST_WAIT);
                }
            }
        }
    }

    /// Tries to deliver records from the first on.
    async fn attempt(&self, batch: Batch) -> Outcome {
        self.shared.catch_up();
        let target = match self.shared.target(self.tenant, &self.name).await {
            Ok(Some(target)) => target,
            Ok(None) => {
                let why = "the forwarder was deleted while these records waited for it";
                return match self.give_up(batch.clone(), "not-found", why, None).await {
                    Ok(()) => Outcome::Done,
                    Err(_) => Outcome::Later { rest: batch, wait: None },
                };
            }
            Err(error) => return self.later(batch, None, &error.message).await,
        };
        let mut next = 0;
        // What cannot be kept as a dead letter stays in the queue, from the first such record on.
        let from = |next: usize| Outcome::Later { rest: batch.slice(next..batch.len()), wait: None };
        while next < batch.len() {
            let rest = batch.slice(next..batch.len());
            match target.send(&rest).await {
                Ok((tried, report)) => {
                    for (place, reason) in report.rejected {
                        let place = place as usize;
                        let record = rest.slice(place..place + 1);
                        if self.give_up(record, "rejected", &reason, Some(&target)).await.is_err() {
                            return from(next + place);
                        }
                    }
                    let Some(stop) = report.stopped else {
                        next += tried.max(1);
                        continue;
                    };
                    next += stop.at as usize;
                    let left = batch.slice(next..batch.len());
                    if stop.retry_after.is_some() {
                        return self.later(left, stop.retry_after, &stop.reason).await;
                    }
                    if self.give_up(left.slice(0..1), "rejected", &stop.reason, Some(&target)).await.is_err() {
                        return from(next);
                    }
                    next += 1;
                }
                Err(failure) if matches!(failure.error.code, ErrorCode::PluginSuspended | ErrorCode::Exhausted) => {
                    return self.later(rest, failure.error.retry_after, &failure.error.message).await;
                }
                Err(failure) => {
                    // It is not known which record it was; a second call with the same ones would end the same way.
                    let Error { code, message, .. } = &failure.error;
                    if self.give_up(rest.slice(0..1), code.as_str(), message, Some(&target)).await.is_err() {
                        return from(next);
                    }
                    next += 1;
                }
            }
        }
        Outcome::Done
    }

    /// Leaves records for the next try, without those that have waited too long.
    async fn later(&self, batch: Batch, wait: Option<Duration>, reason: &str) -> Outcome {
        let oldest = Timestamp::now().millis() - i64::try_from(self.shared.options.give_up.as_millis()).unwrap_or(i64::MAX);
        let young = batch.records().position(|record| record.time().millis() > oldest).unwrap_or(batch.len());
        if young > 0 && self.give_up(batch.slice(0..young), "given-up", reason, None).await.is_err() {
            return Outcome::Later { rest: batch, wait };
        }
        tracing::warn!(tenant = %self.tenant, forwarder = self.name, cause = reason, "a delivery is tried again later");
        if young == batch.len() { Outcome::Done } else { Outcome::Later { rest: batch.slice(young..batch.len()), wait } }
    }

    /// Moves records to the dead letters.
    async fn give_up(&self, records: Batch, code: &str, reason: &str, target: Option<&Arc<dyn Target>>) -> Result<()> {
        tracing::warn!(tenant = %self.tenant, forwarder = self.name, code, cause = reason, records = records.len(), "records could not be delivered");
        let letter = DeadLetter {
            pipeline: String::new(),
            node: format!("forwarder {}", self.name),
            plugin_digest: target.map(|target| target.digest()).unwrap_or_default(),
            code: code.to_owned(),
            reason: reason.to_owned(),
            backtrace: None,
            attempt: 1,
            at: Timestamp::now(),
            records,
        };
        self.shared.store.bury(self.tenant, letter).await.inspect_err(|error| {
            tracing::error!(tenant = %self.tenant, cause = %error, "records that could not be delivered wait on: they could not be kept");
        })
    }
}

/// A fifth more or less, so that forwarders that failed together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let random = f64::from(getrandom::u32().unwrap_or_default()) / f64::from(u32::MAX);
    wait.mul_f64(0.8 + 0.4 * random)
}
