//! One pipeline of one tenant with its compiled form.

use super::share::Share;
use super::{PIPELINE, PipelineOptions, Shared};
use crate::counters::{Counter, Counters};
use crate::engine::queue::Queue;
use crate::graph::Graph;
use crate::plan::Plan;
use headworks_core::{DocumentKey, Error, ErrorCode, Result, TenantId};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OnceCell, Semaphore};

pub(crate) struct Line {
    pub(super) tenant: TenantId,
    name: String,
    pub(super) share: Arc<Share>,
    counters: Arc<Counters>,
    slot: Mutex<Arc<Slot>>,
    pub(super) queue: Queue,
    /// Evaluated batches that may wait for the disk.
    pub(super) in_flight: Arc<Semaphore>,
}

/// A plan, once it is built. A change puts another slot in its place, so that a build that began before the change is never
/// taken for one that began after it.
#[derive(Default)]
struct Slot {
    /// Keeps the transformers that both have in common until the new plan is built.
    previous: Mutex<Option<Arc<Plan>>>,
    plan: OnceCell<Result<Arc<Plan>>>,
}

impl Line {
    pub(super) fn new(tenant: TenantId, name: &str, options: &PipelineOptions, share: Arc<Share>) -> Self {
        Self {
            tenant,
            name: name.to_owned(),
            counters: Arc::default(),
            slot: Mutex::default(),
            queue: Queue::new(Arc::clone(&share)),
            share,
            in_flight: Arc::new(Semaphore::new(options.in_flight.max(1))),
        }
    }

    fn slot(&self) -> Arc<Slot> {
        Arc::clone(&self.slot.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The next request builds the plan anew.
    pub(super) fn outdate(&self) {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        let previous = match slot.plan.get() {
            Some(Ok(plan)) => Some(Arc::clone(plan)),
            _ => slot.previous.lock().unwrap_or_else(PoisonError::into_inner).take(),
        };
        *slot = Arc::new(Slot { previous: Mutex::new(previous), plan: OnceCell::new() });
    }

    /// Whether there is no present plan that runs.
    pub(super) fn is_broken(&self) -> bool {
        !matches!(self.slot().plan.get(), Some(Ok(_)))
    }

    pub(super) async fn plan(&self, shared: &Shared) -> Result<Arc<Plan>> {
        let slot = self.slot();
        if let Some(Ok(plan)) = slot.plan.get() {
            return Ok(Arc::clone(plan));
        }
        let built = slot.plan.get_or_init(|| self.build(shared)).await.clone();
        slot.previous.lock().unwrap_or_else(PoisonError::into_inner).take();
        // What is wrong with the pipeline stays until it is changed; anything else may have passed by the next request.
        if built.as_ref().is_err_and(|error| error.code != ErrorCode::BrokenPipeline) {
            let mut present = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            if Arc::ptr_eq(&present, &slot) {
                *present = Arc::default();
            }
        }
        built
    }

    async fn build(&self, shared: &Shared) -> Result<Arc<Plan>> {
        let body = shared.document(DocumentKey::new(self.tenant, PIPELINE, &self.name)).await?;
        let body = body.ok_or_else(|| Error::not_found(format!("pipeline not found: {}", self.name)))?;
        let graph = Graph::from_stored(&body)?;
        let parts = shared.parts(self.tenant);
        let plan = Plan::build(&self.name, &graph, Some((self.tenant, Arc::clone(&self.counters))), &parts).await;
        if let Err(error) = &plan {
            tracing::warn!(tenant = %self.tenant, pipeline = %self.name, cause = %error, "a pipeline cannot be built");
        }
        plan.map(Arc::new)
    }

    pub(super) fn counters(&self) -> Vec<Counter> {
        self.counters.all()
    }
}
