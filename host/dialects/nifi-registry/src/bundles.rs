//! Bundles and their versions (NiFi Registry 12).

use crate::App;
use crate::buckets::{BucketView, resource};
use crate::bundle_type::Spelling;
use crate::call::Call;
use crate::download;
use crate::failure::Failure;
use crate::links::{Link, Permissions};
use axum::body::Body;
use axum::http::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use headworks_http::blocking;
use headworks_identity::Action;
use headworks_registry::archive::{BuildInfo, Coordinates};
use headworks_registry::{Bucket, Bundle, BundleFilter, BundleKind, BundleVersion, Pattern, VersionFilter};
use serde::Serialize;

pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/buckets/{bucket}/bundles", get(of_bucket))
        .route("/buckets/{bucket}/bundles/{kind}", post(crate::bundle_upload::upload))
        .route("/bundles", get(list))
        .route("/bundles/versions", get(all_versions))
        .route("/bundles/{bundle}", get(one).delete(delete))
        .route("/bundles/{bundle}/versions", get(versions))
        .route("/bundles/{bundle}/versions/{version}", get(version).delete(delete_version))
        .route("/bundles/{bundle}/versions/{version}/content", get(content))
}

/// A bundle as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BundleView {
    artifact_id: String,
    bucket_identifier: String,
    bucket_name: String,
    bundle_type: &'static str,
    created_timestamp: i64,
    group_id: String,
    identifier: String,
    link: Link,
    modified_timestamp: i64,
    name: String,
    permissions: Permissions,
    #[serde(rename = "type")]
    kind: &'static str,
    version_count: u64,
}

impl BundleView {
    /// With what the caller may do in its bucket.
    pub(crate) fn of(call: &Call, bucket: &Bucket, bundle: Bundle) -> Self {
        Self {
            bucket_identifier: bucket.id.clone(),
            bucket_name: bucket.name.clone(),
            bundle_type: Spelling::of(call).write(bundle.kind),
            created_timestamp: bundle.created,
            link: Link::new("self", "", &["bundles", &bundle.id]),
            modified_timestamp: bundle.modified,
            name: bundle.name(),
            permissions: Permissions::of(call, &resource(bucket)),
            kind: "Bundle",
            version_count: bundle.versions,
            artifact_id: bundle.artifact,
            group_id: bundle.group,
            identifier: bundle.id,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BuildView {
    build_branch: String,
    build_flags: String,
    build_revision: String,
    build_tag: String,
    build_tool: String,
    built: i64,
    built_by: String,
}

impl From<BuildInfo> for BuildView {
    fn from(build: BuildInfo) -> Self {
        Self {
            build_branch: build.branch,
            build_flags: build.flags,
            build_revision: build.revision,
            build_tag: build.tag,
            build_tool: build.tool,
            built: build.built,
            built_by: build.built_by,
        }
    }
}

/// A version without what is around it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MetadataView {
    artifact_id: String,
    author: String,
    bucket_id: String,
    build_info: BuildView,
    bundle_id: String,
    content_size: u64,
    group_id: String,
    id: String,
    link: Link,
    sha256: String,
    sha256_supplied: bool,
    system_api_version: String,
    timestamp: i64,
    version: String,
}

impl MetadataView {
    fn of(bundle: &Bundle, version: BundleVersion) -> Self {
        Self {
            artifact_id: bundle.artifact.clone(),
            author: version.author,
            bucket_id: bundle.bucket.clone(),
            build_info: version.build.into(),
            bundle_id: bundle.id.clone(),
            content_size: version.size,
            group_id: bundle.group.clone(),
            id: version.id,
            link: Link::new("self", "", &["bundles", &bundle.id, "versions", &version.version]),
            sha256: version.digest.to_string(),
            sha256_supplied: version.digest_supplied,
            system_api_version: version.system_api_version,
            timestamp: version.timestamp,
            version: version.version,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DependencyView {
    artifact_id: String,
    group_id: String,
    version: String,
}

impl From<Coordinates> for DependencyView {
    fn from(of: Coordinates) -> Self {
        Self { artifact_id: of.artifact, group_id: of.group, version: of.version }
    }
}

/// A version with what is around it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VersionView {
    bucket: BucketView,
    bundle: BundleView,
    dependencies: Vec<DependencyView>,
    filename: String,
    link: Link,
    version_metadata: MetadataView,
}

impl VersionView {
    pub(crate) fn of(call: &Call, bucket: Bucket, bundle: Bundle, version: BundleVersion) -> Self {
        Self {
            filename: file_name(&bundle, &version),
            link: Link::new("self", "", &["bundles", &bundle.id, "versions", &version.version, "content"]),
            dependencies: version.dependencies.iter().cloned().map(DependencyView::from).collect(),
            version_metadata: MetadataView::of(&bundle, version),
            bundle: BundleView::of(call, &bucket, bundle),
            bucket: BucketView::of(call, bucket),
        }
    }
}

/// The name of the file that an archive is downloaded as.
pub(crate) fn file_name(bundle: &Bundle, version: &BundleVersion) -> String {
    let suffix = match bundle.kind {
        BundleKind::NifiNar => ".nar",
        BundleKind::HeadworksPlugin => ".wasm",
        BundleKind::MinifiCpp => "",
    };
    format!("{}-{}{suffix}", bundle.artifact, version.version)
}

impl Call {
    /// The pattern in a query parameter; nothing where it is absent or empty.
    fn pattern(&self, name: &str) -> Result<Option<Pattern>, Failure> {
        Ok(self.parameter(name)?.filter(|text| !text.is_empty()).map(|text| Pattern::new(&text)))
    }

    /// A bundle, which is looked up before the right on its bucket is (NiFi Registry 4.1).
    pub(crate) fn bundle(&self, id: &str, actions: &[Action]) -> Result<(Bucket, Bundle), Failure> {
        let (bucket, bundle) = self.app.registry.bundle(self.caller.tenant, id)?;
        actions.iter().try_for_each(|action| self.allow(*action, &resource(&bucket)))?;
        Ok((bucket, bundle))
    }
}

async fn list(mut call: Call) -> Result<Json<Vec<BundleView>>, Failure> {
    let page = call.page()?;
    let filter = BundleFilter {
        bucket: call.pattern("bucketName")?,
        group: call.pattern("groupId")?,
        artifact: call.pattern("artifactId")?,
    };
    let buckets = call.readable_buckets().await?;
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let found = blocking(move || registry.find_bundles(tenant, &buckets, &filter)).await?;
    let views = page.of(found).into_iter().map(|(bucket, bundle)| BundleView::of(&call, &bucket, bundle));
    Ok(Json(views.collect()))
}

async fn of_bucket(mut call: Call) -> Result<Json<Vec<BundleView>>, Failure> {
    let [bucket] = call.path().await?;
    let page = call.page()?;
    call.allow_in(Action::Read, &bucket)?;
    let bucket = call.app.registry.bucket(call.caller.tenant, &bucket)?;
    let (registry, tenant, id) = (call.app.registry.clone(), call.caller.tenant, bucket.id.clone());
    let bundles = blocking(move || registry.bundles(tenant, &id)).await?;
    Ok(Json(page.of(bundles).into_iter().map(|bundle| BundleView::of(&call, &bucket, bundle)).collect()))
}

async fn all_versions(mut call: Call) -> Result<Json<Vec<MetadataView>>, Failure> {
    let page = call.page()?;
    let filter = VersionFilter {
        group: call.pattern("groupId")?,
        artifact: call.pattern("artifactId")?,
        version: call.pattern("version")?,
    };
    let buckets = call.readable_buckets().await?;
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let found = blocking(move || registry.find_versions(tenant, &buckets, &filter)).await?;
    Ok(Json(page.of(found).into_iter().map(|(bundle, version)| MetadataView::of(&bundle, version)).collect()))
}

async fn one(mut call: Call) -> Result<Json<BundleView>, Failure> {
    let [id] = call.path().await?;
    let (bucket, bundle) = call.bundle(&id, &[Action::Read])?;
    Ok(Json(BundleView::of(&call, &bucket, bundle)))
}

async fn delete(mut call: Call) -> Result<Json<BundleView>, Failure> {
    let [id] = call.path().await?;
    call.bundle(&id, &[Action::Read, Action::Delete])?;
    let (bucket, bundle) = call.app.registry.delete_bundle(call.caller.tenant, &call.caller.identity, &id).await?;
    Ok(Json(BundleView::of(&call, &bucket, bundle)))
}

async fn versions(mut call: Call) -> Result<Json<Vec<MetadataView>>, Failure> {
    let [id] = call.path().await?;
    let page = call.page()?;
    let (_, bundle) = call.bundle(&id, &[Action::Read])?;
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let mut versions = blocking(move || registry.versions_of_bundle(tenant, &id)).await?;
    versions.reverse();
    Ok(Json(page.of(versions).into_iter().map(|version| MetadataView::of(&bundle, version)).collect()))
}

async fn version(mut call: Call) -> Result<Json<VersionView>, Failure> {
    let [id, version] = call.path().await?;
    let (bucket, bundle) = call.bundle(&id, &[Action::Read])?;
    let version = call.app.registry.bundle_version(call.caller.tenant, &id, &version)?;
    Ok(Json(VersionView::of(&call, bucket, bundle, version)))
}

async fn delete_version(mut call: Call) -> Result<Json<VersionView>, Failure> {
    let [id, version] = call.path().await?;
    call.bundle(&id, &[Action::Read, Action::Delete])?;
    let (tenant, author) = (call.caller.tenant, call.caller.identity.clone());
    let (bucket, bundle, version) = call.app.registry.delete_bundle_version(tenant, &author, &id, &version).await?;
    Ok(Json(VersionView::of(&call, bucket, bundle, version)))
}

async fn content(mut call: Call) -> Result<Response<Body>, Failure> {
    let [id, version] = call.path().await?;
    let (_, bundle) = call.bundle(&id, &[Action::Read])?;
    let version = call.app.registry.bundle_version(call.caller.tenant, &id, &version)?;
    archive(&mut call, &bundle, version).await
}

/// The archive of a version as an answer.
pub(crate) async fn archive(call: &mut Call, bundle: &Bundle, version: BundleVersion) -> Result<Response<Body>, Failure> {
    let file = file_name(bundle, &version);
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let archive = blocking(move || registry.archive(tenant, &version)).await?;
    download::answer(call.headers(), archive, &file)
}
