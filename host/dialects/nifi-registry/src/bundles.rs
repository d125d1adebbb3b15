//! Bundles and their versions (NiFi Registry 12).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
