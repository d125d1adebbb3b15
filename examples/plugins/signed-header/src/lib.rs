//! Knows people by a header that a gateway in front of the server signed: who it is, until when, and an HMAC of both.
//!
//! `Authorization: Signed user=NAME,expires=SECONDS,signature=HEX`, where the signature is the HMAC with SHA-256 of
//! `NAME`, a line feed and `SECONDS` (since 1970), under the secret that gateway and plugin share.

use headworks_plugin::{About, Denial, Identity, IdentityProvider, IdentityRequest, OpenError, clock, export, secrets};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;

/// The secret that the gateway has, too.
const SECRET: &str = "signed-header-key";
/// The fewest bytes that it may have.
const KEY_BYTES: usize = 16;

#[derive(Deserialize)]
struct Config {
    #[serde(default = "an_hour")]
    longest_seconds: u32,
    #[serde(default)]
    prefix: String,
}

fn an_hour() -> u32 {
    3600
}

struct Plugin {
    key: String,
    longest_seconds: u32,
    prefix: String,
}

/// What the header says.
struct Signed<'h> {
    user: &'h str,
    expires: &'h str,
    signature: &'h str,
}

impl<'h> Signed<'h> {
    fn read(request: &'h IdentityRequest) -> Option<Self> {
        let rest = request.header("authorization")?.strip_prefix("Signed ")?;
        let mut parts = rest.split(',').map(str::trim);
        let mut next = |name: &str| parts.next()?.strip_prefix(name)?.strip_prefix('=');
        let signed = Self { user: next("user")?, expires: next("expires")?, signature: next("signature")? };
        parts.next().is_none().then_some(signed)
    }
}

impl IdentityProvider for Plugin {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &["secret:signed-header-key"],
    };
    type Config = Config;

    fn open(config: Config) -> Result<Self, OpenError> {
        let key = secrets::get(SECRET).filter(|key| key.len() >= KEY_BYTES);
        let missing = || format!("the secret {SECRET} is not set, not granted, or has fewer than {KEY_BYTES} bytes");
        Ok(Self { key: key.ok_or_else(missing)?, longest_seconds: config.longest_seconds, prefix: config.prefix })
    }

    fn usage(&self) -> Option<String> {
        Some("Send Authorization: Signed user=NAME,expires=SECONDS,signature=HEX, as the gateway sets it.".to_owned())
    }

    fn test(&mut self, request: &IdentityRequest) -> bool {
        Signed::read(request).is_some()
    }

    fn authenticate(&mut self, request: &IdentityRequest) -> Result<Identity, Denial> {
        let signed = Signed::read(request).ok_or_else(|| Denial::refused("there is no signed header"))?;
        let signature = bytes(signed.signature).ok_or_else(|| Denial::refused("the signature is not in hexadecimal digits"))?;
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).map_err(Denial::refused)?;
        mac.update(signed.user.as_bytes());
        mac.update(b"\n");
        mac.update(signed.expires.as_bytes());
        // Takes as long wherever they differ.
        mac.verify_slice(&signature).map_err(|_| Denial::refused("the signature is wrong"))?;
        let expires: i64 = signed.expires.parse().map_err(|_| Denial::refused("expires is no number"))?;
        let left = expires.saturating_sub(clock::now().seconds);
        if left <= 0 {
            return Err(Denial::refused("the header has expired"));
        }
        let lifetime = u32::try_from(left).unwrap_or(u32::MAX).min(self.longest_seconds);
        let name = format!("{}{}", self.prefix, signed.user);
        let display_name = (!self.prefix.is_empty()).then(|| signed.user.to_owned());
        Ok(Identity { name, display_name, lifetime_seconds: Some(lifetime) })
    }
}

/// Bytes in hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>()?;
    digits.chunks(2).map(|pair| Some(pair.first()? << 4 | pair.get(1)?)).collect()
}

export!(Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use headworks_plugin::{Denial, IdentityProvider, IdentityRequest, Time, testing};
    use serde_json::json;

    /// Of `alice` and 2000000000 under the key of the tests: `printf 'alice\n2000000000' | openssl dgst -sha256 -hmac …`.
    const SIGNATURE: &str = "0febcc599a77d73603e6da3b3dd378a888d2f765a4e8fa3fcd370d1c0aaab9aa";

    fn plugin() -> Plugin {
        testing::set_secret("signed-header-key", "a key that is shared");
        testing::set_now(Time { seconds: 1_999_999_000, nanoseconds: 0 });
        testing::open_identity_provider(json!({"prefix": "gw:"})).unwrap()
    }

    fn request(user: &str, expires: &str, signature: &str) -> IdentityRequest {
        IdentityRequest::new(&[("Authorization", &format!("Signed user={user},expires={expires},signature={signature}"))])
    }

    #[test]
    fn a_signed_header_names_somebody_for_as_long_as_it_says() {
        let found = plugin().authenticate(&request("alice", "2000000000", SIGNATURE)).unwrap();
        assert_eq!((found.name.as_str(), found.display_name.as_deref()), ("gw:alice", Some("alice")));
        assert_eq!(found.lifetime_seconds, Some(1_000));
    }

    #[test]
    fn what_was_changed_or_is_over_is_refused() {
        let mut plugin = plugin();
        let mut why = |request| match plugin.authenticate(&request) {
            Err(Denial::Refused(why)) => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(request("mallory", "2000000000", SIGNATURE)), "the signature is wrong");
        assert_eq!(why(request("alice", "2000000001", SIGNATURE)), "the signature is wrong");
        assert_eq!(why(request("alice", "2000000000", "")), "the signature is wrong");
        assert_eq!(why(request("alice", "2000000000", "abc")), "the signature is not in hexadecimal digits");
        assert_eq!(why(IdentityRequest::new(&[("Authorization", "Basic eDp5")])), "there is no signed header");
        testing::set_now(Time { seconds: 2_000_000_000, nanoseconds: 0 });
        assert_eq!(why(request("alice", "2000000000", SIGNATURE)), "the header has expired");
    }

    #[test]
    fn a_short_key_is_refused() {
        testing::set_secret("signed-header-key", "short");
        assert!(testing::open_identity_provider::<Plugin>(json!({})).is_err());
    }
}
