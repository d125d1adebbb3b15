//! Knows people by a key in a header.

use headworks_plugin::{About, Denial, Identity, IdentityProvider, IdentityRequest, OpenError, export};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Where the key is.
const HEADER: &str = "x-key";

#[derive(Deserialize)]
struct Config {
    keys: BTreeMap<String, String>,
}

struct Plugin {
    keys: BTreeMap<String, String>,
}

impl IdentityProvider for Plugin {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &[],
    };
    type Config = Config;

    fn open(config: Config) -> Result<Self, OpenError> {
        Ok(Self { keys: config.keys })
    }

    fn usage(&self) -> Option<String> {
        Some(format!("Send your key in the header {HEADER}."))
    }

    fn test(&mut self, request: &IdentityRequest) -> bool {
        request.header(HEADER).is_some()
    }

    fn authenticate(&mut self, request: &IdentityRequest) -> Result<Identity, Denial> {
        let sent = request.header(HEADER).ok_or_else(|| Denial::refused("there is no key"))?;
        let known = self.keys.iter().find(|(_, key)| is_same(key, sent));
        known.map(|(name, _)| Identity::named(name)).ok_or_else(|| Denial::refused("nobody has this key"))
    }
}

/// Takes as long wherever two texts of one length differ.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.bytes().zip(other.bytes()).fold(0, |found, (a, b)| found | (a ^ b)) == 0
}

export!(Plugin);

#[cfg(test)]
mod tests {
    use super::Plugin;
    use headworks_plugin::{Denial, Identity, IdentityProvider, IdentityRequest, testing};
    use serde_json::json;

    #[test]
    fn a_key_names_somebody() {
        let mut plugin: Plugin = testing::open_identity_provider(json!({"keys": {"alice": "k1"}})).unwrap();
        let request = |key| IdentityRequest::new(&[("X-Key", key)]);
        assert!(plugin.test(&request("k2")) && !plugin.test(&IdentityRequest::default()));
        assert_eq!(plugin.authenticate(&request("k1")), Ok(Identity::named("alice")));
        assert_eq!(plugin.authenticate(&request("k2")), Err(Denial::refused("nobody has this key")));
    }
}
