//! Roles: scopes by name.

use crate::account::done;
use crate::call::Call;
use crate::failure::{Failure, json};
use crate::shape::{Member, Required, Shape};
use axum::body::Body;
use axum::http::Response;
use headworks_http::blocking;
use headworks_identity::{Role, Scope, ScopeSet};
use serde::{Deserialize, Serialize};

type Answer = Result<Response<Body>, Failure>;

/// `Role` on the wire.
#[derive(Serialize)]
struct Shown {
    name: String,
    /// In ascending order (FlowG 2), without what they include.
    scopes: Vec<&'static str>,
}

impl From<Role> for Shown {
    fn from(role: Role) -> Self {
        let mut scopes: Vec<&str> = role.scopes.iter().map(Scope::as_str).collect();
        scopes.sort_unstable();
        Self { name: role.name, scopes }
    }
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadAcls)?;
    let (identity, tenant) = (call.app.identity.clone(), call.caller.tenant);
    let roles = blocking(move || identity.list_roles(tenant)).await?;
    let roles: Vec<Shown> = roles.into_iter().map(Shown::from).collect();
    Ok(json(&serde_json::json!({"success": true, "roles": roles})))
}

/// 404 for an unknown role (FlowG 23).
pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadAcls)?;
    let role = call.app.identity.get_role(call.caller.tenant, &name)?.ok_or_else(Failure::not_found)?;
    Ok(json(&serde_json::json!({"success": true, "role": Shown::from(role)})))
}

pub(crate) async fn save(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        scopes: Option<Vec<String>>,
    }
    const SHAPE: Shape = Shape::Object(&[Member("scopes", Shape::Nullable(&Shape::List(&Shape::Text)), Required)]);
    let name = call.name().await?;
    let Body { scopes } = call.json(&SHAPE).await?;
    let parsed = scopes.unwrap_or_default().into_iter().map(|scope| Scope::parse(&scope).ok_or(scope));
    let scopes: ScopeSet =
        parsed.collect::<Result<_, _>>().map_err(|unknown| Failure::invalid(format!("invalid scope: {unknown}")))?;
    call.allow(Scope::WriteAcls)?;
    call.app.identity.save_role(&call.caller.user, call.caller.tenant, Role { name, scopes }).await?;
    Ok(done())
}

/// Users keep the name of the role, without effect until there is such a role again (FlowG 4).
pub(crate) async fn delete(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteAcls)?;
    call.app.identity.delete_role(&call.caller.user, call.caller.tenant, &name).await?;
    Ok(done())
}
