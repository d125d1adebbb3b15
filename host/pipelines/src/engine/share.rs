//! What one tenant may hold of what all tenants share: memory for waiting requests, the processors, and the way to the disk.
//!
//! What must stay true: whoever has many pipelines gets no more of these than whoever has one. A tenant that is alone is not
//! slowed down: its bounds lie where more would gain nothing.

use super::PipelineOptions;
use headworks_core::{Batch, Error, ErrorCode, Result};
use headworks_identity::Meter;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Bytes that wait for the disk are counted in units of so many; each write is at least [`LEAST_UNITS`].
const UNIT: usize = 1 << 10;
/// Half of what the store lets wait of all tenants.
const DISK_UNITS: u32 = 32 << 10;
/// 1024 writes at the same time.
const LEAST_UNITS: u32 = 32;

/// The part of one tenant.
pub(crate) struct Share {
    meter: Option<Arc<Meter>>,
    waiting: Mutex<Waiting>,
    queue_records: usize,
    queue_bytes: usize,
    evaluating: Semaphore,
    writing: Semaphore,
}

/// Requests in line for all pipelines of the tenant.
#[derive(Default)]
struct Waiting {
    records: usize,
    bytes: usize,
}

impl Share {
    pub(super) fn new(options: &PipelineOptions, meter: Option<Arc<Meter>>) -> Self {
        Self {
            meter,
            waiting: Mutex::default(),
            queue_records: options.tenant_queue_records,
            queue_bytes: options.tenant_queue_bytes,
            evaluating: Semaphore::new(options.workers.max(1) * 2),
            writing: Semaphore::new(DISK_UNITS as usize),
        }
    }

    /// Takes records from the quotas of the tenant.
    pub(super) fn take(&self, records: &Batch) -> Result<()> {
        self.meter.as_ref().map_or(Ok(()), |meter| meter.take_ingest(records.len(), records.payload()))
    }

    /// Makes room for a request, if there is any left.
    pub(super) fn enter(&self, records: usize, bytes: usize) -> Result<()> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let full = waiting.records + records > self.queue_records || waiting.bytes + bytes > self.queue_bytes;
        if full && waiting.records > 0 {
            let message = format!("{} records of this tenant wait for pipelines already; try again later", waiting.records);
            return Err(Error::new(ErrorCode::Exhausted, message));
        }
        waiting.records += records;
        waiting.bytes += bytes;
        Ok(())
    }

    /// A request left the line.
    pub(super) fn leave(&self, records: usize, bytes: usize) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.records = waiting.records.saturating_sub(records);
        waiting.bytes = waiting.bytes.saturating_sub(bytes);
    }

    /// Waits until the tenant may evaluate one more batch. The permit is `None` only when the engine is gone.
    pub(super) async fn evaluate(&self) -> Option<SemaphorePermit<'_>> {
        self.evaluating.acquire().await.ok()
    }

    /// Waits until the tenant may hand so many bytes to the disk.
    pub(super) async fn write(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let units = u32::try_from(bytes / UNIT).unwrap_or(u32::MAX).clamp(LEAST_UNITS, DISK_UNITS);
        self.writing.acquire_many(units).await.ok()
    }
}
