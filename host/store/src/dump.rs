//! The whole of a store as one run of bytes, and a store made from it: every table, of every tenant, of one moment.
//!
//! Knows nothing of what keys and values hold, so that whatever the store comes to keep is part of it. What must stay true: a
//! store that was made has all of it; what breaks off, or what a newer program wrote, makes none. Whoever keeps the bytes keeps
//! them secret and whole: they hold hashes and keys, and have no checksum.
//!
//! The bytes: `MAGIC`; then `T`, a byte of length and the name of a table; `E`, the lengths of key and value as 32 bits
//! little-endian each, key and value, for an entry of the table before it; at the end `Z` and the number of entries in 64 bits.

use crate::engine::{Engine, Table, failed};
use crate::format::keys::meta;
use crate::store::Store;
use crate::view::View;
use headworks_core::{Error, ErrorCode, Result};
use rocksdb::WriteBatch;
use std::io::{ErrorKind, Read};
use std::path::Path;

const MAGIC: &[u8; 8] = b"HWSTORE1";
const TABLE: u8 = b'T';
const ENTRY: u8 = b'E';
const END: u8 = b'Z';
/// Bytes that are handed out, and written, at once.
const PIECE: usize = 1 << 20;
/// The most bytes of a key, and of a value: a blob with what stands before it.
const MAX_KEY: u32 = 1 << 20;
const MAX_VALUE: u32 = (256 << 20) + (1 << 10);

impl View<'_> {
    /// Hands out the whole store, piece by piece.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when something cannot be read; those of `send`.
    pub fn dump(&self, mut send: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (mut piece, mut entries) = (MAGIC.to_vec(), 0_u64);
        for table in Table::ALL {
            let name = table.name().as_bytes();
            piece.extend([TABLE, name.len() as u8]);
            piece.extend(name);
            let mut walk = self.walk(table, &[])?;
            while let Some((key, value)) = walk.item() {
                // A new store begins a journal of its own.
                if !(table == Table::Meta && key == meta::APPLIED) {
                    piece.push(ENTRY);
                    piece.extend((key.len() as u32).to_le_bytes());
                    piece.extend((value.len() as u32).to_le_bytes());
                    piece.extend(key);
                    piece.extend(value);
                    entries += 1;
                }
                if piece.len() >= PIECE {
                    send(&piece)?;
                    piece.clear();
                }
                walk.next();
            }
            walk.status().map_err(failed)?;
        }
        piece.push(END);
        piece.extend(entries.to_le_bytes());
        send(&piece)
    }
}

impl Store {
    /// Makes a store in `path`, where none may be, of what [`View::dump`] handed out; answers how many entries it has. After
    /// an error the folder is of no use. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Exists`]; [`ErrorCode::Invalid`] for anything else than such bytes, and for those of a newer program;
    /// those of `from` and of the disk.
    pub fn make(path: &Path, from: impl Read) -> Result<u64> {
        if path.exists() {
            return Err(Error::new(ErrorCode::Exists, format!("{} exists already", path.display())));
        }
        std::fs::create_dir_all(path)?;
        let engine = Engine::open(path)?;
        let entries = Loading { from, engine: &engine }.run()?;
        engine.flush()?;
        Ok(entries)
    }
}

struct Loading<'e, R> {
    from: R,
    engine: &'e Engine,
}

impl<R: Read> Loading<'_, R> {
    fn run(mut self) -> Result<u64> {
        if self.array::<8>()? != *MAGIC {
            return Err(Error::invalid("this is no whole backup, or one of a newer program"));
        }
        let (mut table, mut entries, mut batch) = (None, 0, WriteBatch::default());
        loop {
            match self.array::<1>()? {
                [TABLE] => table = Some(self.table()?),
                [ENTRY] => {
                    let table = table.ok_or_else(|| Error::invalid("the backup is damaged: an entry belongs to no table"))?;
                    let (key, value) = (self.length(MAX_KEY)?, self.length(MAX_VALUE)?);
                    let (key, value) = (self.bytes(key)?, self.bytes(value)?);
                    batch.put_cf(self.engine.family(table)?, key, value);
                    entries += 1;
                    if batch.size_in_bytes() >= PIECE {
                        self.engine.write(std::mem::take(&mut batch))?;
                    }
                }
                [END] => break,
                _ => return Err(Error::invalid("the backup is damaged, or of a newer program")),
            }
        }
        if u64::from_le_bytes(self.array()?) != entries || !self.bytes_up_to(1)?.is_empty() {
            return Err(Error::invalid("the backup is damaged: it has another number of entries than it says"));
        }
        self.engine.write(batch)?;
        Ok(entries)
    }

    fn table(&mut self) -> Result<Table> {
        let [length] = self.array()?;
        let name = self.bytes(u32::from(length))?;
        let known = Table::ALL.into_iter().find(|table| table.name().as_bytes() == name);
        let newer = || format!("the backup has a table {:?}: it is of a newer program", String::from_utf8_lossy(&name));
        known.ok_or_else(|| Error::invalid(newer()))
    }

    fn length(&mut self, most: u32) -> Result<u32> {
        let length = u32::from_le_bytes(self.array()?);
        if length > most { Err(Error::invalid("the backup is damaged: an entry is too long")) } else { Ok(length) }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(reading)?;
        Ok(bytes)
    }

    fn bytes(&mut self, length: u32) -> Result<Vec<u8>> {
        let bytes = self.bytes_up_to(length)?;
        if bytes.len() == length as usize { Ok(bytes) } else { Err(reading(ErrorKind::UnexpectedEof.into())) }
    }

    /// Memory is taken for what comes, not for what is announced.
    fn bytes_up_to(&mut self, length: u32) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.from.by_ref().take(u64::from(length)).read_to_end(&mut bytes).map_err(reading)?;
        Ok(bytes)
    }
}

fn reading(error: std::io::Error) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedEof => Error::invalid("the backup is incomplete"),
        ErrorKind::InvalidData => Error::invalid(error.to_string()),
        _ => error.into(),
    }
}
