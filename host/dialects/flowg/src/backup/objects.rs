//! Keys that are few enough to be looked at together: those of users and of the configuration.

use super::badger::{Kv, Reader};
use super::keys;
use headworks_core::{Error, ErrorCode, Result};
use std::collections::BTreeMap;
use std::io::Read;

/// The most keys, and the most bytes of keys and values.
const MAX_KEYS: usize = 1_000_000;
const MAX_BYTES: usize = 256 << 20;

/// The keys of a file, each with its highest version. What has expired is not among them.
pub(super) fn read(file: impl Read, len: u64, second: u64) -> Result<BTreeMap<String, Kv>> {
    let mut all: BTreeMap<String, Kv> = BTreeMap::new();
    let (mut bytes, mut reader) = (0, Reader::new(file, len));
    while let Some(kv) = reader.next()? {
        let key = keys::text(&kv)?;
        if keys::is_marker(key) || kv.is_expired(second) {
            continue;
        }
        bytes += kv.key.len() + kv.value.len();
        check(all.len() + 1, bytes)?;
        if all.get(key).is_none_or(|known| known.version <= kv.version) {
            // A copy, because the key and the value would keep their whole block.
            let (value, name) = (kv.value.to_vec(), kv.key.to_vec());
            let kv = Kv { key: name.into(), value: value.into(), ..kv.clone() };
            all.insert(key.to_owned(), kv);
        }
    }
    Ok(all)
}

/// Refuses what is too much to be changed at once.
pub(super) fn check(count: usize, bytes: usize) -> Result<()> {
    if count > MAX_KEYS || bytes > MAX_BYTES {
        let message = format!("a backup of this kind has at most {MAX_KEYS} keys and {MAX_BYTES} bytes");
        return Err(Error::new(ErrorCode::TooLarge, message));
    }
    Ok(())
}
