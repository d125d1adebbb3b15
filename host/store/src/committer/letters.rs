//! Dead letters: a bounded queue per tenant, the oldest give way.

use super::Group;
use crate::engine::{Engine, Table, failed};
use crate::format::LetterTally;
use crate::format::keys::{self, meta};
use crate::store::no_letter;
use headworks_core::{Digest, Error, ErrorCode, Result, TenantId};
use std::collections::{HashMap, VecDeque};

/// The most that is kept per tenant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LetterLimits {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// What is kept of each tenant; a tenant is read when its first letter arrives.
pub(crate) struct Letters {
    limits: LetterLimits,
    shelves: HashMap<TenantId, Shelf>,
}

#[derive(Default)]
struct Shelf {
    tally: LetterTally,
    /// Numbers and sizes, oldest first.
    kept: VecDeque<(u64, u64)>,
    bytes: u64,
}

impl Letters {
    pub(crate) fn new(limits: LetterLimits) -> Self {
        Self { limits, shelves: HashMap::new() }
    }

    /// Forgets what is known of a tenant that is gone.
    pub(crate) fn forget(&mut self, tenant: TenantId) {
        self.shelves.remove(&tenant);
    }
}

impl Shelf {
    fn load(engine: &Engine, tenant: TenantId) -> Result<Self> {
        let mut shelf = Self::default();
        if let Some(value) = engine.get(Table::Meta, &meta::letters(tenant))? {
            let damaged = || Error::new(ErrorCode::Corrupt, "the tally of the dead letters cannot be read; run `verify`");
            shelf.tally = LetterTally::decode(&value).ok_or_else(damaged)?;
        }
        let mut walk = engine.walk_prefix(Table::Queue, &tenant.0.to_be_bytes())?;
        walk.seek_to_first();
        while let Some((key, value)) = walk.item() {
            if let Some((_, number)) = keys::parse_numbered(key) {
                shelf.kept.push_back((number, value.len() as u64));
                shelf.bytes += value.len() as u64;
                shelf.tally.next = shelf.tally.next.max(number.saturating_add(1));
            }
            walk.next();
        }
        walk.status().map_err(failed)?;
        Ok(shelf)
    }
}

impl Group<'_> {
    fn take_shelf(&mut self, tenant: TenantId) -> Result<Shelf> {
        match self.writer.letters.shelves.remove(&tenant) {
            Some(shelf) => Ok(shelf),
            None => Shelf::load(&self.writer.engine, tenant),
        }
    }

    /// Refuses where the letter is not any more what it was. Sees only what was written by earlier groups.
    pub(crate) fn check_letter(&mut self, tenant: TenantId, number: u64, digest: &Digest) -> Result<()> {
        let stored = self.writer.engine.get(Table::Queue, &keys::numbered(tenant, number))?.ok_or_else(|| no_letter(number))?;
        if Digest::of(&stored) == *digest {
            return Ok(());
        }
        let message = format!("the dead letter {number} was replayed by somebody else meanwhile; look at it again");
        Err(Error::new(ErrorCode::RevisionConflict, message))
    }

    /// Puts what is left of a letter in its place.
    pub(crate) fn replace_letter(&mut self, tenant: TenantId, number: u64, letter: &[u8]) -> Result<()> {
        let mut shelf = self.take_shelf(tenant)?;
        if let Some((_, bytes)) = shelf.kept.iter_mut().find(|(kept, _)| *kept == number) {
            shelf.bytes = shelf.bytes - *bytes + letter.len() as u64;
            *bytes = letter.len() as u64;
        }
        self.writer.letters.shelves.insert(tenant, shelf);
        self.put(Table::Queue, &keys::numbered(tenant, number), letter)
    }

    /// Forgets letters. Answers how many of them there were.
    pub(crate) fn discard_letters(&mut self, tenant: TenantId, numbers: &[u64]) -> Result<usize> {
        let mut shelf = self.take_shelf(tenant)?;
        let mut gone = 0;
        for number in numbers {
            let Ok(at) = shelf.kept.binary_search_by_key(number, |(kept, _)| *kept) else { continue };
            let (_, bytes) = shelf.kept.remove(at).unwrap_or_default();
            shelf.bytes -= bytes;
            gone += 1;
            self.delete(Table::Queue, &keys::numbered(tenant, *number))?;
        }
        self.put(Table::Meta, &meta::letters(tenant), &shelf.tally.encode())?;
        self.writer.letters.shelves.insert(tenant, shelf);
        Ok(gone)
    }

    /// Adds an encoded letter. Letters are numbered from 1.
    pub(crate) fn bury(&mut self, tenant: TenantId, letter: &[u8]) -> Result<()> {
        self.check_exists(tenant)?;
        let limits = self.writer.letters.limits;
        let mut shelf = self.take_shelf(tenant)?;
        let number = shelf.tally.next.max(1);
        shelf.tally.next = number + 1;
        shelf.kept.push_back((number, letter.len() as u64));
        shelf.bytes += letter.len() as u64;
        self.put(Table::Queue, &keys::numbered(tenant, number), letter)?;
        while shelf.kept.len() > 1 && (shelf.kept.len() as u64 > limits.count || shelf.bytes > limits.bytes) {
            let Some((oldest, bytes)) = shelf.kept.pop_front() else { break };
            shelf.bytes -= bytes;
            shelf.tally.dropped += 1;
            self.delete(Table::Queue, &keys::numbered(tenant, oldest))?;
        }
        self.put(Table::Meta, &meta::letters(tenant), &shelf.tally.encode())?;
        self.writer.letters.shelves.insert(tenant, shelf);
        Ok(())
    }
}
