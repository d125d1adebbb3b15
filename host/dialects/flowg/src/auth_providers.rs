//! Settings of identity providers. Their list is public; secrets are shown to holders of the read scope unless the operator had
//! them masked (FlowG 23).

use crate::account::done;
use crate::call::{Call, Open};
use crate::failure::{Failure, json};
use crate::secrets::{hide, keep};
use crate::shape::{Member, Optional, Required, Shape};
use axum::body::Body;
use axum::http::{Response, header};
use headworks_core::Error;
use headworks_http::blocking;
use headworks_identity::{AuthProvider, AuthProviderConfig, Scope};
use serde::Deserialize;
use serde_json::Value;

type Answer = Result<Response<Body>, Failure>;

/// Members of a configuration that are secret.
const SECRETS: &[&str] = &["client_secret"];

/// A configuration as JSON.
fn config_of(provider: &AuthProvider) -> Result<Value, Failure> {
    Ok(serde_json::to_value(&provider.config).map_err(|error| Error::internal(error.to_string()))?)
}

/// A login page may ask: names and titles only.
pub(crate) async fn list(open: Open) -> Answer {
    let identity = open.app.identity.clone();
    // Somebody who is logged in sees his own, everybody else those of the tenant that a login would mean.
    let authorization = open.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let caller = identity.authenticate(authorization).ok();
    let tenant = caller.map_or_else(|| identity.tenants().meant(open.realm()), |caller| caller.tenant);
    let providers = blocking(move || identity.list_providers(tenant)).await?;
    let shown = providers.iter().map(|(name, provider)| serde_json::json!({"name": name, "display_name": provider.display_name}));
    Ok(json(&serde_json::json!({"success": true, "auth_providers": shown.collect::<Value>()})))
}

pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadAuthProviders)?;
    let provider = call.app.identity.get_provider(call.caller.tenant, &name)?.ok_or_else(Failure::not_found)?;
    let mut config = config_of(&provider)?;
    if call.app.mask_secrets {
        hide(&mut config, SECRETS);
    }
    let shown = serde_json::json!({"name": name, "display_name": provider.display_name, "config": config});
    Ok(json(&serde_json::json!({"success": true, "auth_provider": shown})))
}

pub(crate) async fn save(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        auth_provider: AuthProvider,
    }
    /// Of both kinds; which of them are required depends on the kind.
    const CONFIG: Shape = Shape::Object(&[
        Member("type", Shape::OneOf(&["oidc", "saml"]), Required),
        Member("issuer", Shape::Text, Optional),
        Member("client_id", Shape::Text, Optional),
        Member("client_secret", Shape::Text, Optional),
        Member("idp_metadata_url", Shape::Text, Optional),
    ]);
    const PROVIDER: Shape = Shape::Object(&[
        Member("name", Shape::Text, Required),
        Member("display_name", Shape::Text, Required),
        Member("config", CONFIG, Required),
    ]);
    const SHAPE: Shape = Shape::Object(&[Member("auth_provider", PROVIDER, Required)]);
    let name = call.name().await?;
    let mut body: Value = call.json(&SHAPE).await?;
    require_config(&body)?;
    if call.app.mask_secrets
        && let Some(config) = body.pointer_mut("/auth_provider/config")
    {
        let stored = call.app.identity.get_provider(call.caller.tenant, &name)?;
        keep(config, stored.as_ref().map(config_of).transpose()?.as_ref(), SECRETS, AT)?;
    }
    let Body { auth_provider } =
        serde_json::from_value(body.take()).map_err(|error| Failure::invalid(format!("failed to decode json: {error}")))?;
    check_urls(&auth_provider.config)?;
    call.allow(Scope::WriteAuthProviders)?;
    call.app.identity.save_provider(&call.caller.user, call.caller.tenant, &name, &auth_provider).await?;
    Ok(done())
}

pub(crate) async fn delete(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteAuthProviders)?;
    call.app.identity.delete_provider(&call.caller.user, call.caller.tenant, &name).await?;
    Ok(done())
}

const AT: &str = "#/auth_provider/config";

/// The members that the kind of a provider requires.
fn require_config(body: &Value) -> Result<(), Failure> {
    let config = body.pointer("/auth_provider/config");
    let required: &[&str] = match config.and_then(|config| config.get("type")).and_then(Value::as_str) {
        Some("saml") => &["idp_metadata_url"],
        _ => &["issuer", "client_id", "client_secret"],
    };
    let missing = required.iter().filter(|member| config.and_then(|config| config.get(**member)).is_none());
    let missing: Vec<String> = missing.map(|member| format!("{member:?}")).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Failure::validation("body", vec![format!("{AT}: missing properties: {}", missing.join(", "))]))
}

/// A login through a provider goes to this address one day, so it has to be one.
fn check_urls(config: &AuthProviderConfig) -> Result<(), Failure> {
    let (member, text) = match config {
        AuthProviderConfig::Oidc { issuer, .. } => ("issuer", issuer),
        AuthProviderConfig::Saml { idp_metadata_url } => ("idp_metadata_url", idp_metadata_url),
    };
    let is_url = text.parse::<axum::http::Uri>().is_ok_and(|uri| uri.scheme().is_some() && uri.host().is_some());
    if is_url {
        return Ok(());
    }
    Err(Failure::validation("body", vec![format!("{AT}/{member}: {text:?} is not valid uri")]))
}
