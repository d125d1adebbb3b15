//! The thread that keeps streams (FlowG 10.5) and audit entries within their bounds: every second records that are too old
//! and contents that nobody waits for any more go, every `sweep_interval` what is too much, and audit entries that are too old.
//!
//! Decides nothing itself: each piece is a work of the committer, between which others write.

use crate::committer::{Committer, Company};
use crate::content::Abandoned;
use crate::engine::Engine;
use crate::health::Failure;
use headworks_core::time::Clock;
use headworks_core::{Error, ErrorCode, Result, Timestamp};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_secs(1);

/// What is swept, and how much may stay.
#[derive(Clone)]
pub(crate) struct Sweep {
    pub(crate) abandoned: Arc<Abandoned>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) committer: Arc<Committer>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Audit entries per tenant.
    pub(crate) audit_count: u64,
    pub(crate) audit_age: Duration,
}

pub(crate) struct Sweeper {
    /// Dropping it ends the thread.
    stop: Mutex<Option<SyncSender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sweeper {
    pub(crate) fn start(sweep: Sweep, failure: Arc<Failure>, interval: Duration) -> Result<Self> {
        let (stop, stopped) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new().name("sweeper".to_owned()).spawn(move || {
            let mut swept = Instant::now();
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if sweep.engine.background_errors() > 0 {
                    failure
                        .set(&Error::new(ErrorCode::Io, "the database could not write its files in the background; see db/LOG"));
                }
                if failure.get().is_some() {
                    return;
                }
                let mut result = sweep.expire();
                if swept.elapsed() >= interval {
                    swept = Instant::now();
                    result = result.and_then(|()| sweep.trim());
                }
                match result {
                    Err(error) if error.code != ErrorCode::Unavailable => {
                        tracing::error!(code = %error.code, reason = %error.message, "retention stopped for now");
                    }
                    _ => {}
                }
            }
        })?;
        Ok(Self { stop: Mutex::new(Some(stop)), thread: Mutex::new(Some(thread)) })
    }

    /// Ends the thread after the piece it is at.
    pub(crate) fn stop(&self) {
        self.stop.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // It has nothing to answer, and a panic has been printed.
            let _ = thread.join();
        }
    }
}

impl Sweep {
    /// Deletes everything that is too old or too much. Blocks.
    pub(crate) fn all(&self) -> Result<()> {
        self.expire()?;
        self.trim()
    }

    fn expire(&self) -> Result<()> {
        let abandoned = self.abandoned.take();
        if !abandoned.is_empty() {
            self.committer.submit_blocking(Company::Shared, move |group| group.discard_contents(&abandoned))?;
        }
        while self.committer.submit_blocking(Company::Alone, |group| group.expire())? {}
        Ok(())
    }

    fn trim(&self) -> Result<()> {
        for stream in self.committer.submit_blocking(Company::Alone, |group| Ok(group.oversize()))? {
            loop {
                let at = stream.clone();
                if !self.committer.submit_blocking(Company::Alone, move |group| group.trim(&at))? {
                    break;
                }
            }
        }
        // Entries are only ever added behind those that go, so they can be looked at while others write.
        let age = i64::try_from(self.audit_age.as_nanos()).unwrap_or(i64::MAX);
        let oldest = Timestamp(self.clock.now().0.saturating_sub(age));
        for (tenant, before) in self.engine.audit_excess(self.audit_count, oldest)? {
            self.committer.submit_blocking(Company::Shared, move |group| group.trim_audit(tenant, before))?;
        }
        Ok(())
    }
}
