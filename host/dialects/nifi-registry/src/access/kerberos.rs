//! Tokens for Kerberos tickets (NiFi Registry 19.5). Without a service principal there are none.

use super::{Verified, tokens_are_issued};
use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use axum::Router;
use axum::response::Response;
use axum::routing::post;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/access/token/kerberos", post(token))
}

async fn token(call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    Err(Failure::conflict("Kerberos service ticket login not supported by this NiFi Registry"))
}

/// Whom the ticket in a request proves, which may prove its sender in any way; nobody where there is no ticket.
pub(super) async fn ticket(_: &mut Call) -> Result<Option<Verified>, Failure> {
    Ok(None)
}

/// A refusal with the challenge of this way, where it is configured.
pub(super) fn challenged(_: &Call, refusal: Failure) -> Failure {
    refusal
}
