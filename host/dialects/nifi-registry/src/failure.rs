//! The body of every failure: one line of text (NiFi Registry 4).

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use headworks_core::Error;
use headworks_http::{Told, status};

/// What a client is told when an operation does not succeed.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    text: String,
    retry_after: Option<u64>,
    challenge: Option<&'static str>,
}

impl Failure {
    /// A failure that no rule below this dialect knows.
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), retry_after: None, challenge: None }
    }

    /// 400.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }

    /// 409: the state or the configuration of the server forbids it.
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, text)
    }

    /// 401 for those whose credentials are no good.
    pub(crate) fn unauthenticated(text: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, text)
    }

    /// The same refusal with a way to prove oneself.
    pub(crate) fn challenging(self, scheme: &'static str) -> Self {
        Self { challenge: Some(scheme), ..self }
    }

    /// A token that is malformed, expired or revoked; nobody learns which (NiFi Registry 4.1).
    pub(crate) fn bad_token() -> Self {
        Self::unauthenticated("Unable to validate the access token. Contact the system administrator.\n")
    }

    /// A refusal at the addresses that a filter guards (NiFi Registry 4.1).
    pub(crate) fn guarded(self) -> Self {
        Self { text: format!("Access is denied due to: {}\n", self.text), ..self }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = status(error.class());
        let retry_after = error.retry_after_seconds();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code = %error.code, %error, "an operation failed");
            return Self::new(status, "An unexpected error has occurred. Please check the logs for additional details.");
        }
        let mut text = error.message;
        for violation in &error.violations {
            text.push_str(&format!(", {}: {} {}", violation.rule, violation.path, violation.message));
        }
        Self { status, text, retry_after, challenge: None }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.text.clone()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if let Some(scheme) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme));
        }
        response.extensions_mut().insert(Told(self.text));
        response
    }
}
