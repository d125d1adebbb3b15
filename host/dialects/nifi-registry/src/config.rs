//! What this server can be told to do (NiFi Registry 21).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
