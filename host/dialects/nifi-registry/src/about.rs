//! What clients ask to learn which release they talk to (NiFi Registry 2.6 and 23.3).

use crate::App;
use axum::extract::State;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/about", get(about))
}

async fn about(State(app): State<App>) -> Json<Value> {
    Json(json!({"registryAboutVersion": app.options.version}))
}
