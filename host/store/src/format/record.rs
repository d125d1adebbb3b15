//! The stored form of one record: version, nanoseconds within the millisecond, expiry, then per cell the number of the field
//! in its stream, the kind, the length and the bytes. The milliseconds are in the key.

use super::{Reader, VERSION, put_varint};
use headworks_core::{Kind, Timestamp};

/// Begins a record. `expiry` is the second since 1970 from which on it does not show; 0 for never.
#[inline]
pub(crate) fn begin(out: &mut Vec<u8>, time: Timestamp, expiry: u64) {
    out.push(VERSION);
    put_varint(out, time.0.rem_euclid(1_000_000) as u64);
    put_varint(out, expiry);
}

/// Adds a cell.
#[inline]
pub(crate) fn cell(out: &mut Vec<u8>, field: u32, kind: Kind, bytes: &[u8]) {
    put_varint(out, u64::from(field));
    out.push(kind as u8);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// The number of a field in its stream, the kind and the bytes of its value.
pub(crate) type StoredCell<'a> = (u32, Kind, &'a [u8]);

/// Bytes that no record has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A stored record, its cells not yet looked at.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'a> {
    /// Nanoseconds within the millisecond.
    pub(crate) nanos: u64,
    /// The second since 1970 from which on it does not show; 0 for never.
    pub(crate) expiry: u64,
    rest: Reader<'a>,
}

impl<'a> Stored<'a> {
    #[inline]
    pub(crate) fn decode(value: &'a [u8]) -> Option<Self> {
        let mut rest = Reader::versioned(value)?;
        let nanos = rest.varint().filter(|nanos| *nanos < 1_000_000)?;
        let expiry = rest.varint()?;
        Some(Self { nanos, expiry, rest })
    }

    /// Whether it no longer shows at `second`.
    #[inline]
    pub(crate) fn is_expired(&self, second: i64) -> bool {
        self.expiry != 0 && i64::try_from(self.expiry).is_ok_and(|expiry| expiry <= second)
    }

    /// The whole receive time, given the milliseconds of the key.
    #[inline]
    pub(crate) fn time(&self, ms: i64) -> Timestamp {
        Timestamp(ms.saturating_mul(1_000_000).saturating_add(self.nanos as i64))
    }

    /// The next cell; `Ok(None)` after the last.
    #[inline]
    pub(crate) fn next_cell(&mut self) -> Result<Option<StoredCell<'a>>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut parse = || {
            let field = u32::try_from(self.rest.varint()?).ok()?;
            let kind = Kind::from_u8(self.rest.byte()?)?;
            Some((field, kind, self.rest.bytes()?))
        };
        parse().map(Some).ok_or(Malformed)
    }
}
