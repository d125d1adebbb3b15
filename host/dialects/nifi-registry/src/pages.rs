//! Pages beside the API: what a browser or a readiness probe asks for (NiFi Registry 2.6).

use axum::Router;
use axum::response::Html;
use axum::routing::get;

pub(crate) fn routes() -> Router {
    Router::new().route("/nifi-registry", get(home)).route("/nifi-registry/", get(home))
}

async fn home() -> Html<&'static str> {
    Html(concat!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Headworks registry</title></head>",
        "<body><h1>Headworks registry</h1><p>The API is at <a href=\"/nifi-registry-api/about\">/nifi-registry-api</a>.</p>",
        "</body></html>\n"
    ))
}
