//! What a component may be permitted: where it may send something, and which secrets it may read.

use std::fmt;

/// A place that something is sent to: `scheme://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `http`, `https`, `tcp` or `udp`; a proxy has its own.
    pub scheme: String,
    /// A name, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Place {
    /// The place that a URL leads to.
    pub fn of_url(url: &http::Uri) -> Option<Self> {
        let scheme = url.scheme_str()?.to_ascii_lowercase();
        let usual = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            "socks5" | "socks5h" => Some(1080),
            _ => None,
        };
        let port = url.port_u16().or(usual)?;
        let host = url.host()?.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        (!host.is_empty()).then_some(Self { scheme, host, port })
    }

    /// The place that `host:port` names. An IPv6 address is written in brackets.
    pub fn of_address(scheme: &str, address: &str) -> Option<Self> {
        let (host, port) = address.rsplit_once(':')?;
        let host = match host.strip_prefix('[') {
            Some(inner) => inner.strip_suffix(']')?,
            None if host.contains(':') => return None,
            None => host,
        };
        let fits = !host.is_empty() && !host.chars().any(|c| c.is_whitespace() || c.is_control() || "/@*".contains(c));
        fits.then_some(Self { scheme: scheme.to_owned(), host: host.to_ascii_lowercase(), port: port.parse().ok()? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scheme, host, port } = self;
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

/// A permission: `scheme://host:port`, where the host may be `*` or begin with `*.`, and the port may be `*`; or
/// `secret:NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Place(Places),
    /// The name of a secret.
    Secret(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Places {
    scheme: String,
    /// `*`, `*.` and a domain, or a host.
    host: String,
    port: Option<u16>,
}

/// The most bytes of a secret's name.
const SECRET: usize = 100;

impl Grant {
    /// Reads a permission.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(name) = text.strip_prefix("secret:") else { return Places::parse(text).map(|places| Self(Kind::Place(places))) };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if name.is_empty() || name.len() > SECRET || !name.bytes().all(fits) {
            return Err(format!("{text:?}: a secret is named with letters, digits, _, - and ., at most {SECRET} of them"));
        }
        Ok(Self(Kind::Secret(name.to_owned())))
    }

    /// The name of the secret that it lets a plugin read.
    pub fn secret(&self) -> Option<&str> {
        match &self.0 {
            Kind::Secret(name) => Some(name),
            Kind::Place(_) => None,
        }
    }

    /// Whether it lets something be sent there.
    pub fn allows(&self, place: &Place) -> bool {
        matches!(&self.0, Kind::Place(places) if places.allows(place))
    }

    /// Whether it allows all that the other allows.
    pub fn covers(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Place(places), Kind::Place(other)) => places.covers(other),
            (Kind::Secret(name), Kind::Secret(other)) => name == other,
            _ => false,
        }
    }
}

impl Places {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no grant such as https://example.com:443 or secret:token");
        let (scheme, address) = text.split_once("://").ok_or_else(wrong)?;
        if !matches!(scheme, "http" | "https" | "tcp" | "udp" | "socks5" | "socks5h") {
            return Err(wrong());
        }
        let (pattern, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let (wild, host) = match pattern.strip_prefix("*.") {
            Some(domain) => ("*.", domain),
            None if pattern == "*" => ("*", "any"),
            None => ("", pattern),
        };
        let number = if port == "*" { "0" } else { port };
        let place = Place::of_address(scheme, &format!("{host}:{number}")).ok_or_else(wrong)?;
        let host = if wild == "*" { wild.to_owned() } else { format!("{wild}{}", place.host) };
        Ok(Self { scheme: place.scheme, host, port: (port != "*").then_some(place.port) })
    }

    fn allows(&self, place: &Place) -> bool {
        let host = match self.host.strip_prefix('*') {
            Some("") => true,
            Some(domain) => place.host.strip_suffix(domain).is_some_and(|label| !label.is_empty()),
            None => self.host == place.host,
        };
        host && self.scheme == place.scheme && self.port.is_none_or(|port| port == place.port)
    }

    fn covers(&self, other: &Self) -> bool {
        let host = match (self.host.strip_prefix('*'), other.host.strip_prefix('*')) {
            (Some(""), _) => true,
            (Some(domain), Some(narrower)) => narrower.ends_with(domain),
            (Some(domain), None) => other.host.strip_suffix(domain).is_some_and(|label| !label.is_empty()),
            (None, _) => self.host == other.host,
        };
        host && self.scheme == other.scheme && (self.port.is_none() || self.port == other.port)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Places { scheme, host, port } = match &self.0 {
            Kind::Secret(name) => return write!(f, "secret:{name}"),
            Kind::Place(places) => places,
        };
        let port = port.map_or_else(|| "*".to_owned(), |port| port.to_string());
        if host.contains(':') { write!(f, "{scheme}://[{host}]:{port}") } else { write!(f, "{scheme}://{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        Place::of_url(&text.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_grant_allows_what_it_says() {
        for (grant, yes, no) in [
            ("https://example.com:443", "https://EXAMPLE.com/x", "https://example.com:8443"),
            ("https://*.example.com:443", "https://a.b.example.com", "https://example.com"),
            ("https://*.example.com:443", "https://a.example.com", "https://aexample.com"),
            ("http://*:*", "http://10.0.0.1:99", "https://10.0.0.1:99"),
            ("http://*:80", "http://x", "http://x:81"),
            ("http://[::1]:80", "http://[::1]", "http://[::2]"),
        ] {
            let grant = Grant::parse(grant).unwrap();
            assert!(grant.allows(&place(yes)) && !grant.allows(&place(no)), "{grant}");
            assert_eq!(Grant::parse(&grant.to_string()).as_ref(), Ok(&grant));
        }
    }

    #[test]
    fn a_wider_grant_covers_narrower_ones() {
        let covers = |wide: &str, narrow: &str| Grant::parse(wide).unwrap().covers(&Grant::parse(narrow).unwrap());
        assert!(covers("tcp://*:*", "tcp://host:1") && covers("tcp://*:*", "tcp://*.host:*") && covers("tcp://*:1", "tcp://a:1"));
        assert!(covers("tcp://*.b.c:*", "tcp://a.b.c:1") && covers("tcp://*.c:*", "tcp://*.b.c:1"));
        assert!(
            !covers("tcp://*:*", "udp://host:1") && !covers("tcp://*:1", "tcp://a:*") && !covers("tcp://*.b.c:*", "tcp://*.c:*")
        );
        assert!(!covers("tcp://a:1", "tcp://*:1") && !covers("tcp://*.c:*", "tcp://c:1"));
    }

    #[test]
    fn a_secret_is_granted_by_its_name_and_leads_nowhere() {
        let grant = Grant::parse("secret:my-token").unwrap();
        assert_eq!((grant.secret(), grant.to_string().as_str()), (Some("my-token"), "secret:my-token"));
        assert!(grant.covers(&grant) && !grant.allows(&place("https://my-token")));
        let wide = Grant::parse("https://*:*").unwrap();
        assert!(!wide.covers(&grant) && !grant.covers(&wide) && wide.secret().is_none());
    }

    #[test]
    fn what_is_no_grant_is_refused() {
        for text in [
            "",
            "example.com",
            "ftp://a:1",
            "http://a",
            "http://a:x",
            "http://a*b:1",
            "http://:1",
            "http://::1:80",
            "http://u@a:1",
            "secret:",
            "secret:a b",
            "secret:*",
            "secret://a:1",
        ] {
            assert!(Grant::parse(text).is_err(), "{text}");
        }
    }
}
