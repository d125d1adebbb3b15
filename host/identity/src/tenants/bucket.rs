//! A token bucket.

use std::time::{Duration, Instant};

/// How quickly a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate {
    pub(crate) per_second: f64,
    pub(crate) capacity: f64,
}

/// Tokens that are there, or owed where they are negative.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub(crate) fn full(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.capacity, at: now }
    }

    /// How long until so many can be taken. What is larger than the bucket waits for a full one and leaves it in debt: it can
    /// be taken, and the rate holds over time.
    pub(crate) fn wait(&mut self, rate: Rate, cost: f64, now: Instant) -> Option<Duration> {
        self.fill(rate, now);
        let missing = cost.min(rate.capacity) - self.tokens;
        // A year is as good as for ever, and every clock can show it.
        (missing > 0.0).then(|| Duration::from_secs_f64((missing / rate.per_second).min(365.0 * 86_400.0)))
    }

    /// Takes tokens, into debt if need be.
    pub(crate) fn take(&mut self, cost: f64) {
        self.tokens -= cost;
    }

    fn fill(&mut self, rate: Rate, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at);
        self.at = now;
        self.tokens = (self.tokens + elapsed.as_secs_f64() * rate.per_second).min(rate.capacity);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10.0, capacity: 20.0 };

    #[test]
    fn the_rate_holds_over_time_whatever_the_sizes() {
        for size in [1.0, 7.0, 20.0, 55.0] {
            let mut now = Instant::now();
            let mut bucket = Bucket::full(RATE, now);
            let (begin, mut taken) = (now, 0.0);
            while now.duration_since(begin) < Duration::from_secs(1000) {
                match bucket.wait(RATE, size, now) {
                    Some(wait) => now += wait + Duration::from_nanos(1),
                    None => {
                        bucket.take(size);
                        taken += size;
                    }
                }
            }
            assert!((10_000.0 - size..=10_000.0 + RATE.capacity + size).contains(&taken), "{size}: {taken}");
        }
    }

    #[test]
    fn the_wait_is_long_enough() {
        let now = Instant::now();
        let mut bucket = Bucket::full(RATE, now);
        bucket.take(25.0);
        let wait = bucket.wait(RATE, 1.0, now).unwrap();
        assert_eq!(wait, Duration::from_millis(600));
        assert!(bucket.wait(RATE, 1.0, now + wait).is_none());
    }
}
