//! The identity provider of the tenant: the plugin behind `/access/token/identity-provider` of the registry.

use crate::call::Call;
use crate::failure::{Failure, json};
use crate::plugins::gone;
use axum::body::Body;
use axum::http::Response;
use headworks_core::Error;
use headworks_identity::Scope;
use headworks_plugins::{Provider, SavedProvider};
use serde_json::json as value;

type Answer = Result<Response<Body>, Failure>;

/// `get_identity_provider`.
pub(crate) async fn get(call: Call) -> Answer {
    call.allow(Scope::ReadAuthProviders)?;
    shown(&call)
}

/// `save_identity_provider`.
pub(crate) async fn save(mut call: Call) -> Answer {
    let provider: Provider = call.json().await?;
    call.allow(Scope::WriteAuthProviders)?;
    call.app.plugins.save_identity_provider(call.caller.tenant, &call.caller.user, &provider).await?;
    shown(&call)
}

/// `delete_identity_provider`.
pub(crate) async fn delete(call: Call) -> Answer {
    call.allow(Scope::WriteAuthProviders)?;
    call.app.plugins.delete_identity_provider(call.caller.tenant, &call.caller.user).await?;
    Ok(gone())
}

fn shown(call: &Call) -> Answer {
    let none = || Error::not_found("the tenant has no identity provider");
    let SavedProvider { provider, document } = call.app.plugins.saved_identity_provider(call.caller.tenant)?.ok_or_else(none)?;
    Ok(json(&value!({
        "plugin": provider.plugin, "config": provider.config, "revision": document.revision, "author": document.author,
        "updated": document.updated.rfc3339(),
    })))
}
