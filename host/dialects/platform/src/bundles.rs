//! Plugins as bundles of the registry: a version of a plugin is published to a bucket, taken from one, and named by what is made
//! from it.
//!
//! What must stay true: what is published and taken has one digest, whichever buckets it goes through; who may not read or
//! write a bucket through the registry may not here.

use crate::call::Call;
use crate::failure::{Failure, json};
use crate::versions::find;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use headworks_core::{Digest, Error, ErrorCode};
use headworks_http::blocking;
use headworks_identity::{Action, Scope};
use headworks_plugins::{Coordinates, Upload, Use, World};
use headworks_registry::{BundleKind, BundleVersion, NewVersion, archive};
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
    call.permit(Action::Write, &bucket).map_err(|error| error.at("bucket"))?;
    let component = app.plugins.component(tenant, &plugin, &version).await?;
    let mut content = app.store.start_content(tenant).await?;
    content.write(&component).await?;
    let coordinates = archive::Coordinates {
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

/// The component at these coordinates, which has to have this digest if one is given.
pub(crate) async fn fetch(call: &mut Call, named: &str, digest: Option<Digest>) -> Result<Vec<u8>, Failure> {
    let coordinates = Coordinates::read(named).map_err(|error| error.at("from"))?;
    let form = || Error::invalid("it has the form BUCKET/GROUP:ARTIFACT:VERSION").at("from");
    let coordinates = coordinates.ok_or_else(form)?;
    let version = locate(call, &coordinates).map_err(|error| error.at("from"))?;
    let expected = digest.map(|digest| ("sha256", digest)).or(coordinates.digest.map(|digest| ("from", digest)));
    if let Some((member, expected)) = expected {
        same(&coordinates, expected, version.digest).map_err(|error| error.at(member))?;
    }
    component(call, version).await
}

/// What is saved of something that is made from a plugin. Coordinates get the digest that they have now, and that version is
/// installed if need be; the configuration has to fit the version that will run.
pub(crate) async fn settle(call: &mut Call, used: Use, world: World) -> Result<Use, Failure> {
    let coordinates = Coordinates::read(&used.plugin).map_err(|error| error.at("plugin"))?;
    let plugin = match coordinates {
        Some(coordinates) => pin(call, coordinates, world).await?.to_string(),
        None => used.plugin,
    };
    call.app.plugins.check_config(call.caller.tenant, &plugin, &used.config, world).await?;
    Ok(Use { plugin, ..used })
}

async fn pin(call: &mut Call, coordinates: Coordinates, world: World) -> Result<Coordinates, Failure> {
    let (plugins, tenant) = (call.app.plugins.clone(), call.caller.tenant);
    let has = async |digest| {
        let (plugins, coordinates) = (plugins.clone(), coordinates.clone());
        blocking(move || plugins.has(tenant, &coordinates, digest)).await
    };
    // What is here already runs, whatever became of the bundle.
    if let Some(digest) = coordinates.digest
        && has(digest).await?
    {
        return Ok(coordinates);
    }
    let to_mend = |error: Error| match error.code {
        ErrorCode::NotFound => Error::invalid(error.message).at("plugin"),
        _ => error.at("plugin"),
    };
    let version = locate(call, &coordinates).map_err(to_mend)?;
    if let Some(expected) = coordinates.digest {
        same(&coordinates, expected, version.digest).map_err(to_mend)?;
    }
    let digest = version.digest;
    if !has(digest).await? {
        call.allow(Scope::WriteTransformers)?;
        let component = component(call, version).await?;
        let upload = Upload { component, sha256: Some(digest), world: Some(world), ..Upload::default() };
        plugins.upload(tenant, &call.caller.user, upload).await.map_err(to_mend)?;
    }
    Ok(Coordinates { digest: Some(digest), ..coordinates })
}

fn same(coordinates: &Coordinates, expected: Digest, found: Digest) -> headworks_core::Result<()> {
    if expected == found {
        return Ok(());
    }
    let Coordinates { group, artifact, version, .. } = coordinates;
    Err(Error::invalid(format!("{group}:{artifact}:{version} has the SHA-256 {found} now instead of {expected}")))
}

/// The version of a plugin at these coordinates, for those who may read its bucket.
fn locate(call: &Call, coordinates: &Coordinates) -> headworks_core::Result<BundleVersion> {
    let Coordinates { bucket, group, artifact, version, .. } = coordinates;
    let bucket = find(&call.app, call.caller.tenant, bucket)?;
    call.permit(Action::Read, &bucket)?;
    let missing = |error: Error| match error.code {
        ErrorCode::NotFound => {
            Error::not_found(format!("there is no {group}:{artifact}:{version} in the bucket {}", bucket.name))
        }
        _ => error,
    };
    let found = call.app.registry.version_in(call.caller.tenant, &bucket.id, (group, artifact, version));
    let (bundle, version) = found.map_err(missing)?;
    if bundle.kind != BundleKind::HeadworksPlugin {
        return Err(Error::invalid(format!("{group}:{artifact} holds no plugins of Headworks")));
    }
    Ok(version)
}

async fn component(call: &mut Call, version: BundleVersion) -> Result<Vec<u8>, Failure> {
    let most = call.app.plugins.sandbox().limits().component_bytes as u64;
    if version.size > most {
        return Err(Error::new(ErrorCode::TooLarge, format!("the component has more than {most} bytes")).into());
    }
    let (registry, tenant) = (call.app.registry.clone(), call.caller.tenant);
    let read = move || {
        let mut component = Vec::new();
        registry.archive(tenant, &version)?.read_to_end(&mut component)?;
        Ok(component)
    };
    Ok(blocking(read).await?)
}
