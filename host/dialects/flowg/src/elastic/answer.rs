//! Bodies of answers and of failures, in the shape that Elasticsearch's clients read.

use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use headworks_core::Error;
use headworks_http::{Quiet, Told};
use serde::Serialize;
use serde_json::{Value, json as value};

/// Why a request, or a document of it, is refused.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    kind: &'static str,
    reason: String,
    /// Seconds after which it may work.
    retry_after: Option<u64>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, kind: &'static str, reason: impl Into<String>) -> Self {
        Self { status, kind, reason: reason.into(), retry_after: None }
    }

    /// The request cannot be used.
    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "illegal_argument_exception", reason)
    }

    /// There is no pipeline of that name.
    pub(crate) fn no_index(index: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "index_not_found_exception", format!("no such index [{index}]"))
    }

    /// Whether a quota is used up.
    pub(crate) const fn is_quota(&self) -> bool {
        self.retry_after.is_some()
    }

    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The cause, as in answers about one document.
    pub(crate) fn cause(&self) -> Value {
        value!({"type": self.kind, "reason": self.reason})
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let kind = match failure.http() {
            StatusCode::BAD_REQUEST => "document_parsing_exception",
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => "security_exception",
            StatusCode::NOT_FOUND => "index_not_found_exception",
            StatusCode::PAYLOAD_TOO_LARGE => "content_too_long_exception",
            StatusCode::TOO_MANY_REQUESTS => "es_rejected_execution_exception",
            StatusCode::SERVICE_UNAVAILABLE => "unavailable_shards_exception",
            _ => "exception",
        };
        Self { retry_after: failure.retry_after(), ..Self::new(failure.http(), kind, failure.text()) }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Failure::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let cause = self.cause();
        let mut response = json(&value!({
            "error": {"root_cause": [cause], "type": self.kind, "reason": self.reason},
            "status": self.status.as_u16(),
        }));
        *response.status_mut() = self.status;
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"headworks\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Quiet);
        response.extensions_mut().insert(Told(self.reason));
        response
    }
}

/// A success.
pub(crate) fn answer(document: &impl Serialize) -> Response<Body> {
    let mut response = json(document);
    // Shippers send many; like all ingestion they are logged on the debug level (FlowG 18).
    response.extensions_mut().insert(Quiet);
    response
}
