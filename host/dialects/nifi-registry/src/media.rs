//! What an operation answers with, and whether the client takes it (NiFi Registry 2.2).

use crate::failure::Failure;
use crate::repository::ROOT;
use axum::http::{HeaderMap, StatusCode, header};

/// Refuses a client that does not take what the operation at this path answers with. Says nothing of paths that lead
/// elsewhere: they answer nothing or a failure, which is text whatever a client takes.
pub(crate) fn acceptable(path: &str, headers: &HeaderMap) -> Result<(), Failure> {
    let Some(produced) = produced(path) else { return Ok(()) };
    let mut asked = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
    if asked.peek().is_none() || asked.flat_map(|value| value.split(',')).any(|range| takes(range, produced)) {
        return Ok(());
    }
    Err(Failure::new(StatusCode::NOT_ACCEPTABLE, format!("this operation answers with {produced}")))
}

/// The media type of the answer at a path; none where it leads elsewhere.
fn produced(path: &str) -> Option<&'static str> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    Some(match parts.as_slice() {
        ["access", "oidc", "exchange"] | ["access", "token", ..] | [ROOT, .., "sha256"] => "text/plain",
        ["access", "oidc" | "logout", ..] => return None,
        ["bundles" | ROOT, .., "content"] => "application/octet-stream",
        ["bundles" | ROOT, .., "docs" | "additional-details"] => "text/html",
        ["swagger", "ui.html"] => "text/html",
        _ => "application/json",
    })
}

/// Whether one range of `Accept` holds a media type. Old Java clients write `*` for all of them.
fn takes(range: &str, produced: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|parameter| parameter.strip_prefix("q=").or_else(|| parameter.strip_prefix("Q=")));
    let refused = weight.and_then(|weight| weight.trim().parse::<f32>().ok()).is_some_and(|weight| weight <= 0.0);
    let all_of_a_kind =
        kind.strip_suffix("/*").and_then(|major| produced.strip_prefix(major)).is_some_and(|rest| rest.starts_with('/'));
    !refused && (kind.is_empty() || kind == "*" || kind == "*/*" || kind == produced || all_of_a_kind)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn accepted(path: &str, accept: &str) -> bool {
        let headers = [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect();
        acceptable(path, &headers).is_ok()
    }

    #[test]
    fn what_a_client_takes_is_compared_with_what_is_answered() {
        assert!(accepted("/buckets", "application/json"));
        assert!(accepted("/buckets", "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"));
        assert!(accepted("/buckets", "text/plain, Application/*"));
        assert!(!accepted("/buckets", "application/xml"));
        assert!(!accepted("/buckets", "application/json;q=0, text/plain"));
        assert!(!accepted("/bundles/x/versions/1/content", "application/json"));
        assert!(accepted("/extension-repository/a/b/c/sha256", "text/plain"));
        assert!(accepted("/access/logout/complete", "image/png"));
    }

    #[test]
    fn who_says_nothing_takes_everything() {
        assert!(acceptable("/buckets", &HeaderMap::new()).is_ok());
    }
}
