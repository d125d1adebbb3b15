//! Signing in and out, and what the caller may do (NiFi Registry 19).
//!
//! The ways to sign in that need something outside of this server have a file each: OpenID Connect, Kerberos and the component
//! that knows credentials of its own.

mod identity_provider;
mod kerberos;
mod login;
mod oidc;

use crate::call::Call;
use crate::failure::Failure;
use crate::parties::ResourcePermissions;
use crate::{App, base};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};
use axum::{Json, Router};
use headworks_identity::{Proof, Proven};
use headworks_registry::{Event, EventKind};
use serde::Serialize;
use std::borrow::Cow;
use std::time::Duration;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/access", get(status))
        .route("/access/logout", delete(log_out))
        .route("/access/logout/complete", get(logged_out))
        .merge(login::routes())
        .merge(kerberos::routes())
        .merge(identity_provider::routes())
        .merge(oidc::routes())
}

/// Who the caller is, and what he may do.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    anonymous: bool,
    identity: String,
    login_supported: bool,
    #[serde(rename = "oidcloginSupported")]
    oidc_login_supported: bool,
    resource_permissions: ResourcePermissions,
}

async fn status(call: Call) -> Json<Status> {
    let asks = !call.caller.open;
    Json(Status {
        anonymous: call.caller.anonymous,
        identity: call.caller.identity.clone(),
        login_supported: asks && login::is_configured(&call),
        oidc_login_supported: asks && oidc::is_configured(&call),
        resource_permissions: ResourcePermissions::of(&call),
    })
}

/// Tokens are for servers that ask who calls only.
fn tokens_are_issued(call: &Call) -> Result<(), Failure> {
    if call.caller.open { Err(Failure::conflict("Access tokens are only issued over HTTPS")) } else { Ok(()) }
}

/// So is everything else about signing in and out.
fn signing_is_possible(call: &Call) -> Result<(), Failure> {
    if call.caller.open {
        return Err(Failure::conflict("User authentication/authorization is only supported when running over HTTPS."));
    }
    Ok(())
}

/// Somebody whose credentials were verified.
struct Verified {
    who: Proven,
    /// The name of what verified them.
    provider: Cow<'static, str>,
    /// The name as it was entered.
    entered: String,
    lifetime: Duration,
}

/// A token for somebody who was verified: 201 with the token as text (NiFi Registry 19.4).
async fn issue(call: &mut Call, verified: &Verified) -> Result<Response, Failure> {
    let Verified { who, provider, entered, lifetime } = verified;
    let proof = Proof { provider, entered, lifetime: *lifetime };
    let token = signed_in(&call.app, who, proof).await?;
    let mut response = (StatusCode::CREATED, token).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    if let Ok(address) = HeaderValue::from_str(&format!("{}/access/token", base::of(call))) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    Ok(response)
}

/// The token of somebody who has just signed in.
async fn signed_in(app: &App, who: &Proven, proof: Proof<'_>) -> headworks_core::Result<String> {
    let token = app.identity.issue(who, proof).await?;
    app.registry.tell(Event::new(who.tenant, EventKind::Login, [("USER_IDENTITY", who.identity.clone())]));
    Ok(token)
}

async fn log_out(mut call: Call) -> Result<StatusCode, Failure> {
    signing_is_possible(&call)?;
    sign_out(&mut call).await?;
    Ok(StatusCode::OK)
}

/// Ends every token of the caller, on all devices.
async fn sign_out(call: &mut Call) -> Result<(), Failure> {
    if call.caller.anonymous || !call.caller.proxies.is_empty() {
        return Err(Failure::unauthenticated("The user to sign out could not be determined: send the token that is to end."));
    }
    let who = Proven { tenant: call.caller.tenant, identity: call.caller.identity.clone() };
    Ok(call.app.identity.sign_out(&who).await?)
}

async fn logged_out(call: Call) -> Result<Response, Failure> {
    signing_is_possible(&call)?;
    Ok(home(&call))
}

/// Leads a browser to the user interface.
fn home(call: &Call) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    if let Ok(address) = HeaderValue::from_str(&base::home(call)) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    response
}
