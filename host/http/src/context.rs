//! What is known of a request before any dialect looks at it.

use crate::connection::Bond;
use crate::tls::Proof;
use crate::{HttpLimits, Shutdown};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use headworks_core::{Error, ErrorCode, Result};
use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Header that names a request, in requests and in answers.
pub(crate) const REQUEST_ID: &str = "x-request-id";
/// Longest request or correlation id taken from a client, in bytes.
const MAX_ID: usize = 128;

/// Names one request in logs and answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// The id that the client sent if it is usable, else a new one.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        headers.get(REQUEST_ID).filter(|id| usable(id)).cloned().map_or_else(Self::new, Self)
    }

    fn new() -> Self {
        static NEXT: std::sync::LazyLock<AtomicU64> =
            std::sync::LazyLock::new(|| AtomicU64::new(uuid::Uuid::new_v4().as_u64_pair().0));
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let digits: [u8; 16] = std::array::from_fn(|place| {
            let digit = (number >> (60 - 4 * place)) as u8 & 15;
            if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
        });
        Self(HeaderValue::from_bytes(&digits).unwrap_or(HeaderValue::from_static("unknown")))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn into_header(self) -> HeaderValue {
        self.0
    }
}

fn usable(id: &HeaderValue) -> bool {
    (1..=MAX_ID).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic)
}

/// The correlation id that the client sent, if it is usable (FlowG 3.1).
pub(crate) fn correlation(headers: &HeaderMap) -> Option<HeaderValue> {
    headers.get("x-correlation-id").filter(|id| usable(id)).cloned()
}

/// Put among the extensions of an answer whose access log entry belongs on the debug level (ingestion, passwords).
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

/// Put among the extensions of an answer that tells of a failure: its text, for the log.
#[derive(Clone, Debug)]
pub struct Told(pub String);

/// One request as the server sees it. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct RequestContext(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: RequestId,
    peer: SocketAddr,
    proof: Option<Proof>,
    bond: Arc<Bond>,
    limits: Arc<HttpLimits>,
    shutdown: Shutdown,
    /// Body bytes of this request that count against `all`.
    held: AtomicUsize,
    all: Arc<AtomicUsize>,
    /// Whether the body is handed on piece by piece instead of being held.
    passed_on: AtomicBool,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.all.fetch_sub(*self.held.get_mut(), Ordering::Relaxed);
    }
}

impl RequestContext {
    pub(crate) fn new(
        id: RequestId,
        peer: SocketAddr,
        proof: Option<Proof>,
        bond: Arc<Bond>,
        limits: Arc<HttpLimits>,
        shutdown: Shutdown,
        all: Arc<AtomicUsize>,
    ) -> Self {
        let (held, passed_on) = Default::default();
        Self(Arc::new(Inner { id, peer, proof, bond, limits, shutdown, held, all, passed_on }))
    }

    /// Names the request.
    pub fn id(&self) -> &RequestId {
        &self.0.id
    }

    /// Where it comes from.
    pub fn peer(&self) -> IpAddr {
        self.0.peer.ip().to_canonical()
    }

    /// Whether it came over TLS to this server.
    pub fn tls(&self) -> bool {
        self.0.proof.is_some()
    }

    /// The certificate (DER) that the client proved to own, if the listener asks for one and the client has one.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.0.proof.as_ref()?.certificate.as_deref()
    }

    /// Has the connection of this request hold something until it ends, unless an earlier request had it hold something.
    ///
    /// # Errors
    /// That of making it. The connection ends with the answer to this request then.
    pub fn hold_with_connection<T: fmt::Debug + Send + Sync + 'static>(&self, make: impl FnOnce() -> Result<T>) -> Result<()> {
        self.0.bond.hold(make)
    }

    /// The bounds it is read under.
    pub fn limits(&self) -> &HttpLimits {
        &self.0.limits
    }

    /// Cancelled when the server begins to stop: answers without an end of their own must end then.
    pub fn shutdown(&self) -> &Shutdown {
        &self.0.shutdown
    }

    /// From now on the body is not held: it may be as long as an upload and takes as long as it keeps coming.
    pub(crate) fn pass_on(&self) {
        self.0.passed_on.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_passed_on(&self) -> bool {
        self.0.passed_on.load(Ordering::Relaxed)
    }

    /// The same request under other limits.
    #[cfg(test)]
    pub(crate) fn with_limits(&self, limits: HttpLimits) -> Self {
        Self::new(
            self.0.id.clone(),
            self.0.peer,
            self.0.proof.clone(),
            Arc::default(),
            Arc::new(limits),
            self.0.shutdown.clone(),
            Arc::clone(&self.0.all),
        )
    }

    /// Counts bytes that are held for this request until its last clone is dropped.
    ///
    /// # Errors
    /// [`ErrorCode::Exhausted`] when all requests together hold too much.
    pub(crate) fn hold(&self, bytes: usize) -> Result<()> {
        let limit = self.0.limits.buffered_bytes;
        self.0.held.fetch_add(bytes, Ordering::Relaxed);
        if self.0.all.fetch_add(bytes, Ordering::Relaxed) + bytes > limit {
            return Err(Error::new(
                ErrorCode::Exhausted,
                format!("the bodies of all requests together may hold {limit} bytes; send again later"),
            ));
        }
        Ok(())
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    /// A request that did not come through [`serve`](crate::serve) gets a context with default limits.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| {
            let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            Self::new(RequestId::of(&parts.headers), peer, None, Arc::default(), Arc::default(), Shutdown::new(), Arc::default())
        }))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ids_of_clients_are_kept_when_harmless() {
        let id = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, text.parse().unwrap());
            RequestId::of(&headers).as_str().to_owned()
        };
        assert_eq!(id("a-b_1"), "a-b_1");
        assert_ne!(id("two words"), "two words");
        let long = "x".repeat(MAX_ID + 1);
        assert_ne!(id(&long), long);
        assert_ne!(id(&long), id(&long));
    }

    #[test]
    fn held_bytes_are_given_back() {
        let limits = Arc::new(HttpLimits { buffered_bytes: 10, ..HttpLimits::default() });
        let all = Arc::new(AtomicUsize::new(0));
        let make = || {
            let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            RequestContext::new(
                RequestId::new(),
                peer,
                None,
                Arc::default(),
                Arc::clone(&limits),
                Shutdown::new(),
                Arc::clone(&all),
            )
        };
        let (one, two) = (make(), make());
        one.hold(8).unwrap();
        assert_eq!(two.hold(3).unwrap_err().code, ErrorCode::Exhausted);
        drop((one, two));
        assert_eq!(all.load(Ordering::Relaxed), 0);
        make().hold(10).unwrap();
    }
}
