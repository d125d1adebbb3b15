//! Session tokens: JWTs signed with HMAC-SHA-256. Nothing is stored, so a session ends with its time, with its user or with
//! the key (FlowG 4).

use headworks_core::{Error, ErrorCode, Result, TenantId, Timestamp, Uid};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(crate) struct Sessions {
    lifetime: Duration,
    sign: EncodingKey,
    check: DecodingKey,
    rules: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    #[serde(default)]
    iss: String,
    sub: String,
    exp: i64,
    /// Which user of that name. A session that ended with its user must not come back with another of the same name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<Uid>,
    /// The number of its tenant; absent where it is `default`, as in sessions of versions that had no other.
    #[serde(default = "only_tenant", skip_serializing_if = "is_only_tenant")]
    tid: TenantId,
}

const fn only_tenant() -> TenantId {
    TenantId::DEFAULT
}

fn is_only_tenant(tenant: &TenantId) -> bool {
    *tenant == TenantId::DEFAULT
}

/// What a valid session says.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) tenant: TenantId,
    pub(crate) user: String,
    uid: Option<Uid>,
}

impl Session {
    /// Whether it was issued to this very user; one that does not say is taken at its name.
    pub(crate) fn is_of(&self, uid: Uid) -> bool {
        self.uid.is_none_or(|issued| issued == uid)
    }
}

impl Sessions {
    /// Sessions that last so long, to the second.
    pub(crate) fn new(key: &[u8], lifetime: Duration) -> Self {
        let mut rules = Validation::new(Algorithm::HS256);
        // Checked here against our own clock, without leeway.
        rules.validate_exp = false;
        rules.validate_aud = false;
        Self { lifetime, sign: EncodingKey::from_secret(key), check: DecodingKey::from_secret(key), rules }
    }

    /// A new session of this user, `jwt_` included.
    pub(crate) fn issue(&self, tenant: TenantId, user: &str, uid: Uid, now: Timestamp) -> Result<String> {
        let lifetime = i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX);
        let exp = now.seconds().saturating_add(lifetime);
        let claims = Claims { iss: "flowg".to_owned(), sub: user.to_owned(), exp, uid: Some(uid), tid: tenant };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .map(|jwt| format!("jwt_{jwt}"))
            .map_err(|error| Error::internal(format!("cannot sign a session: {error}")))
    }

    /// What a session says, given without `jwt_`.
    pub(crate) fn verify(&self, jwt: &str, now: Timestamp) -> Result<Session> {
        let failed = |cause: &str| Error::new(ErrorCode::Unauthenticated, format!("failed to parse JWT: {cause}"));
        let claims: Claims =
            jsonwebtoken::decode(jwt, &self.check, &self.rules).map_err(|error| failed(&error.to_string()))?.claims;
        if claims.exp <= now.seconds() {
            return Err(failed("token is expired"));
        }
        Ok(Session { tenant: claims.tid, user: claims.sub, uid: claims.uid })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice)]
mod tests {
    use super::*;

    const LIFETIME: i64 = 24 * 3600;
    const NOW: Timestamp = Timestamp::from_millis(1_767_322_985_500);

    fn later(seconds: i64) -> Timestamp {
        Timestamp::from_millis(NOW.millis() + seconds * 1000)
    }

    fn signed_with(key: &[u8]) -> Sessions {
        Sessions::new(key, Duration::from_secs(LIFETIME as u64))
    }

    #[test]
    fn sessions_last_as_long_as_they_should() {
        let sessions = signed_with(b"key");
        let token = sessions.issue(TenantId(7), "anna", Uid::new(), NOW).unwrap();
        let jwt = token.strip_prefix("jwt_").unwrap();
        assert_eq!(sessions.verify(jwt, NOW).unwrap().user, "anna");
        assert_eq!(sessions.verify(jwt, later(LIFETIME - 1)).unwrap().user, "anna");
        assert_eq!(sessions.verify(jwt, later(LIFETIME)).unwrap_err().message, "failed to parse JWT: token is expired");
    }

    #[test]
    fn forgeries_are_refused() {
        let sessions = signed_with(b"key");
        let token = sessions.issue(TenantId(7), "anna", Uid::new(), NOW).unwrap();
        let jwt = token.strip_prefix("jwt_").unwrap();
        assert!(signed_with(b"other").verify(jwt, NOW).is_err());
        // {"alg":"none","typ":"JWT"} . {"iss":"flowg","sub":"anna","exp":99999999999} . no signature
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJmbG93ZyIsInN1YiI6ImFubmEiLCJleHAiOjk5OTk5OTk5OTk5fQ.";
        for forged in ["", "a.b.c", none, &jwt[..jwt.len() - 2]] {
            let error = sessions.verify(forged, NOW).unwrap_err();
            assert_eq!(error.code, ErrorCode::Unauthenticated);
            assert!(error.message.starts_with("failed to parse JWT: "), "{}", error.message);
        }
    }

    #[test]
    fn the_issuer_does_not_matter() {
        let sessions = signed_with(b"key");
        let claims = serde_json::json!({"sub": "anna", "exp": NOW.seconds() + 5});
        let jwt = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &sessions.sign).unwrap();
        let session = sessions.verify(&jwt, NOW).unwrap();
        assert_eq!(
            (session.user.as_str(), session.tenant),
            ("anna", TenantId::DEFAULT),
            "one that names no tenant is of the first"
        );
        assert!(session.is_of(Uid::new()), "one that names no identity is taken at its name");
    }

    #[test]
    fn a_session_belongs_to_one_user_and_not_to_its_name() {
        let sessions = signed_with(b"key");
        let uid = Uid::new();
        let token = sessions.issue(TenantId(7), "anna", uid, NOW).unwrap();
        let session = sessions.verify(token.strip_prefix("jwt_").unwrap(), NOW).unwrap();
        assert_eq!(session.tenant, TenantId(7));
        assert!(session.is_of(uid) && !session.is_of(Uid::new()));
    }
}
