//! Policies (NiFi Registry 17).

use crate::call::Call;
use crate::failure::Failure;
use crate::parties::{Member, Nested, created, identifiers, managed};
use crate::revisions::RevisionInfo;
use crate::{App, base};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use headworks_http::blocking;
use headworks_identity::{Action, Granted, Policy, Resource};
use headworks_registry::{Event, EventKind};
use serde::{Deserialize, Serialize};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/policies", get(list).post(create))
        .route("/policies/resources", get(resources))
        .route("/policies/{id}", get(one).put(update).delete(delete))
        .route("/policies/{action}/{*resource}", get(about))
}

/// A policy as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyView {
    action: &'static str,
    configurable: bool,
    identifier: String,
    resource: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<RevisionInfo>,
    user_groups: Vec<Nested>,
    users: Vec<Nested>,
}

impl PolicyView {
    fn of(call: &Call, policy: &Policy) -> Self {
        let (users, groups) = call.app.identity.granted(call.caller.tenant, policy);
        Self {
            action: policy.action.as_str(),
            configurable: call.app.options.configurable_policies,
            identifier: policy.id.clone(),
            resource: policy.resource.clone(),
            revision: Some(RevisionInfo::of(&call.app.options, &policy.revision)),
            user_groups: Nested::all(call, &groups),
            users: Nested::all(call, &users),
        }
    }

    fn changed(call: &Call, policy: &Policy) -> Self {
        Self { revision: Some(RevisionInfo::changed(call, &policy.revision)), ..Self::of(call, policy) }
    }
}

/// A policy as clients send it. What is not here is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    identifier: Option<String>,
    action: Option<String>,
    resource: Option<String>,
    users: Option<Vec<Member>>,
    user_groups: Option<Vec<Member>>,
    revision: Option<RevisionInfo>,
}

/// Something that policies can be about.
#[derive(Serialize)]
struct ResourceView {
    identifier: String,
    name: String,
}

/// Refuses changes where policies are only read.
fn configurable(call: &Call) -> Result<(), Failure> {
    managed(call)?;
    if call.app.options.configurable_policies {
        return Ok(());
    }
    Err(Failure::conflict(
        "This NiFi Registry is not configured to allow configurable policies. Please contact your system administrator.",
    ))
}

async fn list(call: Call) -> Result<Json<Vec<PolicyView>>, Failure> {
    managed(&call)?;
    call.allow(Action::Read, &Resource::Policies)?;
    let policies = call.app.identity.policies(call.caller.tenant);
    Ok(Json(policies.iter().map(|policy| PolicyView::of(&call, policy)).collect()))
}

async fn one(mut call: Call) -> Result<Json<PolicyView>, Failure> {
    managed(&call)?;
    let [id] = call.path().await?;
    call.allow(Action::Read, &Resource::Policies)?;
    let policy = call.app.identity.policy(call.caller.tenant, &id)?;
    Ok(Json(PolicyView::of(&call, &policy)))
}

async fn about(mut call: Call) -> Result<Json<PolicyView>, Failure> {
    managed(&call)?;
    let [action, rest] = call.path().await?;
    let action = Action::parse(&action)?;
    call.allow(Action::Read, &Resource::Policies)?;
    let resource = if rest.starts_with('/') { rest } else { format!("/{rest}") };
    let policy = call.app.identity.policy_about(call.caller.tenant, action, &resource)?;
    Ok(Json(PolicyView::of(&call, &policy)))
}

async fn create(mut call: Call) -> Result<Response, Failure> {
    configurable(&call)?;
    let body: Body = call.needed("Access policy").await?;
    call.allow(Action::Write, &Resource::Policies)?;
    if body.identifier.is_some() {
        return Err(Failure::invalid("Access policy identifier cannot be specified when creating a new access policy."));
    }
    let granted = Granted { users: identifiers(body.users), groups: identifiers(body.user_groups) };
    let (action, resource) = (body.action.unwrap_or_default(), body.resource.unwrap_or_default());
    let basis = call.basis(body.revision);
    let policy = call.app.identity.create_policy(&call.caller, &action, &resource, granted, &basis).await?;
    tell(&call, EventKind::CreatePolicy, &policy);
    let address = format!("{}/policies/{}", base::of(&call), policy.id);
    Ok(created(&address, &PolicyView::changed(&call, &policy)))
}

async fn update(mut call: Call) -> Result<Json<PolicyView>, Failure> {
    configurable(&call)?;
    let [id] = call.path().await?;
    let body: Body = call.needed("Access policy").await?;
    if let Some(other) = body.identifier.filter(|other| *other != id) {
        return Err(Failure::invalid(format!(
            "The policy id in the request body ({other}) does not equal the policy id of the requested resource ({id})."
        )));
    }
    call.allow(Action::Write, &Resource::Policies)?;
    let granted = Granted { users: identifiers(body.users), groups: identifiers(body.user_groups) };
    let basis = call.basis(body.revision);
    let policy = call.app.identity.update_policy(&call.caller, &id, granted, &basis).await?;
    tell(&call, EventKind::UpdatePolicy, &policy);
    Ok(Json(PolicyView::changed(&call, &policy)))
}

async fn delete(mut call: Call) -> Result<Json<PolicyView>, Failure> {
    configurable(&call)?;
    let [id] = call.path().await?;
    call.allow(Action::Delete, &Resource::Policies)?;
    call.app.identity.policy(call.caller.tenant, &id)?;
    let basis = call.basis_in_query()?;
    let policy = call.app.identity.delete_policy(&call.caller, &id, &basis).await?;
    tell(&call, EventKind::DeletePolicy, &policy);
    Ok(Json(PolicyView { revision: None, ..PolicyView::of(&call, &policy) }))
}

fn tell(call: &Call, kind: EventKind, policy: &Policy) {
    let fields = [
        ("POLICY_ID", policy.id.clone()),
        ("ACTION", policy.action.as_str().to_owned()),
        ("RESOURCE", policy.resource.clone()),
        ("USER", call.caller.identity.clone()),
    ];
    call.app.registry.tell(Event::new(call.caller.tenant, kind, fields));
}

/// The resources at the top with their labels, in the order of the contract (NiFi Registry 17.1).
const TOP: [(Resource, &str); 6] = [
    (Resource::Policies, "Access Policies"),
    (Resource::Tenants, "Tenants"),
    (Resource::Proxy, "Proxy User Requests"),
    (Resource::Actuator, "Actuator"),
    (Resource::Swagger, "Swagger"),
    (Resource::Buckets, "Buckets"),
];

async fn resources(call: Call) -> Result<Json<Vec<ResourceView>>, Failure> {
    call.allow(Action::Read, &Resource::Policies)?;
    let top = TOP.iter().map(|(resource, name)| ResourceView { identifier: resource.path(), name: (*name).to_owned() });
    let mut all: Vec<ResourceView> = top.collect();
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    for bucket in blocking(move || registry.buckets(tenant)).await? {
        let resource = Resource::Bucket { id: bucket.id, public: bucket.allow_public_read };
        all.push(ResourceView { identifier: resource.path(), name: bucket.name });
    }
    Ok(Json(all))
}
