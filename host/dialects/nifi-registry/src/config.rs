//! What can be managed here (NiFi Registry 21).

use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use axum::routing::get;
use axum::{Json, Router};
use headworks_identity::{Action, Resource};
use serde::Serialize;

pub(crate) fn routes() -> Router<App> {
    Router::new().route("/config", get(config))
}

/// What is not to be seen by a caller is `false`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    supports_configurable_authorizer: bool,
    supports_configurable_users_and_groups: bool,
    supports_managed_authorizer: bool,
}

async fn config(call: Call) -> Result<Json<Config>, Failure> {
    if call.caller.open {
        return Ok(Json(Config::default()));
    }
    let policies = call.allow(Action::Read, &Resource::Policies);
    let tenants = call.allow(Action::Read, &Resource::Tenants);
    if policies.is_err() {
        tenants.as_ref().map_err(Clone::clone)?;
    }
    let options = &call.app.options;
    Ok(Json(Config {
        supports_configurable_authorizer: policies.is_ok() && options.configurable_policies,
        supports_configurable_users_and_groups: tenants.is_ok() && options.configurable_tenants,
        supports_managed_authorizer: policies.is_ok(),
    }))
}
