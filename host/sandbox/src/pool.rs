//! The instances that are kept of a component with its configuration.
//!
//! An instance belongs to one call at a time; calls beyond the number of instances wait. One that failed is thrown away.

use crate::breaker::Breaker;
use crate::instance::Opened;
use crate::{CallFailure, Plugin};
use headworks_core::{Digest, Error, ErrorCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) struct Pool {
    plugin: Plugin,
    config: String,
    /// Instances that nobody uses, with the end of their last call, the latest last. The lock is held to take one out or to
    /// put one back, never during a call.
    idle: Mutex<Vec<(Instant, Opened)>>,
    places: Semaphore,
    breaker: Mutex<Breaker>,
}

/// An instance for one call.
pub(crate) struct Lease<'p> {
    pub(crate) instance: Opened,
    _place: SemaphorePermit<'p>,
}

impl Pool {
    /// Opens one instance, which proves that the configuration can be used.
    pub(crate) async fn new(plugin: &Plugin, config: &str, instances: usize) -> Result<Arc<Self>, CallFailure> {
        let mut first = plugin.open(config, plugin.admit().await?).await?;
        first.admit(None);
        let pool = Arc::new(Self {
            plugin: plugin.clone(),
            config: config.to_owned(),
            idle: Mutex::new(vec![(Instant::now(), first)]),
            places: Semaphore::new(instances.max(1)),
            breaker: Mutex::default(),
        });
        plugin.sweeper().watch(&pool, plugin.limits().instance_idle);
        Ok(pool)
    }

    pub(crate) fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    pub(crate) fn digest(&self) -> Digest {
        self.plugin.digest()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, Opened)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self, code: ErrorCode, message: impl Into<String>) -> CallFailure {
        CallFailure::of(Error::new(code, message), self.digest())
    }

    /// An idle instance, or a new one. Whoever waits for a place holds no right to a call yet.
    pub(crate) async fn take(&self) -> Result<Lease<'_>, CallFailure> {
        if let Some(left) = self.breaker().suspended(Instant::now()) {
            return Err(self.failure(
                ErrorCode::PluginSuspended,
                format!("the plugin failed on every call lately and is not called for another {:.1} s", left.as_secs_f32()),
            ));
        }
        let place = self.places.acquire().await;
        let place = place.map_err(|_| self.failure(ErrorCode::Unavailable, "the server is stopping"))?;
        let permit = self.plugin.admit().await?;
        let known = self.idle().pop();
        let instance = match known {
            Some((_, mut instance)) => {
                instance.admit(Some(permit));
                instance
            }
            None => self.plugin.open(&self.config, permit).await.inspect_err(|failure| self.judge(Some(failure)))?,
        };
        Ok(Lease { instance, _place: place })
    }

    /// Takes an instance back after a call: it is kept if the call went well and it is not bloated.
    pub(crate) fn give_back<R>(&self, lease: Lease<'_>, result: &Result<R, CallFailure>) {
        let failure = result.as_ref().err();
        self.judge(failure);
        let mut instance = lease.instance;
        if failure.is_none_or(|failure| !failure.is_sandbox()) && !instance.is_bloated() {
            instance.admit(None);
            self.idle().push((Instant::now(), instance));
        }
    }

    /// Takes an instance back that did well and must not be called again.
    pub(crate) fn retire(&self, lease: Lease<'_>) {
        self.judge(None);
        drop(lease);
    }

    /// Gives up instances that were not called since then.
    pub(crate) fn give_up(&self, since: Instant) {
        let unused: Vec<_> = {
            let mut idle = self.idle();
            let first = idle.partition_point(|(last, _)| *last < since);
            idle.drain(..first).collect()
        };
        // Not under the lock: calls go on meanwhile.
        drop(unused);
    }

    fn judge(&self, failure: Option<&CallFailure>) {
        match failure {
            Some(failure) if failure.is_sandbox() => self.breaker().failed(Instant::now(), self.plugin.limits()),
            _ => self.breaker().succeeded(),
        }
    }
}
