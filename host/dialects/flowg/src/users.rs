//! Users: passwords and role names by name. No answer shows a password or its hash.

use crate::account::{done, quiet};
use crate::call::Call;
use crate::failure::{Failure, json};
use crate::shape::{Member, Required, Shape};
use axum::body::Body;
use axum::http::Response;
use headworks_http::blocking;
use headworks_identity::{Scope, User};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

type Answer = Result<Response<Body>, Failure>;

/// Role names; they need not exist.
const ROLES: Shape = Shape::Nullable(&Shape::List(&Shape::Name));

/// `User` on the wire.
#[derive(Serialize)]
struct Shown {
    name: String,
    /// In ascending order (FlowG 2).
    roles: BTreeSet<String>,
}

impl From<User> for Shown {
    fn from(User { name, roles }: User) -> Self {
        Self { name, roles }
    }
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadAcls)?;
    let (identity, tenant) = (call.app.identity.clone(), call.caller.tenant);
    let users = blocking(move || identity.list_users(tenant)).await?;
    let users: Vec<Shown> = users.into_iter().map(Shown::from).collect();
    Ok(json(&serde_json::json!({"success": true, "users": users})))
}

/// 404 for an unknown user (FlowG 23).
pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadAcls)?;
    let user = call.app.identity.get_user(call.caller.tenant, &name)?.ok_or_else(Failure::not_found)?;
    Ok(json(&serde_json::json!({"success": true, "user": Shown::from(user)})))
}

pub(crate) async fn save(call: Call) -> Response<Body> {
    quiet(try_save(call).await)
}

async fn try_save(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        roles: Option<BTreeSet<String>>,
        password: String,
    }
    const SHAPE: Shape = Shape::Object(&[Member("roles", ROLES, Required), Member("password", Shape::Text, Required)]);
    let name = call.name().await?;
    let Body { roles, password } = call.json(&SHAPE).await?;
    call.allow(Scope::WriteAcls)?;
    let user = User { name, roles: roles.unwrap_or_default() };
    call.app.identity.save_user(&call.caller.user, call.caller.tenant, user, &password).await?;
    Ok(done())
}

/// 404 for an unknown user (FlowG 23).
pub(crate) async fn patch(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        roles: Option<BTreeSet<String>>,
    }
    const SHAPE: Shape = Shape::Object(&[Member("roles", ROLES, Required)]);
    let name = call.name().await?;
    let Body { roles } = call.json(&SHAPE).await?;
    call.allow(Scope::WriteAcls)?;
    let (identity, caller) = (&call.app.identity, &call.caller);
    identity.set_roles(&caller.user, caller.tenant, &name, roles.unwrap_or_default()).await.map_err(unknown)?;
    Ok(done())
}

/// Any user can be deleted, the caller included (FlowG 4).
pub(crate) async fn delete(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteAcls)?;
    call.app.identity.delete_user(&call.caller.user, call.caller.tenant, &name).await?;
    Ok(done())
}

/// An unknown user is told without a cause, as every object (FlowG 3.4).
fn unknown(error: headworks_core::Error) -> Failure {
    if error.code == headworks_core::ErrorCode::NotFound { Failure::not_found() } else { error.into() }
}
