//! The body of every failure (FlowG 3.4), and which error becomes which.

use axum::body::Body;
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use headworks_core::{Error, ErrorClass, ErrorCode, Violation};
use headworks_http::Told;
pub(crate) use headworks_http::json;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a client is told when an operation does not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    kind: Kind,
    http: StatusCode,
    /// Empty where the status says it all.
    cause: String,
    /// The only value in use is 422, of a failed transformer test.
    code: u16,
    /// Messages by place, such as `body` or `query:from`.
    context: BTreeMap<String, Vec<String>>,
    /// Seconds after which it may work.
    retry_after: Option<u64>,
}

/// Status word and the prefix of the error text.
type Kind = (&'static str, &'static str);
const INVALID_ARGUMENT: Kind = ("INVALID_ARGUMENT", "invalid argument");
const UNAUTHENTICATED: Kind = ("UNAUTHENTICATED", "unauthenticated");
const PERMISSION_DENIED: Kind = ("PERMISSION_DENIED", "permission denied");
const NOT_FOUND: Kind = ("NOT_FOUND", "not found");
const ALREADY_EXISTS: Kind = ("ALREADY_EXISTS", "already exists");
const RESOURCE_EXHAUSTED: Kind = ("RESOURCE_EXHAUSTED", "resource exhausted");
const INTERNAL: Kind = ("INTERNAL", "internal");
const UNIMPLEMENTED: Kind = ("UNIMPLEMENTED", "unimplemented");
const UNAVAILABLE: Kind = ("UNAVAILABLE", "unavailable");
const DEADLINE_EXCEEDED: Kind = ("DEADLINE_EXCEEDED", "deadline exceeded");

impl Failure {
    fn new(kind: Kind, http: StatusCode, cause: impl Into<String>) -> Self {
        Self { kind, http, cause: cause.into(), code: 0, context: BTreeMap::new(), retry_after: None }
    }

    /// The request cannot be used.
    pub(crate) fn invalid(cause: impl Into<String>) -> Self {
        Self::new(INVALID_ARGUMENT, StatusCode::BAD_REQUEST, cause)
    }

    /// Something is missing from the request or out of range.
    pub(crate) fn validation(place: &str, messages: Vec<String>) -> Self {
        let mut failure = Self::invalid("validation failed");
        failure.context.insert(place.to_owned(), messages);
        failure
    }

    /// A parameter cannot be read.
    pub(crate) fn malformed(place: &str, message: &str) -> Self {
        let mut failure = Self::invalid("bad request");
        failure.context.insert(place.to_owned(), vec![format!("#: {message}")]);
        failure
    }

    /// The caller lacks a scope.
    pub(crate) fn denied() -> Self {
        Self::new(PERMISSION_DENIED, StatusCode::FORBIDDEN, "")
    }

    /// What the path names does not exist.
    pub(crate) fn not_found() -> Self {
        Self::new(NOT_FOUND, StatusCode::NOT_FOUND, "")
    }

    /// Seconds after which it may work.
    pub(crate) const fn retry_after(&self) -> Option<u64> {
        self.retry_after
    }

    /// What it is answered with.
    pub(crate) const fn http(&self) -> StatusCode {
        self.http
    }

    /// What a reader is told, in one line per cause.
    pub(crate) fn text(&self) -> String {
        let mut text = if self.cause.is_empty() { self.kind.1.to_owned() } else { self.cause.clone() };
        for message in self.context.values().flatten() {
            text.push_str("; ");
            text.push_str(message);
        }
        text
    }

    /// Joins what two checks found.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.context.extend(other.context);
        self
    }

    /// A transformer that was tried does not compile or run: 400 with code 422 (FlowG 3.4).
    pub(crate) fn of_test(error: Error) -> Self {
        match error.code {
            ErrorCode::InvalidProgram
            | ErrorCode::Failed
            | ErrorCode::PluginTrap
            | ErrorCode::PluginDeadline
            | ErrorCode::PluginLimit
            | ErrorCode::PluginOutput => Self { code: 422, ..Self::invalid(error.message) },
            _ => Self::from(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (kind, http) = match error.class() {
            ErrorClass::Invalid => (INVALID_ARGUMENT, StatusCode::BAD_REQUEST),
            ErrorClass::Unauthenticated => (UNAUTHENTICATED, StatusCode::UNAUTHORIZED),
            ErrorClass::Denied => (PERMISSION_DENIED, StatusCode::FORBIDDEN),
            ErrorClass::NotFound => (NOT_FOUND, StatusCode::NOT_FOUND),
            ErrorClass::Conflict => (ALREADY_EXISTS, StatusCode::CONFLICT),
            // The contract has no words for these two; clients that know HTTP see the difference.
            ErrorClass::TooLarge => (INVALID_ARGUMENT, StatusCode::PAYLOAD_TOO_LARGE),
            ErrorClass::Full => (RESOURCE_EXHAUSTED, StatusCode::INSUFFICIENT_STORAGE),
            ErrorClass::Exhausted => (RESOURCE_EXHAUSTED, StatusCode::TOO_MANY_REQUESTS),
            ErrorClass::Internal => (INTERNAL, StatusCode::INTERNAL_SERVER_ERROR),
            ErrorClass::Unimplemented => (UNIMPLEMENTED, StatusCode::NOT_IMPLEMENTED),
            ErrorClass::Unavailable => (UNAVAILABLE, StatusCode::SERVICE_UNAVAILABLE),
            ErrorClass::Deadline => (DEADLINE_EXCEEDED, StatusCode::GATEWAY_TIMEOUT),
        };
        if matches!(error.code, ErrorCode::Internal | ErrorCode::Io | ErrorCode::Corrupt) {
            tracing::error!(code = %error.code, %error, "an operation failed");
        }
        let retry_after = error.retry_after_seconds();
        if !error.violations.is_empty() {
            let mut failure = Self::new(kind, http, error.message);
            failure.context.insert("body".to_owned(), error.violations.iter().map(told).collect());
            return failure;
        }
        match error.member {
            Some(member) if error.code == ErrorCode::Invalid && !error.message.starts_with(UNDECODABLE) => {
                Self::validation("body", vec![format!("{}: {}", pointer(&member), error.message)])
            }
            _ => Self { retry_after, ..Self::new(kind, http, error.message) },
        }
    }
}

/// What a rule finds wrong, in the form of the contract's own messages.
fn told(Violation { rule, path, message, .. }: &Violation) -> String {
    format!("#{path}: {message} (rule {rule})")
}

/// How the text begins when a value is of the wrong JSON type; everything else that names a member is a matter of validation.
const UNDECODABLE: &str = "failed to decode json";

/// `nodes[3].data` as the JSON pointer `#/nodes/3/data`.
fn pointer(member: &str) -> String {
    let parts = member.split(['.', '[', ']']).filter(|part| !part.is_empty());
    parts.fold("#".to_owned(), |pointer, part| pointer + "/" + part)
}

#[derive(Serialize)]
struct Wire<'a> {
    status: &'a str,
    error: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    code: u16,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context: &'a BTreeMap<String, Vec<String>>,
}

fn is_zero(code: &u16) -> bool {
    *code == 0
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        let (status, prefix) = self.kind;
        let error = if self.cause.is_empty() { prefix.to_owned() } else { format!("{prefix}: {}", self.cause) };
        let mut response = json(&Wire { status, error: &error, code: self.code, context: &self.context });
        *response.status_mut() = self.http;
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response.extensions_mut().insert(Told(error));
        response
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn shown(failure: Failure) -> (u16, String) {
        let response = failure.into_response();
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn bodies_have_the_agreed_form() {
        for (failure, status, body) in [
            (Failure::denied(), 403, r#"{"status":"PERMISSION_DENIED","error":"permission denied"}"#),
            (Failure::not_found(), 404, r#"{"status":"NOT_FOUND","error":"not found"}"#),
            (
                Failure::validation("query:from", vec!["missing value".into()]),
                400,
                r#"{"status":"INVALID_ARGUMENT","error":"invalid argument: validation failed","context":{"query:from":["missing value"]}}"#,
            ),
            (
                Failure::from(Error::new(ErrorCode::Unauthenticated, "missing token")),
                401,
                r#"{"status":"UNAUTHENTICATED","error":"unauthenticated: missing token"}"#,
            ),
            (
                Failure::of_test(Error::new(ErrorCode::InvalidProgram, "no")),
                400,
                r#"{"status":"INVALID_ARGUMENT","error":"invalid argument: no","code":422}"#,
            ),
            (
                Failure::from(Error::invalid("a text is expected").at("nodes[3].data.a")),
                400,
                r##"{"status":"INVALID_ARGUMENT","error":"invalid argument: validation failed","context":{"body":["#/nodes/3/data/a: a text is expected"]}}"##,
            ),
            (
                Failure::from(Error::new(ErrorCode::RuleViolation, "no").with(vec![Violation {
                    rule: "names".into(),
                    path: "/nodes/0".into(),
                    message: "wrong".into(),
                    severity: headworks_core::Severity::Error,
                }])),
                400,
                r##"{"status":"INVALID_ARGUMENT","error":"invalid argument: no","context":{"body":["#/nodes/0: wrong (rule names)"]}}"##,
            ),
            (
                Failure::from(Error::new(ErrorCode::DiskFull, "full")),
                507,
                r#"{"status":"RESOURCE_EXHAUSTED","error":"resource exhausted: full"}"#,
            ),
        ] {
            assert_eq!(shown(failure).await, (status, format!("{body}\n")));
        }
    }
}
