//! The container: a stream of blocks of keys with their values, read and written block by block (FlowG 14).
//!
//! What must stay true: no more than one block is held in memory, whatever a length says; a file that ends early or holds
//! anything else is refused with the place.

use bytes::{Buf, Bytes};
use headworks_core::{Error, Result};
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field};
use std::io::Read;

/// Bytes after which a block is written.
const BLOCK: usize = 1 << 20;
/// The most bytes of a block that is read: a record of the greatest size, each byte of it escaped.
const MAX_BLOCK: u64 = 128 << 20;
/// The bit of `meta` that says a key was deleted.
const DELETED: u8 = 1;

/// One key as a file has it.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Kv {
    #[prost(bytes = "bytes", tag = "1")]
    pub(super) key: Bytes,
    #[prost(bytes = "bytes", tag = "2")]
    pub(super) value: Bytes,
    /// The number of the commit.
    #[prost(uint64, tag = "4")]
    pub(super) version: u64,
    /// The second since 1970 from which on it does not count; 0 for never.
    #[prost(uint64, tag = "5")]
    pub(super) expires_at: u64,
    #[prost(bytes = "bytes", tag = "6")]
    pub(super) meta: Bytes,
    #[prost(bool, tag = "11")]
    pub(super) stream_done: bool,
}

impl Kv {
    pub(super) fn new(key: impl Into<Bytes>, value: impl Into<Bytes>, version: u64, expires_at: u64) -> Self {
        Self { key: key.into(), value: value.into(), version, expires_at, ..Self::default() }
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.meta.first().is_some_and(|meta| meta & DELETED != 0)
    }

    pub(super) fn is_expired(&self, second: u64) -> bool {
        !self.is_deleted() && self.expires_at != 0 && self.expires_at <= second
    }
}

/// Gathers keys into blocks and hands these on.
pub(super) struct Writer<F> {
    block: Vec<u8>,
    send: F,
}

impl<F: FnMut(Bytes) -> Result<()>> Writer<F> {
    pub(super) fn new(send: F) -> Self {
        Self { block: vec![0; 8], send }
    }

    pub(super) fn put(&mut self, kv: &Kv) -> Result<()> {
        encode_key(1, WireType::LengthDelimited, &mut self.block);
        encode_varint(kv.encoded_len() as u64, &mut self.block);
        kv.encode(&mut self.block).map_err(|error| Error::internal(error.to_string()))?;
        if self.block.len() < BLOCK { Ok(()) } else { self.end_block() }
    }

    fn end_block(&mut self) -> Result<()> {
        let mut block = std::mem::replace(&mut self.block, vec![0; 8]);
        let length = (block.len() as u64).saturating_sub(8).to_le_bytes();
        if let Some(head) = block.first_chunk_mut() {
            *head = length;
        }
        (self.send)(block.into())
    }

    /// Writes what is left.
    pub(super) fn finish(mut self) -> Result<()> {
        if self.block.len() > 8 { self.end_block() } else { Ok(()) }
    }
}

/// The keys of a file in their order. Of versions of a key that follow each other only the highest is answered.
pub(super) struct Reader<R> {
    input: R,
    /// Bytes of the file that were not read yet.
    left: u64,
    /// Where the present block begins.
    start: u64,
    at: u64,
    block: Bytes,
    held: Option<Kv>,
}

impl<R: Read> Reader<R> {
    /// Reads a file of `len` bytes.
    pub(super) fn new(input: R, len: u64) -> Self {
        Self { input, left: len, start: 0, at: 0, block: Bytes::new(), held: None }
    }

    fn damaged(&self, what: &str) -> Error {
        Error::invalid(format!("the backup is damaged: the block at byte {} {what}", self.start))
    }

    /// The next key; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Kv>> {
        loop {
            let next = self.read()?;
            match (self.held.take(), next) {
                (None, None) => return Ok(None),
                (None, Some(next)) => self.held = Some(next),
                (Some(held), Some(next)) if held.key == next.key => {
                    self.held = Some(if next.version >= held.version { next } else { held });
                }
                (Some(held), next) => {
                    self.held = next;
                    return Ok(Some(held));
                }
            }
        }
    }

    fn read(&mut self) -> Result<Option<Kv>> {
        loop {
            while self.block.has_remaining() {
                let (tag, wire) = decode_key(&mut self.block).map_err(|_| self.damaged("is no list of keys"))?;
                if (tag, wire) != (1, WireType::LengthDelimited) {
                    let skipped = skip_field(wire, tag, &mut self.block, DecodeContext::default());
                    skipped.map_err(|_| self.damaged("is no list of keys"))?;
                    continue;
                }
                let len = decode_varint(&mut self.block).ok().and_then(|len| usize::try_from(len).ok());
                let len = len.filter(|len| *len <= self.block.len()).ok_or_else(|| self.damaged("ends within a key"))?;
                let kv = Kv::decode(self.block.split_to(len)).map_err(|_| self.damaged("holds a key that cannot be read"))?;
                if !kv.stream_done {
                    return if kv.key.is_empty() { Err(self.damaged("holds a key without a name")) } else { Ok(Some(kv)) };
                }
            }
            if self.left == 0 {
                return Ok(None);
            }
            self.next_block()?;
        }
    }

    fn next_block(&mut self) -> Result<()> {
        self.start = self.at;
        let mut head = [0; 8];
        if self.left < 8 {
            return Err(self.damaged("ends before its length"));
        }
        self.input.read_exact(&mut head)?;
        let len = u64::from_le_bytes(head);
        self.left -= 8;
        if len > self.left {
            return Err(self.damaged(&format!("says it has {len} bytes, and {} are left", self.left)));
        }
        if len > MAX_BLOCK {
            return Err(self.damaged(&format!("has {len} bytes, and {MAX_BLOCK} is the most")));
        }
        let mut block = vec![0; usize::try_from(len).map_err(|_| self.damaged("is too long"))?];
        self.input.read_exact(&mut block)?;
        self.left -= len;
        self.at += 8 + len;
        self.block = block.into();
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(all: &[Kv]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut writer = Writer::new(|block: Bytes| {
            file.extend_from_slice(&block);
            Ok(())
        });
        all.iter().for_each(|kv| writer.put(kv).unwrap());
        writer.finish().unwrap();
        file
    }

    fn read(file: &[u8]) -> Result<Vec<Kv>> {
        let mut reader = Reader::new(file, file.len() as u64);
        let mut all = Vec::new();
        while let Some(kv) = reader.next()? {
            all.push(kv);
        }
        Ok(all)
    }

    /// Made by hand from the description of the format: a block of two keys, the first with an expiry and a user meta, the
    /// second deleted and with a stream number; then a number that is passed over.
    const GOLDEN: &[u8] = &[
        33, 0, 0, 0, 0, 0, 0, 0, // so many bytes follow
        0x0a, 15, 0x0a, 1, b'k', 0x12, 2, b'v', b'w', 0x1a, 1, 0, 0x20, 7, 0x28, 0xac, 2, // k = vw, version 7, until 300
        0x0a, 12, 0x0a, 1, b'd', 0x20, 9, 0x32, 1, 1, 0x50, 3, 0x58, 0, // d, version 9, deleted, stream 3, not done
        0x50, 5, // alloc_ref
    ];

    #[test]
    fn bytes_made_by_hand_are_read() {
        let all = read(GOLDEN).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((&all[0].key[..], &all[0].value[..], all[0].version, all[0].expires_at), (&b"k"[..], &b"vw"[..], 7, 300));
        assert!(!all[0].is_deleted() && all[0].is_expired(300) && !all[0].is_expired(299));
        assert_eq!((&all[1].key[..], all[1].version, all[1].is_deleted()), (&b"d"[..], 9, true));
    }

    #[test]
    fn what_is_written_has_the_agreed_form() {
        let file = written(&[Kv::new("k", "vw", 7, 300)]);
        let kv = [0x0a, 1, b'k', 0x12, 2, b'v', b'w', 0x20, 7, 0x28, 0xac, 2];
        assert_eq!(file, [&[14, 0, 0, 0, 0, 0, 0, 0, 0x0a, 12][..], &kv[..]].concat());
        assert!(written(&[]).is_empty());
    }

    #[test]
    fn of_versions_that_follow_each_other_the_highest_counts() {
        let kv = |key: &'static str, value: &'static str, version| Kv::new(key, value, version, 0);
        let all = read(&written(&[kv("a", "2", 2), kv("a", "1", 1), kv("b", "1", 1), kv("b", "2", 2), kv("a", "3", 3)])).unwrap();
        let values: Vec<(&[u8], &[u8])> = all.iter().map(|kv| (&kv.key[..], &kv.value[..])).collect();
        assert_eq!(values, [(&b"a"[..], &b"2"[..]), (b"b", b"2"), (b"a", b"3")]);
    }

    #[test]
    fn damage_is_refused_with_its_place() {
        let huge = [&u64::MAX.to_le_bytes()[..], GOLDEN].concat();
        let second = [GOLDEN, &[9, 0, 0, 0, 0, 0, 0, 0, 0x0a, 200, 1, 0, 0, 0, 0, 0, 0]].concat();
        let text = b"{\"this\": \"is JSON and no backup\"}".to_vec();
        for (file, cause) in [
            (huge, "block at byte 0 says it has 18446744073709551615 bytes"),
            (second, "block at byte 41 ends within a key"),
            (text, "block at byte 0 says"),
            (vec![1, 2, 3], "block at byte 0 ends before its length"),
            (vec![2, 0, 0, 0, 0, 0, 0, 0, 0x0a, 0], "holds a key without a name"),
        ] {
            let error = read(&file).unwrap_err();
            assert!(error.message.contains(cause), "{}", error.message);
            assert_eq!(error.code, headworks_core::ErrorCode::Invalid);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            mut all in prop::collection::vec(
                ("[a-z]{1,8}", prop::collection::vec(any::<u8>(), 0..3000), any::<u64>(), any::<u64>()), 0..2000),
        ) {
            all.dedup_by(|one, other| one.0 == other.0);
            let all: Vec<Kv> = all.into_iter().map(|(key, value, version, at)| Kv::new(key, value, version, at)).collect();
            prop_assert_eq!(read(&written(&all)).unwrap(), all);
        }

        #[test]
        fn a_cut_file_is_refused(values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 1..20), cut in any::<prop::sample::Index>()) {
            let all: Vec<Kv> = values.into_iter().enumerate().map(|(n, value)| Kv::new(n.to_string(), value, 1, 0)).collect();
            let file = written(&all);
            let cut = 1 + cut.index(file.len() - 1);
            prop_assert!(read(&file[..cut]).is_err());
        }

        #[test]
        fn noise_never_does_more_than_fail(noise in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut file = (noise.len() as u64).to_le_bytes().to_vec();
            file.extend_from_slice(&noise);
            let _ = read(&file);
            let _ = read(&noise);
        }
    }
}
