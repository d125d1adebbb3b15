//! The caller's own affairs: logging in, the password, tokens.

use crate::call::{Call, Open};
use crate::failure::{Failure, json};
use crate::shape::{Member, Required, Shape};
use axum::body::Body;
use axum::http::Response;
use axum::response::IntoResponse;
use headworks_http::Quiet;
use headworks_identity::Scope;
use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

type Answer = Result<Response<Body>, Failure>;

/// The answer of an operation that has nothing to tell.
pub(crate) fn done() -> Response<Body> {
    json(&serde_json::json!({"success": true}))
}

/// Keeps the access log entry of a request on the debug level (FlowG 18).
pub(crate) fn quiet(answer: Answer) -> Response<Body> {
    let mut response = answer.into_response();
    response.extensions_mut().insert(Quiet);
    response
}

pub(crate) async fn login(open: Open) -> Response<Body> {
    quiet(try_login(open).await)
}

async fn try_login(mut open: Open) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        username: String,
        password: String,
    }
    const SHAPE: Shape = Shape::Object(&[Member("username", Shape::Text, Required), Member("password", Shape::Text, Required)]);
    let Body { username, password } = open.json(&SHAPE).await?;
    let from = open.context.peer();
    let token = open.app.identity.login(open.realm(), &username, &password, from).await?;
    Ok(json(&serde_json::json!({"success": true, "token": token})))
}

pub(crate) async fn change_password(call: Call) -> Response<Body> {
    quiet(try_change_password(call).await)
}

async fn try_change_password(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        old_password: String,
        new_password: String,
    }
    const SHAPE: Shape =
        Shape::Object(&[Member("old_password", Shape::Name, Required), Member("new_password", Shape::Name, Required)]);
    let Body { old_password, new_password } = call.json(&SHAPE).await?;
    let from = call.context.peer();
    call.app.identity.change_password(&call.caller, &old_password, &new_password, from).await?;
    Ok(done())
}

/// Names of the permissions of `whoami`, each with the scope it stands for.
const PERMISSIONS: [(&str, Scope); 15] = [
    ("can_view_pipelines", Scope::ReadPipelines),
    ("can_edit_pipelines", Scope::WritePipelines),
    ("can_view_transformers", Scope::ReadTransformers),
    ("can_edit_transformers", Scope::WriteTransformers),
    ("can_view_streams", Scope::ReadStreams),
    ("can_edit_streams", Scope::WriteStreams),
    ("can_view_forwarders", Scope::ReadForwarders),
    ("can_edit_forwarders", Scope::WriteForwarders),
    ("can_view_acls", Scope::ReadAcls),
    ("can_edit_acls", Scope::WriteAcls),
    ("can_send_logs", Scope::SendLogs),
    ("can_read_system_configuration", Scope::ReadSystemConfiguration),
    ("can_write_system_configuration", Scope::WriteSystemConfiguration),
    ("can_read_auth_providers", Scope::ReadAuthProviders),
    ("can_write_auth_providers", Scope::WriteAuthProviders),
];

pub(crate) async fn whoami(call: Call) -> Answer {
    let caller = &call.caller;
    let permissions: Map<String, Value> =
        PERMISSIONS.iter().map(|(name, scope)| ((*name).to_owned(), caller.scopes.allows(*scope).into())).collect();
    let user = serde_json::json!({"name": caller.user, "roles": caller.roles});
    Ok(json(&serde_json::json!({"success": true, "user": user, "permissions": permissions})))
}

pub(crate) async fn list_tokens(call: Call) -> Answer {
    let tokens = call.app.identity.list_tokens(&call.caller)?;
    Ok(json(&serde_json::json!({"success": true, "token_uuids": tokens})))
}

pub(crate) async fn create_token(call: Call) -> Answer {
    let (id, token) = call.app.identity.create_token(&call.caller).await?;
    Ok(json(&serde_json::json!({"success": true, "token": token, "token_uuid": id})))
}

pub(crate) async fn delete_token(mut call: Call) -> Answer {
    let name = call.name().await?;
    let id = Uuid::parse_str(&name).map_err(|error| Failure::malformed("path:token-uuid", &error.to_string()))?;
    call.app.identity.delete_token(&call.caller, id).await?;
    Ok(done())
}
