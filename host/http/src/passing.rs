//! Bodies that are handed on piece by piece, never held, under a limit of their own.

use crate::body::next;
use crate::{Incoming, RequestContext};
use axum::body::Body;
use axum::http::header;
use bytes::{Buf, Bytes};
use headworks_core::{Error, ErrorCode, Result};
use hyper::body::Body as _;
use std::io::{self, Read};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit};

/// What is not larger than this is waited for before a thread takes it.
const SMALL: usize = 1 << 20;
/// Larger bodies that are read at one moment; each takes a thread.
const AT_ONCE: usize = 16;

static WAITING: Semaphore = Semaphore::const_new(AT_ONCE);

/// The body of a request on its way through. Reading it with [`Read`] blocks until the client sends more, so that is for
/// threads that may.
pub struct PassingBody {
    body: Body,
    /// Keeps the request's limits in force.
    _context: RequestContext,
    limit: u64,
    left: u64,
    setting: &'static str,
    piece: Bytes,
    runtime: Handle,
}

impl Incoming {
    /// Hands the body on, of at most so many bytes whatever other bodies may have. It may take as long as it keeps coming.
    /// `setting` is what messages say to change.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`] where the client announces more.
    pub fn pass_body(&mut self, limit: u64, setting: &'static str) -> Result<PassingBody> {
        let body = self.take_body();
        let announced = self.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if announced.unwrap_or(0).max(body.size_hint().lower()) > limit {
            return Err(too_large(limit, setting));
        }
        self.context.pass_on();
        let runtime = Handle::current();
        Ok(PassingBody { body, _context: self.context.clone(), limit, left: limit, setting, piece: Bytes::new(), runtime })
    }
}

impl PassingBody {
    /// Waits until so many bytes are there, or all there are; answers whether those are all. They are held until they are
    /// read.
    ///
    /// # Errors
    /// [`ErrorCode::TooLarge`] above the limit; [`ErrorCode::Invalid`] when the client breaks off or sends nothing for too
    /// long.
    pub async fn gather(&mut self, bytes: usize) -> Result<bool> {
        let mut gathered = Vec::from(std::mem::take(&mut self.piece));
        let all = loop {
            if gathered.len() >= bytes {
                break self.body.is_end_stream();
            }
            match self.next().await? {
                Some(piece) => gathered.extend_from_slice(&piece),
                None => break true,
            }
        };
        self.piece = gathered.into();
        Ok(all)
    }

    /// Waits until a thread may read it: small bodies until they are there, larger ones for their turn, which lasts as long as
    /// the answer is held. So no thread waits for a client but a few.
    ///
    /// # Errors
    /// Those of [`gather`](Self::gather).
    pub async fn turn(&mut self) -> Result<Option<SemaphorePermit<'static>>> {
        if self.gather(SMALL).await? {
            return Ok(None);
        }
        WAITING.acquire().await.map(Some).map_err(|error| Error::internal(error.to_string()))
    }

    /// What was gathered and not yet read.
    pub fn gathered(&self) -> &[u8] {
        &self.piece
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// Those of [`gather`](Self::gather).
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        if !self.piece.is_empty() {
            return Ok(Some(std::mem::take(&mut self.piece)));
        }
        let Some(piece) = next(&mut self.body).await? else { return Ok(None) };
        let left = self.left.checked_sub(piece.len() as u64);
        self.left = left.ok_or_else(|| too_large(self.limit, self.setting))?;
        Ok(Some(piece))
    }
}

impl Read for PassingBody {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            let runtime = self.runtime.clone();
            match runtime.block_on(self.next()).map_err(io::Error::other)? {
                Some(piece) => self.piece = piece,
                None => return Ok(0),
            }
        }
        let count = self.piece.len().min(buffer.len());
        self.piece.split_to(count).copy_to_slice(buffer.get_mut(..count).unwrap_or_default());
        Ok(count)
    }
}

fn too_large(limit: u64, setting: &str) -> Error {
    Error::new(ErrorCode::TooLarge, format!("a request body may have at most {limit} bytes here ({setting})"))
}
