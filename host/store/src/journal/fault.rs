//! A disk whose `fsync` fails, for tests.

use headworks_core::{Error, ErrorCode, Result};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Journals whose disk fails, by folder, and how often they were to be synced since.
static BROKEN: Mutex<BTreeMap<PathBuf, usize>> = Mutex::new(BTreeMap::new());

fn broken() -> MutexGuard<'static, BTreeMap<PathBuf, usize>> {
    BROKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on the disk of this journal fails.
pub(crate) fn break_disk(journal: &Path) {
    broken().insert(journal.to_owned(), 0);
}

/// The disk works again. Answers how often the journal was to be synced meanwhile.
pub(crate) fn mend_disk(journal: &Path) -> usize {
    broken().remove(journal).unwrap_or_default()
}

/// What the disk says when a segment is to be synced.
pub(super) fn sync(segment: &Path) -> Result<()> {
    match segment.parent().and_then(|journal| broken().get_mut(journal).map(|times| *times += 1)) {
        None => Ok(()),
        Some(()) => Err(Error::new(ErrorCode::Io, "Input/output error (os error 5)")),
    }
}
