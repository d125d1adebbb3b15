//! Other addresses of registries inside saved flows (NiFi Registry 22.4).

use headworks_core::{Error, Result};
use std::borrow::Cow;
use std::collections::HashSet;

/// The most aliases; each is tried on every address in every flow.
const MOST: usize = 100;

/// Pairs of the address that is stored and the one that clients know, in the order in which they are tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aliases(Vec<(String, String)>);

impl Aliases {
    /// Pairs of internal and external address.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) for an internal one that is empty or there twice, for an
    /// external one that is no address of HTTP, and for too many.
    pub fn new(pairs: Vec<(String, String)>) -> Result<Self> {
        if pairs.len() > MOST {
            return Err(Error::invalid(format!("there are {} aliases, and {MOST} are the most", pairs.len())));
        }
        let mut known = HashSet::new();
        for (internal, external) in &pairs {
            if internal.is_empty() || !known.insert(internal) {
                return Err(Error::invalid(format!("the internal address {internal:?} has to be there once and not be empty")));
            }
            if !["http://", "https://"].iter().any(|scheme| external.starts_with(scheme)) {
                return Err(Error::invalid(format!("the external address {external:?} has to begin with http:// or https://")));
            }
        }
        Ok(Self(pairs))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is stored for an address that a client sends.
    pub(crate) fn inside<'a>(&self, address: &'a str) -> Cow<'a, str> {
        replaced(address, self.0.iter().map(|(internal, external)| (external, internal)))
    }

    /// What a client gets for an address that is stored.
    pub(crate) fn outside<'a>(&self, address: &'a str) -> Cow<'a, str> {
        replaced(address, self.0.iter().map(|(internal, external)| (internal, external)))
    }
}

/// The address with the first beginning that matches in the place of the other.
fn replaced<'a, 'p>(address: &'a str, mut pairs: impl Iterator<Item = (&'p String, &'p String)>) -> Cow<'a, str> {
    let found = pairs.find_map(|(from, to)| address.strip_prefix(from.as_str()).map(|rest| format!("{to}{rest}")));
    found.map_or(Cow::Borrowed(address), Cow::Owned)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn aliases(pairs: &[(&str, &str)]) -> Result<Aliases> {
        Aliases::new(pairs.iter().map(|(internal, external)| ((*internal).to_owned(), (*external).to_owned())).collect())
    }

    #[test]
    fn the_first_that_matches_is_taken() {
        let aliases = aliases(&[("A", "http://a"), ("B", "http://a/b"), ("C", "https://c")]).unwrap();
        assert_eq!(aliases.inside("http://a/b/x"), "A/b/x");
        assert_eq!(aliases.inside("https://c:1"), "C:1");
        assert_eq!(aliases.inside("ftp://c"), "ftp://c");
        assert_eq!(aliases.outside("B/x"), "http://a/b/x");
        assert_eq!(aliases.outside("http://a"), "http://a");
    }

    #[test]
    fn what_cannot_be_an_alias_is_refused() {
        assert!(aliases(&[("A", "ftp://a")]).is_err());
        assert!(aliases(&[("", "http://a")]).is_err());
        assert!(aliases(&[("A", "http://a"), ("A", "http://b")]).is_err());
    }
}
