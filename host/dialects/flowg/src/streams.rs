//! Streams: settings, fields, usage, indexes.

use crate::account::done;
use crate::call::Call;
use crate::failure::{Failure, json};
use crate::shape::{Member, Optional, Required, Shape};
use axum::body::Body;
use axum::http::Response;
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_store::StreamConfig;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

type Answer = Result<Response<Body>, Failure>;

/// `StreamConfig` on the wire.
#[derive(Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Seconds.
    ttl: i64,
    /// Units of 1,048,576 bytes.
    size: i64,
    #[serde(default)]
    indexed_fields: Option<BTreeSet<String>>,
}

impl From<StreamConfig> for Settings {
    fn from(config: StreamConfig) -> Self {
        Self { ttl: config.ttl_seconds, size: config.size_mib, indexed_fields: Some(config.indexed_fields) }
    }
}

impl From<Settings> for StreamConfig {
    fn from(settings: Settings) -> Self {
        Self { ttl_seconds: settings.ttl, size_mib: settings.size, indexed_fields: settings.indexed_fields.unwrap_or_default() }
    }
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadStreams)?;
    let mut streams = Map::new();
    for (name, config) in call.app.store.stream_names(call.caller.tenant) {
        streams.insert(name, serde_json::to_value(Settings::from(config)).unwrap_or(Value::Null));
    }
    Ok(json(&serde_json::json!({"success": true, "streams": streams})))
}

/// Makes the stream if there is none (FlowG 23).
pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadStreams)?;
    let config = call.app.store.ensure_stream(call.caller.tenant, &name, &call.caller.user).await?;
    Ok(json(&serde_json::json!({"success": true, "config": Settings::from(config)})))
}

pub(crate) async fn configure(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        config: Settings,
    }
    const CONFIG: Shape = Shape::Object(&[
        Member("ttl", Shape::Natural, Required),
        Member("size", Shape::Natural, Required),
        Member("indexed_fields", Shape::List(&Shape::Name), Optional),
    ]);
    const SHAPE: Shape = Shape::Object(&[Member("config", CONFIG, Required)]);
    let name = call.name().await?;
    let Body { config } = call.json(&SHAPE).await?;
    call.allow(Scope::WriteStreams)?;
    call.app.store.configure_stream(call.caller.tenant, &name, config.into(), &call.caller.user).await?;
    Ok(done())
}

pub(crate) async fn purge(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteStreams)?;
    call.app.store.purge_stream(call.caller.tenant, &name, &call.caller.user).await?;
    Ok(done())
}

pub(crate) async fn fields(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadStreams)?;
    let fields = call.app.store.stream_fields(call.caller.tenant, &name);
    Ok(json(&serde_json::json!({"success": true, "fields": fields})))
}

pub(crate) async fn usage(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadStreams)?;
    let usage = call.app.store.stream_usage(call.caller.tenant, &name);
    Ok(json(&serde_json::json!({"success": true, "usage": usage})))
}

pub(crate) async fn indices(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadStreams)?;
    let (store, tenant) = (call.app.store.clone(), call.caller.tenant);
    let indices = blocking(move || store.stream_indices(tenant, &name)).await?;
    Ok(json(&serde_json::json!({"success": true, "indices": indices})))
}
