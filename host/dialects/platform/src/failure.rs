//! The body of every failure: a problem document (RFC 9457).

use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use axum::response::IntoResponse;
use headworks_core::{Error, ErrorCode, Violation};
pub(crate) use headworks_http::json;
use headworks_http::status;
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
        let status = status(error.class());
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
