//! Transformers: a script, or a plugin with its configuration. The documents are those of the FlowG dialect.

use crate::bundles::settle;
use crate::call::Call;
use crate::failure::{Failure, json};
use crate::plugins::gone;
use axum::body::Body;
use axum::http::Response;
use headworks_core::{Document, DocumentKey, Error, Result, TenantId};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_pipelines::{TRANSFORMER, decode_script, encode_script};
use headworks_plugins::{Config, Plugins, Use, World};
use headworks_store::{Change, Expect};
use serde::{Deserialize, Serialize};
use serde_json::Value;

type Answer = Result<Response<Body>, Failure>;

#[derive(Serialize)]
struct TransformerShape {
    name: String,
    plugin: Option<String>,
    config: Option<Value>,
    script: Option<String>,
    created: String,
    updated: String,
    updated_by: String,
}

impl TransformerShape {
    fn read(plugins: &Plugins, tenant: TenantId, document: Document) -> Result<Self> {
        let script = decode_script(&document.body)?;
        let used = Use::of_script(&script);
        let config = used.as_ref().map(|used| plugins.shown_config(tenant, used));
        Ok(Self {
            name: document.key.name,
            script: used.is_none().then_some(script),
            plugin: used.map(|used| used.plugin),
            config,
            created: document.created.rfc3339(),
            updated: document.updated.rfc3339(),
            updated_by: document.author,
        })
    }
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadTransformers)?;
    let (app, tenant) = (call.app.clone(), call.caller.tenant);
    let read = move || {
        let documents = app.store.list(tenant, TRANSFORMER, "")?;
        documents.into_iter().map(|document| TransformerShape::read(&app.plugins, tenant, document)).collect::<Result<Vec<_>>>()
    };
    Ok(json(&serde_json::json!({"transformers": blocking(read).await?})))
}

pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadTransformers)?;
    shown(&mut call, name).await
}

async fn shown(call: &mut Call, name: String) -> Answer {
    let (app, tenant) = (call.app.clone(), call.caller.tenant);
    let read = move || {
        let found = app.store.get(&DocumentKey::new(tenant, TRANSFORMER, &name))?;
        let document = found.ok_or_else(|| Error::not_found(format!("there is no transformer {name:?}")))?;
        TransformerShape::read(&app.plugins, tenant, document)
    };
    Ok(json(&blocking(read).await?))
}

pub(crate) async fn save(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        plugin: Option<String>,
        config: Option<Value>,
        script: Option<String>,
    }
    let name = call.name().await?;
    let asked = call.json().await?;
    call.allow(Scope::WriteTransformers)?;
    let script = match asked {
        Asked { plugin: None, config: None, script: Some(script) } => match Use::of_script(&script) {
            Some(used) => settle(&mut call, used, World::Transformer).await?.to_script(),
            None => script,
        },
        Asked { plugin: Some(plugin), config, script: None } => {
            let config = Config::Json(config.unwrap_or_else(|| Value::Object(serde_json::Map::new())));
            settle(&mut call, Use { plugin, config }, World::Transformer).await?.to_script()
        }
        _ => return Err(Error::invalid("a transformer is a plugin with its config, or a script").at("body").into()),
    };
    let key = DocumentKey::new(call.caller.tenant, TRANSFORMER, &name);
    call.app.store.write(&call.caller.user, vec![Change::put(key, encode_script(&script))]).await?;
    shown(&mut call, name).await
}

pub(crate) async fn delete(mut call: Call) -> Answer {
    let key = DocumentKey::new(call.caller.tenant, TRANSFORMER, &call.name().await?);
    call.allow(Scope::WriteTransformers)?;
    call.app.store.write(&call.caller.user, vec![Change::delete(key).expecting(Expect::Present)]).await?;
    Ok(gone())
}
