//! Versions of flows, and what is between two of them (NiFi Registry 9 and 10).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
