//! Dead letters on their way back.
//!
//! A replay is exactly once with respect to its letter: the records are run first, which has no effect, then what was made of
//! them is stored and queued in the transaction that removes the letter. Before it all is as if nothing had happened, after
//! it the letter is gone. For that, what goes through a forwarder is put in the forwarder's queue, whatever its settings say.

use super::commit::{Settled, count, endless, evaluate};
use super::queue::{Load, Request};
use super::{PIPELINE, Pipelines, Shared, TRANSFORMER, cache::Line, outbox};
use crate::graph::Graph;
use crate::plan::{Delivery, Parts, Plan};
use crate::run::{Abort, Dead, Deed, Outcome};
use crate::transform::{Boxed, Transform};
use headworks_core::{Batch, DocumentKey, Error, ErrorCode, Result, TenantId, Timestamp};
use headworks_store::{DeadLetter, KeptLetter};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the node of a letter that a forwarder caused begins with.
const FORWARDER: &str = "forwarder ";
/// The entry point of a pipeline that records take by default.
const ENTRY: &str = "direct";

/// How a letter is replayed.
#[derive(Default)]
pub struct Replay {
    /// From the pipeline's entry on, even where the node that failed is still there.
    pub from_entry: bool,
    /// What runs in the place of the failed node's transformer.
    pub with: Option<Arc<dyn Transform>>,
}

/// Where the records of a letter went in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayedFrom {
    /// The node that had failed.
    Node(String),
    /// The pipeline's entry.
    Entry,
    /// The queue of a forwarder.
    Forwarder(String),
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Where its records went in.
    pub from: ReplayedFrom,
    /// Records that are done.
    pub accepted: usize,
    /// Records that failed again and stay in the letter.
    pub remaining: usize,
    /// Why the first of these failed.
    pub reason: Option<Error>,
}

impl Pipelines {
    /// Runs the records of a dead letter once more, each as if it were a request of its own. Those that fail again stay in
    /// the letter, with the new reason; without any the letter is gone. It goes on to the end when the caller goes away.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for a letter that is not there, [`ErrorCode::RevisionConflict`] for one that was replayed by
    /// somebody else meanwhile, [`ErrorCode::Invalid`] where the pipeline or forwarder of the letter cannot be used; those of
    /// the store. Then the letter stays as it is.
    pub async fn replay(&self, tenant: TenantId, number: u64, how: Replay) -> Result<Replayed> {
        self.shared.catch_up();
        let shared = Arc::clone(&self.shared);
        let replaying = tokio::spawn(async move { shared.replay(tenant, number, how).await });
        replaying.await.unwrap_or_else(|error| Err(Error::internal(format!("replaying ended: {error}"))))
    }

    /// A saved transformer, ready to run.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] where it does not exist or cannot be used.
    pub async fn transformer(&self, tenant: TenantId, name: &str) -> Result<Arc<dyn Transform>> {
        self.shared.catch_up();
        let opened = self.shared.parts(tenant).transformer(name).await;
        opened.map_err(|error| match error.code {
            ErrorCode::BrokenPipeline => Error::invalid(error.message),
            _ => error,
        })
    }

    /// The script of the transformer in a node of a saved pipeline, if it is a transform node.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn script_of(&self, tenant: TenantId, pipeline: &str, node: &str) -> Result<Option<String>> {
        let shared = &self.shared;
        let Some(body) = shared.document(DocumentKey::new(tenant, PIPELINE, pipeline)).await? else {
            return Ok(None);
        };
        let graph = Graph::from_stored(&body)?;
        let node = graph.nodes.iter().find(|other| other.id == node && other.kind == "transform");
        let Some(name) = node.and_then(|node| node.data.get("transformer")) else { return Ok(None) };
        let body = shared.document(DocumentKey::new(tenant, TRANSFORMER, name)).await?;
        body.map(|body| crate::decode_script(&body)).transpose()
    }
}

/// What was made of records, and what of them failed.
#[derive(Default)]
struct Made {
    outcomes: Vec<Outcome>,
    failed: BTreeMap<u32, Error>,
    dead: Option<Dead>,
}

impl Shared {
    async fn replay(self: &Arc<Self>, tenant: TenantId, number: u64, how: Replay) -> Result<Replayed> {
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || store.dead_letter(tenant, number)).await;
        let seen = read.map_err(|error| Error::internal(error.to_string()))??;
        let seen = seen.ok_or_else(|| Error::not_found(format!("there is no dead letter {number}")))?;
        let letter = &seen.letter;
        let forwarder = letter.node.strip_prefix(FORWARDER);
        let plan = match &how {
            Replay { from_entry: false, with: None } if forwarder.is_some() && letter.pipeline.is_empty() => None,
            _ => Some(self.plan_for(tenant, letter, &how).await),
        };
        match (plan, forwarder) {
            (Some(Ok(plan)), _) if plan.1.place(&letter.node).is_some() || forwarder.is_none() || how.from_entry => {
                self.rerun(tenant, &seen, &plan.1, &plan.0, how.from_entry).await
            }
            (_, Some(name)) if how.with.is_none() && !how.from_entry => self.requeue(tenant, &seen, name).await,
            (Some(Err(error)), _) => Err(error),
            _ => Err(Error::invalid("the records failed in a forwarder: no transformer can take its place").at("version")),
        }
    }

    /// The pipeline of a letter as it is now, with another transformer where one is given.
    async fn plan_for(&self, tenant: TenantId, letter: &DeadLetter, how: &Replay) -> Result<(Arc<Line>, Arc<Plan>)> {
        let name = &letter.pipeline;
        let unusable = |error: Error| match error.code {
            ErrorCode::NotFound | ErrorCode::BrokenPipeline => {
                Error::invalid(format!("the pipeline of the letter cannot be run: {}", error.message)).at("pipeline")
            }
            _ => error,
        };
        let (line, plan) = self.plan(tenant, name).await.map_err(unusable)?;
        let Some(with) = &how.with else { return Ok((line, plan)) };
        let missing = || Error::invalid(format!("{:?} is no transform node of the pipeline any more", letter.node)).at("node");
        let body = self.document(DocumentKey::new(tenant, PIPELINE, name)).await?.ok_or_else(missing)?;
        let graph = Graph::from_stored(&body)?;
        let node = graph.nodes.iter().find(|node| node.id == letter.node && node.kind == "transform").ok_or_else(missing)?;
        let parts = self.parts(tenant);
        let named = node.data.get("transformer").map(String::as_str).unwrap_or_default();
        let parts = Substituted { parts: &parts, name: named, with };
        let counters = Some((tenant, Arc::clone(&plan.counters)));
        Ok((line, Arc::new(Plan::build(name, &graph, counters, &parts).await.map_err(unusable)?)))
    }

    /// Puts the records of a letter in the queue of the forwarder that had not taken them.
    async fn requeue(self: &Arc<Self>, tenant: TenantId, seen: &KeptLetter, name: &str) -> Result<Replayed> {
        if self.forwarder(tenant, name).await?.is_none() {
            let message = format!("the forwarder {name:?} of the letter does not exist any more");
            return Err(Error::invalid(message).at("forwarder"));
        }
        let records = seen.letter.records.clone();
        let accepted = records.len();
        self.store.accept_replayed(tenant, seen, Vec::new(), vec![(name.to_owned(), records)], None).await?;
        outbox::wake(self, tenant, name);
        Ok(Replayed { from: ReplayedFrom::Forwarder(name.to_owned()), accepted, remaining: 0, reason: None })
    }

    /// Runs the records of a letter through its pipeline.
    async fn rerun(
        self: &Arc<Self>,
        tenant: TenantId,
        seen: &KeptLetter,
        plan: &Arc<Plan>,
        line: &Arc<Line>,
        from_entry: bool,
    ) -> Result<Replayed> {
        let letter = &seen.letter;
        let (from, place) = match plan.place(&letter.node).filter(|_| !from_entry) {
            Some(place) => (ReplayedFrom::Node(letter.node.clone()), place),
            None => {
                let place = plan.entry(ENTRY).or_else(|error| plan.only_entry().ok_or(error));
                (ReplayedFrom::Entry, place.map_err(|error| Error::invalid(error.message).at("pipeline"))?)
            }
        };
        let turn = Arc::clone(&line.in_flight).acquire_owned().await;
        let _turn = turn.map_err(|_| Error::new(ErrorCode::Unavailable, "the server is stopping"))?;
        let made = self.make(line, plan, place, &letter.records).await;
        let rest = rest(letter, &made);
        let (mut stored, mut queued) = (Vec::new(), Vec::new());
        for effect in made.outcomes.iter().flat_map(|outcome| &outcome.effects) {
            match &effect.deed {
                Deed::Store(stream, batch) if !batch.is_empty() => stored.push((stream.name.clone(), batch.clone())),
                Deed::Deliver(delivery, batch, _) if !batch.is_empty() => queued.push((delivery.name.clone(), batch.clone())),
                _ => {}
            }
        }
        let names: Vec<String> = queued.iter().map(|(name, _)| name.clone()).collect();
        self.store.accept_replayed(tenant, seen, stored, queued, rest).await?;
        made.outcomes.iter().for_each(count);
        names.iter().for_each(|name| outbox::wake(self, tenant, name));
        let remaining = made.failed.len();
        Ok(Replayed { from, accepted: letter.records.len() - remaining, remaining, reason: made.failed.into_values().next() })
    }

    /// Runs records without any effect: all together, or each alone where one of them takes the others with it.
    async fn make(self: &Arc<Self>, line: &Line, plan: &Arc<Plan>, place: usize, records: &Batch) -> Made {
        let mut made = Made::default();
        let load = |records: &Batch| {
            let request = Request { records: records.clone(), each: true, reply: None };
            Load { plan: Arc::clone(plan), entry: place, requests: vec![request] }
        };
        if records.len() > 1 {
            match evaluate(self, line, &load(records), records).await {
                Ok(settled) => {
                    made.take(0, settled);
                    return made;
                }
                Err(Abort::Shared | Abort::Endless) => {}
            }
        }
        for row in 0..records.len() {
            let record = records.slice(row..row + 1);
            match evaluate(self, line, &load(&record), &record).await {
                Ok(settled) => made.take(row as u32, settled),
                Err(_) => {
                    made.failed.insert(row as u32, endless(plan));
                }
            }
        }
        made
    }
}

impl Made {
    /// Adds what was made of records from this one on. Of a record that failed anywhere, nothing is done anywhere.
    fn take(&mut self, first: u32, settled: Settled) {
        let Settled { mut outcome, dead, .. } = settled;
        let failures = std::mem::take(&mut outcome.failures);
        outcome.keep(|row| !failures.contains_key(&row));
        self.outcomes.push(outcome);
        self.failed.extend(failures.into_iter().map(|(row, failure)| (first + row, failure.0)));
        if self.dead.is_none() {
            self.dead = dead.into_iter().next();
        }
    }
}

/// The letter that is left, if any.
fn rest(letter: &DeadLetter, made: &Made) -> Option<DeadLetter> {
    let error = made.failed.values().next()?;
    let rows: Vec<u32> = made.failed.keys().copied().collect();
    let failure = made.dead.as_ref().map(|dead| &dead.failure);
    Some(DeadLetter {
        code: error.code.as_str().to_owned(),
        reason: error.message.clone(),
        plugin_digest: failure.map_or_else(|| letter.plugin_digest.clone(), |failure| failure.digest.to_string()),
        backtrace: failure.and_then(|failure| failure.backtrace.clone()).map(String::from),
        attempt: letter.attempt.saturating_add(1),
        at: Timestamp::now(),
        records: letter.records.select(&rows),
        ..letter.clone()
    })
}

/// The parts of a tenant with another transformer under one name.
struct Substituted<'p, P> {
    parts: &'p P,
    name: &'p str,
    with: &'p Arc<dyn Transform>,
}

impl<P: Parts> Parts for Substituted<'_, P> {
    fn transformer<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Arc<dyn Transform>>> {
        if name == self.name {
            return Box::pin(std::future::ready(Ok(Arc::clone(self.with))));
        }
        self.parts.transformer(name)
    }

    fn forwarder<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Delivery>> {
        self.parts.forwarder(name)
    }
}
