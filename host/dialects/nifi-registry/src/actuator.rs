//! Health and metrics for those who look here (NiFi Registry 2.6).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
