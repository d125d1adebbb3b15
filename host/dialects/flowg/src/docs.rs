//! The OpenAPI document of the dialect and the page that shows it. Public, and complete without any other host.

use crate::App;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::get;
use std::sync::Arc;

const DOCUMENT: &str = include_str!("../docs/openapi.json");
const PAGE: &str = include_str!("../docs/page.html");
const SCRIPT: &str = include_str!("../docs/page.js");
const STYLE: &str = include_str!("../docs/page.css");

/// Nothing but what this server sends itself may run or be asked on the page.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'",
);

/// Routes of the documentation below a mount path, which is empty or such as `/logs`.
pub(crate) fn router(mount: &str) -> Router<App> {
    let document: Arc<str> = DOCUMENT.replacen(&servers(""), &servers(mount), 1).into();
    let script = [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")];
    let style = [(header::CONTENT_TYPE, "text/css; charset=utf-8")];
    Router::new()
        .route("/api/docs", get(page))
        .route("/api/docs/page.js", get(move || async move { (script, SCRIPT) }))
        .route("/api/docs/page.css", get(move || async move { (style, STYLE) }))
        .route("/api/docs/openapi.json", get(move || async move { shown(&document) }))
}

fn servers(mount: &str) -> String {
    let url = if mount.is_empty() { "/" } else { mount };
    format!(r#""servers": [{{"url": "{url}"}}]"#)
}

fn shown(document: &str) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "application/json")], document.to_owned())
}

async fn page() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (headers, PAGE)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_document_names_the_mount_path() {
        for mount in ["", "/logs"] {
            let text = DOCUMENT.replacen(&servers(""), &servers(mount), 1);
            let document: serde_json::Value = serde_json::from_str(&text).unwrap();
            let expected = if mount.is_empty() { "/" } else { mount };
            assert_eq!(document.pointer("/servers/0/url").unwrap(), expected);
        }
    }
}
