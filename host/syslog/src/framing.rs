//! Where messages begin and end in a stream: line feeds, or lengths in front (RFC 6587), told apart per message.
//!
//! What must stay true: no more than the limit and one header is ever kept, and each byte is looked at once.

use bytes::{Buf, Bytes, BytesMut};

/// Digits of the longest length that is believed.
const MAX_DIGITS: usize = 7;

/// One message of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) message: Bytes,
    /// Whether it was longer than the limit.
    pub(crate) cut: bool,
}

/// Takes a stream apart.
pub(crate) struct Framer {
    limit: usize,
    buffer: BytesMut,
    /// The bytes in which no line feed was found.
    searched: usize,
    skip: Skip,
}

/// What is left of a message that was too long.
enum Skip {
    Nothing,
    Line,
    Bytes(usize),
}

/// What a message begins with.
enum Start {
    /// The bytes of the header and of the message.
    Length(usize, usize),
    Line,
    Unknown,
}

impl Framer {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, buffer: BytesMut::new(), searched: 0, skip: Skip::Nothing }
    }

    /// Where to read into. Take all messages out before.
    pub(crate) fn buffer(&mut self) -> &mut BytesMut {
        self.buffer.reserve(8 << 10);
        &mut self.buffer
    }

    /// Whether part of a message is there.
    pub(crate) fn is_within(&self) -> bool {
        !self.buffer.is_empty() || !matches!(self.skip, Skip::Nothing)
    }

    /// The next message, once it is complete.
    pub(crate) fn next(&mut self) -> Option<Frame> {
        self.skip()?;
        // Empty lines, and line feeds behind messages whose length was said.
        while self.buffer.first().is_some_and(|byte| matches!(byte, b'\n' | b'\r' | 0)) {
            self.buffer.advance(1);
            self.searched = 0;
        }
        match self.start() {
            Start::Length(header, length) => self.counted(header, length),
            Start::Line => self.line(),
            Start::Unknown => None,
        }
    }

    /// What is there when the stream ends: a line needs no line feed. `Err` for a part of a message.
    pub(crate) fn finish(mut self) -> Result<Option<Frame>, ()> {
        if self.buffer.is_empty() || !matches!(self.skip, Skip::Nothing) {
            return Ok(None);
        }
        match self.start() {
            Start::Length(..) => Err(()),
            Start::Line | Start::Unknown => Ok(frame(self.buffer.split().freeze(), false)),
        }
    }

    /// Passes over what is left of a message; `None` when more is needed.
    fn skip(&mut self) -> Option<()> {
        let past = match self.skip {
            Skip::Nothing => return Some(()),
            Skip::Line => memchr::memchr(b'\n', &self.buffer),
            Skip::Bytes(left) if left <= self.buffer.len() => Some(left),
            Skip::Bytes(left) => {
                self.skip = Skip::Bytes(left - self.buffer.len());
                None
            }
        };
        match past {
            Some(past) => {
                self.buffer.advance(past);
                self.skip = Skip::Nothing;
                Some(())
            }
            None => {
                self.buffer.clear();
                None
            }
        }
    }

    /// A length is believed only in front of a PRI, which each message has that is sent so: `2025 was a good year` is a line.
    fn start(&self) -> Start {
        let digits = self.buffer.iter().take(MAX_DIGITS + 1).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 && self.buffer.is_empty() {
            return Start::Unknown;
        }
        if digits == 0 || digits > MAX_DIGITS || self.buffer.first() == Some(&b'0') {
            return Start::Line;
        }
        match (self.buffer.get(digits), self.buffer.get(digits + 1)) {
            (None, _) | (Some(b' '), None) => Start::Unknown,
            (Some(b' '), Some(b'<')) => {
                let digits = self.buffer.get(..digits).unwrap_or_default();
                let length = digits.iter().fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
                Start::Length(digits.len() + 1, length)
            }
            _ => Start::Line,
        }
    }

    fn counted(&mut self, header: usize, length: usize) -> Option<Frame> {
        let kept = length.min(self.limit);
        if self.buffer.len() < header + kept {
            return None;
        }
        self.buffer.advance(header);
        let message = self.buffer.split_to(kept).freeze();
        self.searched = 0;
        if length > kept {
            self.skip = Skip::Bytes(length - kept);
        }
        frame(message, length > kept).or_else(|| self.next())
    }

    fn line(&mut self) -> Option<Frame> {
        let found = self.buffer.get(self.searched..).and_then(|rest| memchr::memchr(b'\n', rest));
        let end = found.map(|end| end + self.searched);
        self.searched = self.buffer.len();
        match end {
            Some(end) if end <= self.limit => {
                self.searched = 0;
                let line = self.buffer.split_to(end).freeze();
                frame(line, false).or_else(|| self.next())
            }
            None if self.buffer.len() <= self.limit => None,
            _ => {
                self.searched = 0;
                self.skip = Skip::Line;
                frame(self.buffer.split_to(self.limit).freeze(), true)
            }
        }
    }
}

/// A message without what some senders put behind it; `None` where nothing is left.
fn frame(mut message: Bytes, cut: bool) -> Option<Frame> {
    let len = message.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r' | 0)).map_or(0, |last| last + 1);
    message.truncate(len);
    if cut {
        whole_characters(&mut message);
    }
    (!message.is_empty()).then_some(Frame { message, cut })
}

/// Takes away a UTF-8 character that was cut in two.
pub(crate) fn whole_characters(message: &mut Bytes) {
    for back in 1..=3 {
        let Some(at) = message.len().checked_sub(back) else { return };
        let length = match message.get(at).copied().unwrap_or_default() {
            0x80..=0xbf => continue,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xff => 4,
            _ => 1,
        };
        if length > back {
            message.truncate(at);
        }
        return;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The messages of a stream that arrives in pieces, and how it ended.
    fn frames(pieces: &[&[u8]], limit: usize) -> (Vec<String>, bool) {
        let mut framer = Framer::new(limit);
        let mut all = Vec::new();
        for piece in pieces {
            framer.buffer().extend_from_slice(piece);
            while let Some(frame) = framer.next() {
                all.push(frame);
            }
            assert!(framer.buffer.len() <= limit + MAX_DIGITS + 1);
        }
        let end = framer.finish();
        all.extend(
            end.as_ref().ok().and_then(|last| last.as_ref()).map(|last| Frame { message: last.message.clone(), cut: last.cut }),
        );
        let shown = |frame: Frame| format!("{}{}", String::from_utf8_lossy(&frame.message), if frame.cut { "…" } else { "" });
        (all.into_iter().map(shown).collect(), end.is_ok())
    }

    #[test]
    fn both_framings_are_understood_per_message() {
        for (stream, expected, whole) in [
            (&b"<13>a\n<13>b\r\n\n\n<13>c"[..], &["<13>a", "<13>b", "<13>c"][..], true),
            (b"5 <13>a5 <13>b", &["<13>a", "<13>b"], true),
            (b"6 <13>a\n<13>b\n5 <13>c\n", &["<13>a", "<13>b", "<13>c"], true),
            (b"8 <13>a\nb\n5 <13>c", &["<13>a\nb", "<13>c"], true),
            (b"2025 was good\n5 <13>a", &["2025 was good", "<13>a"], true),
            (b"123\n12 \n5 x\n", &["123", "12 ", "5 x"], true),
            (b"05 <13>a\n", &["05 <13>a"], true),
            (b"12345678 <13>a\n", &["12345678 <13>a"], true),
            (b"9 <13>a", &[], false),
            (b"12", &["12"], true),
            (b"", &[], true),
            (b"\0\0\n", &[], true),
            (b"<13>a\0\n", &["<13>a"], true),
        ] {
            let pieces: Vec<&[u8]> = stream.chunks(1).collect();
            for pieces in [&[stream][..], &pieces] {
                assert_eq!(frames(pieces, 100), (expected.iter().map(|text| (*text).to_owned()).collect(), whole));
            }
        }
    }

    #[test]
    fn what_is_too_long_is_cut_and_the_next_message_is_found() {
        for stream in ["<13>34567890xxx\n<13>b\n", "15 <13>34567890xxx5 <13>b", "<13>34567890\n<13>b\n"] {
            let cut = if stream.contains('x') { "<13>345678…" } else { "<13>34567890" };
            let limit = if stream.contains('x') { 10 } else { 12 };
            for size in [1, 3, 7, 100] {
                let pieces: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
                assert_eq!(frames(&pieces, limit).0, [cut, "<13>b"], "{stream} by {size}");
            }
        }
    }

    #[test]
    fn a_character_is_not_cut_in_two() {
        assert_eq!(frames(&["<13>abcdé\n".as_bytes()], 9).0, ["<13>abcd…"]);
        assert_eq!(frames(&["<13>abc\u{1f600}x\n".as_bytes()], 9).0, ["<13>abc…"]);
        assert_eq!(frames(&["<13>abc\u{1f600}x\n".as_bytes()], 11).0, ["<13>abc\u{1f600}…"]);
        // What never was UTF-8 stays.
        assert_eq!(frames(&[b"<13>\x80\x80\x80\x80\x80\x80"], 8).0, ["<13>\u{fffd}\u{fffd}\u{fffd}\u{fffd}…"]);
    }

    proptest! {
        /// How a stream is cut into pieces makes no difference, and nothing beyond the limit is kept.
        #[test]
        fn pieces_make_no_difference(
            stream in prop::collection::vec(prop::sample::select(b"<13>5 \n\r\0ab".to_vec()), 0..200),
            size in 1usize..20, limit in 4usize..40,
        ) {
            let pieces: Vec<&[u8]> = stream.chunks(size).collect();
            let single: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(frames(&pieces, limit.max(size)), frames(&single, limit.max(size)));
        }
    }
}
