//! Revisions that clients name when they change something (NiFi Registry 5).
//!
//! They are the registry's own, beside those that the store counts for every document: clients choose a name for themselves
//! and may repeat a change of theirs.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The most characters of a client's name for itself (NiFi Registry 24).
const MAX_CLIENT: usize = 100;

/// Where something stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// 0 for what never had one.
    pub version: i64,
    /// What the client that made the last change calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// What a change says it is based on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// The version that was seen.
    pub version: Option<i64>,
    /// What the client calls itself.
    pub client: Option<String>,
}

/// Whether a change has to say what it is based on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// It has not: revisions are off.
    Unchecked,
    /// It has, and says this.
    Claimed(Claim),
}

/// What is done to something with a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A change of it.
    Update,
    /// Its end.
    Delete,
}

impl Revision {
    /// That of something new (NiFi Registry 5.2). `what` is its kind in words, such as `Bucket`.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](crate::ErrorCode::Invalid) unless the claim is version 0.
    pub fn first(basis: &Basis, what: &str) -> Result<Self> {
        let Basis::Claimed(claim) = basis else { return Ok(Self::default()) };
        if claim.version != Some(0) {
            return Err(Error::invalid(format!("A revision of 0 must be specified when creating a new {what}.")));
        }
        Ok(Self { version: 1, client: claim.named()? })
    }

    /// The one after this.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](crate::ErrorCode::Invalid) for a claim without a version, and for one that is neither this
    /// version nor made by the client that made it.
    pub fn next(&self, basis: &Basis, what: &str, step: Step, id: &str) -> Result<Self> {
        let Basis::Claimed(claim) = basis else { return Ok(Self { version: self.version + 1, client: None }) };
        let version = claim.version.ok_or_else(|| Error::invalid("Revision info must be specified."))?;
        let client = claim.named()?;
        if version != self.version && (client.is_none() || client != self.client) {
            let done = match step {
                Step::Update => "update",
                Step::Delete => "delete",
            };
            return Err(Error::invalid(format!(
                "The {what} you attempted to {done} with id '{id}' is out of date with the server. \
                 You may need to refresh your client and try again."
            )));
        }
        Ok(Self { version: self.version + 1, client })
    }
}

impl Claim {
    /// The name of the client, where it says one.
    fn named(&self) -> Result<Option<String>> {
        let client = self.client.as_ref().filter(|client| !client.trim().is_empty());
        if client.is_some_and(|client| client.chars().count() > MAX_CLIENT) {
            return Err(Error::invalid(format!("Revision info - clientId must not have more than {MAX_CLIENT} characters")));
        }
        Ok(client.cloned())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn claim(version: Option<i64>, client: &str) -> Basis {
        Basis::Claimed(Claim { version, client: Some(client.to_owned()) })
    }

    #[test]
    fn nothing_is_asked_while_revisions_are_off() {
        assert_eq!(Revision::first(&Basis::Unchecked, "Bucket").unwrap().version, 0);
        let stands = Revision { version: 4, client: Some("a".to_owned()) };
        assert_eq!(stands.next(&Basis::Unchecked, "Bucket", Step::Update, "x").unwrap(), Revision { version: 5, client: None });
    }

    #[test]
    fn a_change_names_the_version_it_saw_or_comes_from_the_same_client() {
        let stands = Revision::first(&claim(Some(0), "a"), "Bucket").unwrap();
        assert_eq!(stands, Revision { version: 1, client: Some("a".to_owned()) });
        let next = |basis: &Basis| stands.next(basis, "Bucket", Step::Update, "x");
        assert_eq!(next(&claim(Some(1), "b")).unwrap(), Revision { version: 2, client: Some("b".to_owned()) });
        assert_eq!(next(&claim(Some(7), "a")).unwrap().version, 2);
        assert!(next(&claim(Some(0), "b")).unwrap_err().message.contains("attempted to update with id 'x' is out of date"));
        assert_eq!(next(&claim(None, "a")).unwrap_err().message, "Revision info must be specified.");
        assert!(next(&claim(Some(1), &"c".repeat(101))).unwrap_err().message.contains("clientId"));
    }

    #[test]
    fn no_name_is_no_client() {
        let stands = Revision { version: 1, client: None };
        assert!(stands.next(&claim(Some(0), " "), "Bucket", Step::Delete, "x").unwrap_err().message.contains("delete"));
    }
}
