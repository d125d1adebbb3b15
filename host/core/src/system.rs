//! The system configuration: settings of a tenant that change while the server runs (FlowG 2, 13, 15).
//!
//! One document per tenant, which exists from the first start on. Whoever acts on a setting reads it from the document and
//! follows the store's change events.

use crate::{AddressRange, DocumentKey, Error, ErrorCode, Result, TenantId};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Kind of the document.
pub const SYSTEM_CONFIGURATION: &str = "system-configuration";
/// Its only name.
const NAME: &str = "system";
/// The most entries of one list: each message of a stranger is compared with every origin.
const MAX_ENTRIES: usize = 1000;

/// The settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SystemConfiguration {
    /// Who may send syslog messages; everybody where there is none.
    pub syslog_allowed_origins: Vec<AddressRange>,
    /// Names of roles that a form for new users offers first. The server itself gives them to nobody.
    pub default_roles: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    syslog_allowed_origins: Vec<String>,
    default_roles: Vec<String>,
}

impl SystemConfiguration {
    /// The document of a tenant.
    pub fn key(tenant: TenantId) -> DocumentKey {
        DocumentKey::new(tenant, SYSTEM_CONFIGURATION, NAME)
    }

    /// Checks what a user gives.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] with the member.
    pub fn parse(syslog_allowed_origins: &[String], default_roles: Vec<String>) -> Result<Self> {
        for (member, len) in [("syslog_allowed_origins", syslog_allowed_origins.len()), ("default_roles", default_roles.len())] {
            if len > MAX_ENTRIES {
                return Err(Error::invalid(format!("{len} entries are given, and {MAX_ENTRIES} is the most")).at(member));
            }
        }
        let parse = |(index, text): (usize, &String)| {
            AddressRange::parse(text).map_err(|error| error.at(format!("syslog_allowed_origins[{index}]")))
        };
        let syslog_allowed_origins = syslog_allowed_origins.iter().enumerate().map(parse).collect::<Result<_>>()?;
        Ok(Self { syslog_allowed_origins, default_roles })
    }

    /// Whether a sender may send syslog messages. An IPv4 address is the same when it comes mapped into IPv6.
    pub fn allows_syslog_from(&self, sender: IpAddr) -> bool {
        let sender = sender.to_canonical();
        self.syslog_allowed_origins.is_empty() || self.syslog_allowed_origins.iter().any(|origin| origin.contains(sender))
    }

    /// Reads the body of the document.
    ///
    /// # Errors
    /// [`ErrorCode::Corrupt`] when it is none.
    pub fn from_stored(body: &[u8]) -> Result<Self> {
        let corrupt = |error: &dyn std::fmt::Display| {
            Error::new(ErrorCode::Corrupt, format!("the stored system configuration cannot be read: {error}"))
        };
        let stored: Stored = serde_json::from_slice(body).map_err(|error| corrupt(&error))?;
        Self::parse(&stored.syslog_allowed_origins, stored.default_roles).map_err(|error| corrupt(&error))
    }

    /// The body of the document.
    ///
    /// # Errors
    /// None in practice.
    pub fn to_stored(&self) -> Result<Vec<u8>> {
        let origins = self.syslog_allowed_origins.iter().map(|origin| origin.as_str().to_owned()).collect();
        let stored = Stored { syslog_allowed_origins: origins, default_roles: self.default_roles.clone() };
        serde_json::to_vec(&stored).map_err(|error| Error::internal(error.to_string()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(origins: &[&str]) -> Result<SystemConfiguration> {
        SystemConfiguration::parse(&origins.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>(), vec![])
    }

    #[test]
    fn origins_are_addresses_and_blocks() {
        let allowed = of(&["192.0.2.7", "10.0.0.0/8", "2001:db8::/32", "::1"]).unwrap();
        for (sender, expected) in [
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("10.255.0.1", true),
            ("::ffff:10.1.2.3", true),
            ("::ffff:192.0.2.8", false),
            ("11.0.0.1", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
            ("::1", true),
        ] {
            assert_eq!(allowed.allows_syslog_from(sender.parse().unwrap()), expected, "{sender}");
        }
        assert!(of(&[]).unwrap().allows_syslog_from("192.0.2.7".parse().unwrap()), "no origin is everybody");
    }

    #[test]
    fn anything_else_is_refused_with_its_place() {
        for text in ["", "example.com", "10.0.0.0/33", "10.0.0/8", "10.0.0.1:514", "1"] {
            let error = of(&["::1", text]).unwrap_err();
            assert_eq!((error.code, error.member.as_deref()), (ErrorCode::Invalid, Some("syslog_allowed_origins[1]")));
        }
        let many = vec!["::1"; MAX_ENTRIES + 1];
        assert_eq!(of(&many).unwrap_err().member.as_deref(), Some("syslog_allowed_origins"));
    }

    #[test]
    fn what_is_stored_is_what_was_given() {
        let given = SystemConfiguration::parse(&["10.1.2.3/8".to_owned()], vec!["b".to_owned(), "a".to_owned()]).unwrap();
        assert_eq!(SystemConfiguration::from_stored(&given.to_stored().unwrap()).unwrap(), given);
        assert_eq!(SystemConfiguration::from_stored(b"{}").unwrap_err().code, ErrorCode::Corrupt);
    }
}
