//! Segments that are ready to be written: their blocks are on the disk, so that a sync waits for the data alone.

use super::Segment;
use headworks_core::{Error, Result};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

/// Keeps one segment ready, filled in the background.
pub(super) struct Spares {
    ready: Option<Receiver<Result<Segment>>>,
    filler: Option<JoinHandle<()>>,
}

impl Spares {
    /// Starts the thread that fills segments. It ends with this value.
    pub(super) fn start(folder: &Path, segment_bytes: u64) -> Self {
        let (give, ready) = sync_channel(0);
        // Two names in turn: the one that was handed over last may not have been renamed yet.
        let mut paths = [folder.join("spare-0"), folder.join("spare-1")];
        // One that was left over is at hand at once.
        if paths[1].exists() && !paths[0].exists() {
            paths.reverse();
        }
        let filler = std::thread::spawn(move || {
            while give.send(zero_filled(&paths[0], segment_bytes)).is_ok() {
                paths.reverse();
            }
        });
        Self { ready: Some(ready), filler: Some(filler) }
    }

    pub(super) fn take(&self) -> Result<Segment> {
        let ready = self.ready.as_ref().and_then(|ready| ready.recv().ok());
        ready.unwrap_or_else(|| Err(Error::internal("the thread that makes journal segments is gone")))
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.ready = None;
        if let Some(filler) = self.filler.take() {
            let _ = filler.join();
        }
    }
}

/// A file of `bytes` whose blocks have been written. One that was left over is taken as it is.
fn zero_filled(path: &Path, bytes: u64) -> Result<Segment> {
    let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path)?;
    if file.metadata()?.len() < bytes {
        let zeros = vec![0; 1 << 20];
        let mut left = bytes;
        while left > 0 {
            let part = left.min(zeros.len() as u64);
            file.write_all(zeros.get(..part as usize).unwrap_or(&zeros))?;
            left -= part;
        }
        file.sync_all()?;
    }
    Ok(Segment { number: 0, path: path.to_owned(), file })
}
