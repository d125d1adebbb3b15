//! What plugins used since the server started.

use crate::call::Call;
use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::Response;
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_plugins::UsageSnapshot;
use serde::Serialize;

type Answer = Result<Response<Body>, Failure>;

#[derive(Serialize)]
struct UsageShape {
    plugin: String,
    #[serde(flatten)]
    usage: UsageSnapshot,
}

pub(crate) async fn plugin(mut call: Call) -> Answer {
    #[derive(Serialize)]
    struct Shown {
        since: String,
        #[serde(flatten)]
        of: UsageShape,
    }
    let plugin = call.name().await?;
    call.allow(Scope::ReadTransformers)?;
    let usage = call.app.plugins.usage(call.caller.tenant, &plugin)?;
    Ok(json(&Shown { since: call.app.plugins.started().rfc3339(), of: UsageShape { plugin, usage } }))
}

pub(crate) async fn all(call: Call) -> Answer {
    call.allow(Scope::ReadTransformers)?;
    let (plugins, tenant) = (call.app.plugins.clone(), call.caller.tenant);
    let used = move || {
        let names = plugins.list(tenant)?.into_iter().map(|plugin| plugin.name);
        names.map(|plugin| Ok(UsageShape { usage: plugins.usage(tenant, &plugin)?, plugin })).collect()
    };
    let used: Vec<UsageShape> = blocking(used).await?;
    Ok(json(&serde_json::json!({"since": call.app.plugins.started().rfc3339(), "plugins": used})))
}
