//! Which version of a plugin is in use.

use crate::call::Call;
use crate::failure::{Failure, json};
use crate::plugins::ReleaseShape;
use axum::body::Body;
use axum::http::Response;
use headworks_identity::Scope;
use headworks_plugins::{Release, Shadow};
use serde::Deserialize;

type Answer = Result<Response<Body>, Failure>;

pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadTransformers)?;
    let plugin = call.app.plugins.get(call.caller.tenant, &name)?;
    Ok(json(&ReleaseShape::of(&call.app.plugins, &plugin)))
}

pub(crate) async fn release(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        version: String,
        canary_percent: Option<u8>,
        shadow: Option<Shadow>,
    }
    let name = call.name().await?;
    let Asked { version, canary_percent, shadow } = call.json().await?;
    call.allow(Scope::WriteTransformers)?;
    let release = Release { version, canary_percent, shadow };
    let plugin = call.app.plugins.release(call.caller.tenant, &call.caller.user, &name, release).await?;
    Ok(json(&ReleaseShape::of(&call.app.plugins, &plugin)))
}

pub(crate) async fn rollback(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteTransformers)?;
    let plugin = call.app.plugins.rollback(call.caller.tenant, &call.caller.user, &name).await?;
    Ok(json(&ReleaseShape::of(&call.app.plugins, &plugin)))
}
