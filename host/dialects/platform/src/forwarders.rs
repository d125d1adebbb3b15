//! Forwarders made from a plugin. The documents are those of the FlowG dialect; of its own types, which hold secrets, only
//! the type is shown here.

use crate::bundles::settle;
use crate::call::Call;
use crate::failure::{Failure, json};
use crate::plugins::gone;
use axum::body::Body;
use axum::http::Response;
use headworks_core::{Document, DocumentKey, Error, Result, TenantId};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_pipelines::{FORWARDER, Saved};
use headworks_plugins::{Config, Plugins, Use, World};
use headworks_store::{Change, Expect};
use serde::{Deserialize, Serialize};
use serde_json::Value;

type Answer = Result<Response<Body>, Failure>;

#[derive(Serialize)]
struct ForwarderShape {
    name: String,
    r#type: String,
    plugin: Option<String>,
    config: Option<Value>,
    delivery: Delivery,
    created: String,
    updated: String,
    updated_by: String,
}

/// When a record counts as delivered.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Delivery {
    /// When the target has it.
    #[default]
    Direct,
    /// When it waits durably.
    Queued,
}

impl ForwarderShape {
    fn read(plugins: &Plugins, tenant: TenantId, document: Document) -> Result<Self> {
        let saved = Saved::decode(&document.body)?;
        let used = Use::of_forwarder(&saved.config);
        Ok(Self {
            name: document.key.name,
            r#type: saved.config.get("type").and_then(Value::as_str).unwrap_or_default().to_owned(),
            config: used.as_ref().map(|used| plugins.shown_config(tenant, used)),
            plugin: used.map(|used| used.plugin),
            delivery: if saved.queued { Delivery::Queued } else { Delivery::Direct },
            created: document.created.rfc3339(),
            updated: document.updated.rfc3339(),
            updated_by: document.author,
        })
    }
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadForwarders)?;
    let (app, tenant) = (call.app.clone(), call.caller.tenant);
    let read = move || {
        let documents = app.store.list(tenant, FORWARDER, "")?;
        documents.into_iter().map(|document| ForwarderShape::read(&app.plugins, tenant, document)).collect::<Result<Vec<_>>>()
    };
    Ok(json(&serde_json::json!({"forwarders": blocking(read).await?})))
}

pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadForwarders)?;
    shown(&mut call, name).await
}

async fn shown(call: &mut Call, name: String) -> Answer {
    let (app, tenant) = (call.app.clone(), call.caller.tenant);
    let read = move || {
        let found = app.store.get(&DocumentKey::new(tenant, FORWARDER, &name))?;
        let document = found.ok_or_else(|| Error::not_found(format!("there is no forwarder {name:?}")))?;
        ForwarderShape::read(&app.plugins, tenant, document)
    };
    Ok(json(&blocking(read).await?))
}

pub(crate) async fn save(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        plugin: String,
        config: Option<Value>,
        #[serde(default)]
        delivery: Delivery,
    }
    let name = call.name().await?;
    let Asked { plugin, config, delivery } = call.json().await?;
    call.allow(Scope::WriteForwarders)?;
    let config = Config::Json(config.unwrap_or_else(|| Value::Object(serde_json::Map::new())));
    let used = settle(&mut call, Use { plugin, config }, World::Forwarder).await?;
    let key = DocumentKey::new(call.caller.tenant, FORWARDER, &name);
    let body = used.to_forwarder(matches!(delivery, Delivery::Queued)).encode();
    call.app.store.write(&call.caller.user, vec![Change::put(key, body)]).await?;
    shown(&mut call, name).await
}

pub(crate) async fn delete(mut call: Call) -> Answer {
    let key = DocumentKey::new(call.caller.tenant, FORWARDER, &call.name().await?);
    call.allow(Scope::WriteForwarders)?;
    call.app.store.write(&call.caller.user, vec![Change::delete(key).expecting(Expect::Present)]).await?;
    Ok(gone())
}
