//! What happens to every request before its operation and to every answer after it (NiFi Registry 2).

use crate::failure::Failure;
use crate::{App, PREFIX};
use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, State};
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use headworks_http::RequestContext;
use headworks_identity::Security;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// Answers of fewer bytes are not compressed.
const COMPRESSED: u64 = 1024;

/// The operations as they are reached from outside.
pub(crate) fn around(operations: Router, app: App) -> Router {
    let operations = operations.layer(compression());
    Router::new().nest_service(PREFIX, ServiceBuilder::new().layer(from_fn_with_state(app, pass)).service(operations))
}

/// Answers are compressed for those who take gzip, except archives, which are compressed already (NiFi Registry 2.2). Quickly
/// rather than well: it happens while an answer is sent.
fn compression() -> CompressionLayer<impl Predicate> {
    let worth_it = SizeAbove::new(COMPRESSED).and(NotForContentType::const_new("application/octet-stream"));
    CompressionLayer::new().quality(CompressionLevel::Fastest).compress_when(worth_it)
}

async fn pass(State(app): State<App>, request: Request<Body>, next: Next) -> Response<Body> {
    let request = plainly(request);
    let of_a_person = PRIVATE.contains(&request.uri().path().split('/').nth(1).unwrap_or_default());
    let tls = request.extensions().get::<RequestContext>().is_some_and(RequestContext::tls);
    let mut response = guarded(next.run(request).await, of_a_person);
    if tls || app.options.security == Security::Secured {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31540000"));
    }
    response
}

/// First parts of paths whose answers are about one person.
const PRIVATE: &[&str] = &["access", "policies", "tenants"];

pub(crate) async fn unknown_path() -> Failure {
    no_such_path()
}

pub(crate) fn no_such_path() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "HTTP 404 Not Found")
}

/// The names of parts of paths that are numbers of versions.
const NUMBERS: &[&str] = &["number", "a", "b"];

/// A number of a version in a path, which is digits only: with anything else it is no path (NiFi Registry 2.1). What is larger
/// than any number exists no more than the largest.
pub(crate) fn number(text: &str) -> Result<u32, Failure> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(no_such_path());
    }
    Ok(text.parse().unwrap_or(u32::MAX))
}

pub(crate) async fn wrong_method(parts: RawPathParams) -> Failure {
    let numbers = parts.iter().filter(|(name, _)| NUMBERS.contains(name));
    if let Some(no_path) = numbers.filter_map(|(_, text)| number(text).err()).next() {
        return no_path;
    }
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, "HTTP 405 Method Not Allowed")
}

/// A request with the method that is meant, and without a slash at the end of its path (NiFi Registry 2.1).
fn plainly(mut request: Request<Body>) -> Request<Body> {
    if let Some(method) = meant(&request) {
        *request.method_mut() = method;
    }
    if let Some(uri) = without_slash(request.uri()) {
        *request.uri_mut() = uri;
    }
    request
}

fn meant(request: &Request<Body>) -> Option<Method> {
    if request.method() != Method::POST {
        return None;
    }
    let header = request.headers().get("x-http-method-override").and_then(|value| value.to_str().ok());
    let in_query = || request.uri().query()?.split('&').find_map(|pair| pair.strip_prefix("_method="));
    header.or_else(in_query)?.to_ascii_uppercase().parse().ok()
}

fn without_slash(uri: &Uri) -> Option<Uri> {
    let path = uri.path().strip_suffix('/').filter(|path| !path.is_empty())?;
    let text = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

const HEADERS: &[(HeaderName, &str)] = &[
    (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
    (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'self'"),
    (header::X_XSS_PROTECTION, "1; mode=block"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::CACHE_CONTROL, "no-cache, no-store, max-age=0, must-revalidate"),
    (header::PRAGMA, "no-cache"),
    (header::EXPIRES, "0"),
];

/// An answer with the headers that every answer has; those that its operation set stay (NiFi Registry 2.4).
fn guarded(mut response: Response<Body>, of_a_person: bool) -> Response<Body> {
    let headers = response.headers_mut();
    if of_a_person {
        let value = HeaderValue::from_static("private, no-cache, no-store, no-transform");
        headers.entry(header::CACHE_CONTROL).or_insert(value);
    }
    for (name, value) in HEADERS {
        if !headers.contains_key(name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}
