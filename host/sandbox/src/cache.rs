//! Compiled components on disk.
//!
//! A file is used only when its authentication code, in a file beside it, fits: HMAC-SHA256 with a key that never leaves the
//! folder, over the file's name and content. Whatever does not fit is treated as absent. The file itself is nothing but the
//! compiled code, so that it can be mapped into memory.

use crate::precompiled::Trusted;
use headworks_core::{Digest, Error, ErrorCode, Result};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Bytes read at once.
const READ: usize = 256 << 10;
const KEY: usize = 32;

/// A folder of compiled components. Its methods block.
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; KEY],
}

impl Cache {
    /// Opens a folder and makes it, and its key, where they are missing.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let at = |error: std::io::Error| {
            let mut error = Error::from(error);
            error.message = format!("the cache of compiled components, {}: {}", folder.display(), error.message);
            error
        };
        fs::create_dir_all(folder).map_err(at)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(at)?;
        let path = folder.join("key");
        let known = fs::read(&path).ok().and_then(|bytes| <[u8; KEY]>::try_from(bytes).ok());
        let key = match known {
            Some(key) => key,
            None => {
                let mut key = [0; KEY];
                getrandom::fill(&mut key).map_err(|error| Error::new(ErrorCode::Io, format!("no random bytes: {error}")))?;
                write(&path, &[&key]).map_err(at)?;
                key
            }
        };
        Ok(Self { folder: folder.to_owned(), key })
    }

    fn name(digest: &Digest, fingerprint: u64) -> String {
        format!("{digest}-{fingerprint:016x}.cwasm")
    }

    /// Where the authentication code of a file lies.
    fn code_of(path: &Path) -> PathBuf {
        path.with_extension("code")
    }

    fn code(&self, name: &str) -> Option<Hmac<Sha256>> {
        let mut code = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        code.update(name.as_bytes());
        Some(code)
    }

    /// The compiled form of a component for the engine with this fingerprint, if it is here and authentic.
    pub(crate) fn read(&self, digest: &Digest, fingerprint: u64) -> Option<Trusted> {
        let name = Self::name(digest, fingerprint);
        let path = self.folder.join(&name);
        let mut file = fs::File::open(&path).ok()?;
        let mut code = self.code(&name)?;
        let mut part = vec![0; READ];
        loop {
            match file.read(&mut part).ok()? {
                0 => break,
                len => code.update(part.get(..len)?),
            }
        }
        let fits = fs::read(Self::code_of(&path)).is_ok_and(|known| code.verify_slice(&known).is_ok());
        if !fits {
            tracing::warn!(file = name, "a compiled component is not authentic and is compiled again");
            return None;
        }
        Some(Trusted::vouch_file(file))
    }

    /// Keeps the compiled form of a component.
    pub(crate) fn write(&self, digest: &Digest, fingerprint: u64, compiled: &[u8]) -> std::io::Result<()> {
        let name = Self::name(digest, fingerprint);
        let path = self.folder.join(&name);
        let Some(mut code) = self.code(&name) else { return Ok(()) };
        code.update(compiled);
        write(&path, &[compiled])?;
        write(&Self::code_of(&path), &[&code.finalize().into_bytes()])
    }
}

/// Writes a file that only its owner can read, whole or not at all.
fn write(path: &Path, parts: &[&[u8]]) -> std::io::Result<()> {
    let part = path.with_added_extension(format!("{}.part", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    for bytes in parts {
        file.write_all(bytes)?;
    }
    file.sync_all()?;
    fs::rename(&part, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Seek;

    fn content(trusted: Trusted) -> Vec<u8> {
        let Trusted::File(mut file) = trusted else { return Vec::new() };
        let mut bytes = Vec::new();
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn only_what_was_written_here_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::open(folder.path()).unwrap();
        let digest = Digest::of(b"component");
        cache.write(&digest, 7, b"compiled").unwrap();
        let again = Cache::open(folder.path()).unwrap();
        assert_eq!(content(again.read(&digest, 7).unwrap()), b"compiled");
        assert!(again.read(&digest, 8).is_none());
        assert!(again.read(&Digest::of(b"other"), 7).is_none());

        let path = folder.path().join(Cache::name(&digest, 7));
        for path in [path.clone(), Cache::code_of(&path)] {
            let good = fs::read(&path).unwrap();
            for place in 0..good.len() {
                let mut bad = good.clone();
                bad[place] ^= 1;
                fs::write(&path, bad).unwrap();
                assert!(again.read(&digest, 7).is_none(), "byte {place} changed");
            }
            for len in 0..good.len() {
                fs::write(&path, &good[..len]).unwrap();
                assert!(again.read(&digest, 7).is_none(), "cut to {len} bytes");
            }
            fs::write(&path, good).unwrap();
        }
        let other = folder.path().join(Cache::name(&digest, 8));
        fs::copy(&path, &other).unwrap();
        fs::copy(Cache::code_of(&path), Cache::code_of(&other)).unwrap();
        assert!(again.read(&digest, 8).is_none(), "a file under another name");
        assert_eq!(content(again.read(&digest, 7).unwrap()), b"compiled");
    }

    #[test]
    fn a_foreign_key_reads_nothing_and_the_key_is_private() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (mine, theirs) = (Cache::open(one.path()).unwrap(), Cache::open(two.path()).unwrap());
        let digest = Digest::of(b"component");
        theirs.write(&digest, 7, b"evil").unwrap();
        let path = two.path().join(Cache::name(&digest, 7));
        for path in [Cache::code_of(&path), path] {
            fs::copy(&path, one.path().join(path.file_name().unwrap())).unwrap();
        }
        assert!(mine.read(&digest, 7).is_none());
        let mode = fs::metadata(one.path().join("key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
