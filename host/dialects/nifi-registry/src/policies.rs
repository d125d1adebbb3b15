//! Policies (NiFi Registry 17.5).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
