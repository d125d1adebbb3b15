//! Plugins as bundles of the registry: a version of a plugin is published to a bucket, and taken from one.
//!
//! What must stay true: what is published and taken has one digest, whichever buckets it goes through.

use crate::App;
use crate::call::Call;
use crate::failure::{Failure, json};
use crate::versions::find;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use headworks_core::{Digest, Error, ErrorCode, TenantId};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_registry::archive::Coordinates;
use headworks_registry::{BundleKind, NewVersion};
use serde::Deserialize;
use std::io::Read;

type Answer = Result<Response<Body>, Failure>;

/// The group of plugins that are published without one.
const GROUP: &str = "headworks";

/// `publish_plugin_version`: under the name and version that it says it has, or under another version such as a SNAPSHOT.
pub(crate) async fn publish(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        bucket: String,
        group: Option<String>,
        version: Option<String>,
    }
    let (plugin, version) = call.two_names().await?;
    let asked: Asked = call.json().await?;
    call.allow(Scope::WriteTransformers)?;
    let (app, tenant) = (&call.app, call.caller.tenant);
    let bucket = find(app, tenant, &asked.bucket)?;
    let component = app.plugins.component(tenant, &plugin, &version).await?;
    let mut content = app.store.start_content(tenant).await?;
    content.write(&component).await?;
    let coordinates = Coordinates {
        group: asked.group.unwrap_or_else(|| GROUP.to_owned()),
        artifact: plugin,
        version: asked.version.unwrap_or(version),
    };
    let new = NewVersion {
        bucket: bucket.id,
        kind: BundleKind::HeadworksPlugin,
        content: content.finish().await?,
        digest: Some(Digest::of(&component)),
        given: Some(coordinates),
        origin: None,
    };
    let added = app.registry.add_version(tenant, &call.caller.user, new).await?;
    let mut response = json(&serde_json::json!({
        "bucket": added.bucket.name, "bundle": added.bundle.id, "group": added.bundle.group, "artifact": added.bundle.artifact,
        "version": added.version.version, "sha256": added.version.digest.to_string(), "size": added.version.size,
    }));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

/// The component at these coordinates, `BUCKET/GROUP:ARTIFACT:VERSION`, which has to have this digest if one is given.
pub(crate) async fn fetch(app: &App, tenant: TenantId, named: &str, digest: Option<Digest>) -> Result<Vec<u8>, Failure> {
    let form = || Error::invalid("it has the form BUCKET/GROUP:ARTIFACT:VERSION").at("from");
    let (bucket, coordinates) = named.rsplit_once('/').ok_or_else(form)?;
    let parts: Vec<&str> = coordinates.split(':').collect();
    let [group, artifact, version] = parts.try_into().map_err(|_| form())?;
    let registry = app.registry.clone();
    let bucket = find(app, tenant, bucket)?;
    let missing = |error: Error| match error.code {
        ErrorCode::NotFound => Error::not_found(format!("there is no {coordinates} in the bucket {}", bucket.name)).at("from"),
        _ => error,
    };
    let (bundle, version) = registry.version_in(tenant, &bucket.id, (group, artifact, version)).map_err(missing)?;
    if bundle.kind != BundleKind::HeadworksPlugin {
        return Err(Error::invalid(format!("{coordinates} is no plugin of Headworks")).at("from").into());
    }
    if let Some(expected) = digest.filter(|expected| *expected != version.digest) {
        let message = format!("{coordinates} has the SHA-256 {} now instead of {expected}", version.digest);
        return Err(Error::invalid(message).at("sha256").into());
    }
    let most = app.plugins.sandbox().limits().component_bytes as u64;
    if version.size > most {
        return Err(Error::new(ErrorCode::TooLarge, format!("{coordinates} has more than {most} bytes")).into());
    }
    let read = move || {
        let mut component = Vec::new();
        registry.archive(tenant, &version)?.read_to_end(&mut component)?;
        Ok(component)
    };
    Ok(blocking(read).await?)
}
