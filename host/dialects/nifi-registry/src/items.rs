//! Flows and bundles together (NiFi Registry 11).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
