//! Tokens of the registry: JWTs that are signed with a key of their owner's own (NiFi Registry 19.4).
//!
//! What must stay true: a key is kept, so that tokens survive a restart, and never leaves this crate; when it is deleted every
//! token of its owner is dead, on all devices. An owner is an identity, which need not be a user here: policies refuse it then.

use crate::users::{kind, read, write};
use crate::{Identity, Realm, invalid_credentials, secret};
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId};
use headworks_store::{Change, Expect};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The shortest life of a token.
const SHORTEST: Duration = Duration::from_secs(60);
/// The longest one.
const LONGEST: Duration = Duration::from_secs(12 * 3600);

/// What signs the tokens of one identity. Holds a secret, hence no `Debug`.
pub(crate) struct SigningKey {
    pub(crate) id: String,
    pub(crate) tenant: TenantId,
    identity: String,
    secret: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct KeyBody {
    id: String,
    /// In hexadecimal.
    secret: String,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    aud: String,
    preferred_username: String,
    kid: String,
    iat: i64,
    exp: i64,
}

/// What is read of a token before it is known whose it is.
#[derive(Deserialize)]
struct Unverified {
    kid: String,
}

/// Who proved to be somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// In which tenant.
    pub tenant: TenantId,
    /// Who.
    pub identity: String,
}

/// What a token says of how it came to be.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a> {
    /// The name of the provider that verified the credentials.
    pub provider: &'a str,
    /// The name of the user as he entered it.
    pub entered: &'a str,
    /// How long the provider vouches for it; clamped to 1 minute … 12 hours.
    pub lifetime: Duration,
}

impl SigningKey {
    pub(crate) fn of(document: &Document) -> Result<Self> {
        let body: KeyBody = read(document)?;
        let secret = secret::unhex(&body.secret).ok_or_else(|| Error::new(ErrorCode::Corrupt, "a signing key is malformed"))?;
        Ok(Self { id: body.id, tenant: document.key.tenant, identity: document.key.name.clone(), secret })
    }
}

impl Identity {
    /// Makes a token for an identity that was verified.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn issue(&self, owner: &Proven, proof: Proof<'_>) -> Result<String> {
        let key = self.key_of(owner).await?;
        let lifetime = proof.lifetime.clamp(SHORTEST, LONGEST).as_secs();
        let iat = self.0.clock.now().seconds();
        let claims = Claims {
            sub: owner.identity.clone(),
            iss: proof.provider.to_owned(),
            aud: proof.provider.to_owned(),
            preferred_username: proof.entered.to_owned(),
            kid: key.id.clone(),
            iat,
            exp: iat.saturating_add(i64::try_from(lifetime).unwrap_or(i64::MAX)),
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(&key.secret))
            .map_err(|error| Error::internal(format!("cannot sign a token: {error}")))
    }

    /// The key of an identity, which is made where there is none.
    async fn key_of(&self, owner: &Proven) -> Result<Arc<SigningKey>> {
        let at = DocumentKey::new(owner.tenant, kind::KEY, &owner.identity);
        let _changing = self.0.changing.lock().await;
        if let Some(key) = self.0.directory.key_of(&at) {
            return Ok(key);
        }
        let body = KeyBody { id: Uuid::new_v4().to_string(), secret: secret::hex(&secret::random::<32>()?) };
        self.change(&owner.identity, vec![Change::put(at.clone(), write(&body)?).expecting(Expect::Absent)]).await?;
        self.0.directory.key_of(&at).ok_or_else(|| Error::internal("a signing key is gone"))
    }

    /// Finds out who calls from a bearer token: one of the registry, or one that Headworks gives out everywhere else.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`]; [`ErrorCode::Denied`] while the tenant is suspended.
    pub fn recognise(&self, token: &str) -> Result<Proven> {
        if token.starts_with("pat_") || token.starts_with("jwt_") {
            let caller = self.authenticate(Some(&format!("Bearer {token}")))?;
            return Ok(Proven { tenant: caller.tenant, identity: caller.user.clone() });
        }
        let failed = || Error::new(ErrorCode::Unauthenticated, "invalid token");
        let unverified = jsonwebtoken::dangerous::insecure_decode::<Unverified>(token).map_err(|_| failed())?;
        let key = self.0.directory.signing_key(&unverified.claims.kid).ok_or_else(failed)?;
        let mut rules = Validation::new(Algorithm::HS256);
        // Checked here against our own clock, without leeway.
        rules.validate_exp = false;
        rules.validate_aud = false;
        let read = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(&key.secret), &rules);
        let claims = read.map_err(|_| failed())?.claims;
        if claims.exp <= self.0.clock.now().seconds() || claims.sub != key.identity {
            return Err(failed());
        }
        self.0.tenants.admit(key.tenant)?;
        Ok(Proven { tenant: key.tenant, identity: claims.sub })
    }

    /// Ends every registry token of an identity.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn sign_out(&self, who: &Proven) -> Result<()> {
        let key = DocumentKey::new(who.tenant, kind::KEY, &who.identity);
        let _changing = self.0.changing.lock().await;
        self.change(&who.identity, vec![Change::delete(key)]).await
    }

    /// Verifies a name and a password that came in an `Authorization: Basic` header. Answers the name as it was entered too.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`]; [`ErrorCode::Exhausted`] after too many failures of this user or from this address;
    /// [`ErrorCode::Denied`] while the tenant is suspended.
    pub async fn verify_basic(&self, realm: Realm<'_>, header: &str, from: IpAddr) -> Result<(Proven, String)> {
        let (entered, _) = crate::basic::credentials(header).ok_or_else(invalid_credentials)?;
        let caller = self.authenticate_basic(realm, Some(header), from).await?;
        Ok((Proven { tenant: caller.tenant, identity: caller.user.clone() }, entered))
    }

    /// The tenant that somebody means who does not prove to be anybody, or proves it elsewhere.
    ///
    /// # Errors
    /// [`ErrorCode::Denied`] while it is suspended; [`ErrorCode::Unauthenticated`] where there is none.
    pub fn admitted(&self, realm: Realm<'_>) -> Result<TenantId> {
        let tenant = self.0.tenants.meant(realm);
        self.0.tenants.admit(tenant)?;
        Ok(tenant)
    }
}
