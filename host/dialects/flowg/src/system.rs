//! The system configuration: one object per tenant.

use crate::account::done;
use crate::call::Call;
use crate::failure::{Failure, json};
use crate::shape::{Member, Optional, Shape};
use axum::body::Body;
use axum::http::Response;
use headworks_core::{AddressRange, SystemConfiguration, TenantId};
use headworks_identity::Scope;
use headworks_store::{Change, Store};
use serde::Deserialize;

type Answer = Result<Response<Body>, Failure>;

/// The settings of a tenant; those of nobody's choosing where there are none yet.
fn read(store: &Store, tenant: TenantId) -> Result<SystemConfiguration, Failure> {
    let document = store.get(&SystemConfiguration::key(tenant))?;
    Ok(document.map(|document| SystemConfiguration::from_stored(&document.body)).transpose()?.unwrap_or_default())
}

pub(crate) async fn get(call: Call) -> Answer {
    call.allow(Scope::ReadSystemConfiguration)?;
    let SystemConfiguration { syslog_allowed_origins, default_roles } = read(&call.app.store, call.caller.tenant)?;
    let origins: Vec<&str> = syslog_allowed_origins.iter().map(AddressRange::as_str).collect();
    let configuration = serde_json::json!({"syslog_allowed_origins": origins, "default_roles": default_roles});
    Ok(json(&serde_json::json!({"success": true, "configuration": configuration})))
}

/// Replaces the whole object: an absent member is an empty list.
pub(crate) async fn update(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        syslog_allowed_origins: Option<Vec<String>>,
        default_roles: Option<Vec<String>>,
    }
    const SHAPE: Shape = Shape::Object(&[
        Member("syslog_allowed_origins", Shape::List(&Shape::Text), Optional),
        Member("default_roles", Shape::List(&Shape::Text), Optional),
    ]);
    let Body { syslog_allowed_origins, default_roles } = call.json(&SHAPE).await?;
    let configuration =
        SystemConfiguration::parse(&syslog_allowed_origins.unwrap_or_default(), default_roles.unwrap_or_default())?;
    call.allow(Scope::WriteSystemConfiguration)?;
    let change = Change::put(SystemConfiguration::key(call.caller.tenant), configuration.to_stored()?);
    call.app.store.write(&call.caller.user, vec![change]).await?;
    Ok(done())
}
