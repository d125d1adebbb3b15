//! Versions of flows (NiFi Registry 9).

use crate::App;
use crate::buckets::{BucketView, resource, same, same_bucket};
use crate::call::Call;
use crate::failure::Failure;
use crate::flows::FlowView;
use crate::links::Link;
use crate::outside::number;
use crate::{base, snapshots};
use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use axum::routing::{get, post};
use axum::{Json, Router};
use headworks_core::Error;
use headworks_http::blocking;
use headworks_identity::Action;
use headworks_registry::{Bucket, Flow, Saving, Taken, Version};
use serde::Serialize;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/buckets/{bucket}/flows/{flow}/versions", get(list).post(save))
        .route("/buckets/{bucket}/flows/{flow}/versions/import", post(import))
        .route("/buckets/{bucket}/flows/{flow}/versions/latest", get(latest))
        .route("/buckets/{bucket}/flows/{flow}/versions/latest/metadata", get(latest_metadata))
        .route("/buckets/{bucket}/flows/{flow}/versions/{number}", get(one))
        .route("/buckets/{bucket}/flows/{flow}/versions/{number}/export", get(export))
        .route("/flows/{flow}/versions", get(list_anywhere))
        .route("/flows/{flow}/versions/latest", get(latest_anywhere))
        .route("/flows/{flow}/versions/latest/metadata", get(latest_metadata_anywhere))
        .route("/flows/{flow}/versions/{number}", get(one_anywhere))
}

/// What is told of a version beside its contents.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MetadataView {
    author: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comments: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow_identifier: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
    timestamp: i64,
    version: u32,
}

impl MetadataView {
    fn of(bucket: &str, version: Version) -> Self {
        let number = version.number.to_string();
        let link = Link::new("content", "", &["buckets", bucket, "flows", &version.flow, "versions", &number]);
        let flow_identifier = Some(version.flow.clone());
        Self { bucket_identifier: Some(bucket.to_owned()), flow_identifier, link: Some(link), ..Self::bare(version) }
    }

    /// As it is exported: nothing of where it is.
    fn bare(version: Version) -> Self {
        let Version { author, comments, timestamp, number, .. } = version;
        Self { author, bucket_identifier: None, comments, flow_identifier: None, link: None, timestamp, version: number }
    }
}

/// What of a snapshot is the server's own.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(skip_serializing_if = "Option::is_none")]
    bucket: Option<BucketView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<FlowView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latest: Option<bool>,
    snapshot_metadata: MetadataView,
}

impl Call {
    /// The flow that the path names in a bucket, for those who may read it.
    fn flow_in(&self, bucket: &str, flow: &str) -> Result<(Bucket, Flow), Failure> {
        self.allow_in(Action::Read, bucket)?;
        Ok(self.app.registry.flow(self.caller.tenant, bucket, flow)?)
    }

    /// The flow that the path names without a bucket, for those who may read it.
    fn flow_anywhere(&self, flow: &str) -> Result<(Bucket, Flow), Failure> {
        let found = self.app.registry.flow_anywhere(self.caller.tenant, flow)?;
        self.allow(Action::Read, &resource(&found.0))?;
        Ok(found)
    }

    async fn all_versions(&mut self, (bucket, flow): (Bucket, Flow)) -> Result<Json<Vec<MetadataView>>, Failure> {
        let page = self.page()?;
        let (registry, tenant) = (self.app.registry.clone(), self.caller.tenant);
        let versions = page.of(blocking(move || registry.versions(tenant, &flow.id)).await?);
        Ok(Json(versions.into_iter().map(|version| MetadataView::of(&bucket.id, version)).collect()))
    }

    fn latest_of(&self, flow: &Flow) -> Result<Version, Failure> {
        Ok(self.app.registry.latest_version(self.caller.tenant, flow)?)
    }

    fn version_of(&self, flow: &Flow, number: u32) -> Result<Version, Failure> {
        Ok(self.app.registry.version(self.caller.tenant, &flow.id, number)?)
    }

    /// The whole snapshot of a version.
    async fn whole(&mut self, (bucket, flow): (Bucket, Flow), version: Version) -> Result<Response<Body>, Failure> {
        let snapshot_metadata = MetadataView::of(&bucket.id, version.clone());
        let head = Head {
            latest: Some(version.number == flow.versions),
            flow: Some(FlowView::inside(self, &bucket.name, flow)),
            bucket: Some(BucketView::of(self, bucket)),
            snapshot_metadata,
        };
        snapshots::answer(self, &head, version).await
    }

    /// Takes in the snapshot in the body. Its identifiers have to be those of the path.
    async fn take_snapshot(&mut self, bucket: &str, flow: &str) -> Result<Taken, Failure> {
        self.is_json()?;
        self.allow_in(Action::Write, bucket)?;
        let taken = snapshots::take(self).await?;
        if let Some(metadata) = &taken.metadata {
            same_bucket(metadata.bucket_identifier.as_deref(), bucket)?;
            same(metadata.flow_identifier.as_deref(), flow, "Flow id in path param must match flow id in body")?;
        }
        Ok(taken)
    }

    async fn save(&mut self, path: (&str, &str), taken: Taken, saving: Saving) -> Result<(Bucket, Flow, Version), Failure> {
        let (registry, caller) = (self.app.registry.clone(), self.caller.clone());
        Ok(registry.save_version(caller.tenant, &caller.identity, path, taken, saving).await?)
    }
}

async fn save(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bucket, flow] = call.path().await?;
    let saving = if call.preserves()? { Saving::Preserved } else { Saving::Own };
    let taken = call.take_snapshot(&bucket, &flow).await?;
    let (bucket, flow, version) = call.save((&bucket, &flow), taken, saving).await?;
    call.whole((bucket, flow), version).await
}

async fn import(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bucket, flow] = call.path().await?;
    let comments = call.headers().get("comments").map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    call.is_json()?;
    call.allow_in(Action::Write, &bucket)?;
    let taken = snapshots::take(&mut call).await?;
    let saving = Saving::Imported(comments.filter(|comments| !comments.trim().is_empty()));
    let (bucket, flow, version) = call.save((&bucket, &flow), taken, saving).await?;
    let number = version.number.to_string();
    let location = Link::new("self", &base::of(&call), &["buckets", &bucket.id, "flows", &flow.id, "versions", &number]);
    let mut response = call.whole((bucket, flow), version).await?;
    *response.status_mut() = StatusCode::CREATED;
    put(&mut response, header::LOCATION, location.href())?;
    Ok(response)
}

async fn export(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bucket, flow, version] = call.path().await?;
    let number = number(&version)?;
    let (_, flow) = call.flow_in(&bucket, &flow)?;
    let version = call.version_of(&flow, number)?;
    let head = Head { bucket: None, flow: None, latest: None, snapshot_metadata: MetadataView::bare(version.clone()) };
    let mut response = snapshots::answer(&mut call, &head, version).await?;
    let name: String = flow.name.chars().map(in_a_file_name).collect();
    let file = format!("{name}-version-{number}.json");
    put(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{file}\""))?;
    put(&mut response, HeaderName::from_static("filename"), &file)?;
    Ok(response)
}

/// White space as dashes; what would end the name as underscores.
fn in_a_file_name(letter: char) -> char {
    match letter {
        letter if letter.is_whitespace() => '-',
        '"' | '\\' | '/' => '_',
        letter if letter.is_control() => '_',
        letter => letter,
    }
}

fn put(response: &mut Response<Body>, name: HeaderName, value: &str) -> Result<(), Failure> {
    let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
    response.headers_mut().insert(name, value);
    Ok(())
}

async fn list(mut call: Call) -> Result<Json<Vec<MetadataView>>, Failure> {
    let [bucket, flow] = call.path().await?;
    let found = call.flow_in(&bucket, &flow)?;
    call.all_versions(found).await
}

async fn list_anywhere(mut call: Call) -> Result<Json<Vec<MetadataView>>, Failure> {
    let [flow] = call.path().await?;
    let found = call.flow_anywhere(&flow)?;
    call.all_versions(found).await
}

async fn latest(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bucket, flow] = call.path().await?;
    let found = call.flow_in(&bucket, &flow)?;
    let version = call.latest_of(&found.1)?;
    call.whole(found, version).await
}

async fn latest_anywhere(mut call: Call) -> Result<Response<Body>, Failure> {
    let [flow] = call.path().await?;
    let found = call.flow_anywhere(&flow)?;
    let version = call.latest_of(&found.1)?;
    call.whole(found, version).await
}

async fn latest_metadata(mut call: Call) -> Result<Json<MetadataView>, Failure> {
    let [bucket, flow] = call.path().await?;
    let (bucket, flow) = call.flow_in(&bucket, &flow)?;
    Ok(Json(MetadataView::of(&bucket.id, call.latest_of(&flow)?)))
}

async fn latest_metadata_anywhere(mut call: Call) -> Result<Json<MetadataView>, Failure> {
    let [flow] = call.path().await?;
    let (bucket, flow) = call.flow_anywhere(&flow)?;
    Ok(Json(MetadataView::of(&bucket.id, call.latest_of(&flow)?)))
}

async fn one(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bucket, flow, version] = call.path().await?;
    let number = number(&version)?;
    let found = call.flow_in(&bucket, &flow)?;
    let version = call.version_of(&found.1, number)?;
    call.whole(found, version).await
}

async fn one_anywhere(mut call: Call) -> Result<Response<Body>, Failure> {
    let [flow, version] = call.path().await?;
    let number = number(&version)?;
    let found = call.flow_anywhere(&flow)?;
    let version = call.version_of(&found.1, number)?;
    call.whole(found, version).await
}
