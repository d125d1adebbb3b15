//! What components log.

use super::Host;
use crate::bindings::headworks::plugin::log::{Host as Offered, Level};
use crate::{Limits, LogLevel, LogSink};
use headworks_core::Digest;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How much an instance has logged.
pub(super) struct LogAccount {
    plugin: Digest,
    bytes: usize,
    second: Instant,
    lines: u32,
    dropped: u64,
}

impl LogAccount {
    pub(super) fn new(plugin: Digest) -> Self {
        Self { plugin, bytes: 0, second: Instant::now(), lines: 0, dropped: 0 }
    }

    pub(super) fn begin(&mut self) {
        self.bytes = 0;
    }

    /// Tells what was dropped since the last time, and answers it.
    pub(super) fn end(&mut self, sink: &dyn LogSink) -> u64 {
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            sink.write(
                &self.plugin,
                LogLevel::Warn,
                &format!("{dropped} lines of this plugin are missing here: it logs too much"),
            );
        }
        dropped
    }

    fn write(&mut self, level: LogLevel, message: &str, limits: &Limits, sink: &dyn LogSink) {
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
        sink.write(&self.plugin, level, &line);
    }
}

impl From<Level> for LogLevel {
    fn from(level: Level) -> Self {
        match level {
            Level::Trace => Self::Trace,
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warn => Self::Warn,
            Level::Error => Self::Error,
        }
    }
}

/// One line of at most `most` bytes in which nothing can steer a terminal.
pub(crate) fn clean(message: &str, most: usize) -> String {
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

impl Host {
    pub(super) fn log_line(&mut self, level: LogLevel, message: &str) {
        self.log.write(level, message, &self.limits, &*self.surroundings.log);
    }
}

impl Offered for Host {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.charge(message.len())?;
        self.log_line(level.into(), &message);
        Ok(())
    }

    fn output(&mut self, bytes: Vec<u8>) -> wasmtime::Result<()> {
        self.charge(bytes.len())?;
        for line in String::from_utf8_lossy(&bytes).lines().filter(|line| !line.trim().is_empty()) {
            self.log_line(LogLevel::Warn, line);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn lines_are_cut_and_cannot_steer_a_terminal() {
        assert_eq!(clean("plain é", 100), "plain é");
        assert_eq!(clean("\u{1b}[2Jx\r\ny\u{202e}", 100), "\\u{1b}[2Jx\\r\\ny\\u{202e}");
        assert_eq!(clean("abcdef", 4), "abcd");
        assert_eq!(clean("aéé", 4), "aé");
        assert_eq!(clean("aaa\n", 4), "aaa");
    }

    #[derive(Default)]
    struct Lines(Mutex<Vec<String>>);

    impl LogSink for Lines {
        fn write(&self, _: &Digest, _: LogLevel, line: &str) {
            self.0.lock().unwrap().push(line.to_owned());
        }
    }

    #[test]
    fn a_flood_is_counted_and_dropped() {
        let (limits, lines) = (Limits::default(), Lines::default());
        let mut account = LogAccount::new(Digest::of(b""));
        (0..150).for_each(|_| account.write(LogLevel::Info, "x", &limits, &lines));
        assert_eq!((account.lines, lines.0.lock().unwrap().len()), (100, 100));
        assert_eq!(account.end(&lines), 50);
        assert!(lines.0.lock().unwrap()[100].starts_with("50 lines"));
        assert_eq!(account.end(&lines), 0);
        let mut account = LogAccount::new(Digest::of(b""));
        (0..70).for_each(|_| account.write(LogLevel::Info, &"x".repeat(2000), &limits, &lines));
        assert_eq!((account.lines, account.dropped), (64, 6));
        account.begin();
        account.write(LogLevel::Info, "y", &limits, &lines);
        assert_eq!(account.lines, 65);
    }
}
