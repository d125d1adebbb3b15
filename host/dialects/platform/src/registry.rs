//! What another registry kept, taken over: every operation may be repeated, so that a migration that broke off is run again.
//!
//! What must stay true: only administrators write in the names of others.

use crate::call::Call;
use crate::failure::{Failure, json};
use crate::plugins::answer;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use headworks_core::{Digest, Error};
use headworks_identity::Scope;
use headworks_registry::archive::Coordinates;
use headworks_registry::{Adopted, BundleKind, BundleOrigin, NewBucket, NewFlow, NewVersion, Origin};
use serde::Deserialize;
use serde_json::{Value, json as value};

type Answer = Result<Response<Body>, Failure>;

/// 201 for what was not here before, 200 for what is the same already.
fn adopted<T>(adopted: &Adopted<T>, what: impl Fn(&T) -> Value) -> Response<Body> {
    let document = what(&adopted.it);
    if adopted.new { answer(StatusCode::CREATED, &document) } else { json(&document) }
}

async fn names<const N: usize>(call: &mut Call) -> Result<[String; N], Failure> {
    let names = call.names().await?;
    names.try_into().map_err(|_| Error::internal("the route has other names").into())
}

/// `take_over_bucket`.
pub(crate) async fn bucket(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        name: String,
        description: Option<String>,
        created: Option<i64>,
        #[serde(default)]
        allow_public_read: bool,
        #[serde(default)]
        allow_bundle_redeploy: bool,
    }
    let [id] = names(&mut call).await?;
    let Asked { name, description, created, allow_public_read, allow_bundle_redeploy } = call.json().await?;
    call.allow(Scope::WriteAcls)?;
    let (id, name) = (Some(id), Some(name));
    let new = NewBucket { id, name, description, created, allow_public_read, allow_bundle_redeploy, preserve: true };
    let done = call.app.registry.adopt_bucket(call.caller.tenant, &call.caller.user, new).await?;
    Ok(adopted(&done, |bucket| value!({"bucket": bucket.id, "name": bucket.name})))
}

/// `take_over_flow`.
pub(crate) async fn flow(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        name: String,
        description: Option<String>,
        created: Option<i64>,
        modified: Option<i64>,
    }
    let [bucket, id] = names(&mut call).await?;
    let Asked { name, description, created, modified } = call.json().await?;
    call.allow(Scope::WriteAcls)?;
    let times = created.map(|created| (created, modified.unwrap_or(created).max(created)));
    let new = NewFlow { id: Some(id), name: Some(name), description, object: None, times };
    let done = call.app.registry.adopt_flow(call.caller.tenant, &call.caller.user, &bucket, new).await?;
    Ok(adopted(&done, |flow| value!({"flow": flow.id, "name": flow.name, "versions": flow.versions})))
}

/// `take_over_flow_version`: the body is a snapshot whose metadata say who saved it, when and why.
pub(crate) async fn version(mut call: Call) -> Answer {
    let [bucket, flow, number] = names(&mut call).await?;
    let number = number.parse().map_err(|_| Error::invalid("a version is a number from 1 on").at("version"))?;
    call.allow(Scope::WriteAcls)?;
    let (most, setting) = call.app.snapshot_bytes;
    let mut body = call.pass_body(most, setting)?;
    let _turn = body.turn().await?;
    let (registry, tenant) = (&call.app.registry, call.caller.tenant);
    let taken = registry.take_snapshot(tenant, call.app.identity.tenants().meter(tenant).metered(body)).await?;
    let said = taken.metadata.clone().unwrap_or_default();
    let origin = Origin { author: said.author, comments: said.comments, timestamp: said.timestamp };
    let done = registry.adopt_version(tenant, &call.caller.user, (&bucket, &flow), (number, origin), taken).await?;
    Ok(adopted(&done, |version| value!({"flow": version.flow, "version": version.number, "size": version.size()})))
}

/// `take_over_bundle_version`: the body is the archive.
pub(crate) async fn bundle(mut call: Call) -> Answer {
    let [bucket, group, artifact, version] = names(&mut call).await?;
    let mut query = call.query()?;
    let digest_supplied = query.contains_key("sha256_supplied").then(|| call.flag("sha256_supplied")).transpose()?;
    let kind = query.remove("type").unwrap_or_default();
    let kind = serde_json::from_value::<BundleKind>(Value::String(kind))
        .map_err(|_| Error::invalid("it is nifi-nar, minifi-cpp or headworks-plugin").at("type"))?;
    let timestamp = query.remove("timestamp").map(|text| text.parse::<i64>()).transpose();
    let timestamp = timestamp.ok().filter(|time| time.is_none_or(|time| time > 0));
    let origin = BundleOrigin {
        bundle: query.remove("bundle_id"),
        version: query.remove("version_id"),
        digest_supplied,
        author: query.remove("author"),
        timestamp: timestamp.ok_or_else(|| Error::invalid("it is a number of milliseconds since 1970").at("timestamp"))?,
    };
    let digest = query.remove("sha256").map(|text| text.parse::<Digest>()).transpose();
    let digest = digest.map_err(|error| error.at("sha256"))?;
    call.allow(Scope::WriteAcls)?;
    let tenant = call.caller.tenant;
    call.app.registry.bucket(tenant, &bucket)?;
    let mut body = call.pass_body(u64::MAX, "")?;
    let meter = call.app.identity.tenants().meter(tenant);
    let mut content = call.app.store.start_content(tenant).await?;
    while let Some(piece) = body.next().await? {
        meter.check_storage(piece.len() as u64)?;
        content.write(&piece).await?;
    }
    let given = Some(Coordinates { group, artifact, version });
    let new = NewVersion { bucket, kind, content: content.finish().await?, digest, given, origin: Some(origin) };
    let done = call.app.registry.adopt_bundle(tenant, &call.caller.user, new).await?;
    Ok(adopted(&done, |version| value!({"id": version.id, "sha256": version.digest.to_string(), "size": version.size})))
}
