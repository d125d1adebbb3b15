//! What leaves the server as a whole, sealed with the key that stands in the data folder: nobody reads it without that key.
//!
//! The bytes: `MAGIC`, a salt from which the key of this envelope alone is made, and pieces: four bytes little-endian, whose
//! highest bit marks the last piece and whose others are the length of what follows, sealed with its number as nonce and those
//! four bytes beside it. What must stay true: nothing is handed out that was not sealed so, at this place; what is cut off is
//! noticed.

use super::seal::Seal;
use headworks_core::{Error, ErrorCode, Result};
use ring::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use ring::rand::{SecureRandom, SystemRandom};
use std::io::{self, Read};

const MAGIC: &[u8; 8] = b"HWSEAL1\n";
const SALT: usize = 32;
/// Bytes of a piece before it is sealed.
const PIECE: usize = 64 << 10;
const TAG: usize = 16;
const LAST: u32 = 1 << 31;

/// Seals what is written, piece by piece.
pub struct Envelope {
    key: LessSafeKey,
    number: u64,
    waiting: Vec<u8>,
    sealed: Vec<u8>,
}

/// Reads what an [`Envelope`] sealed.
pub struct Opened<R> {
    from: R,
    key: LessSafeKey,
    number: u64,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    for (to, from) in bytes.iter_mut().zip(number.to_le_bytes()) {
        *to = from;
    }
    Nonce::assume_unique_for_key(bytes)
}

impl Envelope {
    /// A new one.
    ///
    /// # Errors
    /// [`ErrorCode::Io`] where the system has no random bytes.
    pub fn new(seal: &Seal) -> Result<Self> {
        let mut salt = [0; SALT];
        SystemRandom::new().fill(&mut salt).map_err(|_| Error::new(ErrorCode::Io, "the system gives no random bytes"))?;
        let sealed = [&MAGIC[..], &salt].concat();
        Ok(Self { key: seal.of_backup(&salt)?, number: 0, waiting: Vec::new(), sealed })
    }

    /// Adds bytes, and sends what is sealed by now.
    ///
    /// # Errors
    /// They cannot be sealed; those of `send`.
    pub fn add(&mut self, mut bytes: &[u8], mut send: impl FnMut(Vec<u8>) -> Result<()>) -> Result<()> {
        while !bytes.is_empty() {
            if self.waiting.len() == PIECE {
                self.seal(0)?;
                send(std::mem::take(&mut self.sealed))?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(PIECE - self.waiting.len()));
            self.waiting.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// Ends it; answers the rest.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.seal(LAST)?;
        Ok(self.sealed)
    }

    fn seal(&mut self, mark: u32) -> Result<()> {
        let mut piece = std::mem::take(&mut self.waiting);
        let head = ((piece.len() + TAG) as u32 | mark).to_le_bytes();
        let done = self.key.seal_in_place_append_tag(nonce(self.number), Aad::from(head), &mut piece);
        done.map_err(|_| Error::internal("a backup cannot be sealed"))?;
        self.number += 1;
        self.sealed.extend_from_slice(&head);
        self.sealed.append(&mut piece);
        Ok(())
    }
}

impl<R: Read> Opened<R> {
    /// Reads the beginning.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for anything else than an envelope; those of `from`.
    pub fn new(seal: &Seal, mut from: R) -> Result<Self> {
        let (mut magic, mut salt) = ([0; 8], [0; SALT]);
        let read = from.read_exact(&mut magic).and_then(|()| from.read_exact(&mut salt));
        match read {
            Ok(()) if magic == *MAGIC => {
                Ok(Self { from, key: seal.of_backup(&salt)?, number: 0, piece: Vec::new(), at: 0, ended: false })
            }
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error.into()),
            _ => Err(Error::invalid("this is no whole backup")),
        }
    }

    fn next(&mut self) -> io::Result<()> {
        let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
        let mut head = [0; 4];
        self.from.read_exact(&mut head)?;
        let told = u32::from_le_bytes(head);
        let length = (told & !LAST) as usize;
        if !(TAG..=PIECE + TAG).contains(&length) {
            return Err(wrong("the backup is damaged"));
        }
        self.piece.resize(length, 0);
        self.from.read_exact(&mut self.piece)?;
        let opened = self.key.open_in_place(nonce(self.number), Aad::from(head), &mut self.piece);
        let first =
            if self.number == 0 { "the backup is damaged, or was sealed with another key" } else { "the backup is damaged" };
        let length = opened.map_err(|_| wrong(first))?.len();
        self.piece.truncate(length);
        (self.number, self.at, self.ended) = (self.number + 1, 0, told & LAST != 0);
        if self.ended && self.from.read(&mut [0])? > 0 {
            return Err(wrong("the backup is damaged: something follows its end"));
        }
        Ok(())
    }
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() && !self.ended {
            self.next()?;
        }
        let left = self.piece.get(self.at..).unwrap_or_default();
        let count = left.len().min(to.len());
        if let (Some(to), Some(from)) = (to.get_mut(..count), left.get(..count)) {
            to.copy_from_slice(from);
        }
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn seal(byte: u8) -> Seal {
        Seal::of_key(&[byte; 32]).unwrap()
    }

    fn sealed(text: &[u8]) -> Vec<u8> {
        let mut envelope = Envelope::new(&seal(1)).unwrap();
        let mut all = Vec::new();
        for piece in text.chunks(1000) {
            let keep = |sealed: Vec<u8>| {
                all.extend(sealed);
                Ok(())
            };
            envelope.add(piece, keep).unwrap();
        }
        all.extend(envelope.finish().unwrap());
        all
    }

    fn opened(seal: &Seal, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        Opened::new(seal, bytes).ok()?.read_to_end(&mut text).ok()?;
        Some(text)
    }

    #[test]
    fn what_is_sealed_opens_whole_with_its_key_only() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5] {
            let text: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let bytes = sealed(&text);
            assert_eq!(opened(&seal(1), &bytes), Some(text), "{length}");
            assert_eq!(opened(&seal(2), &bytes), None);
            assert_ne!(sealed(b"a"), sealed(b"a"));
        }
    }

    #[test]
    fn what_was_changed_or_cut_does_not_open() {
        let bytes = sealed(&vec![7; 2 * PIECE + 9]);
        for at in (0..bytes.len()).step_by(997).chain([8, 40, 43, 44, bytes.len() - 1]) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x80;
            assert_eq!(opened(&seal(1), &changed), None, "{at}");
        }
        let piece = 4 + PIECE + TAG;
        for cut in [0, 39, 40, 50, 40 + piece, 40 + 2 * piece, bytes.len() - 1] {
            assert_eq!(opened(&seal(1), &bytes[..cut]), None, "{cut}");
        }
        let exchanged =
            [&bytes[..40], &bytes[40 + piece..40 + 2 * piece], &bytes[40..40 + piece], &bytes[40 + 2 * piece..]].concat();
        assert_eq!(opened(&seal(1), &exchanged), None);
        assert_eq!(opened(&seal(1), &[&bytes[..], b"x"].concat()), None);
    }
}
