//! Bundles by their coordinates (NiFi Registry 16). Links are absolute here.

use crate::App;
use crate::base;
use crate::buckets::resource;
use crate::bundles::archive;
use crate::call::Call;
use crate::failure::Failure;
use crate::links::Link;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use axum::routing::get;
use axum::{Json, Router};
use headworks_core::Result as Outcome;
use headworks_http::blocking;
use headworks_identity::Action;
use headworks_registry::{Bucket, Bundle, BundleVersion, Registry};
use serde::Serialize;

/// What all addresses here begin with.
pub(crate) const ROOT: &str = "extension-repository";

pub(crate) fn routes() -> Router<App> {
    // Not nested: the path of the whole request says what an operation answers with.
    let at = |below: &str| format!("/{ROOT}{below}");
    Router::new()
        .route(&at(""), get(buckets))
        .route(&at("/{bucket}"), get(groups))
        .route(&at("/{bucket}/{group}"), get(artifacts))
        .route(&at("/{bucket}/{group}/{artifact}"), get(versions))
        .route(&at("/{bucket}/{group}/{artifact}/sha256"), get(digest_anywhere))
        .route(&at("/{bucket}/{group}/{artifact}/{version}"), get(version))
        .route(&at("/{bucket}/{group}/{artifact}/{version}/content"), get(content))
        .route(&at("/{bucket}/{group}/{artifact}/{version}/sha256"), get(digest))
}

/// What is at one level of the hierarchy of names.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(skip_serializing_if = "Option::is_none")]
    artifact_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    bucket_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<Link>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

/// Where everything of one version is.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Addresses {
    download_link: Link,
    extensions_link: Link,
    sha256_link: Link,
    sha256_supplied: bool,
}

/// An absolute link to these names, one below the other.
pub(crate) fn link(call: &Call, rel: &'static str, names: &[&str]) -> Link {
    let mut parts = vec![ROOT];
    parts.extend_from_slice(names);
    Link::new(rel, &base::of(call), &parts)
}

impl Call {
    /// A bucket by its name, which the caller has to be allowed to read.
    pub(crate) fn bucket_named(&self, name: &str) -> Result<Bucket, Failure> {
        let bucket = self.app.registry.bucket_named(self.caller.tenant, name)?;
        self.allow(Action::Read, &resource(&bucket))?;
        Ok(bucket)
    }

    /// Looks something up off the async threads.
    async fn look<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Registry, headworks_core::TenantId) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (registry, tenant) = (self.app.registry.clone(), self.caller.tenant);
        Ok(blocking(move || work(&registry, tenant)).await?)
    }

    /// The version that the path names: bucket, group, artifact, version, each in its place.
    pub(crate) fn version_in_path(
        &self,
        [bucket, group, artifact, version]: &[String; 4],
    ) -> Result<(Bucket, Bundle, BundleVersion), Failure> {
        let bucket = self.bucket_named(bucket)?;
        let coordinates = (group.as_str(), artifact.as_str(), version.as_str());
        let (bundle, version) = self.app.registry.version_in(self.caller.tenant, &bucket.id, coordinates)?;
        Ok((bucket, bundle, version))
    }
}

async fn buckets(mut call: Call) -> Result<Json<Vec<Entry>>, Failure> {
    let found = call.readable_buckets().await?;
    let entry =
        |bucket: Bucket| Entry { link: Some(link(&call, "self", &[&bucket.name])), bucket_name: bucket.name, ..Entry::default() };
    Ok(Json(found.into_iter().map(entry).collect()))
}

async fn groups(mut call: Call) -> Result<Json<Vec<Entry>>, Failure> {
    let [name] = call.path().await?;
    let bucket = call.bucket_named(&name)?;
    let bundles = call.look(move |registry, tenant| registry.bundles(tenant, &bucket.id)).await?;
    let mut groups: Vec<String> = bundles.into_iter().map(|bundle| bundle.group).collect();
    groups.dedup();
    let entry = |group: String| Entry {
        link: Some(link(&call, "self", &[&name, &group])),
        bucket_name: name.clone(),
        group_id: Some(group),
        ..Entry::default()
    };
    Ok(Json(groups.into_iter().map(entry).collect()))
}

async fn artifacts(mut call: Call) -> Result<Json<Vec<Entry>>, Failure> {
    let [name, group] = call.path().await?;
    let bucket = call.bucket_named(&name)?;
    let bundles = call.look(move |registry, tenant| registry.bundles(tenant, &bucket.id)).await?;
    let entry = |bundle: Bundle| Entry {
        link: Some(link(&call, "self", &[&name, &group, &bundle.artifact])),
        bucket_name: name.clone(),
        group_id: Some(bundle.group),
        artifact_id: Some(bundle.artifact),
        ..Entry::default()
    };
    Ok(Json(bundles.into_iter().filter(|bundle| bundle.group == group).map(entry).collect()))
}

async fn versions(mut call: Call) -> Result<Json<Vec<Entry>>, Failure> {
    let [name, group, artifact] = call.path().await?;
    let bucket = call.bucket_named(&name)?;
    let of = (group.clone(), artifact.clone());
    let look = move |registry: &Registry, tenant| match registry.bundle_in(tenant, &bucket.id, &of.0, &of.1)? {
        Some(bundle) => registry.versions_of_bundle(tenant, &bundle.id),
        None => Ok(Vec::new()),
    };
    let found = call.look(look).await?;
    let entry = |version: BundleVersion| Entry {
        link: Some(link(&call, "self", &[&name, &group, &artifact, &version.version])),
        bucket_name: name.clone(),
        group_id: Some(group.clone()),
        artifact_id: Some(artifact.clone()),
        version: Some(version.version),
        author: Some(version.author),
        timestamp: Some(version.timestamp),
    };
    Ok(Json(found.into_iter().map(entry).collect()))
}

async fn version(mut call: Call) -> Result<Json<Addresses>, Failure> {
    let names = call.path().await?;
    let (_, _, version) = call.version_in_path(&names)?;
    let [bucket, group, artifact, number] = &names;
    let below = |rel: &'static str, what: &str| link(&call, rel, &[bucket, group, artifact, number, what]);
    Ok(Json(Addresses {
        download_link: below("content", "content"),
        extensions_link: below("extensions", "extensions"),
        sha256_link: below("sha256", "sha256"),
        sha256_supplied: version.digest_supplied,
    }))
}

async fn content(mut call: Call) -> Result<Response<Body>, Failure> {
    let names = call.path().await?;
    let (_, bundle, version) = call.version_in_path(&names)?;
    archive(&mut call, &bundle, version).await
}

async fn digest(mut call: Call) -> Result<Response<Body>, Failure> {
    let names = call.path().await?;
    let (_, _, version) = call.version_in_path(&names)?;
    Ok(text(version.digest.to_string()))
}

/// The path has group, artifact and version where others have bucket, group and artifact (NiFi Registry 2.1).
async fn digest_anywhere(mut call: Call) -> Result<Response<Body>, Failure> {
    let [group, artifact, version] = call.path().await?;
    let buckets = call.readable_buckets().await?;
    let look = move |registry: &Registry, tenant| registry.newest_in(tenant, &buckets, (&group, &artifact, &version));
    Ok(text(call.look(look).await?.digest.to_string()))
}

fn text(text: String) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}
