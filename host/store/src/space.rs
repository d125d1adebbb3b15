//! How much space is left on the disk, and whether that is enough to take more.

use headworks_core::{Error, ErrorCode, Result};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The file system is asked at most this often, unless much was written since.
const FRESH: Duration = Duration::from_millis(100);
/// Bytes written after which the file system is asked again.
const WRITTEN: u64 = 4 << 20;

pub(crate) struct Space {
    path: PathBuf,
    needed: u64,
    start: Instant,
    /// Milliseconds after `start` at which the file system was asked; 0 for never.
    asked: AtomicU64,
    free: AtomicU64,
    written: AtomicU64,
}

impl Space {
    pub(crate) fn new(path: PathBuf, needed: u64) -> Self {
        let zero = AtomicU64::new;
        Self { path, needed, start: Instant::now(), asked: zero(0), free: zero(0), written: zero(0) }
    }

    /// Bytes that have to be free.
    pub(crate) fn needed(&self) -> u64 {
        self.needed
    }

    /// Bytes that were free a moment ago, less what was written since. A file system that cannot be asked counts as empty
    /// enough: the write itself will tell.
    pub(crate) fn free(&self) -> u64 {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX).max(1);
        let asked = self.asked.load(Ordering::Relaxed);
        let stale = asked == 0 || now.saturating_sub(asked) >= FRESH.as_millis() as u64;
        if stale || self.written.load(Ordering::Relaxed) >= WRITTEN {
            self.written.store(0, Ordering::Relaxed);
            self.asked.store(now, Ordering::Relaxed);
            let free = rustix::fs::statvfs(&self.path).map_or(u64::MAX, |fs| fs.f_bavail.saturating_mul(fs.f_frsize));
            self.free.store(free, Ordering::Relaxed);
        }
        self.free.load(Ordering::Relaxed).saturating_sub(self.written.load(Ordering::Relaxed))
    }

    /// Refuses `bytes` more where they would leave too little.
    ///
    /// # Errors
    /// [`ErrorCode::DiskFull`] with what is free and what is needed.
    pub(crate) fn claim(&self, bytes: usize) -> Result<()> {
        let bytes = bytes as u64;
        let free = self.free();
        if free < self.needed.saturating_add(bytes) {
            return Err(Error::new(
                ErrorCode::DiskFull,
                format!(
                    "the disk of {} is nearly full: {free} bytes are free and {} have to stay free; make space, purge a stream or \
                     lower its retention",
                    self.path.display(),
                    self.needed
                ),
            ));
        }
        self.written.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }
}
