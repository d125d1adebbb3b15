//! A version that is only watched: it gets what the active one gets, and what both make is compared.
//!
//! What must stay true: what it makes goes nowhere; live batches never wait for it, so that under load it sees a part of them.

use crate::documents::{Candidate, Shadow};
use headworks_core::Timestamp;
use headworks_core::batch::Record;
use headworks_sandbox::Transformed;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use tokio::sync::Semaphore;

/// Batches that are compared at the same time.
const AT_ONCE: usize = 2;

/// How a shadow run stands. Begins anew when the server starts.
#[derive(Debug)]
pub(crate) struct Comparison {
    version: String,
    since: Timestamp,
    bounds: Shadow,
    compared: AtomicU64,
    different: AtomicU64,
    is_over: AtomicBool,
    pub(crate) turns: Arc<Semaphore>,
}

/// What a comparison leads to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Too much came out differently.
    Differs(String),
    /// Enough came out alike.
    Alike,
}

impl Comparison {
    pub(crate) fn new(candidate: &Candidate, bounds: Shadow) -> Self {
        Self {
            version: candidate.version.clone(),
            since: candidate.since,
            bounds,
            compared: AtomicU64::new(0),
            different: AtomicU64::new(0),
            is_over: AtomicBool::new(false),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// Whether it is about this trial.
    pub(crate) fn is_of(&self, candidate: &Candidate) -> bool {
        self.version == candidate.version && self.since == candidate.since
    }

    /// Records that were compared, and those that came out differently.
    pub(crate) fn progress(&self) -> (u64, u64) {
        (self.compared.load(Relaxed), self.different.load(Relaxed))
    }

    /// Counts compared records; answers once what it leads to.
    pub(crate) fn add(&self, compared: u64, different: u64) -> Option<Verdict> {
        let compared = self.compared.fetch_add(compared, Relaxed) + compared;
        let different = self.different.fetch_add(different, Relaxed) + different;
        let verdict = if different > self.bounds.max_different {
            let most = self.bounds.max_different;
            Verdict::Differs(format!("{different} of {compared} records came out differently, and {most} is the most"))
        } else if compared >= self.bounds.records {
            Verdict::Alike
        } else {
            return None;
        };
        (!self.is_over.swap(true, Relaxed)).then_some(verdict)
    }
}

/// How many of so many records came out differently.
pub(crate) fn different(records: usize, one: &Transformed, other: &Transformed) -> u64 {
    if one == other {
        return 0;
    }
    let (one, other) = (outcomes(records, one), outcomes(records, other));
    one.iter().zip(&other).filter(|(one, other)| one != other).count() as u64
}

/// Per record of the input: what was made of it, or why it was rejected.
fn outcomes(records: usize, made: &Transformed) -> Vec<(Vec<Record<'_>>, Option<&str>)> {
    let mut outcomes = vec![(Vec::new(), None); records];
    for (record, origin) in made.batch.records().zip(&made.origins) {
        if let Some((made, _)) = outcomes.get_mut(*origin as usize) {
            made.push(record);
        }
    }
    for (index, reason) in &made.rejected {
        if let Some((_, rejected)) = outcomes.get_mut(*index as usize) {
            *rejected = Some(reason.as_str());
        }
    }
    outcomes
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use headworks_core::{BatchBuilder, Value};

    fn made(values: &[(&str, u32)], rejected: &[(u32, &str)]) -> Transformed {
        let mut builder = BatchBuilder::default();
        for (value, _) in values {
            builder.field("a", Value::Text(value));
            builder.end_record(Timestamp(0));
        }
        Transformed {
            batch: builder.finish().unwrap(),
            origins: values.iter().map(|(_, origin)| *origin).collect(),
            rejected: rejected.iter().map(|(index, reason)| (*index, (*reason).to_owned())).collect(),
        }
    }

    #[test]
    fn differences_are_counted_per_record_of_the_input() {
        let one = made(&[("x", 0), ("y", 1), ("y2", 1)], &[(2, "bad")]);
        assert_eq!(different(4, &one, &one.clone()), 0);
        assert_eq!(different(4, &one, &made(&[("x", 0), ("z", 1), ("z2", 1)], &[(2, "bad")])), 1);
        assert_eq!(different(4, &one, &made(&[("x", 0), ("y", 1)], &[])), 2);
        assert_eq!(different(4, &one, &made(&[("x", 0), ("y", 1), ("y2", 1), ("new", 3)], &[(2, "worse")])), 2);
    }

    #[test]
    fn a_run_ends_once() {
        let candidate = Candidate { version: "1.0.0".to_owned(), canary_percent: None, shadow: None, since: Timestamp(1) };
        let run = |max_different| Comparison::new(&candidate, Shadow { records: 10, max_different });
        let alike = run(1);
        assert_eq!(alike.add(9, 1), None);
        assert_eq!(alike.add(1, 0), Some(Verdict::Alike));
        assert_eq!(alike.add(1, 5), None);
        assert_eq!(alike.progress(), (11, 6));
        assert!(matches!(run(0).add(2, 1), Some(Verdict::Differs(why)) if why.contains("1 of 2")));
    }
}
