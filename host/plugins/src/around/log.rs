//! What a plugin of a tenant logged lately.
//!
//! In memory only: a restart begins anew. What must stay true: writing never waits for a reader.

use headworks_core::time::Clock;
use headworks_core::{Digest, Timestamp};
use headworks_sandbox::{LogLevel, LogSink};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The lines that are kept; each has at most 1 KiB (`log_line` of the limits).
pub(crate) const LINES: usize = 1000;

/// A line that a plugin logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// 1, 2, 3, … since the server started.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// How much it matters.
    pub level: LogLevel,
    /// The component that logged it.
    pub component: Digest,
    /// The line, in which nothing steers a terminal.
    pub text: Arc<str>,
}

/// The last lines of one plugin in one tenant.
pub(crate) struct Log {
    clock: Arc<dyn Clock>,
    lines: Mutex<VecDeque<LogLine>>,
    latest: watch::Sender<u64>,
}

impl Log {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, lines: Mutex::default(), latest: watch::Sender::new(0) }
    }

    fn lines(&self) -> MutexGuard<'_, VecDeque<LogLine>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lines behind a number, oldest first.
    pub(crate) fn after(&self, number: u64) -> Vec<LogLine> {
        self.lines().iter().filter(|line| line.number > number).cloned().collect()
    }

    /// Tells when there are new lines.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.latest.subscribe()
    }
}

impl LogSink for Log {
    fn write(&self, plugin: &Digest, level: LogLevel, line: &str) {
        tracing::debug!(target: "plugin", %plugin, level = level.as_str(), "{line}");
        let at = self.clock.now();
        let mut lines = self.lines();
        let number = lines.back().map_or(*self.latest.borrow(), |line| line.number) + 1;
        if lines.len() >= LINES {
            lines.pop_front();
        }
        lines.push_back(LogLine { number, at, level, component: *plugin, text: line.into() });
        drop(lines);
        self.latest.send_modify(|latest| *latest = number.max(*latest));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use headworks_core::time::SystemClock;

    #[test]
    fn the_last_lines_are_kept_and_numbered() {
        let log = Log::new(Arc::new(SystemClock));
        let mut follower = log.follow();
        (1..=LINES + 5).for_each(|number| log.write(&Digest([0; 32]), LogLevel::Info, &number.to_string()));
        let kept = log.after(0);
        assert_eq!((kept.len(), kept[0].number, &*kept[0].text), (LINES, 6, "6"));
        assert_eq!(log.after(1003).iter().map(|line| line.number).collect::<Vec<_>>(), [1004, 1005]);
        assert!(follower.has_changed().unwrap());
        assert_eq!(*follower.borrow_and_update(), 1005);
    }
}
