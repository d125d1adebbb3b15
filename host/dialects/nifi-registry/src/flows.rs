//! Flows of buckets (NiFi Registry 8).

use crate::App;
use crate::buckets::{resource, same, same_bucket};
use crate::call::Call;
use crate::failure::Failure;
use crate::links::{Link, Permissions};
use crate::revisions::RevisionInfo;
use axum::routing::get;
use axum::{Json, Router};
use headworks_http::blocking;
use headworks_identity::Action;
use headworks_registry::{Bucket, Flow, FlowChange, NewFlow};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/buckets/{bucket}/flows", get(list).post(create))
        .route("/buckets/{bucket}/flows/{flow}", get(one).put(update).delete(delete))
        .route("/flows/fields", get(fields))
        .route("/flows/{flow}", get(anywhere))
}

/// A flow as clients see it, also among items.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FlowView {
    bucket_identifier: String,
    bucket_name: String,
    created_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
    modified_timestamp: i64,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Permissions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<RevisionInfo>,
    r#type: &'static str,
    version_count: u32,
}

impl FlowView {
    /// With everything, as it is read. The permissions are those on its bucket.
    pub(crate) fn of(call: &Call, bucket: &str, flow: Flow, permissions: Permissions) -> Self {
        Self { permissions: Some(permissions), ..Self::inside(call, bucket, flow) }
    }

    /// As a part of one of its versions.
    pub(crate) fn inside(call: &Call, bucket: &str, flow: Flow) -> Self {
        let revision = RevisionInfo::of(&call.app.options, &flow.revision);
        let link = Link::new("self", "", &["buckets", &flow.bucket, "flows", &flow.id]);
        Self { link: Some(link), revision: Some(revision), ..Self::bare(bucket, flow) }
    }

    fn bare(bucket: &str, flow: Flow) -> Self {
        Self {
            bucket_identifier: flow.bucket,
            bucket_name: bucket.to_owned(),
            created_timestamp: flow.created,
            description: flow.description,
            identifier: flow.id,
            link: None,
            modified_timestamp: flow.modified,
            name: flow.name,
            permissions: None,
            revision: None,
            r#type: "Flow",
            version_count: flow.versions,
        }
    }

    fn read(call: &Call, (bucket, flow): (Bucket, Flow)) -> Self {
        Self::of(call, &bucket.name, flow, Permissions::of(call, &resource(&bucket)))
    }

    fn changed(call: &Call, found: (Bucket, Flow)) -> Self {
        let revision = RevisionInfo::changed(call, &found.1.revision);
        Self { revision: Some(revision), ..Self::read(call, found) }
    }
}

/// A flow as clients send it. What is not here is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    identifier: Option<String>,
    bucket_identifier: Option<String>,
    name: Option<String>,
    description: Option<String>,
    revision: Option<RevisionInfo>,
}

async fn create(mut call: Call) -> Result<Json<FlowView>, Failure> {
    let [bucket] = call.path().await?;
    let body: Body = call.needed("Flow").await?;
    same_bucket(body.bucket_identifier.as_deref(), &bucket)?;
    call.allow_in(Action::Write, &bucket)?;
    let basis = call.basis(body.revision);
    let new = NewFlow { id: body.identifier, name: body.name, description: body.description, ..NewFlow::default() };
    let made = call.app.registry.create_flow(call.caller.tenant, &call.caller.identity, &bucket, new, &basis).await?;
    Ok(Json(FlowView::changed(&call, made)))
}

async fn list(mut call: Call) -> Result<Json<Vec<FlowView>>, Failure> {
    let [id] = call.path().await?;
    call.allow_in(Action::Read, &id)?;
    let page = call.page()?;
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let bucket = registry.bucket(tenant, &id)?;
    let flows = page.of(blocking(move || registry.flows(tenant, &id)).await?);
    let permissions = Permissions::of(&call, &resource(&bucket));
    Ok(Json(flows.into_iter().map(|flow| FlowView::of(&call, &bucket.name, flow, permissions)).collect()))
}

async fn fields(_: Call) -> Json<Value> {
    crate::items::fields_of_items()
}

async fn one(mut call: Call) -> Result<Json<FlowView>, Failure> {
    let [bucket, flow] = call.path().await?;
    call.allow_in(Action::Read, &bucket)?;
    let found = call.app.registry.flow(call.caller.tenant, &bucket, &flow)?;
    Ok(Json(FlowView::read(&call, found)))
}

async fn anywhere(mut call: Call) -> Result<Json<FlowView>, Failure> {
    let [flow] = call.path().await?;
    let found = call.app.registry.flow_anywhere(call.caller.tenant, &flow)?;
    call.allow(Action::Read, &resource(&found.0))?;
    Ok(Json(FlowView::read(&call, found)))
}

async fn update(mut call: Call) -> Result<Json<FlowView>, Failure> {
    let [bucket, flow] = call.path().await?;
    let body: Body = call.needed("Flow").await?;
    same_bucket(body.bucket_identifier.as_deref(), &bucket)?;
    same(body.identifier.as_deref(), &flow, "Item id in path param must match item id in body")?;
    call.allow_in(Action::Write, &bucket)?;
    let basis = call.basis(body.revision);
    let change = FlowChange { name: body.name, description: body.description };
    let (registry, caller) = (&call.app.registry, &call.caller);
    let changed = registry.update_flow(caller.tenant, &caller.identity, (&bucket, &flow), &change, &basis).await?;
    Ok(Json(FlowView::changed(&call, changed)))
}

async fn delete(mut call: Call) -> Result<Json<FlowView>, Failure> {
    let [bucket, flow] = call.path().await?;
    call.allow_in(Action::Delete, &bucket)?;
    call.app.registry.flow(call.caller.tenant, &bucket, &flow)?;
    let basis = call.basis_in_query()?;
    let (registry, caller) = (&call.app.registry, &call.caller);
    let (bucket, flow) = registry.delete_flow(caller.tenant, &caller.identity, (&bucket, &flow), &basis).await?;
    Ok(Json(FlowView { revision: RevisionInfo::deleted(&call), ..FlowView::bare(&bucket.name, flow) }))
}
