//! Putting a version into use and taking it back.
//!
//! What must stay true: everything that runs is opened on the new version before the document says so; then the document is
//! durable; then all slots turn. Nothing that fails before changes anything.

use crate::around::Purpose;
use crate::documents::{self, Candidate, Ending, Outcome, PluginState, Shadow, Status, VersionState};
use crate::entry::Entry;
use crate::load::Loaded;
use crate::manage::Plugin;
use crate::users::Named;
use crate::{Inner, Plugins};
use headworks_core::{Digest, Document, Error, ErrorCode, Result, TenantId};
use headworks_sandbox::golden::{self, Tests};
use headworks_sandbox::{LogLevel, LogSink, World};
use headworks_store::{AuditEvent, Change, Expect};
use std::sync::Arc;

/// Whom the audit log names for a release that is taken back by itself.
const AUTHOR: &str = "headworks";

/// Which version is to be used, and how it gets there.
#[derive(Clone, Debug)]
pub struct Release {
    /// The version.
    pub version: String,
    /// Only this share of the batches, 1 to 99, until it is released without it.
    pub canary_percent: Option<u8>,
    /// First run it beside the active one and compare.
    pub shadow: Option<Shadow>,
}

impl Plugins {
    /// Puts a version into use, or on trial. Batches under way end on the version that they began with.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`]; [`ErrorCode::NotApproved`]; [`ErrorCode::Invalid`] for a trial that cannot be;
    /// [`ErrorCode::ReleaseRefused`] with what the version met, when it cannot replace what is in use.
    pub async fn release(&self, tenant: TenantId, author: &str, plugin: &str, release: Release) -> Result<Plugin> {
        let inner = &self.0;
        let entry = inner.existing(tenant, plugin)?;
        let _changing = entry.changing.lock().await;
        let (document, state) = inner.plugin(tenant, plugin)?;
        let (version_document, version) = inner.version(tenant, plugin, &release.version)?;
        check(&state, &release)?;
        if release.shadow.is_some() && state.world != World::Transformer.as_str() {
            return Err(no_shadow(&state.world));
        }
        let (loaded, _) = inner.load_version(tenant, plugin, &release.version).await?;
        let refused = |error: Error| {
            let message = format!("the version {} of the plugin {plugin} was not released: {}", release.version, error.message);
            Error { code: ErrorCode::ReleaseRefused, message, ..error }
        };
        inner.check_users(&entry, &loaded).await.map_err(refused)?;
        inner.run_tests(&entry, &release.version, &loaded, &version).await.map_err(refused)?;
        let next = inner.next(state, &release);
        let _turning = entry.turning.write().await;
        let prepared = inner.prepare(&entry, &next).await.map_err(refused)?;
        let mut changes = vec![replaced(&document, &next)?];
        if version.status == Status::Withdrawn {
            let version = VersionState { status: Status::Ready, reason: None, ..version };
            changes.push(replaced(&version_document, &version)?);
        }
        inner.store.write(author, changes).await?;
        for (slot, route) in prepared {
            slot.turn(Some(route));
        }
        inner.watch_probation(&entry);
        self.get(tenant, plugin)
    }

    /// Takes a version on trial back, or else goes back to the version that was in use before.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`], also when there is nothing to go back to; [`ErrorCode::ReleaseRefused`] when that version does
    /// not open any more.
    pub async fn rollback(&self, tenant: TenantId, author: &str, plugin: &str) -> Result<Plugin> {
        let inner = &self.0;
        let entry = inner.existing(tenant, plugin)?;
        let _changing = entry.changing.lock().await;
        let (document, state) = inner.plugin(tenant, plugin)?;
        let none = || Error::not_found(format!("the plugin {plugin} has no version on trial and none that was in use before"));
        let next = inner.back(&state, None, None).ok_or_else(none)?;
        let _turning = entry.turning.write().await;
        let prepared = inner.prepare(&entry, &next).await.map_err(|error| Error {
            code: ErrorCode::ReleaseRefused,
            message: format!("the plugin {plugin} was not rolled back: {}", error.message),
            ..error
        })?;
        inner.store.write_unjudged(author, vec![replaced(&document, &next)?]).await?;
        for (slot, route) in prepared {
            slot.turn(Some(route));
        }
        self.get(tenant, plugin)
    }
}

/// Why versions of this world are not run beside the one in use to be compared.
fn no_shadow(world: &str) -> Error {
    let why = if world == World::Forwarder.as_str() {
        "it would deliver every record twice, and what its target made of it cannot be compared"
    } else {
        "what it does reaches others"
    };
    let world = crate::one(world);
    let message = format!("{world} cannot run in the shadow of another one: {why}; try it with tests and canary_percent");
    Error::invalid(message).at("shadow")
}

/// Refuses trials that cannot be.
fn check(state: &PluginState, release: &Release) -> Result<()> {
    check_shadow(release.shadow)?;
    if release.canary_percent.is_some_and(|percent| !(1..=99).contains(&percent)) {
        return Err(Error::invalid("a share is 1 to 99 percent of the batches; leave it out to release").at("canary_percent"));
    }
    let trial = [("canary_percent", release.canary_percent.is_some()), ("shadow", release.shadow.is_some())];
    let Some((member, _)) = trial.into_iter().find(|(_, is_asked)| *is_asked) else { return Ok(()) };
    match state.active.as_deref() {
        None => Err(Error::invalid("no version is in use beside which this one could be tried: release it").at(member)),
        Some(active) if active == release.version => Err(Error::invalid("this version is in use already").at(member)),
        Some(_) => Ok(()),
    }
}

/// Refuses bounds that cannot be.
fn check_shadow(shadow: Option<Shadow>) -> Result<()> {
    match shadow {
        Some(shadow) if shadow.records == 0 => Err(Error::invalid("at least one record has to be compared").at("shadow.records")),
        _ => Ok(()),
    }
}

fn replaced(document: &Document, state: &impl serde::Serialize) -> Result<Change> {
    Ok(Change::put(document.key.clone(), documents::encode(state)?).expecting(Expect::Revision(document.revision)))
}

impl Inner {
    /// Checks the configurations of everything that follows the releases of a plugin against another version of it.
    async fn check_users(&self, entry: &Entry, loaded: &Loaded) -> Result<()> {
        let followers = Named::Plugin(entry.plugin.clone());
        for user in self.users(entry.tenant, move |named| *named == followers).await? {
            let checked = user.config.value(loaded.schema.wants_text()).and_then(|config| loaded.schema.check(&config));
            checked.map_err(|error| Error { message: format!("{user}: {}", error.message), ..error })?;
        }
        Ok(())
    }

    /// Runs the tests of a version, if it has any.
    async fn run_tests(&self, entry: &Entry, name: &str, loaded: &Loaded, version: &VersionState) -> Result<()> {
        let Some(document) = self.store.get(&documents::tests_key(entry.tenant, &entry.plugin, name))? else { return Ok(()) };
        let tests = Tests::read(&String::from_utf8_lossy(&document.body))?;
        let plugin = loaded.plugin.within(self.surroundings(entry, version, Purpose::Test)?);
        let failed: Vec<_> = golden::run(&plugin, &tests).await.into_iter().filter(|outcome| !outcome.passed()).collect();
        let Some(first) = failed.first() else { return Ok(()) };
        let why = first.differences.join("; ");
        let message = format!("{} of its tests fail; the first, {:?}: {why}", failed.len(), first.name);
        Err(Error::new(ErrorCode::ReleaseRefused, message))
    }

    /// Ends the shadow run of a version that came out well: it gets its share of the batches, or takes over.
    pub(crate) async fn advance(self: &Arc<Self>, entry: &Arc<Entry>, version: &str) {
        if let Err(error) = self.try_advance(entry, version).await {
            self.withdraw(entry, version, error.code, None, &error.message);
        }
    }

    async fn try_advance(self: &Arc<Self>, entry: &Arc<Entry>, version: &str) -> Result<()> {
        let _changing = entry.changing.lock().await;
        let (document, state) = self.plugin(entry.tenant, &entry.plugin)?;
        let Some(candidate) = state.candidate.clone().filter(|candidate| candidate.version == version) else { return Ok(()) };
        let next = match candidate.canary_percent {
            Some(_) => PluginState { candidate: Some(Candidate { shadow: None, ..candidate }), ..state },
            None => {
                let release = Release { version: version.to_owned(), canary_percent: None, shadow: None };
                self.next(state, &release)
            }
        };
        let _turning = entry.turning.write().await;
        let prepared = self.prepare(entry, &next).await?;
        self.store.write_unjudged(AUTHOR, vec![replaced(&document, &next)?]).await?;
        for (slot, route) in prepared {
            slot.turn(Some(route));
        }
        self.watch_probation(entry);
        tracing::info!(tenant = %entry.tenant, plugin = entry.plugin, version, "a version came out of its shadow run");
        Ok(())
    }

    /// What a plugin is after a release.
    fn next(&self, state: PluginState, release: &Release) -> PluginState {
        let now = self.clock.now();
        let version = release.version.clone();
        let outcome = |result| Some(Outcome { version: version.clone(), result, reason: None, at: now });
        if release.canary_percent.is_some() || release.shadow.is_some() {
            let Release { canary_percent, shadow, .. } = *release;
            let candidate = Some(Candidate { version: version.clone(), canary_percent, shadow, since: now });
            return PluginState { candidate, outcome: outcome(Ending::OnTrial), ..state };
        }
        let (previous, since) = match state.active {
            // The one that is in use: only a trial ends.
            Some(active) if active == version => (state.previous, state.since),
            active => (active, Some(now)),
        };
        PluginState { active: Some(version.clone()), previous, since, candidate: None, outcome: outcome(Ending::Active), ..state }
    }

    /// What a plugin is after a version was taken back, the one on trial before the one in use where none is named; `None`
    /// where there is nothing to go back to.
    fn back(&self, state: &PluginState, version: Option<&str>, reason: Option<&str>) -> Option<PluginState> {
        let is_meant = |other: &str| version.is_none_or(|version| version == other);
        let outcome = |version: &str| {
            let reason = reason.map(str::to_owned);
            Some(Outcome { version: version.to_owned(), result: Ending::RolledBack, reason, at: self.clock.now() })
        };
        let state = state.clone();
        match (&state.candidate, &state.active, &state.previous) {
            (Some(candidate), ..) if is_meant(&candidate.version) => {
                Some(PluginState { outcome: outcome(&candidate.version), candidate: None, ..state })
            }
            (_, Some(active), Some(previous)) if is_meant(active) => Some(PluginState {
                outcome: outcome(active),
                active: Some(previous.clone()),
                previous: None,
                since: None,
                candidate: None,
                ..state
            }),
            _ => None,
        }
    }

    /// Takes a version back that failed where another did not: at once from everything that runs, then from the document.
    pub(crate) fn withdraw(
        self: &Arc<Self>,
        entry: &Arc<Entry>,
        version: &str,
        code: ErrorCode,
        digest: Option<Digest>,
        why: &str,
    ) {
        for slot in entry.slots() {
            slot.drop_version(version);
        }
        let (inner, entry, version, why) = (Arc::clone(self), Arc::clone(entry), version.to_owned(), why.to_owned());
        tokio::spawn(async move {
            if let Err(error) = inner.write_withdrawal(&entry, &version, code, digest, &why).await {
                let (tenant, plugin) = (entry.tenant, &entry.plugin);
                tracing::error!(%tenant, plugin, version, %error, "a version was taken back, and that could not be written down");
            }
        });
    }

    async fn write_withdrawal(
        &self,
        entry: &Entry,
        version: &str,
        code: ErrorCode,
        digest: Option<Digest>,
        why: &str,
    ) -> Result<()> {
        let _changing = entry.changing.lock().await;
        let Some((document, state)) = self.find(entry.tenant, &entry.plugin)? else { return Ok(()) };
        // Somebody was quicker.
        let Some(next) = self.back(&state, Some(version), Some(why)) else { return Ok(()) };
        let (tenant, plugin) = (entry.tenant, &entry.plugin);
        tracing::warn!(%tenant, plugin, version, %code, cause = why, "a version of a plugin was taken back");
        let told = format!("version {version} was taken back: {why}");
        entry.log.write(&digest.unwrap_or(Digest::of(&[])), LogLevel::Error, &told);
        let (version_document, withdrawn) = self.version(tenant, plugin, version)?;
        let withdrawn = VersionState { status: Status::Withdrawn, reason: Some(why.to_owned()), ..withdrawn };
        let changes = vec![replaced(&document, &next)?, replaced(&version_document, &withdrawn)?];
        self.store.write_unjudged(AUTHOR, changes).await?;
        let digest = digest.map(|digest| digest.to_string()).unwrap_or_default();
        let event = AuditEvent::PluginFailed { node: version.to_owned(), code: code.as_str().to_owned(), plugin_digest: digest };
        self.store.note_failure(document.key, event).await?;
        self.settle(entry).await
    }
}
