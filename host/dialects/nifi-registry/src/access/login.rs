//! Tokens for client certificates and for passwords (NiFi Registry 19.5).

use super::{Verified, issue, kerberos, oidc, tokens_are_issued};
use crate::App;
use crate::call::{Call, realm};
use crate::failure::Failure;
use axum::Router;
use axum::http::header;
use axum::response::Response;
use axum::routing::post;
use headworks_core::{Error, ErrorClass};
use headworks_identity::Proven;
use headworks_identity::login::SignedIn;

/// Who verified a password.
const PASSWORDS: &str = "headworks";
/// Who verified a certificate.
const CERTIFICATES: &str = "certificate";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/access/token", post(any)).route("/access/token/login", post(by_password))
}

/// Whether passwords are traded for tokens: an OpenID Connect provider excludes that (NiFi Registry 19.6).
pub(super) fn is_configured(call: &Call) -> bool {
    (call.app.options.password_login || call.app.identity.has_login_provider()) && !oidc::is_configured(call)
}

/// Every way in turn: client certificate, Kerberos ticket, name and password.
async fn any(mut call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    if call.context.certificate().is_some() && !call.caller.anonymous && call.caller.proxies.is_empty() {
        let who = Proven { tenant: call.caller.tenant, identity: call.caller.identity.clone() };
        let lifetime = call.app.options.token_lifetime;
        let verified = Verified { entered: who.identity.clone(), who, provider: CERTIFICATES.into(), lifetime };
        return issue(&mut call, &verified).await;
    }
    let text = "Client credentials are missing or invalid according to all configured identity providers.";
    let refused = kerberos::challenged(&call, Failure::unauthenticated(text));
    match kerberos::ticket(&call) {
        Ok(Some(ticket)) => return ticket.issue(&mut call).await,
        Ok(None) => {}
        Err(error) if error.class() == ErrorClass::Unauthenticated => return Err(refused),
        Err(error) => return Err(error.into()),
    }
    if !is_configured(&call) || basic(&call).is_none() {
        return Err(refused);
    }
    let verified = verify(&mut call, refused).await?;
    issue(&mut call, &verified).await
}

async fn by_password(mut call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    if !is_configured(&call) {
        let text = "Username/Password login not supported by this NiFi. Contact System Administrator.";
        return Err(Failure::conflict(text));
    }
    if basic(&call).is_none() {
        return Err(Failure::unauthenticated("The client credentials are missing from the request."));
    }
    let verified = verify(&mut call, Failure::unauthenticated("The supplied client credentials are not valid.")).await?;
    issue(&mut call, &verified).await
}

/// The header with name and password.
fn basic(call: &Call) -> Option<&str> {
    let header = call.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    header.get(..6).filter(|scheme| scheme.eq_ignore_ascii_case("basic ")).map(|_| header)
}

/// Verifies name and password, with the provider where there is one; wrong ones get this refusal.
async fn verify(call: &mut Call, refused: Failure) -> Result<Verified, Failure> {
    let refusal = |error: Error| match error.class() {
        ErrorClass::Unauthenticated | ErrorClass::Invalid => refused.clone(),
        _ => error.into(),
    };
    let header = basic(call).unwrap_or_default();
    let (identity, options, peer) = (&call.app.identity, &call.app.options, call.context.peer());
    if let Some(signed_in) = identity.sign_in(realm(call), header, peer).await.map_err(refusal)? {
        return Ok(signed_in.into());
    }
    if !options.password_login {
        return Err(refused);
    }
    let (who, entered) = identity.verify_basic(realm(call), header, peer).await.map_err(refusal)?;
    Ok(Verified { who, provider: PASSWORDS.into(), entered, lifetime: options.token_lifetime })
}

impl From<SignedIn> for Verified {
    fn from(SignedIn { who, entered, provider, lifetime }: SignedIn) -> Self {
        Self { who, provider: provider.into(), entered, lifetime }
    }
}
