//! From requests that are run together to what each of them is told (FlowG 6.1).
//!
//! A part is what succeeds or fails by itself: all records of a request, or each of them. What must stay true: no request is
//! answered before what was done for it is durable, dead letters included; a part learns nothing of those that shared its
//! batch.

use super::queue::{Load, Request};
use super::{PIPELINE, Shared, cache::Line, deliver, outbox};
use crate::plan::Plan;
use crate::run::{Abort, Dead, Deed, Outcome, Run};
use futures_util::future::join_all;
use headworks_core::{Batch, DocumentKey, Error, ErrorClass, ErrorCode, Result, TenantId, Timestamp};
use headworks_store::{AuditEvent, DeadLetter};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What is to be done for a load, and what its parts are told once it is done.
pub(super) struct Settled {
    pub(super) outcome: Outcome,
    pub(super) dead: Vec<Dead>,
    attempt: u32,
    answers: Answers,
}

/// What each part is told.
type Answers = Vec<Result<usize>>;

/// Evaluates a load and leaves it to a task of its own to wait for the disk, so that the next load can be evaluated.
pub(super) async fn run(shared: &Arc<Shared>, line: &Arc<Line>, load: Load) {
    let settled = match Batch::concat(load.requests.iter().map(|request| &request.records)) {
        Ok(merged) => evaluate(shared, line, &load, &merged).await,
        // Together they are too large for one batch.
        Err(_) => Err(Abort::Shared),
    };
    let Ok(permit) = Arc::clone(&line.in_flight).acquire_owned().await else { return };
    let (shared, line) = (Arc::clone(shared), Arc::clone(line));
    tokio::spawn(async move {
        match settled {
            Ok(settled) => {
                let answers = finish(&shared, &line, &load, settled).await;
                answer(load.requests, answers);
            }
            Err(_) => one_by_one(&shared, &line, load).await,
        }
        drop(permit);
    });
}

/// Runs each part of a load on its own. The parts of one request wait for the disk together.
async fn one_by_one(shared: &Arc<Shared>, line: &Line, load: Load) {
    let Load { plan, entry, requests } = load;
    for request in requests {
        let mut parts = Vec::with_capacity(request.parts());
        for records in request.split() {
            // A part has nobody to answer: its request is answered when all of them are done.
            let part = Request { records: records.clone(), each: false, reply: None };
            let load = Load { plan: Arc::clone(&plan), entry, requests: vec![part] };
            let settled = evaluate(shared, line, &load, &records).await;
            parts.push((load, settled));
        }
        let told = parts.into_iter().map(async |(load, settled)| match settled {
            Ok(settled) => finish(shared, line, &load, Settled { attempt: 2, ..settled }).await,
            Err(_) => vec![Err(endless(&plan))],
        });
        let answers = join_all(told).await.into_iter().flatten().collect();
        answer(vec![request], answers);
    }
}

/// What a part is told that reaches too many nodes all by itself.
pub(super) fn endless(plan: &Plan) -> Error {
    plan.counters.ran(1);
    plan.failed.increment(1);
    let cause = format!(
        "the records of this request reach too many nodes of {} and of the pipelines it calls: is there a loop?",
        plan.name
    );
    Error::new(ErrorCode::LoopDetected, cause)
}

pub(super) async fn evaluate(shared: &Arc<Shared>, line: &Line, load: &Load, merged: &Batch) -> Result<Settled, Abort> {
    let _turn = line.share.evaluate().await;
    let ranges = ranges(&load.requests);
    let mut run = Run::new(shared, line.tenant, ranges.len() == 1, merged.len());
    let mut outcome = run.enter(&load.plan, load.entry, merged, 0).await?;
    let ran = outcome.ran(&load.plan, merged.len());
    outcome.effects.extend(ran);
    let answers = settle(&mut outcome, &ranges);
    Ok(Settled { outcome, dead: run.dead, attempt: 1, answers })
}

/// The places of each part's records in the merged batch.
pub(super) fn ranges(requests: &[Request]) -> Vec<Range<u32>> {
    let mut ranges = Vec::with_capacity(requests.len());
    let mut start = 0;
    for request in requests {
        let end = start + request.records.len() as u32;
        if request.each {
            ranges.extend((start..end).map(|row| row..row + 1));
        } else {
            ranges.push(start..end);
        }
        start = end;
    }
    ranges
}

/// The first record of a part that fails ends it: later ones have not run.
pub(super) fn settle(outcome: &mut Outcome, ranges: &[Range<u32>]) -> Answers {
    if outcome.failures.is_empty() {
        return ranges.iter().map(|range| Ok(range.len())).collect();
    }
    let first = |range: &Range<u32>| outcome.failures.range(range.clone()).next().map(|(row, failure)| (*row, failure.0.clone()));
    let firsts: Vec<Option<(u32, Error)>> = ranges.iter().map(first).collect();
    let cancelled: Vec<Range<u32>> =
        ranges.iter().zip(&firsts).filter_map(|(range, first)| Some(first.as_ref()?.0 + 1..range.end)).collect();
    let runs = |row: u32| {
        let before = cancelled.partition_point(|range| range.start <= row);
        !before.checked_sub(1).and_then(|at| cancelled.get(at)).is_some_and(|range| range.contains(&row))
    };
    outcome.keep(runs);
    let told = |(range, first): (&Range<u32>, Option<(u32, Error)>)| first.map_or(Ok(range.len()), |(_, error)| Err(error));
    ranges.iter().zip(firsts).map(told).collect()
}

/// Does what was settled.
async fn finish(shared: &Arc<Shared>, line: &Line, load: &Load, settled: Settled) -> Answers {
    let tenant = line.tenant;
    let Settled { mut outcome, dead, attempt, mut answers } = settled;
    for letter in dead {
        bury(shared, tenant, letter, attempt).await;
    }
    if let Some(told) = deliver::all(shared, tenant, load, &mut outcome).await {
        answers = told;
    }
    match store(shared, line, &outcome).await {
        Ok(()) => count(&outcome),
        // One part must not be told that another one's record is too large, or its queue full.
        Err(error)
            if matches!(error.class(), ErrorClass::TooLarge | ErrorClass::Invalid | ErrorClass::Exhausted)
                && answers.len() > 1 =>
        {
            for (told, range) in answers.iter_mut().zip(ranges(&load.requests)) {
                let part = outcome.within(&range);
                match store(shared, line, &part).await {
                    Ok(()) => count(&part),
                    Err(error) => *told = not_stored(&load.plan, range.len(), error),
                }
            }
        }
        Err(error) => {
            for (told, range) in answers.iter_mut().zip(ranges(&load.requests)) {
                *told = not_stored(&load.plan, range.len(), error.clone());
            }
        }
    }
    answers
}

/// Writes what is stored and what waits for its delivery, all or nothing.
async fn store(shared: &Arc<Shared>, line: &Line, outcome: &Outcome) -> Result<()> {
    let (mut stored, mut queued) = (Vec::new(), Vec::new());
    for effect in &outcome.effects {
        match &effect.deed {
            Deed::Store(stream, batch) if !batch.is_empty() => stored.push((stream.name.clone(), batch.clone())),
            Deed::Deliver(delivery, batch, _) if delivery.target.is_none() && !batch.is_empty() => {
                queued.push((delivery.name.clone(), batch.clone()));
            }
            _ => {}
        }
    }
    if stored.is_empty() && queued.is_empty() {
        return Ok(());
    }
    let bytes = stored.iter().chain(&queued).map(|(_, batch)| batch.memory()).sum();
    let _turn = line.share.write(bytes).await;
    let tenant = line.tenant;
    let names: Vec<String> = queued.iter().map(|(name, _)| name.clone()).collect();
    shared.store.accept(tenant, stored, queued).await?;
    names.iter().for_each(|name| outbox::wake(shared, tenant, name));
    Ok(())
}

fn not_stored(plan: &Plan, records: usize, error: Error) -> Result<usize> {
    plan.counters.ran(records as u64);
    plan.failed.increment(records as u64);
    Err(error)
}

pub(super) fn count(outcome: &Outcome) {
    for effect in &outcome.effects {
        let records = effect.len();
        match &effect.deed {
            Deed::Store(stream, _) => stream.stored.increment(records),
            Deed::Deliver(..) => {}
            Deed::Count(counter) => {
                counter.fetch_add(records, Ordering::Relaxed);
            }
            Deed::Ran(plan, well) => {
                plan.counters.ran(records);
                let status: fn(&Plan) -> &metrics::Counter = if *well { |plan| &plan.succeeded } else { |plan| &plan.failed };
                status(plan).increment(records);
            }
        }
    }
}

/// Keeps records that a plugin could not take. When that fails too, the request still gets its error and may be sent again.
pub(super) async fn bury(shared: &Arc<Shared>, tenant: TenantId, dead: Dead, attempt: u32) {
    let Dead { pipeline, node, failure, records } = dead;
    let code = failure.error.code;
    tracing::warn!(%tenant, pipeline, node, %code, cause = %failure.error, records = records.len(), "a plugin failed");
    let key = DocumentKey::new(tenant, PIPELINE, &pipeline);
    let plugin_digest = failure.digest.to_string();
    let event =
        AuditEvent::PluginFailed { node: node.clone(), code: code.as_str().to_owned(), plugin_digest: plugin_digest.clone() };
    let letter = DeadLetter {
        pipeline,
        node,
        plugin_digest,
        code: code.as_str().to_owned(),
        reason: failure.trap.map_or_else(|| failure.error.message.clone(), |trap| format!("{}: {trap}", failure.error.message)),
        backtrace: failure.backtrace.map(String::from),
        attempt,
        at: Timestamp::now(),
        records,
    };
    let (kept, noted) = tokio::join!(shared.store.bury(tenant, letter), shared.store.note_failure(key, event));
    if let Err(error) = kept.and(noted) {
        tracing::error!(%tenant, cause = %error, "a plugin failed, and that or its input could not be kept");
    }
}

fn answer(requests: Vec<Request>, answers: Answers) {
    let mut answers = answers.into_iter();
    for request in requests {
        let told = answers.by_ref().take(request.parts()).collect();
        if let Some(reply) = request.reply {
            // Nobody may be waiting any more.
            let _ = reply.send(told);
        }
    }
}
