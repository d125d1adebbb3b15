//! The instances that are kept of a component with its configuration.
//!
//! An instance belongs to one call at a time; calls beyond the number of instances wait. One that failed is thrown away.

use crate::breaker::Breaker;
use crate::{CallFailure, Limits};
use headworks_core::{Digest, Error, ErrorCode};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::{Semaphore, SemaphorePermit};

pub(crate) struct Pool<T> {
    digest: Digest,
    limits: Arc<Limits>,
    /// Instances that nobody uses. The lock is held to take one out or to put one back, never during a call.
    idle: Mutex<Vec<T>>,
    places: Semaphore,
    breaker: Mutex<Breaker>,
}

/// An instance for one call.
pub(crate) struct Lease<'p, T> {
    pub(crate) instance: T,
    _place: SemaphorePermit<'p>,
}

impl<T> Pool<T> {
    pub(crate) fn new(digest: Digest, limits: &Arc<Limits>, instances: usize, first: T) -> Self {
        Self {
            digest,
            limits: Arc::clone(limits),
            idle: Mutex::new(vec![first]),
            places: Semaphore::new(instances.max(1)),
            breaker: Mutex::default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<T>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self, code: ErrorCode, message: impl Into<String>) -> CallFailure {
        CallFailure::of(Error::new(code, message), self.digest)
    }

    /// An instance, made by `open` when none is idle.
    pub(crate) async fn take(&self, open: impl AsyncFnOnce() -> Result<T, CallFailure>) -> Result<Lease<'_, T>, CallFailure> {
        if let Some(left) = self.breaker().suspended(Instant::now()) {
            return Err(self.failure(
                ErrorCode::PluginSuspended,
                format!("the plugin failed on every call lately and is not called for another {:.1} s", left.as_secs_f32()),
            ));
        }
        let place = self.places.acquire().await;
        let place = place.map_err(|_| self.failure(ErrorCode::Unavailable, "the server is stopping"))?;
        let known = self.idle().pop();
        let instance = match known {
            Some(instance) => instance,
            None => open().await.inspect_err(|failure| self.judge(Some(failure)))?,
        };
        Ok(Lease { instance, _place: place })
    }

    /// Takes an instance back after a call: it is kept if the call went well and `keep` says so.
    pub(crate) fn give_back<R>(&self, lease: Lease<'_, T>, result: &Result<R, CallFailure>, keep: impl FnOnce(&T) -> bool) {
        let failure = result.as_ref().err();
        self.judge(failure);
        if failure.is_none_or(|failure| !failure.is_sandbox()) && keep(&lease.instance) {
            self.idle().push(lease.instance);
        }
    }

    fn judge(&self, failure: Option<&CallFailure>) {
        match failure {
            Some(failure) if failure.is_sandbox() => self.breaker().failed(Instant::now(), &self.limits),
            _ => self.breaker().succeeded(),
        }
    }
}
