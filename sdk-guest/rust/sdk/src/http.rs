//! HTTP, for forwarders, event hooks and identity providers. Connections are kept and reused by the host; a plugin reaches what it was granted and nothing else.

use crate::forwarder::{Retry, Stop};
use crate::host;
use std::fmt;

/// For a whole exchange, unless it is said otherwise.
const TIMEOUT_MILLISECONDS: u32 = 10_000;
/// So much of an answer is quoted, in bytes.
const QUOTED: usize = 512;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// `http://` or `https://`.
    pub url: String,
    /// The host adds `host` and `content-length` where they are missing.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Redirects to follow.
    pub redirects: u8,
    /// For the whole exchange.
    pub timeout_milliseconds: u32,
}

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// Why no answer came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NetworkError {
    /// Not granted, or an address that the operator does not allow.
    Denied(String),
    /// The request makes no sense.
    Invalid(String),
    /// No such name, nobody answers, or the connection ended.
    Unreachable(String),
    /// The certificate is not trusted, or the handshake failed.
    Untrusted(String),
    /// It took too long.
    Late(String),
    /// The answer is not what the protocol says, or exceeds a limit.
    Protocol(String),
}

impl fmt::Display for NetworkError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(why) | Self::Invalid(why) | Self::Untrusted(why) => to.write_str(why),
            Self::Unreachable(why) | Self::Late(why) | Self::Protocol(why) => to.write_str(why),
        }
    }
}

impl std::error::Error for NetworkError {}

impl NetworkError {
    /// Whether a later attempt may succeed with the same configuration.
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Late(_) | Self::Protocol(_))
    }
}

impl Request {
    /// A request without body.
    pub fn new(method: &str, url: &str) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            redirects: 0,
            timeout_milliseconds: TIMEOUT_MILLISECONDS,
        }
    }

    /// A POST of a JSON document.
    pub fn post_json(url: &str, document: &serde_json::Value) -> Self {
        Self::new("POST", url).header("Content-Type", "application/json").body(document.to_string())
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// With a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it.
    ///
    /// # Errors
    /// No answer came.
    pub fn send(&self) -> Result<Response, NetworkError> {
        host::send(self)
    }
}

impl Response {
    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The beginning of the body as text, for messages.
    pub fn quoted(&self) -> String {
        String::from_utf8_lossy(self.body.get(..QUOTED).unwrap_or(&self.body)).trim().to_owned()
    }

    /// What an answer other than success means for the records from `at` on: whether trying again is of use, and when.
    pub fn stop(&self, at: usize) -> Stop {
        let reason = format!("the target answers {}: {}", self.status, self.quoted());
        let seconds = self.header("retry-after").and_then(|text| text.trim().parse::<u32>().ok());
        let retry = match self.status {
            408 | 425 | 429 | 500..=599 => Retry::After(seconds.unwrap_or(1).saturating_mul(1_000)),
            _ => Retry::Never,
        };
        Stop { at, reason, retry }
    }
}

/// What a grant for a URL is called: `https://host:443`. For [`Forwarder::targets`](crate::Forwarder::targets).
///
/// # Errors
/// It is no URL of HTTP.
pub fn target(url: &str) -> Result<String, String> {
    let refuse = || format!("{url:?} is no URL that begins with http:// or https://");
    let (scheme, rest) = url.split_once("://").ok_or_else(refuse)?;
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return Err(refuse()),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| refuse())?),
        _ => (authority, usual),
    };
    if host.is_empty() || host.contains(char::is_whitespace) { Err(refuse()) } else { Ok(format!("{scheme}://{host}:{port}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_grant() {
        assert_eq!(target("https://example.com/a?b").unwrap(), "https://example.com:443");
        assert_eq!(target("http://u:p@[::1]:8080/").unwrap(), "http://[::1]:8080");
        assert_eq!(target("http://[::1]/").unwrap(), "http://[::1]:80");
        for url in ["", "example.com", "ftp://a", "https://", "https://:1/", "http://a:b", "http://a b/"] {
            assert!(target(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_status_says_whether_to_try_again() {
        let stop = |status| Response { status, ..Response::default() }.stop(3);
        assert_eq!(stop(503).retry, Retry::After(1_000));
        assert_eq!(stop(404), Stop { at: 3, reason: "the target answers 404: ".to_owned(), retry: Retry::Never });
        let busy = Response { status: 429, headers: vec![("Retry-After".into(), "7".into())], body: Vec::new() };
        assert_eq!(busy.stop(0).retry, Retry::After(7_000));
    }
}
