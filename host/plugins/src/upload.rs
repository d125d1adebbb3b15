//! Taking a component in: inspected, compiled, asked what it is, and stored, or refused without a trace.

use crate::documents::{self, PluginState, Status, VersionState, check_name, check_version};
use crate::load::Loaded;
use crate::manage::Version;
use crate::{Plugins, Release, grants, one, other_world};
use headworks_core::{Digest, Error, ErrorCode, Result, TenantId};
use headworks_sandbox::{Description, World};
use headworks_store::{Beside, Change, Expect};

/// The most bytes of a version's summary.
const SUMMARY_BYTES: usize = 1 << 10;
/// The most grants a version asks for.
const GRANTS: usize = 100;
/// The most bytes of a grant.
const GRANT_BYTES: usize = 512;
/// The most versions of a plugin.
const VERSIONS: usize = 1000;

/// A component that somebody sends.
#[derive(Clone, Debug, Default)]
pub struct Upload {
    /// The component.
    pub component: Vec<u8>,
    /// What its SHA-256 has to be.
    pub sha256: Option<Digest>,
    /// Approved of what it asks for.
    pub approve: Vec<String>,
    /// Whether it goes into use, unless it waits for approval.
    pub release: bool,
    /// What it has to be, where it is for something.
    pub world: Option<World>,
}

impl Plugins {
    /// Stores a version of a plugin under the name and version that it says it has. Storing the same again changes nothing but
    /// what is approved.
    ///
    /// # Errors
    /// [`ErrorCode::PluginRefused`] for a component that cannot be used; [`ErrorCode::Invalid`] when the digest is another one;
    /// [`ErrorCode::InvalidProgram`] when the world is another one;
    /// [`ErrorCode::Exists`] when the version is there with another component; what [`release`](Self::release) meets, after
    /// the version was stored.
    pub async fn upload(&self, tenant: TenantId, author: &str, upload: Upload) -> Result<Version> {
        let Upload { component, sha256, approve, release, world: wanted } = upload;
        let size = component.len() as u64;
        let sandbox = self.0.sandbox.clone();
        let looked = tokio::task::spawn_blocking(move || {
            let inspection = sandbox.inspect(&component)?;
            Ok::<_, Error>((Digest::of(&component), inspection, component))
        });
        let (digest, inspection, component) = looked.await.map_err(|error| Error::internal(error.to_string()))??;
        if let Some(expected) = sha256.filter(|expected| *expected != digest) {
            let message = format!("the component arrived with the SHA-256 {digest} instead of {expected}: send it again");
            return Err(Error::invalid(message).at("sha256"));
        }
        if let Some(wanted) = wanted.filter(|wanted| *wanted != inspection.world) {
            return Err(other_world("the component", inspection.world.as_str(), wanted));
        }
        let loaded = self.0.load(digest, async || Ok(component.clone())).await?;
        let said = check(&loaded)?.clone();
        let entry = self.0.entry(tenant, &said.name);
        let turn = entry.changing.lock().await;
        let found = self.0.find(tenant, &said.name)?;
        let world = inspection.world.as_str();
        if let Some((_, state)) = found.as_ref().filter(|(_, state)| state.world != world) {
            let message = format!(
                "the plugin {} is {}, and this component is {}: give it another name",
                said.name,
                one(&state.world),
                one(world)
            );
            return Err(Error::new(ErrorCode::PluginRefused, message));
        }
        let active = found.as_ref().and_then(|(_, state)| state.active.clone());
        let mut approved = match active {
            Some(active) => self.0.version(tenant, &said.name, &active)?.1.approved,
            None => Vec::new(),
        };
        // What the operator does not allow any more has to be approved anew, when it is.
        approved.retain(|grant| self.0.check_policy(tenant, [grant]).is_ok());
        approved.extend(approve);
        let known = self.0.store.get(&documents::version_key(tenant, &said.name, &said.version))?;
        if let Some(known) = known {
            let state: VersionState = documents::decode(&known.key, &known.body)?;
            if state.digest != digest.to_string() {
                let message =
                    format!("the plugin {} has a version {} with another component: raise the version", said.name, said.version);
                return Err(Error::new(ErrorCode::Exists, message).at("version"));
            }
            self.0.approve(author, &known, state, approved).await?;
        } else {
            if self.0.store.list_names(tenant, documents::VERSION, &said.name)?.len() >= VERSIONS {
                let message = format!("the plugin {} has {VERSIONS} versions: delete some that nobody needs", said.name);
                return Err(Error::new(ErrorCode::Exhausted, message));
            }
            let version = VersionState {
                digest: digest.to_string(),
                size,
                interface: inspection.interface,
                summary: said.summary.clone(),
                config_schema: said.config_schema.clone(),
                approved: Vec::new(),
                grants: said.grants.clone(),
                status: Status::Waiting,
                reason: None,
            }
            .with_approved(&approved);
            self.0.check_policy(tenant, &version.approved)?;
            let key = documents::version_key(tenant, &said.name, &said.version);
            let mut changes = vec![Change::put(key, documents::encode(&version)?).expecting(Expect::Absent)];
            if found.is_none() {
                let present = self.0.store.list_names(tenant, documents::PLUGIN, "")?.len();
                self.0.tenants.meter(tenant).check_plugins(present)?;
                entry.state.open().await;
                let state = PluginState::new(world);
                let key = documents::plugin_key(tenant, &said.name);
                changes.push(Change::put(key, documents::encode(&state)?).expecting(Expect::Absent));
            }
            let beside = vec![Beside::Blob { tenant, digest, bytes: component }];
            self.0.store.write_with(author, changes, beside).await?;
        }
        drop(turn);
        let stored = self.version(tenant, &said.name, &said.version)?;
        if release && stored.state.status != Status::Waiting {
            let release = Release { version: said.version.clone(), canary_percent: None, shadow: None };
            self.release(tenant, author, &said.name, release).await?;
        }
        self.version(tenant, &said.name, &said.version)
    }
}

impl VersionState {
    /// The same version with everything approved that it asks for and one of these allows.
    pub(crate) fn with_approved(mut self, allowed: &[String]) -> Self {
        let open = grants::missing(&self.grants, allowed);
        let now = self.grants.iter().filter(|asked| !open.contains(&asked.as_str()) || self.approved.contains(asked));
        self.approved = now.cloned().collect();
        if self.status == Status::Waiting && grants::missing(&self.grants, &self.approved).is_empty() {
            self.status = Status::Ready;
        }
        self
    }
}

/// Checks what a component says of itself.
fn check(loaded: &Loaded) -> Result<&Description> {
    let refused = |error: Error| Error::new(ErrorCode::PluginRefused, format!("the plugin says of itself: {}", error.message));
    let said = loaded.plugin.description();
    check_name(&said.name).map_err(refused)?;
    check_version(&said.version).map_err(refused)?;
    let summary = said.summary.len() <= SUMMARY_BYTES && !said.summary.chars().any(char::is_control);
    if !summary {
        return Err(refused(Error::invalid(format!("a summary is one line of at most {SUMMARY_BYTES} bytes"))));
    }
    if said.grants.len() > GRANTS || said.grants.iter().any(|grant| grant.len() > GRANT_BYTES) {
        let text = format!("a plugin asks for at most {GRANTS} grants of at most {GRANT_BYTES} bytes each");
        return Err(refused(Error::invalid(text)));
    }
    Ok(said)
}
