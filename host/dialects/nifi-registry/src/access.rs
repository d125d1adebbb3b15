//! Signing in and out, and what the caller may do (NiFi Registry 19).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
