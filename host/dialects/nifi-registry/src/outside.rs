//! What happens to every request before its operation and to every answer after it (NiFi Registry 2).

use crate::PREFIX;
use crate::failure::Failure;
use axum::Router;
use axum::body::Body;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use std::convert::Infallible;
use tower::{ServiceBuilder, ServiceExt};

/// The operations as they are reached from outside.
pub(crate) fn around(operations: Router) -> Router {
    let service = ServiceBuilder::new().map_request(plainly).map_response(guarded).service(operations);
    Router::new().nest_service(PREFIX, service.map_err(|never: Infallible| match never {}))
}

pub(crate) async fn unknown_path() -> Failure {
    Failure::new(StatusCode::NOT_FOUND, "HTTP 404 Not Found")
}

pub(crate) async fn wrong_method() -> Failure {
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
fn guarded(mut response: Response<Body>) -> Response<Body> {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        if !headers.contains_key(name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    response
}
