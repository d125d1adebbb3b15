//! Secrets: set and deleted, never read back.

use crate::call::Call;
use crate::failure::{Failure, json};
use crate::plugins::gone;
use axum::body::Body;
use axum::http::Response;
use headworks_core::Document;
use headworks_http::blocking;
use headworks_identity::Scope;
use serde::{Deserialize, Serialize};

type Answer = Result<Response<Body>, Failure>;

#[derive(Serialize)]
struct SecretShape<'a> {
    name: &'a str,
    created: String,
    updated: String,
    updated_by: &'a str,
}

impl<'a> From<&'a Document> for SecretShape<'a> {
    fn from(document: &'a Document) -> Self {
        Self {
            name: &document.key.name,
            created: document.created.rfc3339(),
            updated: document.updated.rfc3339(),
            updated_by: &document.author,
        }
    }
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadAcls)?;
    let (plugins, tenant) = (call.app.plugins.clone(), call.caller.tenant);
    let found = blocking(move || plugins.secrets(tenant)).await?;
    let shown: Vec<SecretShape<'_>> = found.iter().map(Into::into).collect();
    Ok(json(&serde_json::json!({"secrets": shown})))
}

pub(crate) async fn set(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        value: String,
    }
    let name = call.name().await?;
    let Asked { value } = call.json().await?;
    call.allow(Scope::WriteAcls)?;
    call.app.plugins.set_secret(call.caller.tenant, &call.caller.user, &name, &value).await?;
    Ok(gone())
}

pub(crate) async fn delete(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteAcls)?;
    call.app.plugins.delete_secret(call.caller.tenant, &call.caller.user, &name).await?;
    Ok(gone())
}
