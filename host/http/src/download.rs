//! Answers that are written while they are sent, by code that blocks.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use headworks_core::{Error, ErrorCode, Result};
use tokio::sync::mpsc;

/// Blocks that may wait for a slow client.
const AHEAD: usize = 4;

/// The body that `write` hands to what it is given, block by block, on a thread that may block. Answers once the first block is
/// there, so that a failure before it can still become a status; a later one breaks the answer off.
///
/// # Errors
/// Those of `write` before the first block.
pub async fn written(write: impl FnOnce(&mut dyn FnMut(Bytes) -> Result<()>) -> Result<()> + Send + 'static) -> Result<Body> {
    let (sender, mut blocks) = mpsc::channel::<Result<Bytes>>(AHEAD);
    tokio::task::spawn_blocking(move || {
        let gone = |_| Error::new(ErrorCode::Unavailable, "the client went away");
        if let Err(error) = write(&mut |block| sender.blocking_send(Ok(block)).map_err(gone)) {
            tracing::warn!(%error, "an answer was broken off");
            // The client may have gone away.
            let _ = sender.blocking_send(Err(error));
        }
    });
    let first = blocks.recv().await.transpose()?.map(Ok);
    Ok(Body::from_stream(stream::unfold((first, blocks), |(first, mut blocks)| async move {
        let block = match first {
            Some(block) => block,
            None => blocks.recv().await?,
        };
        Some((block, (None, blocks)))
    })))
}
