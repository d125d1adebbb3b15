//! What was shown before, so that whoever overheard it gains nothing.

use headworks_core::{Error, ErrorCode, Result, Timestamp};
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

pub(super) struct Seen {
    seconds: i64,
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    known: HashSet<[u8; 32]>,
    order: VecDeque<(i64, [u8; 32])>,
}

impl Seen {
    /// Remembers each for so long, which has to be longer than it would be accepted, and no more than `most`.
    pub(super) fn new(seconds: i64, most: usize) -> Self {
        Self { seconds, most, kept: Mutex::default() }
    }

    /// Refuses what was shown before. What is new is refused too where it could not be remembered: forgetting something else
    /// would let that be shown again.
    pub(super) fn remember(&self, once: &[u8; 32], now: Timestamp) -> Result<()> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { known, order } = &mut *kept;
        let now = now.seconds();
        while let Some((since, oldest)) = order.front() {
            if now.saturating_sub(*since) <= self.seconds {
                break;
            }
            known.remove(oldest);
            order.pop_front();
        }
        if known.contains(once) {
            return Err(super::refused("it was shown before"));
        }
        if known.len() >= self.most {
            let text = format!("more than {} Kerberos tickets were shown within {} s; try again later", self.most, self.seconds);
            return Err(Error::new(ErrorCode::Exhausted, text));
        }
        known.insert(*once);
        order.push_back((now, *once));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_shown_counts_once_and_memory_is_bounded() {
        let seen = Seen::new(600, 2);
        let at = |second: i64| Timestamp::from_millis(second * 1000);
        seen.remember(&[1; 32], at(0)).unwrap();
        assert_eq!(seen.remember(&[1; 32], at(600)).unwrap_err().code, ErrorCode::Unauthenticated);
        seen.remember(&[2; 32], at(300)).unwrap();
        assert_eq!(seen.remember(&[3; 32], at(600)).unwrap_err().code, ErrorCode::Exhausted);
        seen.remember(&[3; 32], at(601)).unwrap();
        assert_eq!(seen.remember(&[2; 32], at(601)).unwrap_err().code, ErrorCode::Unauthenticated);
    }
}
