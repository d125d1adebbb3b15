//! Extensions: those of one version of a bundle, and those of all bundles by what they are (NiFi Registry 14 to 16).

use crate::App;
use crate::bundle_type::{self, Spelling};
use crate::call::Call;
use crate::docs::{self, Place};
use crate::failure::Failure;
use crate::links::Link;
use crate::repository;
use crate::spellings;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use axum::response::{Html, IntoResponse};
use axum::routing::get;
use axum::{Json, Router};
use headworks_core::{Result as Outcome, TenantId};
use headworks_http::blocking;
use headworks_identity::Action;
use headworks_registry::archive::{DeprecationNotice, Extension, Restricted, ServiceApi};
use headworks_registry::{
    Bucket, Bundle, BundleVersion, ExtensionEntry, ExtensionFilter, ExtensionPlace, KnownExtensions, Registry,
};
use serde::Serialize;
use std::sync::Arc;

pub(crate) fn routes() -> Router<App> {
    const OF_BUNDLE: &str = "/bundles/{bundle}/versions/{version}/extensions";
    let by_name = format!("/{}/{{bucket}}/{{group}}/{{artifact}}/{{version}}/extensions", repository::ROOT);
    Router::new()
        .route("/extensions", get(search))
        .route("/extensions/provided-service-api", get(by_service))
        .route("/extensions/tags", get(tags))
        .route(OF_BUNDLE, get(of_bundle))
        .route(&format!("{OF_BUNDLE}/{{name}}"), get(one_of_bundle))
        .route(&format!("{OF_BUNDLE}/{{name}}/docs"), get(page_of_bundle))
        .route(&format!("{OF_BUNDLE}/{{name}}/docs/additional-details"), get(details_of_bundle))
        .route(&by_name, get(of_version))
        .route(&format!("{by_name}/{{name}}"), get(one_of_version))
        .route(&format!("{by_name}/{{name}}/docs"), get(page_of_version))
        .route(&format!("{by_name}/{{name}}/docs/additional-details"), get(details_of_version))
}

/// The types that searches know. Archives of other releases may have others.
const KINDS: [&str; 6] =
    ["PROCESSOR", "CONTROLLER_SERVICE", "REPORTING_TASK", "FLOW_ANALYSIS_RULE", "PARAMETER_PROVIDER", "FLOW_REGISTRY_CLIENT"];

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BundleInfo<'a> {
    artifact_id: &'a str,
    bucket_id: &'a str,
    bucket_name: &'a str,
    bundle_id: &'a str,
    bundle_type: &'static str,
    group_id: &'a str,
    system_api_version: &'a str,
    version: &'a str,
}

/// An extension in short.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetadataView<'a> {
    bundle_info: BundleInfo<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deprecation_notice: Option<&'a DeprecationNotice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    display_name: &'a str,
    has_additional_details: bool,
    link: Link,
    link_docs: Link,
    name: &'a str,
    #[serde(rename = "providedServiceAPIs", skip_serializing_if = "<[_]>::is_empty")]
    provided_service_apis: &'a [ServiceApi],
    #[serde(skip_serializing_if = "Option::is_none")]
    restricted: Option<&'a Restricted>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(rename = "type")]
    kind: &'a str,
}

impl<'a> MetadataView<'a> {
    fn of(spelling: Spelling, place: &'a ExtensionPlace, entry: &'a ExtensionEntry) -> Self {
        let ExtensionPlace { bucket, bundle, version } = place;
        let summary = &entry.summary;
        let path = ["bundles", &bundle.id, "versions", &version.version, "extensions", &summary.name, "docs"];
        Self {
            bundle_info: BundleInfo {
                artifact_id: &bundle.artifact,
                bucket_id: &bucket.id,
                bucket_name: &bucket.name,
                bundle_id: &bundle.id,
                bundle_type: spelling.write(bundle.kind),
                group_id: &bundle.group,
                system_api_version: &version.system_api_version,
                version: &version.version,
            },
            deprecation_notice: summary.deprecation_notice.as_ref(),
            description: summary.description.as_deref(),
            display_name: summary.display_name(),
            has_additional_details: entry.has_details(),
            link: Link::new("self", "", path.get(..6).unwrap_or_default()),
            link_docs: Link::new("docs", "", &path),
            name: &summary.name,
            provided_service_apis: &summary.provided_service_apis,
            restricted: summary.restricted.as_ref(),
            tags: &summary.tags,
            kind: &summary.kind,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found<'a> {
    extensions: Vec<MetadataView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_params: Option<Given>,
    num_results: usize,
}

/// The filters of a search as they were understood.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Given {
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extension_type: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

impl Call {
    /// A query parameter that is neither absent nor blank.
    fn filled(&self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.parameter(name)?.filter(|text| !text.trim().is_empty()))
    }
}

async fn search(mut call: Call) -> Result<Response<Body>, Failure> {
    let spelling = Spelling::of(&call);
    let mut tags = call.parameters("tag")?;
    tags.retain(|tag| !tag.trim().is_empty());
    let bundle = call.filled("bundleType")?.map(|text| bundle_type::read(&text)).transpose()?;
    let kind = call.filled("extensionType")?;
    if let Some(unknown) = kind.as_deref().filter(|kind| !KINDS.contains(kind)) {
        let known = KINDS.join(", ");
        return Err(Failure::invalid(format!("Extension type '{unknown}' is invalid. Must be one of [{known}]")));
    }
    let latest = call.filled("latest")?.is_some_and(|text| text == "true");
    let given = Given { bundle_type: bundle.map(|kind| spelling.write(kind)), extension_type: kind.clone(), tags: tags.clone() };
    find(&mut call, ExtensionFilter { bundle, kind, tags, latest, service: None }, Some(given)).await
}

async fn by_service(mut call: Call) -> Result<Response<Body>, Failure> {
    let service = ServiceApi {
        class_name: call.filled("className")?,
        group_id: call.filled("groupId")?,
        artifact_id: call.filled("artifactId")?,
        version: call.filled("version")?,
    };
    let parts = [&service.class_name, &service.group_id, &service.artifact_id, &service.version];
    if parts.iter().any(|part| part.is_none()) {
        return Err(Failure::invalid("Provided service API must be specified with a class, group, artifact, and version"));
    }
    find(&mut call, ExtensionFilter { service: Some(service), ..ExtensionFilter::default() }, None).await
}

async fn find(call: &mut Call, filter: ExtensionFilter, given: Option<Given>) -> Result<Response<Body>, Failure> {
    let (page, spelling) = (call.page()?, Spelling::of(call));
    let buckets = call.readable_buckets().await?;
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    // Thousands may be found, so they are written there too.
    let answer = blocking(move || {
        let found = page.of(registry.find_extensions(tenant, &buckets, &filter)?);
        let views = found.iter().filter_map(|found| Some(MetadataView::of(spelling, &found.place, found.entry()?)));
        let extensions: Vec<_> = views.collect();
        Ok(spellings::both(&Found { num_results: extensions.len(), extensions, filter_params: given }))
    });
    answer.await?
}

#[derive(Serialize)]
struct TagCount {
    tag: String,
    count: u64,
}

async fn tags(mut call: Call) -> Result<Json<Vec<TagCount>>, Failure> {
    let page = call.page()?;
    let buckets = call.readable_buckets().await?;
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let counts = blocking(move || registry.extension_tags(tenant, &buckets)).await?;
    Ok(Json(page.of(counts.into_iter().map(|(tag, count)| TagCount { tag, count }))))
}

/// One version of a bundle with its extensions.
struct Version {
    place: ExtensionPlace,
    known: Arc<KnownExtensions>,
}

impl Version {
    async fn new(call: &mut Call, (bucket, bundle, version): (Bucket, Bundle, BundleVersion)) -> Result<Self, Failure> {
        let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
        let read = blocking(move || {
            let known = registry.known_extensions(tenant, &bundle.id, &version)?;
            Ok(Self { place: ExtensionPlace { bucket, bundle, version }, known })
        });
        Ok(read.await?)
    }

    /// By the identifier of its bundle.
    async fn of_bundle(call: &mut Call, bundle: &str, version: &str) -> Result<Self, Failure> {
        let (bucket, bundle) = call.bundle(bundle, &[Action::Read])?;
        let version = call.app.registry.bundle_version(call.caller.tenant, &bundle.id, version)?;
        Self::new(call, (bucket, bundle, version)).await
    }

    /// By the names of bucket, group, artifact and version.
    async fn by_name(call: &mut Call, names: [String; 4]) -> Result<Self, Failure> {
        let found = call.version_in_path(&names)?;
        Self::new(call, found).await
    }

    /// By display name, then name.
    fn sorted(&self) -> Vec<&ExtensionEntry> {
        let mut entries: Vec<_> = self.known.list.extensions.iter().collect();
        let order = |entry: &&ExtensionEntry| (entry.summary.display_name().to_owned(), entry.summary.name.clone());
        entries.sort_by_cached_key(order);
        entries
    }

    fn metadata(&self, call: &Call) -> Vec<MetadataView<'_>> {
        let spelling = Spelling::of(call);
        self.sorted().into_iter().map(|entry| MetadataView::of(spelling, &self.place, entry)).collect()
    }

    /// Looks at one of the extensions off the async threads.
    async fn look<T: Send + 'static>(
        self,
        call: &mut Call,
        name: String,
        work: impl FnOnce(&Registry, TenantId, &Self, &ExtensionEntry) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
        Ok(blocking(move || work(&registry, tenant, &self, self.known.list.find(&name)?)).await?)
    }

    /// The full description of an extension.
    async fn extension(self, call: &mut Call, name: String) -> Result<Json<Extension>, Failure> {
        let read = |registry: &Registry, tenant, version: &Self, entry: &ExtensionEntry| {
            registry.extension(tenant, &version.known.list, entry)
        };
        Ok(Json(self.look(call, name, read).await?))
    }

    /// Its documentation.
    async fn page(self, call: &mut Call, name: String) -> Result<Response<Body>, Failure> {
        let spelling = Spelling::of(call);
        let write = move |registry: &Registry, tenant, version: &Self, entry: &ExtensionEntry| {
            let ExtensionPlace { bucket, bundle, version: found } = &version.place;
            let extension = registry.extension(tenant, &version.known.list, entry)?;
            let of_version = [repository::ROOT, &bucket.name, &bundle.group, &bundle.artifact, &found.version];
            let of_page = ["extensions", &extension.name, "docs", "additional-details"];
            let address = || Link::new("details", crate::PREFIX, &[of_version.as_slice(), &of_page].concat()).href().to_owned();
            let place = Place {
                group: &bundle.group,
                artifact: &bundle.artifact,
                version: &found.version,
                bundle_type: spelling.write(bundle.kind),
                system_api_version: &found.system_api_version,
                details: entry.has_details().then(address),
            };
            Ok(docs::page(&extension, &place))
        };
        Ok(html(self.look(call, name, write).await?, docs::PAGE_POLICY))
    }

    /// The page that its author shipped.
    async fn details(self, call: &mut Call, name: String) -> Result<Response<Body>, Failure> {
        let read = |registry: &Registry, tenant, version: &Self, entry: &ExtensionEntry| {
            Ok(docs::details(&registry.details(tenant, &version.known.list, entry)?))
        };
        Ok(html(self.look(call, name, read).await?, docs::DETAILS_POLICY))
    }
}

/// A page that may do no more than the policy says.
fn html(page: String, policy: &'static str) -> Response<Body> {
    ([(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy))], Html(page)).into_response()
}

async fn of_bundle(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bundle, version] = call.path().await?;
    let version = Version::of_bundle(&mut call, &bundle, &version).await?;
    spellings::both(&version.metadata(&call))
}

async fn one_of_bundle(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bundle, version, name] = call.path().await?;
    let version = Version::of_bundle(&mut call, &bundle, &version).await?;
    spellings::both(&version.extension(&mut call, name).await?.0)
}

async fn page_of_bundle(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bundle, version, name] = call.path().await?;
    Version::of_bundle(&mut call, &bundle, &version).await?.page(&mut call, name).await
}

async fn details_of_bundle(mut call: Call) -> Result<Response<Body>, Failure> {
    let [bundle, version, name] = call.path().await?;
    Version::of_bundle(&mut call, &bundle, &version).await?.details(&mut call, name).await
}

/// What both kinds of clients read: one the members, the other the wrapper (NiFi Registry 16).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RepositoryEntry<'a> {
    #[serde(flatten)]
    plain: MetadataView<'a>,
    extension_metadata: MetadataView<'a>,
}

async fn of_version(mut call: Call) -> Result<Response<Body>, Failure> {
    let names: [String; 4] = call.path().await?;
    let version = Version::by_name(&mut call, names.clone()).await?;
    let [bucket, group, artifact, number] = &names;
    let spelling = Spelling::of(&call);
    let entry = |entry| {
        let of = || MetadataView::of(spelling, &version.place, entry);
        let extension_metadata = of();
        let path = [bucket.as_str(), group, artifact, number, "extensions", extension_metadata.name, "docs"];
        let link = repository::link(&call, "self", path.get(..6).unwrap_or_default());
        let link_docs = repository::link(&call, "docs", &path);
        RepositoryEntry { plain: MetadataView { link, link_docs, ..of() }, extension_metadata }
    };
    let entries: Vec<_> = version.sorted().into_iter().map(entry).collect();
    spellings::both(&entries)
}

async fn one_of_version(mut call: Call) -> Result<Response<Body>, Failure> {
    let (names, name) = five(&mut call).await?;
    spellings::both(&Version::by_name(&mut call, names).await?.extension(&mut call, name).await?.0)
}

async fn page_of_version(mut call: Call) -> Result<Response<Body>, Failure> {
    let (names, name) = five(&mut call).await?;
    Version::by_name(&mut call, names).await?.page(&mut call, name).await
}

async fn details_of_version(mut call: Call) -> Result<Response<Body>, Failure> {
    let (names, name) = five(&mut call).await?;
    Version::by_name(&mut call, names).await?.details(&mut call, name).await
}

/// The names of a version, and that of an extension.
async fn five(call: &mut Call) -> Result<([String; 4], String), Failure> {
    let [bucket, group, artifact, version, name] = call.path().await?;
    Ok(([bucket, group, artifact, version], name))
}
