//! Work that waits for the disk, away from the threads that serve requests.

use headworks_core::{Error, Result};

/// Runs what reads more than a little from the disk off the async threads.
///
/// # Errors
/// Those of the work; [`ErrorCode::Internal`](headworks_core::ErrorCode::Internal) where it panicked.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("reading failed: {error}")))?
}
