//! Evaluating a plan over a whole batch (FlowG 7.3).
//!
//! Pure: a run says what would happen and nothing has happened yet, so it can be thrown away and repeated. What must stay
//! true: the outcome for a record does not depend on the records that share its batch.

use crate::engine::Shared;
use crate::plan::{Action, Delivery, Plan, Step, Stream};
use crate::transform::{Boxed, Transform};
use headworks_core::{Batch, Error, ErrorCode, TenantId};
use headworks_sandbox::{CallFailure, Transformed};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// How deep pipelines may call pipelines.
const MAX_NESTING: usize = 32;
/// The most records, counted once per node they reach, that one run may hand on beyond [`ROWS_PER_RECORD`].
const MAX_ROWS: u64 = 2_000_000;
/// The most nodes one record may reach, its parts and those in called pipelines included.
const ROWS_PER_RECORD: u64 = 10_000;
/// The most nodes one run may visit, however many records are on the way.
const MAX_STEPS: u32 = 50_000;
/// The most records and bytes given to a transformer at once: larger calls gain nothing and come near its limits.
const CALL_RECORDS: usize = 512;
const CALL_BYTES: usize = 1 << 20;

/// What would happen to the records of a batch.
#[derive(Default)]
pub(crate) struct Outcome {
    /// By record.
    pub(crate) failures: BTreeMap<u32, Failure>,
    pub(crate) effects: Vec<Effect>,
}

/// Why a record failed: the causes of all its branches, one per line.
#[derive(Clone, Debug)]
pub(crate) struct Failure(pub(crate) Error);

/// Something done with some records.
#[derive(Clone)]
pub(crate) struct Effect {
    pub(crate) deed: Deed,
    origins: Origins,
}

#[derive(Clone)]
pub(crate) enum Deed {
    /// These records are appended to a stream.
    Store(Arc<Stream>, Batch),
    /// These records are sent through a forwarder, on behalf of these pipelines, the outermost first.
    Deliver(Arc<Delivery>, Batch, Vec<Arc<Plan>>),
    /// A metric node counts.
    Count(Arc<AtomicU64>),
    /// A pipeline was run, well or badly.
    Ran(Arc<Plan>, bool),
}

/// Per record of an effect: which record of the batch it comes from.
#[derive(Clone)]
enum Origins {
    /// The same, for the first so many.
    Same(u32),
    Each(Vec<u32>),
}

/// Records that a plugin could not take.
pub(crate) struct Dead {
    pub(crate) pipeline: String,
    pub(crate) node: String,
    pub(crate) failure: CallFailure,
    pub(crate) records: Batch,
}

/// Why a run was given up.
#[derive(Debug)]
pub(crate) enum Abort {
    /// A plugin failed on records of several requests: run each request alone to find the guilty one.
    Shared,
    /// It handed on more records, or visited more nodes, than allowed.
    Endless,
}

type Ran = Result<Outcome, Abort>;

/// One evaluation.
pub(crate) struct Run<'e> {
    shared: &'e Shared,
    tenant: TenantId,
    /// Whether all records belong to one request.
    alone: bool,
    rows: u64,
    steps: u32,
    /// The pipelines under way, the outermost first.
    callers: Vec<Arc<Plan>>,
    pub(crate) dead: Vec<Dead>,
}

impl<'e> Run<'e> {
    pub(crate) fn new(shared: &'e Shared, tenant: TenantId, alone: bool, records: usize) -> Self {
        let rows = MAX_ROWS.saturating_add(ROWS_PER_RECORD.saturating_mul(records as u64));
        Self { shared, tenant, alone, rows, steps: MAX_STEPS, callers: Vec::new(), dead: Vec::new() }
    }

    /// Runs a pipeline from one of its entry points.
    pub(crate) async fn enter(&mut self, plan: &Arc<Plan>, entry: usize, batch: &Batch, depth: usize) -> Ran {
        self.callers.push(Arc::clone(plan));
        let ran = self.step(plan, entry, batch, depth).await;
        self.callers.pop();
        ran
    }

    /// Runs a step and all that follows it.
    pub(crate) fn step<'a>(&'a mut self, plan: &'a Arc<Plan>, place: usize, batch: &'a Batch, depth: usize) -> Boxed<'a, Ran> {
        Box::pin(async move {
            let Some(step) = plan.step(place).filter(|_| !batch.is_empty()) else { return Ok(Outcome::default()) };
            self.rows = self.rows.checked_sub(batch.len() as u64).ok_or(Abort::Endless)?;
            self.steps = self.steps.checked_sub(1).ok_or(Abort::Endless)?;
            match &step.action {
                Action::Pass => self.fan(plan, step, batch, depth).await,
                Action::Switch(None) => self.fan(plan, step, batch, depth).await,
                Action::Switch(Some(condition)) => {
                    let verdicts = condition.evaluate(batch);
                    let mut outcome = Outcome::default();
                    for (row, error) in verdicts.failures {
                        outcome.fail(row, error);
                    }
                    if verdicts.mask.iter().all(|holds| *holds) {
                        return self.fan(plan, step, batch, depth).await;
                    }
                    let kept: Vec<u32> = (0u32..).zip(&verdicts.mask).filter_map(|(row, holds)| holds.then_some(row)).collect();
                    let inner = self.fan(plan, step, &batch.select(&kept), depth).await?;
                    outcome.join(inner.seen_through(&kept));
                    Ok(outcome)
                }
                Action::Transform(transform) => self.transform(plan, step, transform.as_ref(), batch, depth).await,
                Action::Count(counter) => Ok(Outcome::of(Deed::Count(Arc::clone(counter)), batch)),
                Action::Store(stream) => Ok(Outcome::of(Deed::Store(Arc::clone(stream), batch.clone()), batch)),
                Action::Deliver(delivery) => {
                    Ok(Outcome::of(Deed::Deliver(Arc::clone(delivery), batch.clone(), self.callers.clone()), batch))
                }
                Action::Call(name) => self.call(name, batch, depth).await,
            }
        })
    }

    /// Hands a batch to every successor; none stops another.
    async fn fan(&mut self, plan: &Arc<Plan>, step: &Step, batch: &Batch, depth: usize) -> Ran {
        let mut outcome = Outcome::default();
        for &next in &step.next {
            outcome.join(self.step(plan, next, batch, depth).await?);
        }
        Ok(outcome)
    }

    async fn transform(&mut self, plan: &Arc<Plan>, step: &Step, with: &dyn Transform, batch: &Batch, depth: usize) -> Ran {
        let mut outcome = Outcome::default();
        for range in calls(batch) {
            let input = if range.len() == batch.len() { batch.clone() } else { batch.slice(range.clone()) };
            match with.transform(input).await {
                Ok(made) => {
                    let part = self.hand_on(plan, step, made, depth).await?;
                    outcome.join(part.shifted(range.start as u32));
                }
                // A plugin that is suspended, or may not be called now, would refuse each request alone too.
                Err(failure)
                    if !self.alone && !matches!(failure.error.code, ErrorCode::PluginSuspended | ErrorCode::Exhausted) =>
                {
                    return Err(Abort::Shared);
                }
                Err(failure) => {
                    // What follows in the request would not run after this failure, and must not cost another deadline.
                    let rest = range.start..batch.len();
                    for row in rest.clone() {
                        outcome.fail(row as u32, failure.error.clone());
                    }
                    if failure.is_sandbox() {
                        let (pipeline, node) = (plan.name.clone(), step.id.clone());
                        self.dead.push(Dead { pipeline, node, failure, records: batch.slice(rest) });
                    }
                    break;
                }
            }
        }
        Ok(outcome)
    }

    /// Hands on what was made of each record one after the other; the first that fails ends those after it.
    async fn hand_on(&mut self, plan: &Arc<Plan>, step: &Step, made: Transformed, depth: usize) -> Ran {
        let mut outcome = Outcome::default();
        let Transformed { batch, origins, rejected } = made;
        for (row, reason) in rejected {
            outcome.fail(row, Error::new(ErrorCode::Failed, reason));
        }
        let mut inner = self.fan(plan, step, &batch, depth).await?;
        if !inner.failures.is_empty() {
            let mut first: BTreeMap<u32, u32> = BTreeMap::new();
            for &made in inner.failures.keys() {
                if let Some(&origin) = origins.get(made as usize) {
                    first.entry(origin).or_insert(made);
                }
            }
            let runs = |made: u32| {
                let last = origins.get(made as usize).and_then(|origin| first.get(origin));
                last.is_none_or(|&last| made <= last)
            };
            inner.failures.retain(|made, _| runs(*made));
            inner.keep(runs);
        }
        let same = origins.iter().enumerate().all(|(row, &origin)| row as u32 == origin);
        outcome.join(if same { inner } else { inner.seen_through(&origins) });
        Ok(outcome)
    }

    /// Runs another pipeline from its `direct` entry point.
    async fn call(&mut self, name: &str, batch: &Batch, depth: usize) -> Ran {
        let everywhere = |error: Error| {
            let mut outcome = Outcome::default();
            (0..batch.len() as u32).for_each(|row| outcome.fail(row, error.clone()));
            Ok(outcome)
        };
        if depth >= MAX_NESTING {
            let cause = format!("pipelines call each other more than {MAX_NESTING} levels deep, the last is {name}");
            return everywhere(Error::new(ErrorCode::LoopDetected, cause));
        }
        let entry = self.shared.plan(self.tenant, name).await.and_then(|(_, plan)| Ok((plan.entry("direct")?, plan)));
        let (entry, plan) = match entry {
            Ok(found) => found,
            // The pipeline that the record was sent to exists; it is the branch that fails (FlowG 7.2).
            Err(error) if error.code == ErrorCode::NotFound => return everywhere(Error { code: ErrorCode::Failed, ..error }),
            Err(error) => return everywhere(error),
        };
        let mut outcome = self.enter(&plan, entry, batch, depth + 1).await?;
        outcome.effects.extend(outcome.ran(&plan, batch.len()));
        Ok(outcome)
    }
}

impl Outcome {
    fn of(deed: Deed, batch: &Batch) -> Self {
        let origins = Origins::Same(batch.len() as u32);
        Self { failures: BTreeMap::new(), effects: vec![Effect { deed, origins }] }
    }

    pub(crate) fn fail(&mut self, row: u32, error: Error) {
        match self.failures.entry(row) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(Failure(error));
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let Failure(known) = entry.get_mut();
                known.message.push('\n');
                known.message.push_str(&error.message);
                if known.code != error.code {
                    known.code = ErrorCode::Failed;
                    known.retry_after = None;
                }
            }
        }
    }

    fn join(&mut self, other: Self) {
        for (row, Failure(error)) in other.failures {
            self.fail(row, error);
        }
        if self.effects.is_empty() {
            self.effects = other.effects;
        } else {
            self.effects.extend(other.effects);
        }
    }

    /// The same, where record `i` is record `origins[i]` of an earlier batch.
    fn seen_through(self, origins: &[u32]) -> Self {
        let mut outcome = Self::default();
        for (row, Failure(error)) in self.failures {
            if let Some(&origin) = origins.get(row as usize) {
                outcome.fail(origin, error);
            }
        }
        outcome.effects = self.effects;
        for effect in &mut outcome.effects {
            let through = |row: u32| origins.get(row as usize).copied().unwrap_or_default();
            effect.origins = Origins::Each(match &effect.origins {
                // Fewer than all where a transformer made nothing of the last ones.
                Origins::Same(count) => origins.iter().copied().take(*count as usize).collect(),
                Origins::Each(rows) => rows.iter().map(|row| through(*row)).collect(),
            });
        }
        outcome
    }

    /// The same, where record `i` is record `i + start` of a longer batch.
    fn shifted(self, start: u32) -> Self {
        if start == 0 {
            return self;
        }
        let mut outcome = Self { effects: self.effects, ..Self::default() };
        outcome.failures = self.failures.into_iter().map(|(row, failure)| (row + start, failure)).collect();
        for effect in &mut outcome.effects {
            effect.origins = Origins::Each(effect.origins.iter().map(|row| row + start).collect());
        }
        outcome
    }

    /// Cancels what would be done with records that `runs` does not name.
    pub(crate) fn keep(&mut self, runs: impl Fn(u32) -> bool) {
        for effect in &mut self.effects {
            if effect.origins.iter().all(&runs) {
                continue;
            }
            let mask: Vec<bool> = effect.origins.iter().map(&runs).collect();
            if let Deed::Store(_, batch) | Deed::Deliver(_, batch, _) = &mut effect.deed {
                *batch = batch.filter(&mask);
            }
            effect.origins = Origins::Each(effect.origins.iter().filter(|row| runs(*row)).collect());
        }
    }

    /// What is done with the records of a range.
    pub(crate) fn within(&self, range: &Range<u32>) -> Self {
        let mut part = Self { failures: BTreeMap::new(), effects: self.effects.clone() };
        part.keep(|row| range.contains(&row));
        part
    }

    /// A record failed after it had been run: in what was done with it for these pipelines.
    pub(crate) fn fail_late(&mut self, row: u32, error: Error, callers: &[Arc<Plan>]) {
        self.fail(row, error);
        let mut failed = Vec::new();
        for effect in &mut self.effects {
            let Deed::Ran(plan, true) = &effect.deed else { continue };
            if callers.iter().any(|caller| Arc::ptr_eq(caller, plan)) && effect.origins.iter().any(|origin| origin == row) {
                let (badly, well) = effect.origins.iter().partition(|origin| *origin == row);
                failed.push(Effect { deed: Deed::Ran(Arc::clone(plan), false), origins: Origins::Each(badly) });
                effect.origins = Origins::Each(well);
            }
        }
        self.effects.extend(failed);
    }

    /// That a plan was run on so many records, with this outcome.
    pub(crate) fn ran(&self, plan: &Arc<Plan>, records: usize) -> Vec<Effect> {
        let effect = |well: bool, origins: Origins| Effect { deed: Deed::Ran(Arc::clone(plan), well), origins };
        if self.failures.is_empty() {
            return vec![effect(true, Origins::Same(records as u32))];
        }
        let (badly, well) = (0..records as u32).partition(|row| self.failures.contains_key(row));
        vec![effect(true, Origins::Each(well)), effect(false, Origins::Each(badly))]
    }
}

impl Effect {
    /// Per record: which record of the batch it comes from.
    pub(crate) fn rows(&self) -> Vec<u32> {
        self.origins.iter().collect()
    }

    /// The number of records.
    pub(crate) fn len(&self) -> u64 {
        match &self.origins {
            Origins::Same(count) => u64::from(*count),
            Origins::Each(rows) => rows.len() as u64,
        }
    }
}

impl Origins {
    fn iter(&self) -> impl Iterator<Item = u32> {
        let (count, rows) = match self {
            Self::Same(count) => (*count, [].as_slice()),
            Self::Each(rows) => (0, rows.as_slice()),
        };
        (0..count).chain(rows.iter().copied())
    }
}

/// The ranges of a batch that are given to a transformer one after the other.
fn calls(batch: &Batch) -> Vec<Range<usize>> {
    let mut ranges = Vec::with_capacity(1);
    let (mut start, mut bytes) = (0, 0);
    let small = batch.len() <= CALL_RECORDS && batch.memory() <= CALL_BYTES;
    for (row, record) in batch.records().enumerate().filter(|_| !small) {
        let size: usize = record.cells().map(|(.., value)| value.len() + 16).sum();
        if row > start && (row - start == CALL_RECORDS || bytes + size > CALL_BYTES) {
            ranges.push(start..row);
            (start, bytes) = (row, 0);
        }
        bytes += size;
    }
    ranges.push(start..batch.len());
    ranges
}
