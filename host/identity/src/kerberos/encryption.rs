//! AES-128 and AES-256 with HMAC-SHA1 as Kerberos uses them (RFC 3961 5.3, RFC 3962).
//!
//! The ciphers and the hash are libraries'; what is here is how they are put together. The libraries that do that too need a
//! generation of them that changes what the sandbox is compiled with.

use aes::cipher::{BlockDecrypt, BlockEncrypt, KeyInit};
use aes::{Aes128, Aes256};
use hmac::{Hmac, Mac};
use sha1::Sha1;

/// Bytes of a block, and of the hash that is sent.
const BLOCK: usize = 16;
const HASH: usize = 12;
/// What the keys are made of that encrypt, and those that protect (RFC 3961 5.3).
const ENCRYPTING: u8 = 0xaa;
const PROTECTING: u8 = 0x55;

/// The 128-fold of `kerberos`, which keys of passwords are made with (RFC 3961 A.1).
const KERBEROS: Block = *b"kerberos\x7b\x9b\x5b\x2b\x93\x13\x2b\x93";

type Block = [u8; BLOCK];

/// Bytes of a key of this kind, where it is known here.
pub(super) const fn key_length(kind: u32) -> Option<usize> {
    match kind {
        17 => Some(16),
        18 => Some(32),
        _ => None,
    }
}

/// What was encrypted with this key for this use; nothing where it was another, or where a bit has changed.
pub(super) fn open(kind: u32, key: &[u8], usage: u32, bytes: &[u8]) -> Option<Vec<u8>> {
    let (encrypted, hash) = bytes.split_at_checked(bytes.len().checked_sub(HASH)?)?;
    let aes = Aes::new(kind, &derive(kind, key, usage, ENCRYPTING)?)?;
    let whole = aes.open(encrypted)?;
    protect(kind, key, usage, &whole)?.verify_truncated_left(hash).ok()?;
    whole.get(BLOCK..).map(<[u8]>::to_vec)
}

/// Encrypts with this key for this use; `fresh` is random.
pub(super) fn seal(kind: u32, key: &[u8], usage: u32, fresh: Block, content: &[u8]) -> Option<Vec<u8>> {
    let whole = [fresh.as_slice(), content].concat();
    let aes = Aes::new(kind, &derive(kind, key, usage, ENCRYPTING)?)?;
    let mut sealed = aes.seal(&whole);
    let hash = protect(kind, key, usage, &whole)?.finalize().into_bytes();
    sealed.extend(hash.iter().take(HASH));
    Some(sealed)
}

fn protect(kind: u32, key: &[u8], usage: u32, whole: &[u8]) -> Option<Hmac<Sha1>> {
    let mut hash = <Hmac<Sha1> as Mac>::new_from_slice(&derive(kind, key, usage, PROTECTING)?).ok()?;
    hash.update(whole);
    Some(hash)
}

/// The key of a password (RFC 3962 4), which takes as long as `rounds` asks for.
pub(super) fn key_of(kind: u32, password: &str, salt: &[u8], rounds: u32) -> Option<Vec<u8>> {
    let mut raw = vec![0; key_length(kind)?];
    pbkdf2::pbkdf2::<Hmac<Sha1>>(password.as_bytes(), salt, rounds, &mut raw).ok()?;
    expand(kind, &raw, KERBEROS)
}

/// The key for one use (RFC 3961 5.1).
fn derive(kind: u32, key: &[u8], usage: u32, purpose: u8) -> Option<Vec<u8>> {
    expand(kind, key, fold(usage, purpose))
}

fn expand(kind: u32, key: &[u8], mut block: Block) -> Option<Vec<u8>> {
    let aes = Aes::new(kind, key)?;
    let mut derived = Vec::with_capacity(key.len());
    while derived.len() < key.len() {
        aes.encrypt(&mut block);
        derived.extend_from_slice(&block);
    }
    Some(derived)
}

/// The 128-fold of the five bytes of a use and a purpose: copies, each turned 13 bits further than the last, are cut into blocks
/// and added with the carry coming round (RFC 3961 5.1).
fn fold(usage: u32, purpose: u8) -> Block {
    const BITS: u32 = 40;
    let value = u64::from(usage) << 8 | u64::from(purpose);
    let copies: Vec<u8> = (0..BLOCK as u32)
        .flat_map(|index| {
            let turn = 13 * index % BITS;
            let turned = (value >> turn | value << (BITS - turn)) & ((1 << BITS) - 1);
            turned.to_be_bytes().into_iter().skip(3)
        })
        .collect();
    let (blocks, _) = copies.as_chunks::<BLOCK>();
    let sum = blocks.iter().fold(0u128, |sum, block| {
        let (sum, carry) = sum.overflowing_add(u128::from_be_bytes(*block));
        sum + u128::from(carry)
    });
    sum.to_be_bytes()
}

enum Aes {
    Short(Box<Aes128>),
    Long(Box<Aes256>),
}

impl Aes {
    fn new(kind: u32, key: &[u8]) -> Option<Self> {
        if key_length(kind) != Some(key.len()) {
            return None;
        }
        let short = || Some(Self::Short(Box::new(Aes128::new_from_slice(key).ok()?)));
        short().or_else(|| Some(Self::Long(Box::new(Aes256::new_from_slice(key).ok()?))))
    }

    fn encrypt(&self, block: &mut Block) {
        match self {
            Self::Short(aes) => aes.encrypt_block(block.into()),
            Self::Long(aes) => aes.encrypt_block(block.into()),
        }
    }

    fn decrypt(&self, block: &mut Block) {
        match self {
            Self::Short(aes) => aes.decrypt_block(block.into()),
            Self::Long(aes) => aes.decrypt_block(block.into()),
        }
    }

    /// CBC from zero, with ciphertext stealing: the last two blocks change places and what is too much is cut off.
    fn seal(&self, whole: &[u8]) -> Vec<u8> {
        let mut blocks: Vec<Block> = Vec::with_capacity(whole.len().div_ceil(BLOCK));
        let mut block = [0; BLOCK];
        for piece in whole.chunks(BLOCK) {
            mix(&mut block, piece);
            self.encrypt(&mut block);
            blocks.push(block);
        }
        if let [.., last_but_one, last] = blocks.as_mut_slice() {
            std::mem::swap(last_but_one, last);
        }
        let mut sealed = blocks.concat();
        sealed.truncate(whole.len());
        sealed
    }

    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        if sealed.len() == BLOCK {
            let mut block = *sealed.first_chunk()?;
            self.decrypt(&mut block);
            return Some(block.to_vec());
        }
        let cut = (sealed.len().checked_sub(1)?) % BLOCK + 1;
        let (front, end) = sealed.split_at_checked(sealed.len().checked_sub(BLOCK + cut)?)?;
        let (last, stolen_from) = end.split_first_chunk::<BLOCK>()?;
        let mut ending = *last;
        self.decrypt(&mut ending);
        // What was cut off the last block but one is in what the last one holds.
        let mut last_but_one = ending;
        last_but_one.iter_mut().zip(stolen_from).for_each(|(byte, kept)| *byte = *kept);
        let mut whole = Vec::with_capacity(sealed.len());
        let mut before = [0; BLOCK];
        let (blocks, _) = front.as_chunks::<BLOCK>();
        for sealed in blocks.iter().chain([&last_but_one]) {
            let mut block = *sealed;
            self.decrypt(&mut block);
            mix(&mut block, &before);
            whole.extend_from_slice(&block);
            before = *sealed;
        }
        mix(&mut ending, stolen_from);
        whole.extend(ending.iter().take(cut));
        Some(whole)
    }
}

fn mix(block: &mut Block, with: &[u8]) {
    block.iter_mut().zip(with).for_each(|(byte, other)| *byte ^= other);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_become_the_keys_of_the_standard() {
        let salt = b"ATHENA.MIT.EDUraeburn";
        let hex = |key: Vec<u8>| key.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let made = |kind, rounds| hex(key_of(kind, "password", salt, rounds).unwrap());
        // RFC 3962 B.
        assert_eq!(made(17, 1), "42263c6e89f4fc28b8df68ee09799f15");
        assert_eq!(made(18, 1), "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161");
        assert_eq!(made(17, 1200), "4c01cd46d632d01e6dbe230a01ed642a");
        assert_eq!(made(18, 1200), "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a");
        assert_eq!(key_of(23, "password", salt, 1), None);
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }

    /// RFC 3962 appendix B.
    #[test]
    fn stealing_as_in_the_standard() {
        let aes = Aes::new(17, b"chicken teriyaki").unwrap();
        let text = b"I would like the General Gau's Chicken, please, and wonton soup.";
        for (length, sealed) in [
            (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
            (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
            (32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"),
            (47, "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5"),
        ] {
            assert_eq!(aes.seal(&text[..length]), hex(sealed), "{length}");
            assert_eq!(aes.open(&hex(sealed)).unwrap(), &text[..length], "{length}");
        }
    }

    #[test]
    fn what_is_sealed_is_opened_with_the_same_key_for_the_same_use() {
        for (kind, key) in [(17, [3; 32].get(..16).unwrap().to_vec()), (18, vec![3; 32])] {
            for length in 0..50 {
                let content: Vec<u8> = (0..length).collect();
                let sealed = seal(kind, &key, 2, [length; BLOCK], &content).unwrap();
                assert_eq!(sealed.len(), content.len() + BLOCK + HASH);
                assert_eq!(open(kind, &key, 2, &sealed), Some(content));
                assert_eq!(open(kind, &key, 11, &sealed), None);
                assert_eq!(open(kind, &vec![4; key.len()], 2, &sealed), None);
                assert_eq!(open(kind, &key, 2, &sealed[1..]), None);
                assert_eq!(open(35 - kind, &key, 2, &sealed), None);
            }
        }
        for length in 0..60 {
            assert_eq!(open(18, &[3; 32], 2, &vec![0; length]), None);
        }
    }
}
