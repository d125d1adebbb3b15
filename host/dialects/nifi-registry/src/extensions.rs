//! Extensions of all bundles, by what they are (NiFi Registry 14).

use crate::App;
use axum::Router;

pub(crate) fn routes() -> Router<App> {
    Router::new()
}
