//! Keeping secrets sealed at rest, with a key that stands in the data folder beside the database and is in no backup.

use headworks_core::{Error, ErrorCode, Result};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Prk, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

const KEY: usize = 32;

/// The file of the key in a data folder.
pub const KEY_FILE: &str = "secrets.key";
/// What the keys of backups are made for, so that they are used for nothing else.
const BACKUP: &[u8] = b"headworks backup";

/// Seals and opens. Clones have the same key.
#[derive(Clone)]
pub struct Seal(Arc<Keys>);

struct Keys {
    secrets: LessSafeKey,
    /// What the key of each backup is made from, with a salt of its own.
    backups: [u8; KEY],
}

impl Seal {
    /// Reads the key of a data folder, or makes one for its owner only. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Io`] with the file; [`ErrorCode::Corrupt`] for a file that is no key: what was sealed is lost without it.
    pub fn of_folder(data: &Path) -> Result<Self> {
        let path = data.join(KEY_FILE);
        let at = |error| unusable(&path, error);
        match fs::metadata(&path) {
            Ok(_) => Self::of_file(&path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0; KEY];
                SystemRandom::new().fill(&mut key).map_err(|_| Error::new(ErrorCode::Io, "the system gives no random bytes"))?;
                let unfinished = path.with_extension("key.new");
                let mut file =
                    fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(at)?;
                file.write_all(&key).and_then(|()| file.sync_all()).map_err(at)?;
                fs::rename(&unfinished, &path).and_then(|()| fs::File::open(data)?.sync_all()).map_err(at)?;
                Self::of_key(&key)
            }
            Err(error) => Err(at(error)),
        }
    }

    /// Reads a key. Blocks.
    ///
    /// # Errors
    /// As [`of_folder`](Self::of_folder).
    pub fn of_file(path: &Path) -> Result<Self> {
        let wrong = |_| {
            let text = format!("{} is no key of secrets: bring back the one that was there", path.display());
            Error::new(ErrorCode::Corrupt, text)
        };
        Self::of_key(&fs::read(path).map_err(|error| unusable(path, error))?.try_into().map_err(wrong)?)
    }

    pub(super) fn of_key(key: &[u8; KEY]) -> Result<Self> {
        let secrets =
            UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| Error::internal("the key of secrets has another length"))?;
        Ok(Self(Arc::new(Keys { secrets: LessSafeKey::new(secrets), backups: *key })))
    }

    /// The key of the backup with this salt.
    pub(super) fn of_backup(&self, salt: &[u8]) -> Result<LessSafeKey> {
        let made: Prk = Salt::new(HKDF_SHA256, salt).extract(&self.0.backups);
        let expanded = made.expand(&[BACKUP], &CHACHA20_POLY1305);
        let key = expanded.map_err(|_| Error::internal("no key can be made for a backup"))?;
        Ok(LessSafeKey::new(UnboundKey::from(key)))
    }

    /// Seals a text for a place: it opens there only.
    pub(crate) fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>> {
        let failed = |_| Error::internal("a secret cannot be sealed");
        let mut sealed = vec![0; NONCE_LEN];
        SystemRandom::new().fill(&mut sealed).map_err(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(failed)?;
        let mut bytes = text.as_bytes().to_vec();
        self.0.secrets.seal_in_place_append_tag(nonce, Aad::from(place.as_bytes()), &mut bytes).map_err(failed)?;
        sealed.append(&mut bytes);
        Ok(sealed)
    }

    /// Opens what was sealed for a place; `None` for anything else.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Option<String> {
        let (nonce, bytes) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = bytes.to_vec();
        let text = self.0.secrets.open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    Error::new(Error::from(error).code, format!("the key of secrets, {}, cannot be used", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_at_its_place_with_its_key_only() {
        let (one, other) = (Seal::of_key(&[1; KEY]).unwrap(), Seal::of_key(&[2; KEY]).unwrap());
        let sealed = one.seal("1/token", "hush").unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"hush"));
        assert_ne!(one.seal("1/token", "hush").unwrap(), sealed);
        assert_eq!(one.open("1/token", &sealed).as_deref(), Some("hush"));
        assert_eq!(one.open("2/token", &sealed), None);
        assert_eq!(other.open("1/token", &sealed), None);
        assert_eq!(one.open("1/token", &sealed[..5]), None);
    }
}
