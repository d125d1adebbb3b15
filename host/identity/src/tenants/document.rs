//! A tenant as it is stored, and what may be in it.

use super::Quotas;
use headworks_core::{Document, Error, ErrorCode, Result, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// The most characters of a name: it is a part of user names and of host names.
const MAX_NAME: usize = 63;
/// The most characters of a display name.
const MAX_DISPLAY_NAME: usize = 200;
/// The most host names, and the most grant patterns, of one tenant.
const MAX_ENTRIES: usize = 100;
/// The most bytes of a grant pattern.
const MAX_PATTERN: usize = 1000;

/// Whether a tenant can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It can.
    #[default]
    Active,
    /// Its data stay, its users and its senders are refused.
    Suspended,
    /// Its data are being removed.
    Deleting,
}

/// A tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// What all its keys on disk begin with.
    pub number: TenantId,
    /// What it is called by users and operators; never changes.
    pub name: String,
    /// For people.
    pub display_name: String,
    /// Host names under which its users reach the server, in lower case.
    pub hosts: Vec<String>,
    /// Whether it can be used.
    pub state: State,
    /// The quotas of its own; see [`Tenants::quotas`](super::Tenants::quotas) for what is in force.
    pub quotas: Quotas,
    /// What its plugins may be granted: patterns in which `*` stands for any text.
    pub grants: Vec<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created: Timestamp,
    /// Grows with each change.
    pub revision: u64,
}

/// The body of its document. The name is that of the document.
#[derive(Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) number: TenantId,
    pub(crate) display_name: String,
    pub(crate) hosts: Vec<String>,
    pub(crate) state: State,
    pub(crate) quotas: Quotas,
    pub(crate) grants: Vec<String>,
    pub(crate) created_by: String,
}

impl Body {
    pub(crate) fn new(number: TenantId, author: &str) -> Self {
        Self {
            number,
            display_name: String::new(),
            hosts: Vec::new(),
            state: State::Active,
            quotas: Quotas::default(),
            grants: vec!["*".to_owned()],
            created_by: author.to_owned(),
        }
    }
}

impl Tenant {
    pub(crate) fn read(document: &Document) -> Result<Self> {
        let Body { number, display_name, hosts, state, quotas, grants, created_by } = crate::users::read(document)?;
        let (name, created, revision) = (document.key.name.clone(), document.created, document.revision);
        Ok(Self { number, name, display_name, hosts, state, quotas, grants, created_by, created, revision })
    }

    /// Whether its plugins may be granted this.
    pub fn allows_grant(&self, grant: &str) -> bool {
        self.grants.iter().any(|pattern| fits(pattern, grant))
    }
}

/// Whether a text fits a pattern in which `*` stands for any text.
fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, behind)) => rest = behind,
            None => return false,
        }
    }
    rest.ends_with(last)
}

pub(crate) fn suspended() -> Error {
    Error::new(ErrorCode::Denied, "the tenant is suspended; the operator of this server can say why and resume it")
}

/// Letters, digits and inner hyphens: no name can be mistaken for the domain of an address or need quoting anywhere.
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(plain) || name.starts_with('-') || name.ends_with('-') {
        let text =
            format!("the name of a tenant has 1 to {MAX_NAME} characters of a-z, 0-9 and - and neither begins nor ends with -");
        return Err(Error::invalid(text).at("name"));
    }
    Ok(())
}

pub(crate) fn check_display_name(name: &str) -> Result<()> {
    if name.chars().count() > MAX_DISPLAY_NAME || name.chars().any(char::is_control) {
        let text = format!("a display name has at most {MAX_DISPLAY_NAME} characters, none of them a control character");
        return Err(Error::invalid(text).at("display_name"));
    }
    Ok(())
}

/// Host names in lower case, each once.
pub(crate) fn check_hosts(hosts: &[String]) -> Result<Vec<String>> {
    bounded("hosts", hosts)?;
    let mut checked: Vec<String> = Vec::with_capacity(hosts.len());
    for (index, host) in hosts.iter().enumerate() {
        let host = host.to_ascii_lowercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
        let is_port =
            host.rsplit_once(':').is_some_and(|(_, port)| !host.ends_with(']') && port.bytes().all(|b| b.is_ascii_digit()));
        if host.is_empty() || host.len() > 253 || !host.bytes().all(plain) || is_port {
            let text = format!("{host:?} is no host name; it has no scheme, no port and no path");
            return Err(Error::invalid(text).at(format!("hosts[{index}]")));
        }
        if !checked.contains(&host) {
            checked.push(host);
        }
    }
    Ok(checked)
}

pub(crate) fn check_grants(grants: &[String]) -> Result<()> {
    bounded("grants", grants)?;
    match grants.iter().position(|grant| grant.is_empty() || grant.len() > MAX_PATTERN) {
        Some(index) => {
            let text = format!("a grant pattern has 1 to {MAX_PATTERN} bytes");
            Err(Error::invalid(text).at(format!("grants[{index}]")))
        }
        None => Ok(()),
    }
}

fn bounded(member: &str, list: &[String]) -> Result<()> {
    if list.len() > MAX_ENTRIES {
        return Err(Error::invalid(format!("{} entries are given, and {MAX_ENTRIES} is the most", list.len())).at(member));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("*", "http:example.com", true),
            ("", "", true),
            ("", "a", false),
            ("http:*", "http:a", true),
            ("http:*", "https:a", false),
            ("http:*.example.com", "http:a.example.com", true),
            ("http:*.example.com", "http:example.com", false),
            ("a*b*c", "axbxc", true),
            ("a*b*c", "axcxb", false),
            ("ab*ba", "aba", false),
            ("secret:a", "secret:ab", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn names_and_hosts() {
        for good in ["a", "acme", "a-1", &"a".repeat(63)] {
            check_name(good).unwrap();
        }
        for bad in ["", "A", "a.b", "a@b", "-a", "a-", "a b", "ä", &"a".repeat(64)] {
            assert!(check_name(bad).is_err(), "{bad}");
        }
        let hosts = |host: &str| check_hosts(&[host.to_owned()]);
        assert_eq!(hosts("Logs.Example.com").unwrap(), ["logs.example.com"]);
        assert_eq!(hosts("[::1]").unwrap(), ["[::1]"]);
        for bad in ["", "a:80", "http://a", "a/b", "a b", "ä.de"] {
            assert!(hosts(bad).is_err(), "{bad}");
        }
    }
}
