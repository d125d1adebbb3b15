//! Bundles by their coordinates (NiFi Registry 16).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
