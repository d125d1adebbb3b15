//! Random texts, and the hash that is kept of a token.

use headworks_core::{Error, Result};
use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// `len` random characters of `[A-Za-z0-9]`, each equally likely.
pub(crate) fn letters(len: usize) -> Result<String> {
    let mut text = String::with_capacity(len);
    while text.len() < len {
        for byte in random::<64>()? {
            // 248 is the largest multiple of 62 in a byte: what is above would favour the first letters.
            if byte < 248 && text.len() < len {
                text.extend(ALPHABET.get(usize::from(byte % 62)).map(|&letter| char::from(letter)));
            }
        }
    }
    Ok(text)
}

/// A new personal access token.
pub(crate) fn token() -> Result<String> {
    Ok(format!("pat_{}", letters(32)?))
}

/// What is kept of a token. Looking it up in a table is no timing leak: nobody can choose a hash.
pub(crate) fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads what [`hex`] wrote of a hash.
pub(crate) fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn tokens_have_their_form_and_differ() {
        let (one, two) = (token().unwrap(), token().unwrap());
        assert_ne!(one, two);
        let letters = one.strip_prefix("pat_").unwrap();
        assert_eq!(letters.len(), 32);
        assert!(letters.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn hashes_are_read_back() {
        assert_eq!(hex(&hash("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(unhex(&hex(&hash("a"))), Some(hash("a")));
        assert_eq!(unhex("e3"), None);
    }
}
