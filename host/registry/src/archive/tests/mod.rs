//! Archives of all kinds, read without a server.

#[path = "../../../../../tests/src/archives.rs"]
#[allow(missing_docs, dead_code, unreachable_pub, clippy::indexing_slicing)]
mod archives;
mod hostile;
mod reading;

use super::{Archive, ArchiveLimits, read_archive};
use headworks_core::Result;
use std::io::Cursor;

fn read(bytes: &[u8]) -> Result<Archive> {
    read_archive(Cursor::new(bytes), &ArchiveLimits::default())
}

fn kept(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../tests/data/nars/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}
