//! What leaves the machine on behalf of a component.
//!
//! Owns what a component may ask for and the grants it needs; how bytes travel is for whoever implements [`Network`]. What
//! must stay true: nothing is sent to a place that was not granted, redirects included.

mod grant;

pub use grant::{Grant, Place};

use headworks_core::{Batch, Result};
use std::future::Future;
use std::pin::Pin;
use tokio::io::{AsyncRead, AsyncWrite};

/// A future that can be handed between threads.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Carries requests, connections and datagrams. Decides which addresses may be reached; grants were checked before, and what
/// takes too long is dropped by the caller.
pub trait Network: Send + Sync {
    /// One HTTP request and its answer; redirects are not followed.
    fn exchange(&self, request: Request) -> Pending<'_, Result<Response, NetworkError>>;

    /// A connection to a place, encrypted if so chosen.
    fn connect<'a>(&'a self, place: &'a Place, tls: Option<Tls>) -> Pending<'a, Result<Box<dyn Connection>, NetworkError>>;

    /// One UDP datagram.
    fn datagram<'a>(&'a self, place: &'a Place, bytes: &'a [u8]) -> Pending<'a, Result<(), NetworkError>>;
}

/// A stream of bytes in both directions.
pub trait Connection: AsyncRead + AsyncWrite + Send + Sync + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Sync + Unpin> Connection for T {}

/// An HTTP request.
#[derive(Clone, Debug)]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// `http://` or `https://`.
    pub url: http::Uri,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether to speak HTTP/2 from the start.
    pub http2: bool,
    /// Through which proxy.
    pub proxy: Option<http::Uri>,
    /// How an encrypted connection is checked.
    pub tls: Tls,
    /// The most bytes of the answer's body.
    pub most: usize,
}

/// How an encrypted connection is checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// The name that the certificate must carry, if not the host's.
    pub server_name: Option<String>,
    /// Certificates in PEM that are trusted besides the usual ones.
    pub roots: Option<String>,
    /// Whether every certificate will do.
    pub insecure: bool,
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// Names and values, as far as they are text.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What came behind the body.
    pub trailers: Vec<(String, String)>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// Not granted, or an address that is not allowed.
    #[error("{0}")]
    Denied(String),
    /// The request makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// No such name, nobody answers, or the connection ended.
    #[error("{0}")]
    Unreachable(String),
    /// The certificate is not trusted, or the handshake failed.
    #[error("{0}")]
    Untrusted(String),
    /// It took too long.
    #[error("{0}")]
    Late(String),
    /// The answer is not what the protocol says, or exceeds a limit.
    #[error("{0}")]
    Protocol(String),
}

/// Turns texts that may be computed from records into [`Template`]s.
pub trait Templates: Send + Sync {
    /// Compiles a text.
    ///
    /// # Errors
    /// Why it does not compile.
    fn compile(&self, text: &str) -> Result<Box<dyn Template>, String>;
}

/// A text that may differ from record to record.
pub trait Template: Send + Sync {
    /// Per record the text, or why there is none.
    fn texts(&self, batch: &Batch) -> Vec<Result<String, String>>;
}
