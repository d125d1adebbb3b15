//! Waiting requests of one pipeline, and the workers that take them.
//!
//! An idle pipeline has no worker: the first request starts one, which ends when nothing waits. While all workers are busy,
//! requests gather and are taken together.

use super::{Shared, cache::Line, commit, share::Share};
use crate::plan::Plan;
use headworks_core::{Batch, Error, ErrorCode, Result};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// One request of a client.
pub(super) struct Request {
    pub(super) records: Batch,
    /// Whether each record succeeds or fails by itself. Otherwise the first that fails ends the request.
    pub(super) each: bool,
    /// Takes what each part of the request is told.
    pub(super) reply: Option<oneshot::Sender<Vec<Result<usize>>>>,
}

impl Request {
    /// The number of its parts.
    pub(super) fn parts(&self) -> usize {
        if self.each { self.records.len() } else { 1 }
    }

    /// The records of each part.
    pub(super) fn split(&self) -> impl Iterator<Item = Batch> {
        let size = if self.each { 1 } else { self.records.len() };
        (0..self.parts()).map(move |part| self.records.slice(part * size..(part + 1) * size))
    }
}

/// Requests that are run together.
pub(super) struct Load {
    pub(super) plan: Arc<Plan>,
    pub(super) entry: usize,
    pub(super) requests: Vec<Request>,
}

pub(super) struct Queue {
    state: Mutex<State>,
    /// Where what waits here is counted too.
    share: Arc<Share>,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Waiting>,
    records: usize,
    bytes: usize,
    workers: usize,
}

struct Waiting {
    plan: Arc<Plan>,
    entry: usize,
    bytes: usize,
    request: Request,
}

impl Queue {
    pub(super) fn new(share: Arc<Share>) -> Self {
        Self { state: Mutex::default(), share }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what may be run together, or gives up the worker's place when nothing waits.
    fn take(&self, records: usize, bytes: usize) -> Option<Load> {
        let mut state = self.state();
        let Some(first) = state.pop(&self.share) else {
            state.workers = state.workers.saturating_sub(1);
            return None;
        };
        let mut taken = (first.request.records.len(), first.bytes);
        let mut load = Load { plan: first.plan, entry: first.entry, requests: vec![first.request] };
        while let Some(next) = state.waiting.front() {
            let sum = (taken.0 + next.request.records.len(), taken.1 + next.bytes);
            let fits = sum.0 <= records && sum.1 <= bytes;
            if !fits || next.entry != load.entry || !Arc::ptr_eq(&next.plan, &load.plan) {
                break;
            }
            taken = sum;
            load.requests.extend(state.pop(&self.share).map(|next| next.request));
        }
        Some(load)
    }
}

impl State {
    fn pop(&mut self, share: &Share) -> Option<Waiting> {
        let next = self.waiting.pop_front()?;
        self.records -= next.request.records.len();
        self.bytes -= next.bytes;
        share.leave(next.request.records.len(), next.bytes);
        Some(next)
    }
}

/// Puts a request in line and waits for what its parts are told. What was put in line is run even if nobody waits any more.
pub(super) async fn submit(
    shared: &Arc<Shared>,
    line: &Arc<Line>,
    plan: Arc<Plan>,
    entry: usize,
    records: Batch,
    each: bool,
) -> Result<Vec<Result<usize>>> {
    let (reply, result) = oneshot::channel();
    let start = {
        let (count, bytes) = (records.len(), records.memory());
        let mut state = line.queue.state();
        let full = state.records + count > shared.options.queue_records || state.bytes + bytes > shared.options.queue_bytes;
        if full && !state.waiting.is_empty() {
            return Err(Error::new(
                ErrorCode::Exhausted,
                format!("{} records wait for the pipeline {} already; try again later", state.records, plan.name),
            ));
        }
        line.queue.share.enter(count, bytes)?;
        state.records += count;
        state.bytes += bytes;
        state.waiting.push_back(Waiting { plan, entry, bytes, request: Request { records, each, reply: Some(reply) } });
        let start = state.workers < shared.options.workers.max(1);
        state.workers += usize::from(start);
        start
    };
    if start {
        start_worker(shared, line);
    }
    result.await.map_err(|_| Error::internal("the request was dropped before it had a result"))
}

fn start_worker(shared: &Arc<Shared>, line: &Arc<Line>) {
    let place = Place { shared: Arc::clone(shared), line: Arc::clone(line), given_up: false };
    tokio::spawn(work(place));
}

async fn work(mut place: Place) {
    let options = &place.shared.options;
    // Requests that are ready to run now are let through first: what they bring is run in the same batch.
    tokio::task::yield_now().await;
    while let Some(load) = place.line.queue.take(options.batch_records, options.batch_bytes) {
        commit::run(&place.shared, &place.line, load).await;
    }
    place.given_up = true;
}

/// A worker's place. A worker that panics hands it to another one, so that what waits is not forgotten.
struct Place {
    shared: Arc<Shared>,
    line: Arc<Line>,
    given_up: bool,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.given_up && tokio::runtime::Handle::try_current().is_ok() {
            start_worker(&self.shared, &self.line);
        }
    }
}
