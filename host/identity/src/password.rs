//! Password hashes. Slow on purpose, so they run on blocking threads and only as many at a time as there are cores: logins
//! can neither stall the server nor exhaust its memory (19 MiB each).

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use headworks_core::{Error, ErrorCode, Result};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;

/// How long a login may wait for its turn.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Passwords {
    turns: Arc<Semaphore>,
    /// Verified for users that do not exist, so that they take as long as those that do.
    dummy: String,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Ok(Self { turns: Arc::new(Semaphore::new(cores)), dummy: hash(&crate::secret::letters(16)?)? })
    }

    /// A new PHC string: Argon2id, m=19456, t=2, p=1, 16 bytes of salt, 32 of hash (FlowG 4).
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.run(move || hash(&password)).await?
    }

    /// Whether the password fits a PHC string of any Argon2; without one, or with an empty one, it never does.
    pub(crate) async fn verify(&self, password: &str, phc: Option<String>) -> Result<bool> {
        let phc = phc.filter(|phc| !phc.is_empty());
        let known = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.dummy.clone());
        let password = password.to_owned();
        self.run(move || verify(&password, &phc)).await.map(|fits| fits && known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = timeout(PATIENCE, Arc::clone(&self.turns).acquire_owned()).await;
        let busy = || Error::new(ErrorCode::Exhausted, "too many logins at once; try again in a moment");
        let turn = turn.map_err(|_| busy())?.map_err(|_| busy())?;
        let work = move || {
            let _turn = turn;
            work()
        };
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(format!("hashing a password failed: {error}")))
    }
}

fn hash(password: &str) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| Error::internal(format!("hashing a password failed: {error}"));
    let params = Params::new(19_456, 2, 1, Some(32)).map_err(|error| failed(&error))?;
    let salt = SaltString::encode_b64(&crate::secret::random::<16>()?).map_err(|error| failed(&error))?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let phc = argon2.hash_password(password.as_bytes(), &salt).map_err(|error| failed(&error))?;
    Ok(phc.to_string())
}

fn verify(password: &str, phc: &str) -> bool {
    PasswordHash::new(phc).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn hashes_have_the_agreed_form() {
        let phc = hash("correct horse").unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify("correct horse", &phc));
        assert!(!verify("correct hors", &phc));
        assert!(!verify("correct horse", "not a PHC string"));
    }

    #[test]
    fn hashes_of_other_servers_are_verified() {
        // Made with Argon2id at 1 KiB and one pass, as the first generation did, and with Argon2i.
        for (algorithm, text) in [(Algorithm::Argon2id, "$argon2id$v=19$m=1024,t=1,p=1$"), (Algorithm::Argon2i, "$argon2i$")] {
            let argon2 = Argon2::new(algorithm, Version::V0x13, Params::new(1024, 1, 1, None).unwrap());
            let salt = SaltString::encode_b64(&[7; 16]).unwrap();
            let phc = argon2.hash_password(b"root", &salt).unwrap().to_string();
            assert!(phc.starts_with(text), "{phc}");
            assert!(verify("root", &phc));
            assert!(!verify("toor", &phc));
        }
    }

    #[tokio::test]
    async fn nobody_has_no_password() {
        let passwords = Passwords::new().unwrap();
        assert!(!passwords.verify("", None).await.unwrap());
        assert!(!passwords.verify("", Some(String::new())).await.unwrap());
        let phc = passwords.hash("a").await.unwrap();
        assert!(passwords.verify("a", Some(phc)).await.unwrap());
    }
}
