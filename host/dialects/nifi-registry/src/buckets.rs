//! Buckets (NiFi Registry 7).

use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use crate::links::{Link, Permissions};
use crate::revisions::RevisionInfo;
use axum::routing::get;
use axum::{Json, Router};
use headworks_http::blocking;
use headworks_identity::{Action, Resource};
use headworks_registry::{Bucket, BucketChange, NewBucket};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/buckets", get(list).post(create))
        .route("/buckets/fields", get(fields))
        .route("/buckets/{bucket}", get(one).put(update).delete(delete))
}

/// A bucket as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BucketView {
    allow_bundle_redeploy: bool,
    allow_public_read: bool,
    created_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    identifier: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions: Option<Permissions>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<RevisionInfo>,
}

impl BucketView {
    /// With everything, as it is read.
    pub(crate) fn of(call: &Call, bucket: Bucket) -> Self {
        let permissions = Permissions::of(call, &resource(&bucket));
        let revision = RevisionInfo::of(&call.app.options, &bucket.revision);
        let link = Link::new("self", "", &["buckets", &bucket.id]);
        Self { link: Some(link), permissions: Some(permissions), revision: Some(revision), ..Self::bare(bucket) }
    }

    /// As it is answered to whoever made or changed it.
    fn changed(call: &Call, bucket: Bucket) -> Self {
        let revision = RevisionInfo::changed(call, &bucket.revision);
        Self { revision: Some(revision), ..Self::of(call, bucket) }
    }

    fn bare(bucket: Bucket) -> Self {
        Self {
            allow_bundle_redeploy: bucket.allow_bundle_redeploy,
            allow_public_read: bucket.allow_public_read,
            created_timestamp: bucket.created,
            description: bucket.description,
            identifier: bucket.id,
            link: None,
            name: bucket.name,
            permissions: None,
            revision: None,
        }
    }
}

/// What policies say of a bucket.
pub(crate) fn resource(bucket: &Bucket) -> Resource {
    Resource::Bucket { id: bucket.id.clone(), public: bucket.allow_public_read }
}

impl Call {
    /// Refuses callers without a right on a bucket. One that does not exist is refused in the same way: it is reported as
    /// missing to those only who have the right on all buckets (NiFi Registry 4.1).
    pub(crate) fn allow_in(&self, action: Action, bucket: &str) -> Result<(), Failure> {
        let public = match self.app.registry.bucket(self.caller.tenant, bucket) {
            Ok(bucket) => bucket.allow_public_read,
            Err(error) if error.class() == headworks_core::ErrorClass::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        self.allow(action, &Resource::Bucket { id: bucket.to_owned(), public })
    }

    /// The buckets that the caller may read, by name.
    pub(crate) async fn readable_buckets(&mut self) -> Result<Vec<Bucket>, Failure> {
        let (registry, tenant) = (self.app.registry.clone(), self.caller.tenant);
        let mut buckets = blocking(move || registry.buckets(tenant)).await?;
        buckets.retain(|bucket| self.may(Action::Read, &resource(bucket)));
        Ok(buckets)
    }

    /// Whether what a client says of author and time is kept (NiFi Registry 23.4). It lets a caller write foreign names, so
    /// it takes the right to write all buckets.
    pub(crate) fn preserves(&self) -> Result<bool, Failure> {
        let preserves = self.parameter("preserveSourceProperties")?;
        if !preserves.is_some_and(|value| value.trim().eq_ignore_ascii_case("true")) {
            return Ok(false);
        }
        self.allow(Action::Write, &Resource::Buckets).map(|()| true)
    }
}

/// A bucket as clients send it. What is not here is ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    identifier: Option<String>,
    name: Option<String>,
    description: Option<String>,
    allow_bundle_redeploy: Option<bool>,
    allow_public_read: Option<bool>,
    created_timestamp: Option<i64>,
    revision: Option<RevisionInfo>,
}

async fn create(mut call: Call) -> Result<Json<BucketView>, Failure> {
    let body: Body = call.needed("Bucket").await?;
    call.allow(Action::Write, &Resource::Buckets)?;
    let preserve = call.preserves()?;
    let basis = call.basis(body.revision);
    let new = NewBucket {
        id: body.identifier,
        name: body.name,
        description: body.description,
        allow_bundle_redeploy: body.allow_bundle_redeploy.unwrap_or(false),
        allow_public_read: body.allow_public_read.unwrap_or(false),
        created: body.created_timestamp,
        preserve,
    };
    let bucket = call.app.registry.create_bucket(call.caller.tenant, &call.caller.identity, new, &basis).await?;
    Ok(Json(BucketView::changed(&call, bucket)))
}

async fn list(mut call: Call) -> Result<Json<Vec<BucketView>>, Failure> {
    let page = call.page()?;
    let buckets = page.of(call.readable_buckets().await?);
    Ok(Json(buckets.into_iter().map(|bucket| BucketView::of(&call, bucket)).collect()))
}

async fn fields(_: Call) -> Json<Value> {
    Json(json!({"fields": ["ID", "NAME", "DESCRIPTION", "CREATED"]}))
}

async fn one(mut call: Call) -> Result<Json<BucketView>, Failure> {
    let [id] = call.path().await?;
    call.allow_in(Action::Read, &id)?;
    let bucket = call.app.registry.bucket(call.caller.tenant, &id)?;
    Ok(Json(BucketView::of(&call, bucket)))
}

async fn update(mut call: Call) -> Result<Json<BucketView>, Failure> {
    let [id] = call.path().await?;
    let body: Body = call.needed("Bucket").await?;
    same_bucket(body.identifier.as_deref(), &id)?;
    call.allow_in(Action::Write, &id)?;
    let basis = call.basis(body.revision);
    let change = BucketChange {
        name: body.name,
        description: body.description,
        allow_bundle_redeploy: body.allow_bundle_redeploy,
        allow_public_read: body.allow_public_read,
    };
    let bucket = call.app.registry.update_bucket(call.caller.tenant, &call.caller.identity, &id, &change, &basis).await?;
    Ok(Json(BucketView::changed(&call, bucket)))
}

async fn delete(mut call: Call) -> Result<Json<BucketView>, Failure> {
    let [id] = call.path().await?;
    call.allow_in(Action::Delete, &id)?;
    call.app.registry.bucket(call.caller.tenant, &id)?;
    let basis = call.basis_in_query()?;
    let bucket = call.app.registry.delete_bucket(call.caller.tenant, &call.caller.identity, &id, &basis).await?;
    call.app.identity.forget_resource(&call.caller.identity, call.caller.tenant, &resource(&bucket)).await?;
    Ok(Json(BucketView { revision: RevisionInfo::deleted(&call), ..BucketView::bare(bucket) }))
}

/// Refuses a body that says it is of another bucket than the path.
pub(crate) fn same_bucket(in_body: Option<&str>, in_path: &str) -> Result<(), Failure> {
    same(in_body, in_path, "Bucket id in path param must match bucket id in body")
}

/// Refuses a body that names another thing than the path. What says nothing is of that of the path.
pub(crate) fn same(in_body: Option<&str>, in_path: &str, text: &str) -> Result<(), Failure> {
    if in_body.is_some_and(|id| id != in_path) { Err(Failure::invalid(text)) } else { Ok(()) }
}
