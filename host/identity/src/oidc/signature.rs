//! Signatures of ID tokens. The operator says which algorithm counts; a token cannot choose one.

use super::claims::Claims;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use headworks_core::{Error, Result};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;
use std::str::FromStr;

/// How a provider signs ID tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdTokenAlgorithm {
    /// Not at all: the connection to the token endpoint proves where a token comes from.
    None,
    /// As registered for JWS (RFC 7518).
    Signed(Algorithm),
}

impl Default for IdTokenAlgorithm {
    fn default() -> Self {
        Self::Signed(Algorithm::RS256)
    }
}

impl FromStr for IdTokenAlgorithm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "none" {
            return Ok(Self::None);
        }
        text.parse().map(Self::Signed).map_err(|_| {
            let known = "none, HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA";
            Error::invalid(format!("{text:?} is no known algorithm: it has to be {known}"))
        })
    }
}

impl IdTokenAlgorithm {
    const fn is_symmetric(self) -> bool {
        matches!(self, Self::Signed(Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512))
    }

    /// Whether the provider's public keys are needed.
    pub(super) const fn needs_keys(self) -> bool {
        matches!(self, Self::Signed(_)) && !self.is_symmetric()
    }

    /// What a token says that was signed as it should be; else why it was not.
    pub(super) fn verify(self, token: &str, secret: &str, keys: &[Jwk]) -> Result<Claims, String> {
        let Self::Signed(algorithm) = self else { return unsigned(token) };
        let header = jsonwebtoken::decode_header(token).map_err(|error| error.to_string())?;
        if header.alg != algorithm {
            return Err(format!("it is signed with {:?}, and {algorithm:?} is expected here", header.alg));
        }
        if header.crit.is_some() {
            return Err("it has an extension that has to be understood and is not".to_owned());
        }
        let mut rules = Validation::new(algorithm);
        // Claims are checked elsewhere, against our own clock.
        rules.validate_exp = false;
        rules.validate_aud = false;
        rules.required_spec_claims.clear();
        let decode = |key: &DecodingKey| jsonwebtoken::decode::<Claims>(token, key, &rules);
        if self.is_symmetric() {
            let decoded = decode(&DecodingKey::from_secret(secret.as_bytes()));
            return decoded.map(|decoded| decoded.claims).map_err(|error| error.to_string());
        }
        let of_kind = |key: &&Jwk| {
            let named = header.kid.is_none() || key.common.key_id == header.kid;
            named && key.common.public_key_use.as_ref().is_none_or(|kind| *kind == PublicKeyUse::Signature)
        };
        let keys = keys.iter().filter(of_kind).filter_map(|key| DecodingKey::from_jwk(key).ok());
        let mut why = "the provider has no key of this name".to_owned();
        for key in keys {
            match decode(&key) {
                Ok(decoded) => return Ok(decoded.claims),
                Err(error) => why = error.to_string(),
            }
        }
        Err(why)
    }
}

fn unsigned(token: &str) -> Result<Claims, String> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, ""] = parts.as_slice() else { return Err("it is signed, and none is expected here".to_owned()) };
    let read = |part: &str| serde_json::from_slice::<Claims>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
    let header = read(header).ok_or("it is no JWT")?;
    if header.get("alg").and_then(Value::as_str) != Some("none") || header.contains_key("crit") {
        return Err("its header does not say that it is unsigned".to_owned());
    }
    read(claims).ok_or_else(|| "it is no JWT".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    #[test]
    fn algorithms_have_names() {
        assert_eq!("none".parse::<IdTokenAlgorithm>().unwrap(), IdTokenAlgorithm::None);
        assert_eq!("ES384".parse::<IdTokenAlgorithm>().unwrap(), IdTokenAlgorithm::Signed(Algorithm::ES384));
        assert_eq!(IdTokenAlgorithm::default(), "RS256".parse().unwrap());
        assert!("None".parse::<IdTokenAlgorithm>().unwrap_err().message.contains("EdDSA"));
    }

    #[test]
    fn a_secret_signs_with_its_own_algorithm_only() {
        let claims = json!({"sub": "1"});
        let key = EncodingKey::from_secret(b"secret");
        for (made, expected) in
            [(Algorithm::HS256, Algorithm::HS256), (Algorithm::HS384, Algorithm::HS384), (Algorithm::HS256, Algorithm::HS512)]
        {
            let token = jsonwebtoken::encode(&Header::new(made), &claims, &key).unwrap();
            let algorithm = IdTokenAlgorithm::Signed(expected);
            assert!(!algorithm.needs_keys());
            assert_eq!(algorithm.verify(&token, "secret", &[]).is_ok(), made == expected, "{made:?} {expected:?}");
            assert!(algorithm.verify(&token, "other", &[]).is_err());
        }
    }

    #[test]
    fn a_token_cannot_choose_its_algorithm() {
        let unsigned = format!("{}.{}.", part(&json!({"alg": "none"})), part(&json!({"sub": "1"})));
        assert_eq!(IdTokenAlgorithm::None.verify(&unsigned, "", &[]).unwrap()["sub"], "1");
        for expected in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256] {
            assert!(IdTokenAlgorithm::Signed(expected).verify(&unsigned, "", &[]).is_err());
        }
        let signed = format!("{unsigned}c2ln");
        assert!(IdTokenAlgorithm::None.verify(&signed, "", &[]).is_err());
        let lying = format!("{}.{}.", part(&json!({"alg": "RS256"})), part(&json!({"sub": "1"})));
        assert!(IdTokenAlgorithm::None.verify(&lying, "", &[]).is_err());
        // The public key of the provider as the secret of a symmetric signature.
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &json!({}), &EncodingKey::from_secret(b"public"));
        assert!(IdTokenAlgorithm::default().verify(&token.unwrap(), "public", &[]).unwrap_err().contains("HS256"));
    }
}
