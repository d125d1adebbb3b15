//! Keys. Each begins with the number of its tenant, big-endian; in `meta` one byte that tells what it is stands before.
//!
//! Text of free length is escaped so that byte order is the order of the text and no text is the prefix of another: a zero
//! byte becomes `00 FF`, and `00 00` ends the text.

use super::Reader;
use headworks_core::{DocumentKey, TenantId, Uid};

/// Where one record is: the byte order of the encoded form is the order of the fields here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct RecordKey {
    pub(crate) tenant: TenantId,
    /// The number of the stream, never used for another one.
    pub(crate) number: u32,
    pub(crate) at: Place,
}

/// Where a record is within its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    /// Receive time in milliseconds since 1970.
    pub(crate) ms: i64,
    /// Unique within the store.
    pub(crate) sequence: u64,
}

impl Place {
    pub(crate) const MIN: Self = Self { ms: i64::MIN, sequence: 0 };
    pub(crate) const MAX: Self = Self { ms: i64::MAX, sequence: u64::MAX };
    /// Bytes of the encoded form.
    pub(crate) const LEN: usize = 16;

    /// The sign is flipped so that times before 1970 come first.
    pub(crate) fn encode(self) -> [u8; Self::LEN] {
        let ms = (self.ms as u64) ^ (1 << 63);
        ((u128::from(ms) << 64) | u128::from(self.sequence)).to_be_bytes()
    }

    pub(crate) fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { ms: (reader.u64()? ^ (1 << 63)) as i64, sequence: reader.u64()? })
    }

    /// The latest place before this one.
    pub(crate) fn before(self) -> Option<Self> {
        match self.sequence.checked_sub(1) {
            Some(sequence) => Some(Self { ms: self.ms, sequence }),
            None => Some(Self { ms: self.ms.checked_sub(1)?, sequence: u64::MAX }),
        }
    }
}

impl RecordKey {
    /// Bytes of the encoded form.
    pub(crate) const LEN: usize = 8 + Place::LEN;

    pub(crate) fn encode(self) -> [u8; Self::LEN] {
        let mut key = [0; Self::LEN];
        let (stream, at) = key.split_at_mut(8);
        stream.copy_from_slice(&stream_prefix(self.tenant, self.number));
        at.copy_from_slice(&self.at.encode());
        key
    }

    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let mut reader = Reader(key);
        let (tenant, number) = (TenantId(reader.u32()?), reader.u32()?);
        let at = Place::decode(&mut reader)?;
        reader.is_empty().then_some(Self { tenant, number, at })
    }
}

/// What all keys of one stream's records and index entries begin with.
pub(crate) fn stream_prefix(tenant: TenantId, number: u32) -> [u8; 8] {
    ((u64::from(tenant.0) << 32) | u64::from(number)).to_be_bytes()
}

/// The least key greater than every key that begins with `prefix`; empty where there is none.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut key = prefix.to_vec();
    while let Some(last) = key.pop() {
        if last < u8::MAX {
            key.push(last + 1);
            break;
        }
    }
    key
}

fn put_escaped(key: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        key.push(byte);
        if byte == 0 {
            key.push(0xff);
        }
    }
    key.extend_from_slice(&[0, 0]);
}

fn take_escaped(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    loop {
        match reader.byte()? {
            0 => match reader.byte()? {
                0 => return Some(text),
                0xff => text.push(0),
                _ => return None,
            },
            byte => text.push(byte),
        }
    }
}

fn take_name(reader: &mut Reader<'_>) -> Option<String> {
    String::from_utf8(take_escaped(reader)?).ok()
}

/// What the keys of all documents of one tenant and kind begin with.
pub(crate) fn documents_of_kind(tenant: TenantId, kind: &str) -> Vec<u8> {
    let mut key = tenant.0.to_be_bytes().to_vec();
    put_escaped(&mut key, kind.as_bytes());
    key
}

/// What the keys of all documents of one tenant, kind and scope begin with.
pub(crate) fn documents_of(tenant: TenantId, kind: &str, scope: &str) -> Vec<u8> {
    let mut key = documents_of_kind(tenant, kind);
    put_escaped(&mut key, scope.as_bytes());
    key
}

pub(crate) fn document(of: &DocumentKey) -> Vec<u8> {
    let mut key = documents_of(of.tenant, &of.kind, &of.scope);
    put_escaped(&mut key, of.name.as_bytes());
    key
}

pub(crate) fn parse_document(key: &[u8]) -> Option<DocumentKey> {
    let mut reader = Reader(key);
    let tenant = TenantId(reader.u32()?);
    let (kind, scope, name) = (take_name(&mut reader)?, take_name(&mut reader)?, take_name(&mut reader)?);
    reader.is_empty().then_some(DocumentKey { tenant, kind, scope, name })
}

/// What the entries of one value index begin with.
pub(crate) fn index(tenant: TenantId, number: u32, field: u32) -> Vec<u8> {
    let mut key = stream_prefix(tenant, number).to_vec();
    key.extend_from_slice(&field.to_be_bytes());
    key
}

/// What the entries of one value of an index begin with.
pub(crate) fn index_value(tenant: TenantId, number: u32, field: u32, value: &[u8]) -> Vec<u8> {
    let mut key = index(tenant, number, field);
    put_escaped(&mut key, value);
    key
}

/// One entry of an index, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) record: RecordKey,
    pub(crate) field: u32,
    pub(crate) value: Vec<u8>,
}

impl IndexEntry {
    pub(crate) fn decode(key: &[u8]) -> Option<Self> {
        let mut reader = Reader(key);
        let (tenant, number, field) = (TenantId(reader.u32()?), reader.u32()?, reader.u32()?);
        let value = take_escaped(&mut reader)?;
        let at = Place::decode(&mut reader)?;
        reader.is_empty().then_some(Self { record: RecordKey { tenant, number, at }, field, value })
    }
}

/// An audit entry, a dead letter: numbered within a tenant.
pub(crate) fn numbered(tenant: TenantId, sequence: u64) -> [u8; 12] {
    let mut key = [0; 12];
    let (first, second) = key.split_at_mut(4);
    first.copy_from_slice(&tenant.0.to_be_bytes());
    second.copy_from_slice(&sequence.to_be_bytes());
    key
}

pub(crate) fn parse_numbered(key: &[u8]) -> Option<(TenantId, u64)> {
    let mut reader = Reader(key);
    let parsed = (TenantId(reader.u32()?), reader.u64()?);
    reader.is_empty().then_some(parsed)
}

/// What the keys of everything that waits in one queue begin with.
pub(crate) fn outbox(tenant: TenantId, queue: &str) -> Vec<u8> {
    let mut key = tenant.0.to_be_bytes().to_vec();
    put_escaped(&mut key, queue.as_bytes());
    key
}

/// Something that waits in a queue; numbered within it.
pub(crate) fn waiting(tenant: TenantId, queue: &str, number: u64) -> Vec<u8> {
    let mut key = outbox(tenant, queue);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

pub(crate) fn parse_waiting(key: &[u8]) -> Option<(TenantId, String, u64)> {
    let mut reader = Reader(key);
    let parsed = (TenantId(reader.u32()?), take_name(&mut reader)?, reader.u64()?);
    reader.is_empty().then_some(parsed)
}

/// Whose an entry is; `None` for what belongs to the whole store.
pub(crate) fn owner(in_meta: bool, key: &[u8]) -> Option<TenantId> {
    if in_meta { meta::owner(key) } else { Reader(key).u32().map(TenantId) }
}

pub(crate) fn blob(tenant: TenantId, digest: &[u8; 32]) -> Vec<u8> {
    let mut key = tenant.0.to_be_bytes().to_vec();
    key.extend_from_slice(digest);
    key
}

pub(crate) fn parse_blob(key: &[u8]) -> Option<(TenantId, [u8; 32])> {
    let mut reader = Reader(key);
    let parsed = (TenantId(reader.u32()?), reader.array()?);
    reader.is_empty().then_some(parsed)
}

/// What the keys of all pieces of one content begin with.
pub(crate) fn content(tenant: TenantId, id: &Uid) -> Vec<u8> {
    let mut key = tenant.0.to_be_bytes().to_vec();
    key.extend_from_slice(id.0.as_bytes());
    key
}

/// One piece of a content, counted from 0.
pub(crate) fn piece(tenant: TenantId, id: &Uid, number: u32) -> Vec<u8> {
    let mut key = content(tenant, id);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

pub(crate) fn parse_piece(key: &[u8]) -> Option<(TenantId, Uid, u32)> {
    let mut reader = Reader(key);
    let parsed = (TenantId(reader.u32()?), Uid(uuid::Uuid::from_bytes(reader.array()?)), reader.u32()?);
    reader.is_empty().then_some(parsed)
}

/// What the keys of everything that one plugin remembers begin with.
pub(crate) fn states(tenant: TenantId, plugin: &str) -> Vec<u8> {
    let mut key = tenant.0.to_be_bytes().to_vec();
    put_escaped(&mut key, plugin.as_bytes());
    key
}

/// Something that a plugin remembers. What it is called goes to the end of the key as it is.
pub(crate) fn state(tenant: TenantId, plugin: &str, name: &str) -> Vec<u8> {
    let mut key = states(tenant, plugin);
    key.extend_from_slice(name.as_bytes());
    key
}

pub(crate) fn parse_state(key: &[u8]) -> Option<(TenantId, String, String)> {
    let mut reader = Reader(key);
    let (tenant, plugin) = (TenantId(reader.u32()?), take_name(&mut reader)?);
    Some((tenant, plugin, String::from_utf8(reader.0.to_vec()).ok()?))
}

/// The keys of `meta`.
pub(crate) mod meta {
    use super::{Reader, stream_prefix};
    use headworks_core::{TenantId, Uid};

    /// The format of the whole store.
    pub(crate) const FORMAT: &[u8] = b"F";
    /// The last frame of the journal that the database holds.
    pub(crate) const APPLIED: &[u8] = b"J";
    /// The next sequence number of a record.
    pub(crate) const NEXT_RECORD: &[u8] = b"R";
    /// The next sequence number of a change.
    pub(crate) const NEXT_CHANGE: &[u8] = b"C";
    /// The next number of a stream.
    pub(crate) const NEXT_STREAM: &[u8] = b"S";
    /// What the keys of field names begin with.
    pub(crate) const FIELD: u8 = b'f';
    /// What the keys of stream tallies begin with.
    pub(crate) const TALLY: u8 = b'u';
    /// What the keys of indexes under construction begin with.
    pub(crate) const BUILDING: u8 = b'b';
    /// What the keys of expiry ranges begin with.
    pub(crate) const EXPIRY: u8 = b'e';
    /// What the keys of dead letter tallies begin with.
    pub(crate) const LETTERS: u8 = b'l';
    /// What the keys of daily totals begin with.
    pub(crate) const TOTALS: u8 = b'd';
    /// What the keys of contents that are kept begin with.
    pub(crate) const CONTENT: u8 = b'c';
    /// What the keys of contents that no document keeps yet begin with.
    pub(crate) const PENDING: u8 = b'p';
    /// What belongs to one tenant and has its number directly behind the first byte.
    pub(crate) const OF_TENANT: [u8; 7] = [FIELD, TALLY, BUILDING, LETTERS, TOTALS, CONTENT, PENDING];

    /// What the keys of one kind and one stream begin with; the whole key where there is one per stream.
    pub(crate) fn of_stream(tag: u8, tenant: TenantId, number: u32) -> Vec<u8> {
        let mut key = vec![tag];
        key.extend_from_slice(&stream_prefix(tenant, number));
        key
    }

    pub(crate) fn of_field(tag: u8, tenant: TenantId, number: u32, field: u32) -> Vec<u8> {
        let mut key = of_stream(tag, tenant, number);
        key.extend_from_slice(&field.to_be_bytes());
        key
    }

    /// What the keys of one kind and one tenant begin with; the whole key where there is one per tenant.
    pub(crate) fn of_tenant(tag: u8, tenant: TenantId) -> Vec<u8> {
        let mut key = vec![tag];
        key.extend_from_slice(&tenant.0.to_be_bytes());
        key
    }

    pub(crate) fn letters(tenant: TenantId) -> Vec<u8> {
        of_tenant(LETTERS, tenant)
    }

    /// A content, by what is known of it.
    pub(crate) fn of_content(tag: u8, tenant: TenantId, id: &Uid) -> Vec<u8> {
        let mut key = of_tenant(tag, tenant);
        key.extend_from_slice(id.0.as_bytes());
        key
    }

    pub(crate) fn parse_content(tag: u8, key: &[u8]) -> Option<(TenantId, Uid)> {
        let mut reader = Reader(key.strip_prefix(&[tag])?);
        let parsed = (TenantId(reader.u32()?), Uid(uuid::Uuid::from_bytes(reader.array()?)));
        reader.is_empty().then_some(parsed)
    }

    /// The totals of a tenant on a day, which is counted from 1970.
    pub(crate) fn totals(tenant: TenantId, day: u32) -> Vec<u8> {
        let mut key = of_tenant(TOTALS, tenant);
        key.extend_from_slice(&day.to_be_bytes());
        key
    }

    pub(crate) fn parse_totals(key: &[u8]) -> Option<(TenantId, u32)> {
        parse_stream(TOTALS, key)
    }

    /// Whose an entry is; `None` for what belongs to the whole store.
    pub(crate) fn owner(key: &[u8]) -> Option<TenantId> {
        match key.split_first()? {
            (&EXPIRY, _) => parse_expiry(key).map(|(_, tenant, _)| tenant),
            (tag, rest) if OF_TENANT.contains(tag) => Reader(rest).u32().map(TenantId),
            _ => None,
        }
    }

    pub(crate) fn parse_letters(key: &[u8]) -> Option<TenantId> {
        let mut reader = Reader(key.strip_prefix(&[LETTERS])?);
        let tenant = TenantId(reader.u32()?);
        reader.is_empty().then_some(tenant)
    }

    /// Records of `number` whose sequence begins at `sequence` may have expired at `second`.
    pub(crate) fn expiry(second: u64, tenant: TenantId, number: u32, sequence: u64) -> Vec<u8> {
        let mut key = vec![EXPIRY];
        key.extend_from_slice(&second.to_be_bytes());
        key.extend_from_slice(&stream_prefix(tenant, number));
        key.extend_from_slice(&sequence.to_be_bytes());
        key
    }

    pub(crate) fn parse_expiry(key: &[u8]) -> Option<(u64, TenantId, u32)> {
        let mut reader = Reader(key.strip_prefix(&[EXPIRY])?);
        let parsed = (reader.u64()?, TenantId(reader.u32()?), reader.u32()?);
        reader.u64()?;
        reader.is_empty().then_some(parsed)
    }

    pub(crate) fn parse_stream(tag: u8, key: &[u8]) -> Option<(TenantId, u32)> {
        let mut reader = Reader(key.strip_prefix(&[tag])?);
        let parsed = (TenantId(reader.u32()?), reader.u32()?);
        reader.is_empty().then_some(parsed)
    }

    pub(crate) fn parse_field(tag: u8, key: &[u8]) -> Option<(TenantId, u32, u32)> {
        let mut reader = Reader(key.strip_prefix(&[tag])?);
        let parsed = (TenantId(reader.u32()?), reader.u32()?, reader.u32()?);
        reader.is_empty().then_some(parsed)
    }
}
