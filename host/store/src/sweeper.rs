//! The thread that keeps streams within their bounds (FlowG 10.5): every second what is too old goes, every
//! `sweep_interval` what is too much.
//!
//! Decides nothing itself: each piece is a work of the committer, between which others write.

use crate::committer::{Committer, Company};
use crate::engine::Engine;
use crate::health::Failure;
use headworks_core::{Error, ErrorCode, Result};
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_secs(1);

pub(crate) struct Sweeper {
    /// Dropping it ends the thread.
    stop: Mutex<Option<SyncSender<()>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Sweeper {
    pub(crate) fn start(
        engine: Arc<Engine>,
        committer: Arc<Committer>,
        failure: Arc<Failure>,
        interval: Duration,
    ) -> Result<Self> {
        let (stop, stopped) = sync_channel::<()>(1);
        let thread = std::thread::Builder::new().name("sweeper".to_owned()).spawn(move || {
            let mut swept = Instant::now();
            while stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if engine.background_errors() > 0 {
                    failure
                        .set(&Error::new(ErrorCode::Io, "the database could not write its files in the background; see db/LOG"));
                }
                if failure.get().is_some() {
                    return;
                }
                let mut result = expire(&committer);
                if swept.elapsed() >= interval {
                    swept = Instant::now();
                    result = result.and_then(|()| trim(&committer));
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

/// Deletes everything that is too old or too much. Blocks.
pub(crate) fn sweep(committer: &Committer) -> Result<()> {
    expire(committer)?;
    trim(committer)
}

fn expire(committer: &Committer) -> Result<()> {
    while committer.submit_blocking(Company::Alone, |group| group.expire())? {}
    Ok(())
}

fn trim(committer: &Committer) -> Result<()> {
    for stream in committer.submit_blocking(Company::Alone, |group| Ok(group.oversize()))? {
        loop {
            let at = stream.clone();
            if !committer.submit_blocking(Company::Alone, move |group| group.trim(&at))? {
                break;
            }
        }
    }
    Ok(())
}
