//! What an ID token says, and whether it says it of this login (OpenID Connect Core 3.1.3.7).

use super::refused;
use headworks_core::{Result, Timestamp};
use serde_json::{Map, Value};
use std::time::Duration;

/// What a token, or the provider itself, says of a user.
pub(super) type Claims = Map<String, Value>;

/// How far the clocks of the provider and of this server may be apart, in seconds.
const SKEW: f64 = 60.0;
/// The most characters of a name (NiFi Registry 24).
const NAME: usize = 4096;

/// What the token of this login has to say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

impl Expected<'_> {
    /// How long the token is still valid, or why it is not.
    pub(super) fn check(&self, claims: &Claims) -> Result<Duration, String> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let time = |name: &str| claims.get(name).and_then(Value::as_f64);
        let now = self.now.seconds() as f64;
        if text("iss") != Some(self.issuer) {
            return Err(format!("its issuer is not {}", self.issuer));
        }
        let audience: Vec<Option<&str>> = match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
            Some(one) => vec![one.as_str()],
            None => Vec::new(),
        };
        if !audience.contains(&Some(self.client)) {
            return Err("it is meant for another client".to_owned());
        }
        let party = claims.contains_key("azp").then(|| text("azp"));
        if party.map_or(audience.len() > 1, |party| party != Some(self.client)) {
            return Err("it was issued to another client".to_owned());
        }
        if text("sub").is_none_or(str::is_empty) {
            return Err("it has no subject".to_owned());
        }
        if text("nonce") != Some(self.nonce) {
            return Err("it belongs to another login".to_owned());
        }
        if ["iat", "nbf"].iter().any(|name| time(name).is_some_and(|since| since > now + SKEW)) {
            return Err("it is not valid yet".to_owned());
        }
        let left = time("exp").ok_or_else(|| "it says nothing of its end".to_owned())? - now;
        if left <= -SKEW {
            return Err("it has expired".to_owned());
        }
        Ok(Duration::from_secs(left.max(0.0) as u64))
    }
}

/// The name of the user: this claim, else the address of its mail.
pub(super) fn name(claims: &Claims, claim: &str) -> Option<String> {
    let text = |name: &str| claims.get(name)?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned);
    text(claim).or_else(|| text("email"))
}

/// A name that an identity can be made of.
pub(super) fn usable(name: String) -> Result<String> {
    if name.chars().count() > NAME || name.chars().any(char::is_control) {
        return Err(refused(format!("The name of the user has more than {NAME} characters or control characters.")));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_767_322_985;

    fn check(changes: Value) -> Result<Duration, String> {
        let mut claims = json!({
            "iss": "https://op", "aud": "us", "sub": "1", "nonce": "n", "iat": NOW, "exp": NOW + 600,
        });
        for (name, value) in changes.as_object().unwrap() {
            match value {
                Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
                value => claims[name] = value.clone(),
            }
        }
        let now = Timestamp::from_millis(NOW * 1000);
        Expected { issuer: "https://op", client: "us", nonce: "n", now }.check(claims.as_object().unwrap())
    }

    #[test]
    fn a_token_of_this_login_is_taken() {
        assert_eq!(check(json!({})), Ok(Duration::from_secs(600)));
        assert!(check(json!({"aud": ["us"]})).is_ok());
        assert!(check(json!({"aud": ["other", "us"], "azp": "us"})).is_ok());
        assert_eq!(check(json!({"exp": NOW - 59})), Ok(Duration::ZERO));
        assert!(check(json!({"iat": NOW + 59, "nbf": NOW + 59})).is_ok());
    }

    #[test]
    fn another_token_is_refused_and_says_why() {
        for (changes, part) in [
            (json!({"iss": "https://op/"}), "issuer"),
            (json!({"iss": null}), "issuer"),
            (json!({"aud": "them"}), "meant for another"),
            (json!({"aud": ["them"]}), "meant for another"),
            (json!({"aud": null}), "meant for another"),
            (json!({"aud": ["us", "them"]}), "issued to another"),
            (json!({"azp": "them"}), "issued to another"),
            (json!({"azp": 5}), "issued to another"),
            (json!({"sub": null}), "subject"),
            (json!({"sub": ""}), "subject"),
            (json!({"nonce": "m"}), "another login"),
            (json!({"nonce": null}), "another login"),
            (json!({"iat": NOW + 61}), "not valid yet"),
            (json!({"nbf": NOW + 61}), "not valid yet"),
            (json!({"exp": null}), "nothing of its end"),
            (json!({"exp": "later"}), "nothing of its end"),
            (json!({"exp": NOW - 60}), "expired"),
        ] {
            let why = check(changes.clone()).unwrap_err();
            assert!(why.contains(part), "{changes}: {why}");
        }
    }

    #[test]
    fn the_name_is_the_claims_or_that_of_the_mail() {
        let claims = json!({"email": "a@b", "login": "anna", "blank": " ", "number": 5});
        let claims = claims.as_object().unwrap();
        assert_eq!(name(claims, "login").as_deref(), Some("anna"));
        for other in ["absent", "blank", "number"] {
            assert_eq!(name(claims, other).as_deref(), Some("a@b"), "{other}");
        }
        assert_eq!(name(&Claims::new(), "login"), None);
        assert!(usable("a\nb".to_owned()).is_err() && usable("a".repeat(4097)).is_err());
        assert!(usable("ü".repeat(4096)).is_ok());
    }
}
