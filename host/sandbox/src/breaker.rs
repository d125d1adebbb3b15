//! Leaving a transformer alone that only fails.
//!
//! A transformer is suspended after several failures in a short time *with no success between them*: then it is broken as
//! a whole. One that fails on some records and serves the others is never suspended by them; each of its failures costs
//! the request that caused it, and that request only.

use crate::Limits;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(crate) struct Breaker {
    failures: VecDeque<Instant>,
    pause: Option<Duration>,
    until: Option<Instant>,
}

impl Breaker {
    /// How long the transformer is still to be left alone, if so.
    pub(crate) fn suspended(&self, now: Instant) -> Option<Duration> {
        self.until.and_then(|until| until.checked_duration_since(now)).filter(|left| !left.is_zero())
    }

    pub(crate) fn succeeded(&mut self) {
        self.failures.clear();
        (self.pause, self.until) = (None, None);
    }

    pub(crate) fn failed(&mut self, now: Instant, limits: &Limits) {
        self.failures.push_back(now);
        while self.failures.front().is_some_and(|&first| now.duration_since(first) > limits.breaker_window) {
            self.failures.pop_front();
        }
        // Calls that were under way when the suspension began do not lengthen it.
        if self.suspended(now).is_some() {
            return;
        }
        self.pause = match self.pause {
            // It failed again right after a suspension.
            Some(pause) => Some(pause.saturating_mul(2).min(limits.breaker_pause)),
            None if self.failures.len() >= limits.breaker_failures => Some(FIRST_PAUSE),
            None => None,
        };
        self.until = self.pause.map(|pause| now + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_failures_without_a_success_between_them_suspend() {
        let (limits, start) = (Limits::default(), Instant::now());
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut breaker = Breaker::default();
        for _ in 0..100 {
            (0..4).for_each(|_| breaker.failed(at(0), &limits));
            assert_eq!(breaker.suspended(at(0)), None);
            breaker.succeeded();
        }
        (0..5).for_each(|_| breaker.failed(at(0), &limits));
        assert_eq!(breaker.suspended(at(0)), Some(Duration::from_secs(1)));
        breaker.failed(at(0), &limits);
        assert_eq!(breaker.suspended(at(1)), None);

        let (mut now, mut pauses) = (1, Vec::new());
        for _ in 0..8 {
            breaker.failed(at(now), &limits);
            let pause = breaker.suspended(at(now)).unwrap().as_secs();
            pauses.push(pause);
            now += pause;
        }
        assert_eq!(pauses, [2, 4, 8, 16, 32, 60, 60, 60]);
        breaker.succeeded();
        assert_eq!(breaker.suspended(at(now)), None);
    }

    #[test]
    fn old_failures_do_not_count() {
        let (limits, start) = (Limits::default(), Instant::now());
        let mut breaker = Breaker::default();
        for minute in 0..10 {
            let now = start + Duration::from_secs(61 * minute);
            breaker.failed(now, &limits);
            assert_eq!(breaker.suspended(now), None);
        }
    }
}
