//! Event hooks of the tenant.

use crate::call::Call;
use crate::failure::{Failure, json};
use crate::plugins::gone;
use axum::body::Body;
use axum::http::Response;
use headworks_core::Error;
use headworks_hooks::{Hook, Saved};
use headworks_http::blocking;
use headworks_identity::Scope;
use serde_json::{Value, json as value};

type Answer = Result<Response<Body>, Failure>;

/// `list_event_hooks`.
pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadAcls)?;
    let (hooks, tenant) = (call.app.hooks.clone(), call.caller.tenant);
    let hooks = blocking(move || hooks.list(tenant)).await?;
    Ok(json(&value!({"event_hooks": hooks.iter().map(shown).collect::<Vec<_>>()})))
}

/// `get_event_hook`.
pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadAcls)?;
    let (hooks, tenant, wanted) = (call.app.hooks.clone(), call.caller.tenant, name.clone());
    let found = blocking(move || hooks.get(tenant, &wanted)).await?;
    Ok(json(&shown(&found.ok_or_else(|| missing(&name))?)))
}

/// `save_event_hook`.
pub(crate) async fn save(mut call: Call) -> Answer {
    let name = call.name().await?;
    let hook = Hook::read(&call.body().await?)?;
    call.allow(Scope::WriteAcls)?;
    let saved = call.app.hooks.save(&call.caller.user, call.caller.tenant, &name, &hook).await?;
    Ok(json(&shown(&saved)))
}

/// `delete_event_hook`.
pub(crate) async fn delete(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteAcls)?;
    if !call.app.hooks.delete(&call.caller.user, call.caller.tenant, &name).await? {
        return Err(missing(&name).into());
    }
    Ok(gone())
}

fn missing(name: &str) -> Error {
    Error::not_found(format!("there is no event hook {name:?}"))
}

fn shown(saved: &Saved) -> Value {
    let Saved { name, hook, revision, author, updated, status } = saved;
    value!({
        "name": name, "type": hook.kind(), "config": hook.config(), "events": hook.event_names(), "revision": revision,
        "author": author, "updated": updated.rfc3339(), "status": status,
    })
}
