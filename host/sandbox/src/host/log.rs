//! What components log.

use super::Host;
use crate::Limits;
use crate::bindings::headworks::plugin::log::{Host as Offered, Level};
use headworks_core::Digest;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How much an instance has logged.
pub(super) struct LogAccount {
    plugin: String,
    bytes: usize,
    second: Instant,
    lines: u32,
    dropped: u64,
}

impl LogAccount {
    pub(super) fn new(digest: &Digest) -> Self {
        Self { plugin: digest.to_string(), bytes: 0, second: Instant::now(), lines: 0, dropped: 0 }
    }

    pub(super) fn begin(&mut self) {
        self.bytes = 0;
    }

    /// Tells what was dropped since the last time.
    pub(super) fn end(&mut self) {
        if self.dropped > 0 {
            let dropped = std::mem::take(&mut self.dropped);
            tracing::warn!(target: "plugin", plugin = self.plugin, dropped, "lines of this plugin are missing here: it logs too much");
        }
    }

    fn write(&mut self, level: Level, message: &str, limits: &Limits) {
        if self.second.elapsed() >= Duration::from_secs(1) {
            (self.second, self.lines) = (Instant::now(), 0);
        }
        let line = clean(message, limits.log_line);
        self.bytes = self.bytes.saturating_add(line.len());
        if self.bytes > limits.log_bytes || self.lines >= limits.log_lines {
            self.dropped += 1;
            return;
        }
        self.lines += 1;
        let plugin = self.plugin.as_str();
        match level {
            Level::Trace => tracing::trace!(target: "plugin", plugin, "{line}"),
            Level::Debug => tracing::debug!(target: "plugin", plugin, "{line}"),
            Level::Info => tracing::info!(target: "plugin", plugin, "{line}"),
            Level::Warn => tracing::warn!(target: "plugin", plugin, "{line}"),
            Level::Error => tracing::error!(target: "plugin", plugin, "{line}"),
        }
    }
}

/// One line of at most `most` bytes in which nothing can steer a terminal.
fn clean(message: &str, most: usize) -> String {
    let mut line = String::with_capacity(message.len().min(most));
    for character in message.chars() {
        let start = line.len();
        let steers = character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match steers {
            true => drop(write!(line, "{}", character.escape_default())),
            false => line.push(character),
        }
        if line.len() > most {
            line.truncate(start);
            break;
        }
    }
    line
}

impl Offered for Host {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.charge(message.len())?;
        self.log.write(level, &message, &self.limits);
        Ok(())
    }

    fn output(&mut self, bytes: Vec<u8>) -> wasmtime::Result<()> {
        self.charge(bytes.len())?;
        for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.trim().is_empty()) {
            self.log.write(Level::Warn, line, &self.limits);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_cannot_steer_a_terminal() {
        assert_eq!(clean("plain é", 100), "plain é");
        assert_eq!(clean("\u{1b}[2Jx\r\ny\u{202e}", 100), "\\u{1b}[2Jx\\r\\ny\\u{202e}");
        assert_eq!(clean("abcdef", 4), "abcd");
        assert_eq!(clean("aéé", 4), "aé");
        assert_eq!(clean("aaa\n", 4), "aaa");
    }

    #[test]
    fn a_flood_is_counted_and_dropped() {
        let (limits, mut account) = (Limits::default(), LogAccount::new(&Digest::of(b"")));
        (0..150).for_each(|_| account.write(Level::Info, "x", &limits));
        assert_eq!((account.lines, account.dropped), (100, 50));
        account.end();
        assert_eq!(account.dropped, 0);
        let mut account = LogAccount::new(&Digest::of(b""));
        (0..70).for_each(|_| account.write(Level::Info, &"x".repeat(2000), &limits));
        assert_eq!((account.lines, account.dropped), (64, 6));
        account.begin();
        account.write(Level::Info, "y", &limits);
        assert_eq!(account.lines, 65);
    }
}
