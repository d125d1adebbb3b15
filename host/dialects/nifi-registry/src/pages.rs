//! Pages beside the API: what a browser or a readiness probe asks for (NiFi Registry 2.6).

use crate::PREFIX;
use crate::docs::STYLE;
use crate::repository::ROOT;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/nifi-registry", get(home))
        .route("/nifi-registry/", get(home))
        .route("/nifi-registry-docs", get(docs))
        .route("/nifi-registry-docs/", get(docs))
        .route(STYLE, get(style))
}

async fn home() -> Html<&'static str> {
    Html(concat!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Headworks registry</title></head>",
        "<body><h1>Headworks registry</h1><p>The API is at <a href=\"/nifi-registry-api/about\">/nifi-registry-api</a>.</p>",
        "</body></html>\n"
    ))
}

async fn docs() -> Html<String> {
    let below = format!("{PREFIX}/{ROOT}");
    Html(format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Headworks registry</title></head>\
         <body><h1>Documentation</h1><p>That of each extension is at its <code>docs</code> below \
         <a href=\"{below}\">{below}</a>.</p></body></html>\n"
    ))
}

/// The style sheet of documentation pages, those that authors ship included.
async fn style() -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::CACHE_CONTROL, HeaderValue::from_static("max-age=3600")),
    ];
    (headers, include_str!("component-usage.css"))
}
