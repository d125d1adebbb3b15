//! Reading a stream through a condition (FlowG 10.2), on all cores, newest first.
//!
//! A query is cut into pieces of time; workers read and filter them ahead of the reader, bounded per piece. No thread is
//! held while the reader is slow, and everything ends when the reader is gone.

use crate::condition::Condition;
use crate::engine::Pipelines;
use headworks_core::{Batch, BatchBuilder, Error, Result, TenantId};
use headworks_store::{Scan, ScanRange};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Records read from the store at once.
const CHUNK: usize = 2048;
/// A piece of work ends when so many records were found or looked at.
const FOUND: usize = 1024;
const LOOKED_AT: usize = 32 * CHUNK;
/// Batches that may wait for the reader per piece.
const AHEAD: usize = 4;
/// Pieces per worker: records are not spread evenly over time.
const PIECES: usize = 8;

/// What a query finds.
#[derive(Debug)]
pub struct Found {
    pieces: VecDeque<mpsc::Receiver<Result<Batch>>>,
}

impl Found {
    /// The next records, newest first; `None` at the end. An error is the last that is said.
    pub async fn next(&mut self) -> Option<Result<Batch>> {
        while let Some(piece) = self.pieces.front_mut() {
            match piece.recv().await {
                Some(Ok(batch)) => return Some(Ok(batch)),
                Some(Err(error)) => {
                    self.pieces.clear();
                    return Some(Err(error));
                }
                None => self.pieces.pop_front(),
            };
        }
        None
    }
}

/// A part of the time and where its records go.
struct Piece {
    scan: Scan,
    to: mpsc::Sender<Result<Batch>>,
}

impl Pipelines {
    /// Starts a query. An unknown stream has no records.
    ///
    /// # Errors
    /// What keeps the store from being read. A condition that fails on a record is an error of [`Found::next`].
    pub async fn query(&self, tenant: TenantId, stream: &str, range: ScanRange, filter: Option<Condition>) -> Result<Found> {
        let workers = self.workers().max(1);
        // An index leaves too little over to share.
        let parts = if range.indexing.is_empty() { workers * PIECES } else { 1 };
        let (store, stream) = (self.store().clone(), stream.to_owned());
        let scans = blocking(move || store.scan_parts(tenant, &stream, range, parts)).await??;
        let (pieces, receivers): (VecDeque<Piece>, VecDeque<_>) = scans
            .into_iter()
            .map(|scan| {
                let (to, from) = mpsc::channel(AHEAD);
                (Piece { scan, to }, from)
            })
            .unzip();
        let workers = workers.min(pieces.len());
        let pieces = Arc::new(Mutex::new(pieces));
        let filter = Arc::new(filter);
        for _ in 0..workers {
            tokio::spawn(work(Arc::clone(&pieces), Arc::clone(&filter)));
        }
        Ok(Found { pieces: receivers })
    }
}

/// Takes pieces in order, so that the one the reader waits for is always being worked on.
async fn work(pieces: Arc<Mutex<VecDeque<Piece>>>, filter: Arc<Option<Condition>>) {
    loop {
        let next = pieces.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(Piece { mut scan, to }) = next else { return };
        while !to.is_closed() {
            let filter = Arc::clone(&filter);
            let looked = blocking(move || {
                let found = look(&mut scan, filter.as_ref().as_ref());
                (scan, found)
            });
            let (back, found) = match looked.await {
                Ok(looked) => looked,
                Err(error) => {
                    // A reader that is gone needs no error.
                    let _ = to.send(Err(error)).await;
                    break;
                }
            };
            scan = back;
            let (batches, end) = match found {
                Ok(found) => found,
                Err(Failed { before, error }) => {
                    let _ = send(&to, before).await;
                    let _ = to.send(Err(error)).await;
                    break;
                }
            };
            if send(&to, batches).await.is_err() || end {
                break;
            }
        }
    }
}

async fn send(to: &mpsc::Sender<Result<Batch>>, batches: Vec<Batch>) -> Result<(), mpsc::error::SendError<Result<Batch>>> {
    for batch in batches {
        to.send(Ok(batch)).await?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(job).await.map_err(|error| Error::internal(error.to_string()))
}

/// What was found before a record on which the condition failed.
struct Failed {
    before: Vec<Batch>,
    error: Error,
}

/// Looks at the next records of a scan. The flag says whether it has come to its end.
fn look(scan: &mut Scan, filter: Option<&Condition>) -> Result<(Vec<Batch>, bool), Failed> {
    let mut batches: Vec<Batch> = Vec::new();
    let (mut found, mut looked_at) = (0, 0);
    while found < FOUND && looked_at < LOOKED_AT {
        let chunk = match scan.next_chunk(CHUNK) {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok((batches, true)),
            Err(error) => return Err(Failed { before: batches, error }),
        };
        looked_at += chunk.len();
        let Some(filter) = filter else {
            found += chunk.len();
            batches.push(chunk);
            continue;
        };
        let mut verdicts = filter.evaluate(&chunk);
        let failure = verdicts.failures.into_iter().next();
        if let Some((row, _)) = &failure {
            verdicts.mask.truncate(*row as usize);
        }
        let kept = chunk.filter(&verdicts.mask);
        if !kept.is_empty() {
            found += kept.len();
            match compacted(kept, chunk.len()) {
                Ok(kept) => batches.push(kept),
                Err(error) => return Err(Failed { before: batches, error }),
            }
        }
        if let Some((_, error)) = failure {
            return Err(Failed { before: batches, error });
        }
    }
    Ok((batches, false))
}

/// Few records of a chunk must not keep all of it in memory.
fn compacted(kept: Batch, of: usize) -> Result<Batch> {
    if kept.len() * 2 > of {
        return Ok(kept);
    }
    let mut builder = BatchBuilder::default();
    builder.append(&kept);
    builder.finish()
}
