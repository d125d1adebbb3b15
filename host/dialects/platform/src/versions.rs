//! Pipelines, transformers and forwarders under version control in a bucket of the registry.
//!
//! What must stay true: who may read or change an object may do that with its versions, whatever policies say of the bucket;
//! no secret of a forwarder gets into a version; what is restored is judged as if it were saved by hand.

use crate::App;
use crate::bundles::settle;
use crate::call::Call;
use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::{Response, StatusCode};
use headworks_core::masking::{MASK, hide, reveal};
use headworks_core::{DocumentKey, Error, ErrorCode, Result, TenantId, Timestamp};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_pipelines::{FORWARDER, FORWARDER_SECRETS, Graph, PIPELINE, Saved, TRANSFORMER, decode_script, encode_script};
use headworks_plugins::{Use, World};
use headworks_registry::objects::{Change, Object, ObjectVersion, changes};
use headworks_registry::{Bucket, Version};
use headworks_store::Change as Write;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

type Answer = std::result::Result<Response<Body>, Failure>;

/// What can be put under version control.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pipeline,
    Transformer,
    Forwarder,
}

impl Kind {
    const ALL: [Self; 3] = [Self::Pipeline, Self::Transformer, Self::Forwarder];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Pipeline => PIPELINE,
            Self::Transformer => TRANSFORMER,
            Self::Forwarder => FORWARDER,
        }
    }

    const fn read(self) -> Scope {
        match self {
            Self::Pipeline => Scope::ReadPipelines,
            Self::Transformer => Scope::ReadTransformers,
            Self::Forwarder => Scope::ReadForwarders,
        }
    }

    const fn write(self) -> Scope {
        match self {
            Self::Pipeline => Scope::WritePipelines,
            Self::Transformer => Scope::WriteTransformers,
            Self::Forwarder => Scope::WriteForwarders,
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What a version holds of a stored document: all of it but secrets.
    fn shown(self, body: &[u8]) -> Result<Value> {
        let mut document = self.whole(body)?;
        if self == Self::Forwarder {
            hide(&mut document, FORWARDER_SECRETS);
        }
        Ok(document)
    }

    fn whole(self, body: &[u8]) -> Result<Value> {
        match self {
            Self::Pipeline => serde_json::to_value(Graph::from_stored(body)?),
            Self::Transformer => Ok(serde_json::json!({"script": decode_script(body)?})),
            Self::Forwarder => serde_json::to_value(Saved::decode(body)?),
        }
        .map_err(|error| Error::internal(error.to_string()))
    }

    /// The body of a document of this kind, checked as where it is saved by hand.
    async fn body(self, call: &mut Call, document: &Value) -> std::result::Result<Vec<u8>, Failure> {
        let bytes = serde_json::to_vec(document).map_err(|error| Error::internal(error.to_string()))?;
        match self {
            Self::Pipeline => {
                Graph::from_stored(&bytes)?;
                Ok(bytes)
            }
            Self::Transformer => {
                let script = decode_script(&bytes)?;
                Ok(match Use::of_script(&script) {
                    Some(used) => encode_script(&settle(call, used, World::Transformer).await?.to_script()),
                    None => encode_script(&script),
                })
            }
            Self::Forwarder => {
                let saved = Saved::decode(&bytes)?;
                Ok(match Use::of_forwarder(&saved.config) {
                    Some(used) => settle(call, used, World::Forwarder).await?.to_forwarder(saved.queued).encode(),
                    None => bytes,
                })
            }
        }
    }
}

/// An object in a bucket, as a path names it.
struct Place {
    kind: Kind,
    object: Object,
    bucket: Bucket,
    /// What stands behind it in the path.
    rest: Option<String>,
}

impl Place {
    /// Reads the path and checks the right on the kind.
    async fn of(call: &mut Call, scope: fn(Kind) -> Scope) -> std::result::Result<Self, Failure> {
        let mut names = call.names().await?.into_iter();
        let (Some(bucket), Some(kind), Some(name)) = (names.next(), names.next(), names.next()) else {
            return Err(Error::invalid("a name is missing").at("path").into());
        };
        let none = || Error::not_found(format!("{kind:?} is none of pipeline, transformer and forwarder")).at("kind");
        let found = Kind::named(&kind).ok_or_else(none)?;
        call.allow(scope(found))?;
        let bucket = find(&call.app, call.caller.tenant, &bucket)?;
        Ok(Self { kind: found, object: Object { kind, name }, bucket, rest: names.next() })
    }

    fn number(&self) -> Result<u32> {
        number(self.rest.as_deref().unwrap_or_default(), "version")
    }

    fn key(&self, tenant: TenantId) -> DocumentKey {
        DocumentKey::new(tenant, self.kind.as_str(), &self.object.name)
    }

    /// The object as it is.
    fn present(&self, call: &Call) -> Result<Vec<u8>> {
        let found = call.app.store.get(&self.key(call.caller.tenant))?;
        Ok(found.ok_or_else(|| Error::not_found(format!("there is no {}", self.object)))?.body)
    }

    async fn version(&self, app: &App, tenant: TenantId, number: u32) -> std::result::Result<ObjectVersion, Failure> {
        let (registry, bucket, object) = (app.registry.clone(), self.bucket.clone(), self.object.clone());
        Ok(blocking(move || registry.object_version(tenant, &bucket, &object, number)).await?)
    }

    fn shape<'a>(&'a self, flow: &'a str, version: &'a Version, document: Option<&'a Value>) -> VersionShape<'a> {
        VersionShape {
            bucket: &self.bucket.name,
            kind: self.kind.as_str(),
            name: &self.object.name,
            flow,
            version: version.number,
            author: &version.author,
            comments: version.comments.as_deref(),
            saved: Timestamp::from_millis(version.timestamp).rfc3339(),
            document,
        }
    }
}

#[derive(Serialize)]
struct VersionShape<'a> {
    bucket: &'a str,
    kind: &'a str,
    name: &'a str,
    flow: &'a str,
    version: u32,
    author: &'a str,
    comments: Option<&'a str>,
    saved: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<&'a Value>,
}

#[derive(Serialize)]
struct ChangeShape {
    path: String,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<String>,
}

impl From<Change> for ChangeShape {
    fn from(change: Change) -> Self {
        let Change { path, kind, from, to, lines } = change;
        Self { path, change: kind.as_str(), from, to, lines }
    }
}

/// A bucket of a tenant, by name or identifier.
pub(crate) fn find(app: &App, tenant: TenantId, bucket: &str) -> Result<Bucket> {
    let missing = |error: Error| match error.code {
        ErrorCode::NotFound => Error::not_found(format!("there is no bucket {bucket:?}: make it in the registry first")),
        _ => error,
    };
    app.registry.find_bucket(tenant, bucket).map_err(missing)
}

fn number(text: &str, member: &str) -> Result<u32> {
    text.parse().map_err(|_| Error::invalid(format!("{text:?} is no number of a version")).at(member))
}

/// `list_versioned_objects`: of the kinds that the caller may read.
pub(crate) async fn objects(mut call: Call) -> Answer {
    let bucket = call.name().await?;
    let readable: Vec<_> = Kind::ALL.into_iter().filter(|kind| call.caller.scopes.allows(kind.read())).collect();
    if readable.is_empty() {
        return Err(Failure::denied(Scope::ReadPipelines));
    }
    let bucket = find(&call.app, call.caller.tenant, &bucket)?;
    let (registry, tenant, within) = (call.app.registry.clone(), call.caller.tenant, bucket.clone());
    let found = blocking(move || registry.objects(tenant, &within)).await?;
    let is_readable = |object: &Object| Kind::named(&object.kind).is_some_and(|kind| readable.contains(&kind));
    let objects = found.iter().filter(|(object, _)| is_readable(object)).map(|(object, flow)| {
        serde_json::json!({
            "kind": object.kind, "name": object.name, "flow": flow.id, "versions": flow.versions,
            "saved": Timestamp::from_millis(flow.modified).rfc3339(),
        })
    });
    Ok(json(&serde_json::json!({"bucket": bucket.name, "objects": objects.collect::<Vec<_>>()})))
}

/// `list_versions`: the newest first.
pub(crate) async fn list(mut call: Call) -> Answer {
    let place = Place::of(&mut call, Kind::read).await?;
    let flow = call.app.registry.object_flow(call.caller.tenant, &place.bucket, &place.object)?;
    let (registry, tenant, id) = (call.app.registry.clone(), call.caller.tenant, flow.id.clone());
    let versions = blocking(move || registry.versions(tenant, &id)).await?;
    let shapes: Vec<_> = versions.iter().map(|version| place.shape(&flow.id, version, None)).collect();
    Ok(json(&serde_json::json!({"versions": shapes})))
}

/// `save_object_version`: the object as it is becomes the next version.
pub(crate) async fn save(mut call: Call) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        comments: Option<String>,
    }
    let Asked { comments } = call.optional_json().await?;
    let place = Place::of(&mut call, Kind::write).await?;
    let document = place.kind.shown(&place.present(&call)?)?;
    let (registry, caller) = (&call.app.registry, &call.caller);
    let saving = registry.save_object(caller.tenant, &caller.user, &place.bucket, &place.object, document, comments);
    let (saved, is_new) = saving.await?;
    let mut response = json(&place.shape(&saved.flow, &saved.version, None));
    if is_new {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

/// `get_object_version`: with its document.
pub(crate) async fn get(mut call: Call) -> Answer {
    let place = Place::of(&mut call, Kind::read).await?;
    let found = place.version(&call.app, call.caller.tenant, place.number()?).await?;
    Ok(json(&place.shape(&found.flow, &found.version, Some(&found.document))))
}

/// `compare_object_version`: what is different in another version, or in the object as it is.
pub(crate) async fn diff(mut call: Call) -> Answer {
    let to = call.query()?.remove("to").map(|to| number(&to, "to")).transpose()?;
    let place = Place::of(&mut call, Kind::read).await?;
    let from = place.version(&call.app, call.caller.tenant, place.number()?).await?;
    let document = match to {
        Some(to) => place.version(&call.app, call.caller.tenant, to).await?.document,
        None => place.kind.shown(&place.present(&call)?)?,
    };
    let earlier = from.document;
    let found = blocking(move || Ok(changes(&earlier, &document))).await?;
    let found: Vec<ChangeShape> = found.into_iter().map(Into::into).collect();
    let Place { object, bucket, .. } = &place;
    Ok(json(&serde_json::json!({
        "bucket": bucket.name, "kind": object.kind, "name": object.name, "from": from.version.number, "to": to, "changes": found,
    })))
}

/// `restore_object_version`: the object becomes what the version holds.
pub(crate) async fn restore(mut call: Call) -> Answer {
    #[derive(Default, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        /// Values for places of the document, which are JSON pointers.
        #[serde(default)]
        secrets: BTreeMap<String, String>,
    }
    let Asked { secrets } = call.optional_json().await?;
    let place = Place::of(&mut call, Kind::write).await?;
    let mut found = place.version(&call.app, call.caller.tenant, place.number()?).await?;
    let tenant = call.caller.tenant;
    if place.kind == Kind::Forwarder {
        let present = call.app.store.get(&place.key(tenant))?.map(|document| place.kind.whole(&document.body)).transpose()?;
        fill(&mut found.document, secrets, present.as_ref())?;
    } else if !secrets.is_empty() {
        return Err(Error::invalid(format!("a {} has no secrets", place.kind.as_str())).at("secrets").into());
    }
    let body = place.kind.body(&mut call, &found.document).await?;
    call.app.store.write(&call.caller.user, vec![Write::put(place.key(tenant), body)]).await?;
    Ok(json(&place.shape(&found.flow, &found.version, None)))
}

/// Puts secrets where a version has none: those that were sent, then those of the object as it is.
fn fill(document: &mut Value, secrets: BTreeMap<String, String>, present: Option<&Value>) -> Result<()> {
    for (place, secret) in secrets {
        match document.pointer_mut(&place) {
            Some(value) if value.as_str().is_some_and(|text| text.contains(MASK)) => *value = secret.into(),
            _ => return Err(Error::invalid(format!("the version holds no secret at {place:?}")).at("secrets")),
        }
    }
    let missing = reveal(document, present);
    if missing.is_empty() {
        return Ok(());
    }
    let places = missing.join(", ");
    let message = format!("a version holds no secrets, and the forwarder has none now for {places}: send them in `secrets`");
    Err(Error::invalid(message).at("secrets"))
}
