//! The body of every failure: a problem document (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use headworks_core::{Error, ErrorClass, ErrorCode, Violation};
use serde::Serialize;

/// What a client is told when an operation does not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure(Error);

impl Failure {
    /// The caller lacks a scope.
    pub(crate) fn denied(scope: headworks_identity::Scope) -> Self {
        Self(Error::new(ErrorCode::Denied, format!("the scope {} is needed", scope.as_str())))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        if matches!(error.code, ErrorCode::Internal | ErrorCode::Io | ErrorCode::Corrupt) {
            tracing::error!(code = %error.code, %error, "an operation failed");
        }
        Self(error)
    }
}

#[derive(Serialize)]
struct Problem<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    /// Stable; see [`ErrorCode`].
    code: &'a str,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'a str>,
    /// What the tenant's rules find wrong.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    violations: &'a [Violation],
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        let Self(error) = self;
        let status = status(&error);
        let mut response = json(&Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            code: error.code.as_str(),
            detail: &error.message,
            member: error.member.as_deref(),
            violations: &error.violations,
        });
        *response.status_mut() = status;
        if let Some(seconds) = error.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

fn status(error: &Error) -> StatusCode {
    match error.class() {
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

/// A JSON document with a line feed.
pub(crate) fn json(document: &impl Serialize) -> Response<Body> {
    let mut body = serde_json::to_vec(document).unwrap_or_default();
    body.push(b'\n');
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
