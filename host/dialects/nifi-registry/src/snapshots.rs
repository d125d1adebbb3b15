//! Snapshots on their way in and out: never held as a whole (NiFi Registry 9.1 and 9.6).
//!
//! What must stay true: no thread waits for a client but a few that large snapshots take turns for.

use crate::call::Call;
use crate::failure::Failure;
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use bytes::Bytes;
use futures_util::stream;
use headworks_core::{Digest, Error, TenantId};
use headworks_registry::{Registry, Taken, Version};
use headworks_store::ContentReader;
use serde::Serialize;
use std::io::{self, Read, Write};
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};

/// Snapshots that are given out with other addresses at one moment; each takes a thread.
const AT_ONCE: usize = 16;
/// Bytes that are sent at once.
const PIECE: usize = 256 << 10;

static OUT: Semaphore = Semaphore::const_new(AT_ONCE);

/// Takes in the snapshot in the body of a request.
pub(crate) async fn take(call: &mut Call) -> Result<Taken, Failure> {
    let (limit, tenant) = (call.app.options.snapshot_bytes, call.caller.tenant);
    let mut body = call.pass_body(limit, "registry.snapshot_bytes")?;
    let _turn = body.turn().await?;
    if body.gathered().iter().all(u8::is_ascii_whitespace) {
        return Err(headworks_registry::nothing().into());
    }
    let registry = call.app.registry.clone();
    let meter = call.app.identity.tenants().meter(tenant);
    Ok(registry.take_snapshot(tenant, meter.metered(body)).await?)
}

async fn turn(of: &'static Semaphore) -> Result<SemaphorePermit<'static>, Failure> {
    of.acquire().await.map_err(|error| Error::internal(error.to_string()).into())
}

/// A snapshot as an answer: the members of `head`, then what was saved. Not again for those who have it.
pub(crate) async fn answer(call: &mut Call, head: &impl Serialize, version: Version) -> Result<Response<Body>, Failure> {
    let mut head = serde_json::to_vec(head).map_err(|error| Error::internal(error.to_string()))?;
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let snapshot = registry.snapshot(tenant, &version)?;
    let tag = format!("W/\"{}\"", Digest::of(&[head.as_slice(), snapshot.mark().as_bytes()].concat()));
    let mut response = Response::new(Body::empty());
    let value = HeaderValue::from_str(&tag).map_err(|error| Error::internal(error.to_string()))?;
    response.headers_mut().insert(header::ETAG, value);
    if has(call, &tag) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // The rest of the object follows.
    head.pop();
    head.push(b',');
    *response.body_mut() = match snapshot.plain() {
        Some(rest) => {
            let length = head.len() as u64 + rest.len().saturating_sub(1);
            response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
            plain(head, rest)
        }
        None => rewritten(registry.clone(), version, tenant, head).await?,
    };
    Ok(response)
}

/// Whether the client says that it has what this tag stands for.
fn has(call: &Call, tag: &str) -> bool {
    let known = call.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let plain = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known.flat_map(|value| value.split(',')).any(|known| known.trim() == "*" || plain(known) == plain(tag))
}

/// What was saved as it is stored, read off the async threads while it is taken.
fn plain(head: Vec<u8>, rest: ContentReader) -> Body {
    let pieces = stream::try_unfold((head, rest, true), |(head, rest, first)| async move {
        let reading = tokio::task::spawn_blocking(move || {
            let (mut rest, mut piece) = (rest, head);
            if first {
                rest.read_exact(&mut [0])?;
            }
            rest.by_ref().take(PIECE as u64).read_to_end(&mut piece)?;
            Ok::<_, io::Error>((rest, piece))
        });
        let (rest, piece) = reading.await.map_err(io::Error::other)??;
        Ok::<_, io::Error>((!piece.is_empty()).then(|| (Bytes::from(piece), (Vec::new(), rest, false))))
    });
    Body::from_stream(pieces)
}

/// What was saved with other addresses, written by a thread of its own as fast as the client takes it.
async fn rewritten(registry: Registry, version: Version, tenant: TenantId, head: Vec<u8>) -> Result<Body, Failure> {
    let turn = turn(&OUT).await?;
    let (sender, receiver) = mpsc::channel(2);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let mut to = Pieces { sender: sender.clone(), piece: head };
        let written = registry.snapshot(tenant, &version).and_then(|snapshot| snapshot.write_to(&mut to));
        if let Err(error) = written.and_then(|()| to.flush().map_err(Error::from)) {
            // Where the client is gone, nobody hears of it.
            let _ = sender.blocking_send(Err(io::Error::other(error)));
        }
    });
    let pieces = stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    Ok(Body::from_stream(pieces))
}

/// Gathers what is written and sends it in pieces.
struct Pieces {
    sender: mpsc::Sender<io::Result<Bytes>>,
    piece: Vec<u8>,
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.piece));
        self.sender.blocking_send(Ok(piece)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
