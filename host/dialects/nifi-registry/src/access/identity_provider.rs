//! Tokens for credentials that only a component knows (NiFi Registry 19.5). Without such a component there are none.

use super::tokens_are_issued;
use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/access/token/identity-provider", post(token))
        .route("/access/token/identity-provider/test", post(test))
        .route("/access/token/identity-provider/usage", get(usage))
}

fn not_configured() -> Failure {
    Failure::conflict("Custom login not supported by this NiFi Registry")
}

async fn token(call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    Err(not_configured())
}

async fn test(call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    Err(not_configured())
}

async fn usage(call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    Err(not_configured())
}
