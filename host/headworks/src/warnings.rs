//! What rules warn of, told with the answer to the request that they are about: one header for each warning, in every dialect.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use headworks_core::Violation;
use headworks_rules::collecting;

/// `rule; path; message`, each percent-encoded where it is not plain ASCII.
const HEADER: HeaderName = HeaderName::from_static("headworks-warning");
/// The most bytes of one header.
const BYTES: usize = 512;

/// Answers a request, with what rules warned of meanwhile.
pub(crate) async fn told(request: Request, next: Next) -> Response {
    let (mut response, warnings) = collecting(next.run(request)).await;
    for warning in &warnings {
        response.headers_mut().append(HEADER, header(warning));
    }
    response
}

fn header(warning: &Violation) -> HeaderValue {
    use std::fmt::Write as _;
    let Violation { rule, path, message, .. } = warning;
    let mut text = String::new();
    for byte in format!("{rule}; {path}; {message}").bytes() {
        if text.len() + 3 > BYTES {
            break;
        }
        match byte {
            b' '..=b'~' if byte != b'%' => text.push(char::from(byte)),
            // Writing to a text does not fail.
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("a rule warns"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_cannot_make_headers_of_its_own() {
        let message = format!("é%\r\nSet-Cookie: a=b{}", "x".repeat(2000));
        let severity = headworks_core::Severity::Warning;
        let header = header(&Violation { rule: "names".to_owned(), path: "/a".to_owned(), message, severity });
        let text = header.to_str().unwrap_or_default();
        assert!(text.starts_with("names; /a; %C3%A9%25%0D%0ASet-Cookie: a=b"), "{text}");
        assert!(text.len() <= BYTES);
    }
}
