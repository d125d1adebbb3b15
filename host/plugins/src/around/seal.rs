//! Keeping secrets sealed at rest, with a key that stands in the data folder beside the database and is in no backup.

use headworks_core::{Error, ErrorCode, Result};
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

const KEY: usize = 32;

/// Seals and opens. Clones have the same key.
#[derive(Clone)]
pub struct Seal(Arc<LessSafeKey>);

impl Seal {
    /// Reads the key of a data folder, or makes one for its owner only. Blocks.
    ///
    /// # Errors
    /// [`ErrorCode::Io`] with the file; [`ErrorCode::Corrupt`] for a file that is no key: what was sealed is lost without it.
    pub fn of_folder(data: &Path) -> Result<Self> {
        let path = data.join("secrets.key");
        let at = |error: std::io::Error| {
            Error::new(Error::from(error).code, format!("the key of secrets, {}, cannot be used", path.display()))
        };
        let key = match fs::read(&path) {
            Ok(bytes) => <[u8; KEY]>::try_from(bytes).map_err(|_| {
                Error::new(
                    ErrorCode::Corrupt,
                    format!("{} is no key of secrets: bring back the one that was there", path.display()),
                )
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let mut key = [0; KEY];
                SystemRandom::new().fill(&mut key).map_err(|_| Error::new(ErrorCode::Io, "the system gives no random bytes"))?;
                let unfinished = path.with_extension("key.new");
                let mut file =
                    fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(at)?;
                file.write_all(&key).and_then(|()| file.sync_all()).map_err(at)?;
                fs::rename(&unfinished, &path).and_then(|()| fs::File::open(data)?.sync_all()).map_err(at)?;
                key
            }
            Err(error) => return Err(at(error)),
        };
        Self::of_key(&key)
    }

    fn of_key(key: &[u8; KEY]) -> Result<Self> {
        let key =
            UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| Error::internal("the key of secrets has another length"))?;
        Ok(Self(Arc::new(LessSafeKey::new(key))))
    }

    /// Seals a text for a place: it opens there only.
    pub(crate) fn seal(&self, place: &str, text: &str) -> Result<Vec<u8>> {
        let failed = |_| Error::internal("a secret cannot be sealed");
        let mut sealed = vec![0; NONCE_LEN];
        SystemRandom::new().fill(&mut sealed).map_err(failed)?;
        let nonce = Nonce::try_assume_unique_for_key(&sealed).map_err(failed)?;
        let mut bytes = text.as_bytes().to_vec();
        self.0.seal_in_place_append_tag(nonce, Aad::from(place.as_bytes()), &mut bytes).map_err(failed)?;
        sealed.append(&mut bytes);
        Ok(sealed)
    }

    /// Opens what was sealed for a place; `None` for anything else.
    pub(crate) fn open(&self, place: &str, sealed: &[u8]) -> Option<String> {
        let (nonce, bytes) = sealed.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut bytes = bytes.to_vec();
        let text = self.0.open_in_place(nonce, Aad::from(place.as_bytes()), &mut bytes).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
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
