//! One request: its context, its answer, its line in the access log.

use crate::body::LimitedBody;
use crate::connection::{Bond, Phase};
use crate::context::{REQUEST_ID, correlation};
use crate::tls::Proof;
use crate::{HttpLimits, Quiet, RequestContext, RequestId, Shutdown, Told};
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::{BoxError, Router};
use bytes::Bytes;
use futures_util::FutureExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use metrics::{Counter, Gauge};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll};
use std::time::Instant;
use tower::Service;
use tracing::Level;

/// The target of the log lines that repeat what clients were told of their failures, on the debug level.
pub const ERRORS: &str = "errors";

/// Makes the answer to a request whose handler panicked, from its path and id.
pub(crate) type OnPanic = fn(&str, &RequestId) -> Response<Body>;

/// Counts for the metrics endpoint; the handles are made once.
pub(crate) struct Meters {
    by_class: [Counter; 5],
    pub(crate) connections: Gauge,
    pub(crate) refused: Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            by_class: ["1xx", "2xx", "3xx", "4xx", "5xx"]
                .map(|class| metrics::counter!("headworks_http_requests_total", "status" => class)),
            connections: metrics::gauge!("headworks_http_connections"),
            refused: metrics::counter!("headworks_http_connections_refused_total"),
        }
    }

    fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.by_class.get(class) {
            counter.increment(1);
        }
    }
}

/// What all connections share.
pub(crate) struct Shared {
    pub(crate) limits: Arc<HttpLimits>,
    pub(crate) shutdown: Shutdown,
    pub(crate) buffered: Arc<AtomicUsize>,
    pub(crate) meters: Meters,
}

/// What the requests of one connection share.
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) router: Router,
    pub(crate) on_panic: OnPanic,
    pub(crate) peer: SocketAddr,
    /// Where the client speaks TLS, what that proved.
    pub(crate) proof: Option<Proof>,
    pub(crate) phase: Arc<Phase>,
    /// What its requests had it hold. Not given back before all of them have ended.
    pub(crate) bond: Arc<Bond>,
}

impl Connection {
    /// Answers one request. Never fails: what goes wrong becomes an answer.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Tracked>, Infallible> {
        self.phase.busy();
        let began = Instant::now();
        let id = RequestId::of(request.headers());
        let line = Line {
            method: request.method().clone(),
            uri: request.uri().clone(),
            correlation: correlation(request.headers()),
            began,
        };
        let shared = &self.shared;
        let context = RequestContext::new(
            id.clone(),
            self.peer,
            self.proof.clone(),
            Arc::clone(&self.bond),
            Arc::clone(&shared.limits),
            shared.shutdown.clone(),
            Arc::clone(&shared.buffered),
        );
        let (mut parts, body) = request.into_parts();
        let body = if body.is_end_stream() { Body::empty() } else { Body::new(LimitedBody::new(body, context.clone())) };
        parts.extensions.insert(context);
        let mut router = self.router.clone();
        let handled = AssertUnwindSafe(async move { router.call(Request::from_parts(parts, body)).await }).catch_unwind().await;
        let mut response = match handled {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
                tracing::error!(request = id.as_str(), "a request handler panicked: {}", text.unwrap_or("no message"));
                (self.on_panic)(line.uri.path(), &id)
            }
        };
        shared.meters.answered(response.status());
        line.log(&response, &self.peer, &id);
        response.headers_mut().entry(REQUEST_ID).or_insert(id.into_header());
        if self.bond.is_refused() {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        let phase = Arc::clone(&self.phase);
        Ok(response.map(|body| Tracked { body, phase }))
    }
}

/// The plain answer to a panic.
pub(crate) fn plain_panic(_: &str, id: &RequestId) -> Response<Body> {
    let text = format!("internal error; the server's log says more under request {}\n", id.as_str());
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

/// What the access log needs of a request. The query is left out: it may hold what a filter looks for.
struct Line {
    method: Method,
    uri: Uri,
    correlation: Option<HeaderValue>,
    began: Instant,
}

impl Line {
    fn log(&self, response: &Response<Body>, peer: &SocketAddr, id: &RequestId) {
        macro_rules! log {
            ($level:expr) => {
                tracing::event!(
                    target: "accesslog",
                    $level,
                    method = self.method.as_str(),
                    path = self.uri.path(),
                    status = response.status().as_u16(),
                    micros = self.began.elapsed().as_micros() as u64,
                    peer = %peer.ip(),
                    request = id.as_str(),
                    correlation = self.correlation.as_ref().and_then(|id| id.to_str().ok()),
                )
            };
        }
        if let Some(Told(text)) = response.extensions().get::<Told>() {
            tracing::debug!(target: ERRORS, status = response.status().as_u16(), request = id.as_str(), answer = text);
        }
        if response.extensions().get::<Quiet>().is_some() {
            log!(Level::DEBUG);
        } else {
            log!(Level::INFO);
        }
    }
}

/// A response body that tells when the connection is done with it.
pub(crate) struct Tracked {
    body: Body,
    phase: Arc<Phase>,
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.phase.idle();
    }
}

impl HttpBody for Tracked {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Pin::new(&mut self.body).poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
