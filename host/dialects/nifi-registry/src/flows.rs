//! Flows of buckets (NiFi Registry 8).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
