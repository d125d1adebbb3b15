//! Plugins and their versions.

use crate::bundles::fetch;
use crate::call::Call;
use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use headworks_core::{Digest, Error};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_plugins::{Candidate, Outcome, Plugin, Plugins, Shadow, Status, Upload, Version};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

type Answer = Result<Response<Body>, Failure>;

/// The most grants of one request.
const GRANTS: usize = 100;

/// A plugin on the wire.
#[derive(Serialize)]
pub(crate) struct PluginShape<'a> {
    name: &'a str,
    world: &'a str,
    #[serde(flatten)]
    release: ReleaseShape<'a>,
    created: String,
    updated: String,
    updated_by: &'a str,
}

/// Which versions of a plugin are in use.
#[derive(Serialize)]
pub(crate) struct ReleaseShape<'a> {
    active: Option<&'a str>,
    previous: Option<&'a str>,
    since: Option<String>,
    candidate: Option<CandidateShape<'a>>,
    outcome: Option<OutcomeShape<'a>>,
}

#[derive(Serialize)]
struct CandidateShape<'a> {
    version: &'a str,
    canary_percent: Option<u8>,
    shadow: Option<Shadow>,
    since: String,
    /// Of a shadow run, since the server started.
    compared: Option<u64>,
    different: Option<u64>,
}

#[derive(Serialize)]
struct OutcomeShape<'a> {
    version: &'a str,
    result: headworks_plugins::Ending,
    reason: Option<&'a str>,
    at: String,
}

#[derive(Serialize)]
struct VersionShape<'a> {
    plugin: &'a str,
    version: &'a str,
    sha256: &'a str,
    size: u64,
    interface: &'a str,
    summary: &'a str,
    config_schema: Option<&'a RawValue>,
    grants: &'a [String],
    approved: &'a [String],
    status: Status,
    reason: Option<&'a str>,
    created: String,
    updated: String,
    updated_by: &'a str,
}

impl<'a> PluginShape<'a> {
    fn of(plugins: &Plugins, plugin: &'a Plugin) -> Self {
        Self {
            name: &plugin.name,
            world: &plugin.state.world,
            release: ReleaseShape::of(plugins, plugin),
            created: plugin.document.created.rfc3339(),
            updated: plugin.document.updated.rfc3339(),
            updated_by: &plugin.document.author,
        }
    }
}

impl<'a> ReleaseShape<'a> {
    pub(crate) fn of(plugins: &Plugins, plugin: &'a Plugin) -> Self {
        let (compared, different) = plugins.progress(plugin).unzip();
        let state = &plugin.state;
        let candidate = |candidate: &'a Candidate| CandidateShape {
            version: &candidate.version,
            canary_percent: candidate.canary_percent,
            shadow: candidate.shadow,
            since: candidate.since.rfc3339(),
            compared,
            different,
        };
        let outcome = |outcome: &'a Outcome| OutcomeShape {
            version: &outcome.version,
            result: outcome.result,
            reason: outcome.reason.as_deref(),
            at: outcome.at.rfc3339(),
        };
        Self {
            active: state.active.as_deref(),
            previous: state.previous.as_deref(),
            since: state.since.map(headworks_core::Timestamp::rfc3339),
            candidate: state.candidate.as_ref().map(candidate),
            outcome: state.outcome.as_ref().map(outcome),
        }
    }
}

impl<'a> From<&'a Version> for VersionShape<'a> {
    fn from(version: &'a Version) -> Self {
        let state = &version.state;
        Self {
            plugin: &version.plugin,
            version: &version.version,
            sha256: &state.digest,
            size: state.size,
            interface: &state.interface,
            summary: &state.summary,
            config_schema: serde_json::from_str(&state.config_schema).ok(),
            grants: &state.grants,
            approved: &state.approved,
            status: state.status,
            reason: state.reason.as_deref(),
            created: version.document.created.rfc3339(),
            updated: version.document.updated.rfc3339(),
            updated_by: &version.document.author,
        }
    }
}

/// A JSON document with another status than 200.
pub(crate) fn answer(status: StatusCode, document: &impl Serialize) -> Response<Body> {
    let mut response = json(document);
    *response.status_mut() = status;
    response
}

/// The answer to what was deleted.
pub(crate) fn gone() -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadTransformers)?;
    let (plugins, tenant) = (call.app.plugins.clone(), call.caller.tenant);
    let found = blocking(move || plugins.list(tenant)).await?;
    let shown: Vec<PluginShape<'_>> = found.iter().map(|plugin| PluginShape::of(&call.app.plugins, plugin)).collect();
    Ok(json(&serde_json::json!({"plugins": shown})))
}

pub(crate) async fn get(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadTransformers)?;
    let plugin = call.app.plugins.get(call.caller.tenant, &name)?;
    Ok(json(&PluginShape::of(&call.app.plugins, &plugin)))
}

/// The body is the component, unless it is to be taken from a bucket. The caller is checked before it is read.
pub(crate) async fn upload(mut call: Call) -> Answer {
    let query = call.query()?;
    let sha256 = query.get("sha256").map(|text| text.parse::<Digest>()).transpose();
    let sha256 = sha256.map_err(|error| error.at("sha256"))?;
    let approve: Vec<String> = query.get("approve").map(|text| grants(text)).transpose()?.unwrap_or_default();
    let release = call.flag("release")?;
    call.allow(Scope::WriteTransformers)?;
    if !approve.is_empty() {
        call.allow(Scope::WriteAcls)?;
    }
    let component = match query.get("from") {
        Some(named) => fetch(&mut call, named, sha256).await?,
        None => call.body().await?.to_vec(),
    };
    let upload = Upload { component, sha256, approve, release, world: None };
    let version = call.app.plugins.upload(call.caller.tenant, &call.caller.user, upload).await?;
    Ok(answer(StatusCode::CREATED, &VersionShape::from(&version)))
}

fn grants(text: &str) -> Result<Vec<String>, Failure> {
    let grants: Vec<String> = text.split(',').map(str::trim).filter(|grant| !grant.is_empty()).map(str::to_owned).collect();
    bounded(grants, "approve")
}

fn bounded(grants: Vec<String>, member: &str) -> Result<Vec<String>, Failure> {
    if grants.len() > GRANTS {
        return Err(Error::invalid(format!("at most {GRANTS} grants can be approved at once")).at(member).into());
    }
    Ok(grants)
}

pub(crate) async fn delete(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::WriteTransformers)?;
    call.app.plugins.delete(call.caller.tenant, &call.caller.user, &name).await?;
    Ok(gone())
}

pub(crate) async fn versions(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadTransformers)?;
    let (plugins, tenant) = (call.app.plugins.clone(), call.caller.tenant);
    let found = blocking(move || plugins.versions(tenant, &name)).await?;
    let shown: Vec<VersionShape<'_>> = found.iter().map(Into::into).collect();
    Ok(json(&serde_json::json!({"versions": shown})))
}

pub(crate) async fn version(mut call: Call) -> Answer {
    let (name, version) = call.two_names().await?;
    call.allow(Scope::ReadTransformers)?;
    let version = call.app.plugins.version(call.caller.tenant, &name, &version)?;
    Ok(json(&VersionShape::from(&version)))
}

pub(crate) async fn delete_version(mut call: Call) -> Answer {
    let (name, version) = call.two_names().await?;
    call.allow(Scope::WriteTransformers)?;
    call.app.plugins.delete_version(call.caller.tenant, &call.caller.user, &name, &version).await?;
    Ok(gone())
}

pub(crate) async fn component(mut call: Call) -> Answer {
    let (name, version) = call.two_names().await?;
    call.allow(Scope::ReadTransformers)?;
    let bytes = call.app.plugins.component(call.caller.tenant, &name, &version).await?;
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/wasm"));
    Ok(response)
}

/// The body is a file of tests.
pub(crate) async fn tests(mut call: Call) -> Answer {
    let (name, version) = call.two_names().await?;
    let tests = call.body().await?;
    call.allow(Scope::WriteTransformers)?;
    call.app.plugins.set_tests(call.caller.tenant, &call.caller.user, &name, &version, &tests).await?;
    Ok(gone())
}

pub(crate) async fn approve(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        grants: Vec<String>,
    }
    let (name, version) = call.two_names().await?;
    let Asked { grants } = call.json().await?;
    let grants = bounded(grants, "grants")?;
    call.allow(Scope::WriteAcls)?;
    let approved = call.app.plugins.approve(call.caller.tenant, &call.caller.user, &name, &version, grants).await?;
    Ok(json(&VersionShape::from(&approved)))
}
