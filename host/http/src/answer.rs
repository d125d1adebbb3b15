//! What dialects make answers of.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use headworks_core::ErrorClass;
use serde::Serialize;

/// A JSON document with a line feed.
pub fn json(document: &impl Serialize) -> Response<Body> {
    let mut body = serde_json::to_vec(document).unwrap_or_default();
    body.push(b'\n');
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The status that fits an error, for dialects that have no table of their own.
pub fn status(class: ErrorClass) -> StatusCode {
    match class {
        ErrorClass::Invalid => StatusCode::BAD_REQUEST,
        ErrorClass::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorClass::Denied => StatusCode::FORBIDDEN,
        ErrorClass::NotFound => StatusCode::NOT_FOUND,
        ErrorClass::Conflict => StatusCode::CONFLICT,
        ErrorClass::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorClass::Exhausted => StatusCode::TOO_MANY_REQUESTS,
        ErrorClass::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorClass::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        ErrorClass::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorClass::Deadline => StatusCode::GATEWAY_TIMEOUT,
        ErrorClass::Full => StatusCode::INSUFFICIENT_STORAGE,
    }
}
