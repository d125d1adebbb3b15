//! Delivering what a load sends through forwarders (FlowG 6.1, 12).
//!
//! What must stay true: a request is told of success only when each of its records was delivered everywhere; after the first
//! record of a request that fails, no later one of that request is sent.

use super::Shared;
use super::commit::{bury, ranges, settle};
use super::queue::Load;
use crate::forward::Target;
use crate::run::{Dead, Deed, Outcome};
use futures_util::future::join_all;
use headworks_core::{Batch, Error, ErrorCode, Result, TenantId};
use headworks_sandbox::CallFailure;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One effect that delivers at once: the records and the rows that they come from.
struct Part {
    effect: usize,
    name: String,
    target: Arc<dyn Target>,
    batch: Batch,
    rows: Vec<u32>,
}

/// What deliveries met: by row, and what a plugin could not take.
#[derive(Default)]
struct Met {
    failures: BTreeMap<u32, Error>,
    dead: Vec<(CallFailure, Batch)>,
}

/// Delivers everything that an outcome sends. Answers what the requests are told then; `None` when all went as before.
pub(super) async fn all(
    shared: &Arc<Shared>,
    tenant: TenantId,
    load: &Load,
    outcome: &mut Outcome,
) -> Option<Vec<Result<usize>>> {
    let part = |(effect, deed): (usize, &crate::run::Effect)| match &deed.deed {
        Deed::Deliver(delivery, batch, _) if !batch.is_empty() => {
            let (name, target) = (delivery.name.clone(), Arc::clone(delivery.target.as_ref()?));
            Some(Part { effect, name, target, batch: batch.clone(), rows: deed.rows() })
        }
        _ => None,
    };
    let parts: Vec<Part> = outcome.effects.iter().enumerate().filter_map(part).collect();
    if parts.is_empty() {
        return None;
    }
    let ranges = ranges(&load.requests);
    let mut failed = false;
    if ranges.iter().all(|range| range.len() == 1) {
        // No record has to wait for another one, and branches do not wait for each other.
        for (part, met) in parts.iter().zip(join_all(parts.iter().map(together)).await) {
            failed |= note(shared, tenant, load, outcome, part, met).await;
        }
    } else {
        for range in &ranges {
            let ended = in_order(shared, tenant, load, outcome, &parts, range).await;
            failed |= ended;
        }
    }
    failed.then(|| settle(outcome, &ranges))
}

/// Sends the records of one request one after the other, each everywhere, and ends at the first that fails.
async fn in_order(
    shared: &Arc<Shared>,
    tenant: TenantId,
    load: &Load,
    outcome: &mut Outcome,
    parts: &[Part],
    range: &Range<u32>,
) -> bool {
    for row in range.clone() {
        let of_row = |part: &Part| {
            let places: Vec<u32> = (0..).zip(&part.rows).filter_map(|(place, from)| (*from == row).then_some(place)).collect();
            let (name, target, batch) = (part.name.clone(), Arc::clone(&part.target), part.batch.select(&places));
            (!places.is_empty()).then(|| Part { effect: part.effect, name, target, batch, rows: vec![row; places.len()] })
        };
        let parts: Vec<Part> = parts.iter().filter_map(of_row).collect();
        let mut failed = false;
        for (part, met) in parts.iter().zip(join_all(parts.iter().map(together)).await) {
            failed |= note(shared, tenant, load, outcome, part, met).await;
        }
        if failed {
            return true;
        }
    }
    false
}

/// Sends all records of a part, as many at a time as the forwarder takes.
async fn together(part: &Part) -> Met {
    let mut met = Met::default();
    let mut fail = |places: Range<usize>, error: &Error| {
        for row in part.rows.get(places).unwrap_or_default() {
            met.failures.entry(*row).or_insert_with(|| error.clone());
        }
    };
    let mut next = 0;
    while next < part.batch.len() {
        let rest = part.batch.slice(next..part.batch.len());
        match part.target.send(&rest).await {
            Ok((tried, report)) => {
                for (place, reason) in report.rejected {
                    let place = next + place as usize;
                    fail(place..place + 1, &Error::new(ErrorCode::Failed, reason));
                }
                let Some(stop) = report.stopped else {
                    next += tried.max(1);
                    continue;
                };
                let (at, error) = (next + stop.at as usize, Error::new(ErrorCode::Failed, stop.reason));
                // A target that is down is down for the others too; what it never takes may be this record only.
                let end = if stop.retry_after.is_some() { part.batch.len() } else { at + 1 };
                fail(at..end, &error);
                next = end;
            }
            Err(failure) => {
                fail(next..part.batch.len(), &failure.error);
                if failure.is_sandbox() {
                    met.dead.push((failure, rest));
                }
                break;
            }
        }
    }
    met
}

/// Writes down what a part met; tells whether anything failed.
async fn note(shared: &Arc<Shared>, tenant: TenantId, load: &Load, outcome: &mut Outcome, part: &Part, met: Met) -> bool {
    let Met { failures, dead } = met;
    for (failure, records) in dead {
        let node = format!("forwarder {}", part.name);
        bury(shared, tenant, Dead { pipeline: load.plan.name.clone(), node, failure, records }, 1).await;
    }
    let callers = match outcome.effects.get(part.effect).map(|effect| &effect.deed) {
        Some(Deed::Deliver(_, _, callers)) => callers.clone(),
        _ => Vec::new(),
    };
    let failed = !failures.is_empty();
    for (row, error) in failures {
        outcome.fail_late(row, error, &callers);
    }
    failed
}
