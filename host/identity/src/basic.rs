//! HTTP Basic (RFC 7617), for clients that send name and password with every request (FlowG 4, 6.5).
//!
//! A password hash is slow on purpose, and a shipper cannot pay for it with every batch. So the latest password of a user that
//! was verified is remembered as a keyed digest. What must stay true: the key never leaves this process; what is remembered
//! counts only as long as the user's stored hash is the one it was verified against, so that a change or deletion of the user
//! ends it at once; a password that was not verified is never remembered.

use crate::{Identity, Principal, Realm, invalid_credentials, secret};
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use headworks_core::{Error, ErrorCode, Result, TenantId};
use hmac::{Hmac, Mac};
use sha2::Sha256;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most users whose password is remembered.
const REMEMBERED: usize = 10_000;
/// How many users' passwords may be verified at the same time.
const TURNS: usize = 64;
/// Some clients leave the padding out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Passwords that were verified.
pub(crate) struct Verified {
    key: [u8; 32],
    users: Mutex<HashMap<(TenantId, String), Proof>>,
    /// Held while a password is verified, so that the first requests of a shipper, which come together, cost one slow check
    /// and do not look like guessing. Users share them by their hash.
    turns: [tokio::sync::Mutex<()>; TURNS],
    hasher: RandomState,
}

struct Proof {
    /// The stored hash that the password was verified against.
    phc: String,
    digest: [u8; 32],
}

impl Verified {
    pub(crate) fn new() -> Result<Self> {
        let turns = std::array::from_fn(|_| tokio::sync::Mutex::default());
        Ok(Self { key: secret::random()?, users: Mutex::default(), turns, hasher: RandomState::new() })
    }

    fn users(&self) -> MutexGuard<'_, HashMap<(TenantId, String), Proof>> {
        self.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn turn(&self, tenant: TenantId, user: &str) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        let place = self.hasher.hash_one((tenant, user)) as usize % TURNS;
        Some(self.turns.get(place)?.lock().await)
    }

    /// The digest of a password of a user; each user's is another.
    fn digest(&self, tenant: TenantId, user: &str, password: &str) -> Result<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.key);
        let mut mac = mac.map_err(|error| Error::internal(format!("a key cannot be used: {error}")))?;
        mac.update(&tenant.0.to_be_bytes());
        mac.update(&(user.len() as u64).to_be_bytes());
        mac.update(user.as_bytes());
        mac.update(password.as_bytes());
        Ok(mac)
    }

    fn holds(&self, tenant: TenantId, user: &str, password: &str, phc: &str) -> Result<bool> {
        let digest = self.digest(tenant, user, password)?;
        let users = self.users();
        let proof = users.get(&(tenant, user.to_owned())).filter(|proof| proof.phc == phc);
        Ok(proof.is_some_and(|proof| digest.verify_slice(&proof.digest).is_ok()))
    }

    fn remember(&self, tenant: TenantId, user: &str, password: &str, phc: String) -> Result<()> {
        let digest = self.digest(tenant, user, password)?.finalize().into_bytes().into();
        let mut users = self.users();
        let key = (tenant, user.to_owned());
        if users.len() >= REMEMBERED && !users.contains_key(&key) {
            // Forgetting costs whoever comes next one slow check.
            users.clear();
        }
        users.insert(key, Proof { phc, digest });
        Ok(())
    }
}

impl Identity {
    /// Finds out who calls from an `Authorization` header with name and password, or with a token as in
    /// [`authenticate`](Self::authenticate).
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`], the same for an unknown user and for a wrong password; [`ErrorCode::Invalid`] for a
    /// Basic value that is malformed; [`ErrorCode::Exhausted`] after too many failures of this user or from this address.
    pub async fn authenticate_basic(
        &self,
        realm: impl Into<Realm<'_>>,
        authorization: Option<&str>,
        from: IpAddr,
    ) -> Result<Arc<Principal>> {
        let Some((scheme, value)) = authorization.and_then(|header| header.split_once(' ')) else {
            return self.authenticate(authorization);
        };
        if !scheme.eq_ignore_ascii_case("basic") {
            return self.authenticate(authorization);
        }
        let (user, password) = decode(value.trim())?;
        let (tenant, user) = self.0.tenants.locate(realm.into(), &user);
        self.check_password(tenant, user, &password, from).await?;
        let caller = self.0.directory.principal(tenant, user).ok_or_else(invalid_credentials)?;
        self.0.tenants.admit(tenant)?;
        Ok(caller)
    }

    async fn check_password(&self, tenant: TenantId, user: &str, password: &str, from: IpAddr) -> Result<()> {
        let inner = &self.0;
        if self.is_verified(tenant, user, password)? {
            return Ok(());
        }
        let _turn = inner.verified.turn(tenant, user).await;
        if self.is_verified(tenant, user, password)? {
            return Ok(());
        }
        let known = self.password_of(tenant, user)?;
        let attempt = inner.throttle.attempt(tenant, user, from, inner.clock.now())?;
        if !inner.passwords.verify(password, known.clone()).await? {
            return Err(invalid_credentials());
        }
        attempt.succeeded();
        match known {
            Some(phc) => inner.verified.remember(tenant, user, password, phc),
            None => Err(invalid_credentials()),
        }
    }

    fn is_verified(&self, tenant: TenantId, user: &str, password: &str) -> Result<bool> {
        match self.password_of(tenant, user)? {
            Some(phc) => self.0.verified.holds(tenant, user, password, &phc),
            None => Ok(false),
        }
    }
}

/// Name and password in a Basic header, as they were entered.
pub(crate) fn credentials(header: &str) -> Option<(String, String)> {
    let (scheme, value) = header.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("basic") { decode(value.trim()).ok() } else { None }
}

/// `user:password` in Base64.
fn decode(value: &str) -> Result<(String, String)> {
    let malformed = || Error::new(ErrorCode::Invalid, "the Basic value of the Authorization header is malformed");
    let bytes = BASE64.decode(value).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (user, password) = text.split_once(':').ok_or_else(malformed)?;
    Ok((user.to_owned(), password.to_owned()))
}
