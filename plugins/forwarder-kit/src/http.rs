//! HTTP exchanges and what their outcome means.

use crate::endpoint::Endpoint;
use crate::failure::{Failure, Retry};
use crate::network::{Network, TIMEOUT_MILLISECONDS, Tls};

/// As many redirects as upstream's client follows.
const REDIRECTS: u8 = 10;
/// So much of an answer is quoted, in bytes.
const QUOTED: usize = 512;

/// The version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2.
    Http2,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `POST` and the like.
    pub method: &'static str,
    /// Where to.
    pub url: String,
    /// In this order; the host adds `host` and `content-length`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The version.
    pub version: Version,
    /// How many redirects are followed.
    pub redirects: u8,
    /// For the whole exchange.
    pub timeout_milliseconds: u32,
    /// The proxy of this request; none leaves it to the server.
    pub proxy: Option<String>,
    /// How it is encrypted where that is not the usual way.
    pub tls: Option<Tls>,
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
    /// What came after the body.
    pub trailers: Vec<(String, String)>,
}

impl Request {
    /// A request over HTTP/1.1 that follows redirects. A user and password in the URL become an Authorization header.
    pub fn new(method: &'static str, endpoint: &Endpoint) -> Self {
        let headers = endpoint.credentials.iter().map(|known| ("Authorization".to_owned(), known.basic())).collect();
        Self {
            method,
            url: endpoint.url(),
            headers,
            body: Vec::new(),
            version: Version::Http1,
            redirects: REDIRECTS,
            timeout_milliseconds: TIMEOUT_MILLISECONDS,
            proxy: None,
            tls: None,
        }
    }

    /// Sets a header; one of that name is replaced.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
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
    pub fn send(self, network: &dyn Network) -> Result<Response, Failure> {
        Ok(network.http(self)?)
    }
}

impl Response {
    /// Whether the status is one of success.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A header or trailer.
    pub fn header(&self, name: &str) -> Option<&str> {
        let all = self.trailers.iter().chain(&self.headers);
        all.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The beginning of the body as one text, for messages.
    pub fn quoted(&self) -> String {
        let start = self.body.get(..QUOTED).unwrap_or(&self.body);
        String::from_utf8_lossy(start).trim().to_owned()
    }

    /// `unexpected status code: N`, and what that status means for the records.
    pub fn unexpected(&self) -> Failure {
        self.failure(format!("unexpected status code: {}", self.status))
    }

    /// What this status means for the records, with another text.
    pub fn failure(&self, reason: String) -> Failure {
        match self.status {
            400 | 406 | 413 | 414 | 415 | 422 | 431 => Failure::Rejected(reason),
            408 | 425 | 429 | 500..=599 => match self.retry_after() {
                Some(milliseconds) => Failure::Stopped(reason, Retry::After(milliseconds)),
                None => Failure::later(reason),
            },
            _ => Failure::never(reason),
        }
    }

    fn retry_after(&self) -> Option<u32> {
        self.header("retry-after")?.trim().parse::<u32>().ok().map(|seconds| seconds.saturating_mul(1_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_what_becomes_of_the_records() {
        let failure = |status: u16| Response { status, ..Response::default() }.unexpected();
        assert_eq!(failure(400), Failure::Rejected("unexpected status code: 400".to_owned()));
        assert_eq!(failure(404), Failure::never("unexpected status code: 404"));
        assert_eq!(failure(302), Failure::never("unexpected status code: 302"));
        assert_eq!(failure(503), Failure::later("unexpected status code: 503"));
        let busy = Response { status: 429, headers: vec![("Retry-After".into(), "7".into())], ..Response::default() };
        assert_eq!(busy.unexpected(), Failure::Stopped("unexpected status code: 429".into(), Retry::After(7_000)));
    }

    #[test]
    fn a_password_in_a_url_becomes_a_header_that_can_be_replaced() {
        let endpoint = Endpoint::http("url", "http://user:pass@example.com/x").unwrap();
        let request = Request::new("POST", &endpoint);
        assert_eq!(request.url, "http://example.com/x");
        assert_eq!(request.headers, [("Authorization".to_owned(), "Basic dXNlcjpwYXNz".to_owned())]);
        let request = request.header("authorization", "Bearer x");
        assert_eq!(request.headers, [("authorization".to_owned(), "Bearer x".to_owned())]);
    }
}
