//! Backups (FlowG 14, 16): fetching and sending them, and their bytes taken apart and put together by hand.

use crate::{Answer, Client};
use prost::Message;

/// One key of a backup.
#[derive(Clone, PartialEq, Message)]
pub struct Kv {
    /// The key.
    #[prost(bytes = "vec", tag = "1")]
    pub key: Vec<u8>,
    /// The value.
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
    /// Not used.
    #[prost(bytes = "vec", tag = "3")]
    pub user_meta: Vec<u8>,
    /// The number of the commit.
    #[prost(uint64, tag = "4")]
    pub version: u64,
    /// Unix seconds; 0 for never.
    #[prost(uint64, tag = "5")]
    pub expires_at: u64,
    /// Bit 1: deleted.
    #[prost(bytes = "vec", tag = "6")]
    pub meta: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct KvList {
    #[prost(message, repeated, tag = "1")]
    kv: Vec<Kv>,
    #[prost(uint64, tag = "10")]
    alloc_ref: u64,
}

impl Kv {
    /// A key of these segments, joined as newer servers do.
    pub fn of(segments: &[&str], value: &str) -> Self {
        Self::joined(segments, "\u{1b}", value)
    }

    /// A key of these segments.
    pub fn joined(segments: &[&str], separator: &str, value: &str) -> Self {
        Self { key: segments.join(separator).into_bytes(), value: value.into(), version: 1, ..Self::default() }
    }

    /// The same key, expiring.
    #[must_use]
    pub fn until(mut self, second: u64) -> Self {
        self.expires_at = second;
        self
    }

    /// The same key, deleted.
    #[must_use]
    pub fn deleted(mut self) -> Self {
        self.meta = vec![1];
        self
    }

    /// The segments of a key that a newer server wrote.
    pub fn segments(&self) -> Vec<String> {
        String::from_utf8_lossy(&self.key).split('\u{1b}').map(str::to_owned).collect()
    }
}

/// The keys of a file.
pub fn parse(mut file: &[u8]) -> Vec<Kv> {
    let mut all = Vec::new();
    while let Some((head, rest)) = file.split_first_chunk::<8>() {
        let (block, rest) = rest.split_at(usize::try_from(u64::from_le_bytes(*head)).expect("a length"));
        all.extend(KvList::decode(block).expect("a list of keys").kv);
        file = rest;
    }
    assert!(file.is_empty(), "{} bytes are left", file.len());
    all
}

/// A file of these keys, a thousand in each block.
pub fn file(all: &[Kv]) -> Vec<u8> {
    let mut file = Vec::new();
    for kv in all.chunks(1000) {
        let block = KvList { kv: kv.to_vec(), alloc_ref: 7 }.encode_to_vec();
        file.extend_from_slice(&(block.len() as u64).to_le_bytes());
        file.extend_from_slice(&block);
    }
    file
}

/// Downloads a backup.
pub fn download(client: &Client, kind: &str) -> Vec<u8> {
    let answer = client.get(&format!("/api/v1/backup/{kind}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.body
}

/// The type and the body of a request that uploads a file.
pub fn form(file: &[u8]) -> (&'static str, Vec<u8>) {
    let mut body = b"--hw-9f8e\r\nContent-Disposition: form-data; name=\"backup\"; filename=\"x.db\"\r\n\r\n".to_vec();
    body.extend_from_slice(file);
    body.extend_from_slice(b"\r\n--hw-9f8e--\r\n");
    ("multipart/form-data; boundary=hw-9f8e", body)
}

/// Uploads a backup.
pub fn upload(client: &Client, kind: &str, file: &[u8]) -> Answer {
    let (content_type, body) = form(file);
    client.post_bytes(&format!("/api/v1/restore/{kind}"), content_type, &body)
}
