//! Signing in with OpenID Connect (NiFi Registry 19.8). Without a provider there is no way in.

use super::{home, signing_is_possible};
use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use axum::Router;
use axum::response::Response;
use axum::routing::{delete, get, post};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/access/oidc/request", get(request))
        .route("/access/oidc/callback", get(callback))
        .route("/access/oidc/exchange", post(exchange))
        .route("/access/oidc/logout", delete(log_out).get(log_out))
        .route("/access/oidc/logout/callback", get(logged_out))
}

/// Whether there is a provider.
pub(super) fn is_configured(_: &Call) -> bool {
    false
}

fn not_configured() -> Failure {
    Failure::conflict("OpenId Connect is not configured.")
}

async fn request(call: Call) -> Result<Response, Failure> {
    signing_is_possible(&call)?;
    Err(not_configured())
}

async fn callback(call: Call) -> Result<Response, Failure> {
    signing_is_possible(&call)?;
    Err(not_configured())
}

async fn exchange(call: Call) -> Result<Response, Failure> {
    signing_is_possible(&call)?;
    Err(not_configured())
}

async fn log_out(call: Call) -> Result<Response, Failure> {
    signing_is_possible(&call)?;
    Err(not_configured())
}

async fn logged_out(call: Call) -> Result<Response, Failure> {
    signing_is_possible(&call)?;
    Ok(home(&call))
}
