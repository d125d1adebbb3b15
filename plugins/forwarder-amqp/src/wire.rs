//! Frames and methods of AMQP 0-9-1.
//!
//! Owns the bytes: what a frame, a method and its arguments look like. Knows nothing of what is said when.

use headworks_forwarder_kit::{NetworkError, Stream};

/// Frame types.
pub const METHOD: u8 = 1;
/// Announces a body.
pub const HEADER: u8 = 2;
/// A part of a body.
pub const BODY: u8 = 3;
/// What every frame ends with.
const END: u8 = 0xce;
/// What a frame has besides its payload, in bytes.
pub const OVERHEAD: u32 = 8;
/// The largest payload that is read, in bytes: far more than a method needs.
const MOST: u32 = 1 << 20;

/// A method: its class and its number.
pub type Method = (u16, u16);

/// `connection.start`, and so on: the methods used here.
pub mod method {
    #![allow(missing_docs, reason = "the names are those of the specification")]
    use super::Method;
    pub const START: Method = (10, 10);
    pub const START_OK: Method = (10, 11);
    pub const SECURE: Method = (10, 20);
    pub const TUNE: Method = (10, 30);
    pub const TUNE_OK: Method = (10, 31);
    pub const OPEN: Method = (10, 40);
    pub const OPEN_OK: Method = (10, 41);
    pub const CLOSE: Method = (10, 50);
    pub const CLOSE_OK: Method = (10, 51);
    pub const CHANNEL_OPEN: Method = (20, 10);
    pub const CHANNEL_OPEN_OK: Method = (20, 11);
    pub const CHANNEL_CLOSE: Method = (20, 40);
    pub const CHANNEL_CLOSE_OK: Method = (20, 41);
    pub const PUBLISH: Method = (60, 40);
    pub const ACK: Method = (60, 80);
    pub const NACK: Method = (60, 120);
    pub const CONFIRM: Method = (85, 10);
    pub const CONFIRM_OK: Method = (85, 11);
}

/// A frame that came.
#[derive(Debug)]
pub struct Frame {
    /// What kind of frame it is.
    pub kind: u8,
    /// Its channel.
    pub channel: u16,
    /// Its payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Reads a frame.
    ///
    /// # Errors
    /// The connection ended, or these are no frames.
    pub fn read(stream: &mut Stream) -> Result<Self, NetworkError> {
        let [kind, c1, c0, s3, s2, s1, s0] = stream.array()?;
        let size = u32::from_be_bytes([s3, s2, s1, s0]);
        // A server that knows no 0-9-1 answers with the header of what it knows.
        if [kind, c1, c0, s3] == *b"AMQP" {
            return Err(NetworkError::Protocol("the server does not speak AMQP 0-9-1".to_owned()));
        }
        if size > MOST {
            return Err(NetworkError::Protocol(format!("a frame of {size} bytes came, and {MOST} are read at most")));
        }
        let payload = stream.read(size as usize)?;
        if stream.byte()? != END {
            return Err(NetworkError::Protocol("a frame does not end where it should".to_owned()));
        }
        Ok(Self { kind, channel: u16::from_be_bytes([c1, c0]), payload })
    }

    /// The method in it and its arguments.
    pub fn method(&self) -> Option<(Method, Arguments<'_>)> {
        let mut arguments = Arguments(&self.payload);
        let method = (arguments.short()?, arguments.short()?);
        (self.kind == METHOD).then_some((method, arguments))
    }
}

/// The bytes of a frame.
pub fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(channel.to_be_bytes());
    bytes.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(payload);
    bytes.push(END);
    bytes
}

/// Builds a method.
pub struct Builder(Vec<u8>);

impl Builder {
    /// A method without arguments yet.
    pub fn new((class, number): Method) -> Self {
        Self([class.to_be_bytes(), number.to_be_bytes()].concat())
    }

    /// One byte; up to eight flags are one byte.
    pub fn byte(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    /// 16 bits.
    pub fn short(mut self, value: u16) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// 32 bits.
    pub fn long(mut self, value: u32) -> Self {
        self.0.extend(value.to_be_bytes());
        self
    }

    /// A short string.
    ///
    /// # Errors
    /// It has more than 255 bytes.
    pub fn text(mut self, value: &str) -> Result<Self, String> {
        let length = u8::try_from(value.len()).map_err(|_| format!("{value:?} has more than 255 bytes"))?;
        self.0.push(length);
        self.0.extend(value.as_bytes());
        Ok(self)
    }

    /// A long string, or a table that is encoded already.
    pub fn long_text(mut self, value: &[u8]) -> Self {
        self = self.long(u32::try_from(value.len()).unwrap_or(u32::MAX));
        self.0.extend(value);
        self
    }

    /// The bytes of its frame.
    pub fn frame(self, channel: u16) -> Vec<u8> {
        frame(METHOD, channel, &self.0)
    }
}

/// Reads arguments; none where they are too short.
pub struct Arguments<'a>(&'a [u8]);

impl<'a> Arguments<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }

    fn many(&mut self, count: usize) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(first)
    }

    /// One byte.
    pub fn byte(&mut self) -> Option<u8> {
        self.take().map(|[byte]| byte)
    }

    /// 16 bits.
    pub fn short(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    /// 32 bits.
    pub fn long(&mut self) -> Option<u32> {
        self.take().map(u32::from_be_bytes)
    }

    /// 64 bits.
    pub fn long_long(&mut self) -> Option<u64> {
        self.take().map(u64::from_be_bytes)
    }

    /// A short string.
    pub fn text(&mut self) -> Option<String> {
        let length = self.byte()?;
        self.many(length.into()).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// A long string or a table, not decoded.
    pub fn long_text(&mut self) -> Option<&'a [u8]> {
        let length = self.long()?;
        self.many(length as usize)
    }
}
