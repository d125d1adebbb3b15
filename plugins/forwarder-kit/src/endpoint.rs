//! Where things are sent: checked URLs and addresses, and what a grant for them is called.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Uri;
use percent_encoding::percent_decode_str;

/// A user and a password, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The user.
    pub user: String,
    /// The password; empty where there is none.
    pub password: String,
}

impl Credentials {
    /// The value of an Authorization header.
    pub fn basic(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password)))
    }
}

/// A URL, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// In lower case.
    pub scheme: String,
    /// As in the URL: an IPv6 address has its brackets.
    pub host: String,
    /// The port of the scheme where the URL has none.
    pub port: u16,
    /// Host and port as the URL has them, for the `Host` header.
    pub authority: String,
    /// Path and query as in the URL.
    pub path: String,
    /// What stands before the host.
    pub credentials: Option<Credentials>,
}

impl Endpoint {
    /// Reads the URL in a member. `schemes` are those allowed, with their ports.
    ///
    /// # Errors
    /// Names the member and says what is allowed.
    pub fn parse(member: &str, url: &str, schemes: &[(&str, u16)]) -> Result<Self, String> {
        let wanted: Vec<String> = schemes.iter().map(|(scheme, _)| format!("{scheme}://")).collect();
        let refuse = || format!("{member}: {url:?} is no URL that begins with {}", wanted.join(" or "));
        let uri: Uri = url.parse().map_err(|_| refuse())?;
        let scheme = uri.scheme_str().ok_or_else(refuse)?.to_ascii_lowercase();
        let (_, usual) = schemes.iter().find(|(name, _)| *name == scheme).ok_or_else(refuse)?;
        let authority = uri.authority().ok_or_else(refuse)?;
        if authority.host().is_empty() {
            return Err(refuse());
        }
        let (before, authority_text) = match authority.as_str().rsplit_once('@') {
            Some((before, after)) => (Some(before), after.to_owned()),
            None => (None, authority.as_str().to_owned()),
        };
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Self {
            host: authority.host().to_owned(),
            port: uri.port_u16().unwrap_or(*usual),
            authority: authority_text,
            credentials: before.map(credentials),
            scheme,
            path,
        })
    }

    /// Reads an HTTP URL.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn http(member: &str, url: &str) -> Result<Self, String> {
        Self::parse(member, url, &[("http", 80), ("https", 443)])
    }

    /// What a grant for it is called: `https://host:443`.
    pub fn target(&self) -> String {
        format!("{}://{}:{}", self.scheme, self.host, self.port)
    }

    /// `host:port`.
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The URL without user and password.
    pub fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority, self.path)
    }
}

fn credentials(text: &str) -> Credentials {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    Credentials { user: decode(user), password: decode(password) }
}

/// Checks a `host:port`.
///
/// # Errors
/// Names the member.
pub fn address(member: &str, text: &str) -> Result<(), String> {
    let refuse = || format!("{member}: {text:?} is no host:port");
    let (host, port) = text.rsplit_once(':').ok_or_else(refuse)?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let known = match bracketed {
        Some(host) => host.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)),
    };
    if known && port.parse::<u16>().is_ok_and(|port| port > 0) { Ok(()) } else { Err(refuse()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart() {
        let endpoint = Endpoint::http("url", "HTTPS://us%40er:p%3Aw@Example.com/a/b?c=d").unwrap();
        assert_eq!(endpoint.target(), "https://Example.com:443");
        assert_eq!(endpoint.url(), "https://Example.com/a/b?c=d");
        assert_eq!(endpoint.credentials, Some(Credentials { user: "us@er".into(), password: "p:w".into() }));
        assert_eq!(Endpoint::http("url", "http://[::1]:8080").unwrap().target(), "http://[::1]:8080");
        assert_eq!(Endpoint::http("url", "http://[::1]:8080").unwrap().path, "/");
    }

    #[test]
    fn what_is_no_url_is_refused_with_its_member() {
        for text in ["", "example.com", "ftp://example.com/", "http://", "http:///x", "http://a b/"] {
            let error = Endpoint::http("endpoint", text).unwrap_err();
            assert_eq!(error, format!("endpoint: {text:?} is no URL that begins with http:// or https://"));
        }
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        for text in ["a.example:514", "10.0.0.1:1", "[::1]:65535", "my_host:9000"] {
            address("address", text).unwrap();
        }
        for text in ["", "a", "a:", ":1", "a:0", "a:65536", "::1:5", "[x]:1", "a b:1"] {
            assert_eq!(address("address", text).unwrap_err(), format!("address: {text:?} is no host:port"));
        }
    }
}
