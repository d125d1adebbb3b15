//! Tokens for credentials that only a component knows (NiFi Registry 19.5). Without such a component there are none.

use super::{Verified, issue, tokens_are_issued};
use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use headworks_core::TenantId;
use headworks_identity::Proven;
use headworks_plugins::Identify;
use headworks_sandbox::{CallFailure, Denial, IdentityRequest};
use std::sync::Arc;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/access/token/identity-provider", post(token))
        .route("/access/token/identity-provider/test", post(test))
        .route("/access/token/identity-provider/usage", get(usage))
}

/// The component that knows credentials, with its name.
struct Provider {
    name: String,
    component: Arc<dyn Identify>,
}

impl Provider {
    /// That of the tenant that is meant.
    async fn of(app: App, tenant: TenantId) -> Result<Self, Failure> {
        let found = app.plugins.identity_provider(tenant).await?;
        let (name, component) = found.ok_or_else(|| Failure::conflict("Custom login not supported by this NiFi Registry"))?;
        Ok(Self { name, component })
    }

    /// What it says of its credentials, if it says something.
    async fn usage(&self) -> Result<Option<String>, Failure> {
        let usage = self.component.usage().await.map_err(failed)?;
        Ok(usage.map(|usage| format!("Usage Instructions for '{}': {usage}", self.name)))
    }
}

/// A component that could not answer is an error of this server.
fn failed(failure: CallFailure) -> Failure {
    failure.error.into()
}

/// The request as components see it: values that are no text are left out.
fn seen(call: &Call) -> IdentityRequest {
    let text = |(name, value): (&header::HeaderName, &header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    IdentityRequest { method: call.method().as_str().to_owned(), headers: call.headers().iter().filter_map(text).collect() }
}

async fn token(mut call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    let provider = Provider::of(Arc::clone(&call.app), call.caller.tenant).await?;
    let request = seen(&call);
    if !provider.component.test(&request).await.map_err(failed)? {
        return Err(Failure::unauthenticated("The client credentials are missing from the request."));
    }
    let (tenant, name) = (call.caller.tenant, provider.name);
    let proven = match provider.component.authenticate(&request).await.map_err(failed)? {
        Ok(proven) => proven,
        Err(Denial::Refused(cause)) => {
            tracing::info!(%tenant, provider = name, cause, "an identity provider refuses credentials");
            return Err(Failure::unauthenticated("The supplied client credentials are not valid."));
        }
        Err(Denial::Failed(cause)) => {
            tracing::warn!(%tenant, provider = name, cause, "an identity provider cannot say who somebody is");
            let text = "The identity provider cannot verify credentials at the moment: try again later.";
            return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, text));
        }
    };
    let lifetime = proven.lifetime.unwrap_or(call.app.options.token_lifetime);
    let identity = call.app.options.identities.apply(&proven.name);
    let entered = proven.display_name.unwrap_or(proven.name);
    let verified = Verified { who: Proven { tenant, identity }, provider: name.into(), entered, lifetime };
    issue(&mut call, &verified).await
}

async fn test(call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    let provider = Provider::of(Arc::clone(&call.app), call.caller.tenant).await?;
    let request = seen(&call);
    if provider.component.test(&request).await.map_err(failed)? {
        let text = format!("{} recognized the format of the credentials in the HTTP request.", provider.name);
        return Ok(plain(text));
    }
    let usage = provider.usage().await?.unwrap_or_default();
    let text = format!("{} did not recognize the format of the credentials in the HTTP request. {usage}", provider.name);
    Err(Failure::unauthenticated(text.trim_end()))
}

async fn usage(call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    let provider = Provider::of(Arc::clone(&call.app), call.caller.tenant).await?;
    let none = || Failure::new(StatusCode::NOT_IMPLEMENTED, format!("{} says nothing about its usage", provider.name));
    Ok(plain(provider.usage().await?.ok_or_else(none)?))
}

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain")], text).into_response()
}
