//! What a connection is doing, so that one coarse timer per connection can close those that keep the server waiting; and what
//! it holds.
//!
//! hyper's own header timer is set anew for each request and does not tell an idle connection from a slow one.

use crate::HttpLimits;
use headworks_core::Error;
use std::fmt;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Between requests, since the milliseconds below the tag.
const IDLE: u64 = 1 << 62;
/// Headers have begun to arrive.
const HEAD: u64 = 2 << 62;
/// A request is being answered.
const BUSY: u64 = 3 << 62;
const TAG: u64 = 3 << 62;
/// No write is waiting.
const FLOWING: u64 = u64::MAX;

/// Shared by the connection's socket, its requests and its timer.
#[derive(Debug)]
pub(crate) struct Phase {
    began: Instant,
    state: AtomicU64,
    /// Since when a write has been waiting for the client, in milliseconds.
    stalled: AtomicU64,
}

/// Why a connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overdue {
    /// Nothing was asked for a while: it may end politely.
    Idle,
    /// The client is too slow in sending headers or in taking the answer.
    Slow,
}

impl Phase {
    /// A connection that was just opened, whose first request is due.
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), state: AtomicU64::new(HEAD), stalled: AtomicU64::new(FLOWING) }
    }

    fn now(&self) -> u64 {
        (self.began.elapsed().as_millis() as u64) & !TAG
    }

    /// The headers of a request are complete.
    pub(crate) fn busy(&self) {
        self.state.store(BUSY, Ordering::Relaxed);
    }

    /// Its answer was handed over.
    pub(crate) fn idle(&self) {
        self.state.store(IDLE | self.now(), Ordering::Relaxed);
    }

    /// Whether a request is being answered.
    pub(crate) fn is_busy(&self) -> bool {
        self.state.load(Ordering::Relaxed) & TAG == BUSY
    }

    fn received(&self) {
        if self.state.load(Ordering::Relaxed) & TAG == IDLE {
            self.state.store(HEAD | self.now(), Ordering::Relaxed);
        }
    }

    fn wrote(&self, waiting: bool) {
        let stalled = self.stalled.load(Ordering::Relaxed);
        if waiting && stalled == FLOWING {
            self.stalled.store(self.now(), Ordering::Relaxed);
        } else if !waiting && stalled != FLOWING {
            self.stalled.store(FLOWING, Ordering::Relaxed);
        }
    }

    /// Whether the client has kept the server waiting for too long.
    pub(crate) fn overdue(&self, limits: &HttpLimits) -> Option<Overdue> {
        let now = self.now();
        let passed = |since: u64| Duration::from_millis(now.saturating_sub(since));
        let stalled = self.stalled.load(Ordering::Relaxed);
        if stalled != FLOWING && passed(stalled) >= limits.write_timeout {
            return Some(Overdue::Slow);
        }
        let state = self.state.load(Ordering::Relaxed);
        match state & TAG {
            IDLE => (passed(state & !TAG) >= limits.idle_timeout).then_some(Overdue::Idle),
            HEAD => (passed(state & !TAG) >= limits.header_timeout).then_some(Overdue::Slow),
            _ => None,
        }
    }
}

/// How often a connection is looked at: often enough to keep each limit within a quarter of its length.
pub(crate) fn interval(limits: &HttpLimits) -> Duration {
    let shortest = limits.header_timeout.min(limits.idle_timeout).min(limits.write_timeout);
    (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(5))
}

/// What a connection holds until it ends.
#[derive(Debug, Default)]
pub(crate) struct Bond {
    held: OnceLock<Box<dyn fmt::Debug + Send + Sync>>,
    refused: AtomicBool,
}

impl Bond {
    /// Has the connection hold this, unless it holds something already.
    ///
    /// # Errors
    /// That of making it. The connection is to end then.
    pub(crate) fn hold<T: fmt::Debug + Send + Sync + 'static>(
        &self,
        make: impl FnOnce() -> Result<T, Error>,
    ) -> Result<(), Error> {
        if self.held.get().is_none() {
            let made = make().inspect_err(|_| self.refused.store(true, Ordering::Relaxed))?;
            // Of two requests at once, of which there are none over HTTP/1, one would be enough.
            let _ = self.held.set(Box::new(made));
        }
        Ok(())
    }

    /// Whether the connection is to end with the answer.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

/// A socket that tells its [`Phase`] what happens on it.
pub(crate) struct Socket<S> {
    stream: S,
    phase: Arc<Phase>,
}

impl<S> Socket<S> {
    pub(crate) fn new(stream: S, phase: Arc<Phase>) -> Self {
        Self { stream, phase }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let answer = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.phase.received();
        }
        answer
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let answer = Pin::new(&mut self.stream).poll_write(cx, data);
        self.phase.wrote(answer.is_pending());
        answer
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let answer = Pin::new(&mut self.stream).poll_write_vectored(cx, data);
        self.phase.wrote(answer.is_pending());
        answer
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let answer = Pin::new(&mut self.stream).poll_flush(cx);
        // TLS takes more than the client does: what waits then waits here.
        self.phase.wrote(answer.is_pending());
        answer
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(phase: &Phase, limits: &HttpLimits) -> Option<Overdue> {
        std::thread::sleep(Duration::from_millis(15));
        phase.overdue(limits)
    }

    #[test]
    fn each_phase_has_its_own_limit() {
        let (short, long) = (Duration::from_millis(10), Duration::from_secs(60));
        let header = HttpLimits { header_timeout: short, ..HttpLimits::default() };
        let idle = HttpLimits { header_timeout: long, idle_timeout: short, ..HttpLimits::default() };
        let write = HttpLimits { header_timeout: long, write_timeout: short, ..HttpLimits::default() };
        let phase = Phase::new();
        assert_eq!(after(&phase, &header), Some(Overdue::Slow), "the first request is due at once");
        assert_eq!(after(&phase, &idle), None);
        phase.busy();
        assert_eq!(after(&phase, &header), None, "a request under way may take its time");
        phase.wrote(true);
        assert_eq!(after(&phase, &write), Some(Overdue::Slow));
        phase.wrote(false);
        assert_eq!(after(&phase, &write), None);
        phase.idle();
        assert_eq!(after(&phase, &idle), Some(Overdue::Idle));
        phase.received();
        assert_eq!(phase.overdue(&idle), None);
        assert_eq!(after(&phase, &header), Some(Overdue::Slow));
    }
}
