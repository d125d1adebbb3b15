//! What is remembered for a short time under names that nobody can guess.

use headworks_core::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

pub(super) struct Shortly<T> {
    nanos: i64,
    most: usize,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    entries: HashMap<Uuid, (Timestamp, T)>,
    /// Names in the order they came, those taken since included. Its length bounds everything.
    order: VecDeque<(Timestamp, Uuid)>,
}

impl<T> Shortly<T> {
    /// Remembers each for so long, and no more than `most`.
    pub(super) fn new(lifetime: Duration, most: usize) -> Self {
        let kept = Kept { entries: HashMap::new(), order: VecDeque::new() };
        Self { nanos: i64::try_from(lifetime.as_nanos()).unwrap_or(i64::MAX), most, kept: Mutex::new(kept) }
    }

    /// Remembers something under a name that was never used before. What has expired goes, and if need be what is oldest.
    pub(super) fn keep(&self, name: Uuid, value: T, now: Timestamp) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let Kept { entries, order } = &mut *kept;
        while let Some((since, oldest)) = order.front() {
            if order.len() < self.most && self.lives(*since, now) {
                break;
            }
            entries.remove(oldest);
            order.pop_front();
        }
        order.push_back((now, name));
        entries.insert(name, (now, value));
    }

    /// Gives back what was remembered under this name, once.
    pub(super) fn take(&self, name: &Uuid, now: Timestamp) -> Option<T> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, value) = kept.entries.remove(name)?;
        self.lives(since, now).then_some(value)
    }

    fn lives(&self, since: Timestamp, now: Timestamp) -> bool {
        now.0.saturating_sub(since.0) < self.nanos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn each_is_given_back_once_and_within_its_time() {
        let shortly = Shortly::new(Duration::from_secs(60), 10);
        let (one, two) = (Uuid::new_v4(), Uuid::new_v4());
        shortly.keep(one, 1, at(0));
        shortly.keep(two, 2, at(0));
        assert_eq!(shortly.take(&one, at(59)), Some(1));
        assert_eq!(shortly.take(&one, at(59)), None);
        assert_eq!(shortly.take(&two, at(60)), None);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_gives_way() {
        let shortly = Shortly::new(Duration::from_secs(60), 3);
        let names: Vec<Uuid> = (0..5).map(|_| Uuid::new_v4()).collect();
        for (index, name) in names.iter().enumerate() {
            shortly.keep(*name, index, at(index as i64));
        }
        assert_eq!(shortly.take(&names[1], at(5)), None);
        assert_eq!(shortly.take(&names[2], at(5)), Some(2));
        shortly.keep(Uuid::new_v4(), 9, at(100));
        let kept = shortly.kept.lock().unwrap();
        assert_eq!((kept.entries.len(), kept.order.len()), (1, 1));
    }
}
