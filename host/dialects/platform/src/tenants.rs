//! Tenants, for operators: users of the tenant `default` who may change users. Everybody else sees his own.

use crate::call::Call;
use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use headworks_core::{Error, ErrorCode, TenantId};
use headworks_identity::{Administrator, DayUsage, NewTenant, Quotas, Scope, Tenant, TenantSettings, Tenants, Usage};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type Answer = Result<Response<Body>, Failure>;

/// The most days of a usage report, and how many there are where it is not said.
const MOST_DAYS: u32 = 400;
const USUAL_DAYS: u32 = 31;

#[derive(Serialize)]
struct Shown<'t> {
    name: &'t str,
    number: TenantId,
    display_name: &'t str,
    hosts: &'t [String],
    state: headworks_identity::State,
    /// Its own.
    quotas: &'t Quotas,
    /// Those in force; 0 is no limit.
    limits: Quotas,
    grants: &'t [String],
    created: String,
    created_by: &'t str,
    revision: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    display_name: String,
    hosts: Vec<String>,
    suspended: bool,
    quotas: Quotas,
    grants: Vec<String>,
    /// Only of a change.
    revision: Option<u64>,
    /// Only of a new tenant.
    name: Option<String>,
    administrator: Option<GivenAdministrator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GivenAdministrator {
    #[serde(default = "root")]
    name: String,
    password: Option<String>,
}

fn root() -> String {
    "root".to_owned()
}

impl Default for Given {
    fn default() -> Self {
        let TenantSettings { display_name, hosts, suspended, quotas, grants } = TenantSettings::default();
        Self { display_name, hosts, suspended, quotas, grants, revision: None, name: None, administrator: None }
    }
}

impl Given {
    fn settings(self) -> TenantSettings {
        let Self { display_name, hosts, suspended, quotas, grants, .. } = self;
        TenantSettings { display_name, hosts, suspended, quotas, grants }
    }
}

impl Call {
    /// Refuses everybody but operators.
    pub(crate) fn allow_operator(&self) -> Result<(), Failure> {
        if self.caller.tenant == TenantId::DEFAULT {
            return self.allow(Scope::WriteAcls);
        }
        Err(Error::new(ErrorCode::Denied, "this is for operators: users of the tenant default with the scope write_acls").into())
    }

    fn shown<'t>(&self, tenant: &'t Tenant) -> Shown<'t> {
        let Tenant { number, name, display_name, hosts, state, quotas, grants, created_by, created, revision } = tenant;
        let limits = self.app.identity.tenants().quotas(tenant);
        let (number, state, revision, created) = (*number, *state, *revision, created.rfc3339());
        Shown { name, number, display_name, hosts, state, quotas, limits, grants, created, created_by, revision }
    }

    /// The tenant that the path names.
    async fn tenant(&mut self) -> Result<Arc<Tenant>, Failure> {
        let name = self.name().await?;
        self.allow_operator()?;
        let found = self.app.identity.tenants().by_name(&name);
        Ok(found.ok_or_else(|| Error::not_found(format!("there is no tenant {name:?}")))?)
    }

    fn own_tenant(&self) -> Result<Arc<Tenant>, Failure> {
        self.allow(Scope::ReadTransformers)?;
        let found = self.app.identity.tenants().get(self.caller.tenant);
        Ok(found.ok_or_else(|| Error::not_found("the tenant was deleted"))?)
    }
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow_operator()?;
    let tenants = call.app.identity.tenants().list();
    let shown: Vec<Shown<'_>> = tenants.iter().map(|tenant| call.shown(tenant)).collect();
    Ok(json(&serde_json::json!({ "tenants": shown })))
}

pub(crate) async fn create(mut call: Call) -> Answer {
    let mut given: Given = call.json().await?;
    call.allow_operator()?;
    let name = given.name.take().ok_or_else(|| Error::invalid("a tenant needs a name").at("name"))?;
    if given.revision.is_some() {
        return Err(Error::invalid("a tenant that is yet to be made has no revision").at("revision").into());
    }
    let administrator = given.administrator.take().unwrap_or(GivenAdministrator { name: root(), password: None });
    let administrator = Administrator { name: administrator.name, password: administrator.password };
    let told = administrator.name.clone();
    let new = NewTenant { name, settings: given.settings(), administrator };
    let made = call.app.identity.create_tenant(&call.caller.user, new).await?;
    let mut administrator = serde_json::json!({ "name": told });
    if let (Some(password), Some(members)) = (made.password, administrator.as_object_mut()) {
        members.insert("password".to_owned(), password.into());
    }
    let body = serde_json::json!({ "tenant": call.shown(&made.tenant), "administrator": administrator });
    Ok(with(StatusCode::CREATED, json(&body)))
}

pub(crate) async fn get(mut call: Call) -> Answer {
    let tenant = call.tenant().await?;
    Ok(json(&call.shown(&tenant)))
}

/// Replaces the settings: what is absent is as in a new tenant.
pub(crate) async fn update(mut call: Call) -> Answer {
    let name = call.name().await?;
    let given: Given = call.json().await?;
    call.allow_operator()?;
    if given.name.as_ref().is_some_and(|given| *given != name) {
        return Err(Error::invalid("the name of a tenant never changes").at("name").into());
    }
    if given.administrator.is_some() {
        let text = "users of a tenant are changed by its administrators, not here";
        return Err(Error::invalid(text).at("administrator").into());
    }
    let revision = given.revision;
    let changed = call.app.identity.update_tenant(&call.caller.user, &name, given.settings(), revision).await?;
    Ok(json(&call.shown(&changed)))
}

/// Answers as soon as nobody gets in any more; the data are removed after it.
pub(crate) async fn delete(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow_operator()?;
    call.app.identity.delete_tenant(&call.caller.user, &name).await?;
    Ok(with(StatusCode::ACCEPTED, json(&serde_json::json!({"name": name, "state": "deleting"}))))
}

pub(crate) async fn usage(mut call: Call) -> Answer {
    let tenant = call.tenant().await?;
    report(call.app.identity.tenants().clone(), &tenant, days(&call)?).await
}

pub(crate) async fn own(call: Call) -> Answer {
    let tenant = call.own_tenant()?;
    Ok(json(&call.shown(&tenant)))
}

pub(crate) async fn own_usage(call: Call) -> Answer {
    let tenant = call.own_tenant()?;
    report(call.app.identity.tenants().clone(), &tenant, days(&call)?).await
}

#[derive(Serialize)]
struct Report<'t> {
    tenant: &'t str,
    /// Bytes of stored records at this moment.
    stored_bytes: u64,
    since_start: Usage,
    days: Vec<DayUsage>,
}

/// For how many days a report is asked for.
fn days(call: &Call) -> Result<u32, Failure> {
    let query = call.query()?;
    let Some(days) = query.get("days") else { return Ok(USUAL_DAYS) };
    let days = days.parse().ok().filter(|days| (1..=MOST_DAYS).contains(days));
    Ok(days.ok_or_else(|| Error::invalid(format!("days is a number from 1 to {MOST_DAYS}")).at("days"))?)
}

async fn report(tenants: Tenants, tenant: &Tenant, days: u32) -> Answer {
    let number = tenant.number;
    let meter = tenants.meter(number);
    let read = tokio::task::spawn_blocking(move || tenants.days(number, days)).await;
    let days = read.map_err(|error| Error::internal(error.to_string()))??;
    Ok(json(&Report { tenant: &tenant.name, stored_bytes: meter.stored_bytes(), since_start: meter.usage(), days }))
}

fn with(status: StatusCode, mut response: Response<Body>) -> Response<Body> {
    *response.status_mut() = status;
    response
}
