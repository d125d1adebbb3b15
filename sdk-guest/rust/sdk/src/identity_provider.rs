//! Plugins that say who sent a request that asks for a token.

use crate::{About, OpenError};
use serde::de::DeserializeOwned;

/// Says who sent a request that asks for a token.
pub trait IdentityProvider: Sized + 'static {
    /// What it says of itself. It asks for the places it may have to reach: `https://*:443`.
    const ABOUT: About;
    /// Its configuration.
    type Config: DeserializeOwned;

    /// What this configuration needs to reach, such as `https://example.com:443`; see [`http::target`](crate::http::target).
    /// Nothing by default.
    ///
    /// # Errors
    /// The configuration cannot be used; its author reads the text.
    fn targets(_config: &Self::Config) -> Result<Vec<String>, OpenError> {
        Ok(Vec::new())
    }

    /// Gets ready. An instance is kept and called for many requests.
    ///
    /// # Errors
    /// The configuration cannot be used; its author reads the text.
    fn open(config: Self::Config) -> Result<Self, OpenError>;

    /// For people: how credentials are put into a request.
    fn usage(&self) -> Option<String>;

    /// Whether the request holds credentials of this provider's kind. They are not verified.
    fn test(&mut self, request: &Request) -> bool;

    /// Who sent the request.
    ///
    /// # Errors
    /// Nobody is known to have sent it.
    fn authenticate(&mut self, request: &Request) -> Result<Identity, Denial>;
}

/// What the credentials are looked for in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// Names in lower case, and values, in the order in which they came.
    pub headers: Vec<(String, String)>,
}

impl Request {
    /// A request with these headers, for tests.
    pub fn new(headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| (name.to_lowercase(), (*value).to_owned())).collect();
        Self { method: "POST".to_owned(), headers }
    }

    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// What policies know it by.
    pub name: String,
    /// What people are shown, where it differs.
    pub display_name: Option<String>,
    /// How long the token may be used at most, where the provider has a say in that.
    pub lifetime_seconds: Option<u32>,
}

impl Identity {
    /// Somebody of whom only the name is known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// Why nobody is known to have sent a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// There are no credentials of this provider's kind, or they are wrong. The reason is for the log.
    Refused(String),
    /// It cannot be said now.
    Failed(String),
}

impl Denial {
    /// There are no such credentials, or they are wrong.
    pub fn refused(why: impl ToString) -> Self {
        Self::Refused(why.to_string())
    }
}
