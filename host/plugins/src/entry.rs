//! What is kept in memory of one plugin of one tenant: the slots that pipelines hold.

use crate::around::Purpose;
use crate::around::log::Log;
use crate::around::state::State;
use crate::compare::Comparison;
use crate::documents::Shadow;
use crate::named::Meant;
use crate::slot::{Route, Slot, Trial, Wanted};
use crate::{Candidate, Config, Inner, PluginState, none_in_use};
use headworks_core::{Error, ErrorCode, Result, TenantId, Timestamp};
use headworks_sandbox::{Admission, Usage, World};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::RwLock;

/// How long the version before is kept at hand after a release: a batch on which the new version fails, and the one before
/// does not, takes the release back.
pub(crate) const PROBATION: Duration = Duration::from_secs(600);

pub(crate) struct Entry {
    pub(crate) tenant: TenantId,
    pub(crate) plugin: String,
    /// Held while the documents of the plugin change, from the first look to the last write.
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// Read while a slot is opened, written while all slots are turned to other versions, so that none is missed.
    pub(crate) turning: RwLock<()>,
    /// What it logged lately.
    pub(crate) log: Arc<Log>,
    /// What it remembers.
    pub(crate) state: Arc<State>,
    /// Asked before each call.
    pub(crate) admission: Arc<dyn Admission>,
    /// What it used since the start.
    pub(crate) usage: Arc<Usage>,
    slots: Mutex<HashMap<String, Weak<Slot>>>,
    /// How a version compares that is only watched.
    comparison: Mutex<Option<Arc<Comparison>>>,
    /// Whether somebody waits for the end of a probation.
    is_on_watch: AtomicBool,
}

/// Whether a version on trial has to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trials {
    /// It has to.
    Needed,
    /// The version in use goes on without it.
    IfTheyOpen,
}

impl Entry {
    pub(crate) fn new(inner: &Inner, tenant: TenantId, plugin: &str) -> Self {
        let meter = inner.tenants.meter(tenant);
        let (admission, usage) = (meter.admission(), meter.plugin_usage());
        let (changing, turning, slots, comparison, is_on_watch) = Default::default();
        let log = Arc::new(Log::new(Arc::clone(&inner.clock)));
        let state = State::new(inner.store.clone(), tenant, plugin, inner.sandbox.limits());
        Self {
            tenant,
            plugin: plugin.to_owned(),
            changing,
            turning,
            log,
            state,
            admission,
            usage,
            slots,
            comparison,
            is_on_watch,
        }
    }

    /// The slots in use.
    pub(crate) fn slots(&self) -> Vec<Arc<Slot>> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.retain(|_, slot| slot.strong_count() > 0);
        slots.values().filter_map(Weak::upgrade).collect()
    }

    /// The comparison of a version that is only watched.
    fn compare(&self, candidate: &Candidate, bounds: Shadow) -> Arc<Comparison> {
        let mut present = self.comparison.lock().unwrap_or_else(PoisonError::into_inner);
        match &*present {
            Some(comparison) if comparison.is_of(candidate) => Arc::clone(comparison),
            _ => Arc::clone(present.insert(Arc::new(Comparison::new(candidate, bounds)))),
        }
    }

    /// How a trial stands: records compared, and those that came out differently.
    pub(crate) fn progress(&self, candidate: &Candidate) -> Option<(u64, u64)> {
        let present = self.comparison.lock().unwrap_or_else(PoisonError::into_inner);
        present.as_ref().filter(|comparison| comparison.is_of(candidate)).map(|comparison| comparison.progress())
    }

    fn slot(&self, key: &str) -> Option<Arc<Slot>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).get(key).and_then(Weak::upgrade)
    }

    /// Keeps a slot, and answers the one that somebody else was quicker to keep: one that is not kept here never turns.
    fn keep(&self, key: String, slot: Arc<Slot>) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = slots.get(&key).and_then(Weak::upgrade) {
            return known;
        }
        slots.retain(|_, slot| slot.strong_count() > 0);
        slots.insert(key, Arc::downgrade(&slot));
        slot
    }
}

impl Inner {
    /// The slot of a plugin with a configuration: one for all who have the same.
    pub(crate) async fn open(
        self: &Arc<Self>,
        tenant: TenantId,
        named: &str,
        config: &Config,
        world: World,
    ) -> Result<Arc<Slot>> {
        let Meant { plugin, pinned } = self.meant_by(tenant, named).await?;
        if pinned.is_some() && !matches!(world, World::Transformer | World::Forwarder) {
            let text = format!("{named} names one version: only transformers and forwarders do that, name the plugin");
            return Err(Error::new(ErrorCode::InvalidProgram, text).at("plugin"));
        }
        self.usable(tenant, &plugin, world)?;
        let entry = self.entry(tenant, &plugin);
        let _turn = entry.turning.read().await;
        let state = self.usable(tenant, &plugin, world)?;
        let wanted = Wanted { config: config.clone(), pinned };
        let key = wanted.key();
        if let Some(slot) = entry.slot(&key) {
            return Ok(slot);
        }
        let route = self.route(&entry, &state, &wanted, None, Trials::IfTheyOpen).await?;
        if !Arc::ptr_eq(&entry, &self.entry(tenant, &plugin)) {
            return Err(Error::new(ErrorCode::Unavailable, format!("the plugin {plugin} was deleted and made again: try again")));
        }
        let slot = Arc::new(Slot::new(Arc::downgrade(self), Arc::downgrade(&entry), wanted, route));
        Ok(entry.keep(key, slot))
    }

    /// What a slot does by the document of its plugin, unless it stays on one version. Versions that already run in `present`
    /// are taken from there.
    pub(crate) async fn route(
        &self,
        entry: &Entry,
        state: &PluginState,
        wanted: &Wanted,
        present: Option<&Route>,
        trials: Trials,
    ) -> Result<Route> {
        let run = async |version: &str, purpose| match present.and_then(|present| present.running(version, purpose)) {
            Some(running) => Ok(running),
            None => self.run(entry, version, &wanted.config, purpose).await,
        };
        if let Some(version) = &wanted.pinned {
            return Ok(Route { active: run(version, Purpose::Use).await?, fallback: None, trial: None });
        }
        let active = state.active.as_deref().ok_or_else(|| none_in_use(&entry.plugin))?;
        let active = run(active, Purpose::Use).await?;
        let fallback = match (&state.previous, self.on_probation(state.since)) {
            // A version of long ago need not run any more; the release stands without it.
            (Some(previous), true) => run(previous, Purpose::Use).await.ok(),
            _ => None,
        };
        let trial = match &state.candidate {
            Some(candidate) => {
                let (purpose, percent, comparison) = match candidate.shadow {
                    Some(bounds) => (Purpose::Watch, 0, Some(entry.compare(candidate, bounds))),
                    None => (Purpose::Use, candidate.canary_percent.unwrap_or_default(), None),
                };
                match (run(&candidate.version, purpose).await, trials) {
                    (Ok(running), _) => Some(Trial { running, percent, comparison }),
                    (Err(error), Trials::Needed) => return Err(error),
                    (Err(error), Trials::IfTheyOpen) => {
                        let (tenant, plugin, version) = (entry.tenant, &entry.plugin, &candidate.version);
                        tracing::warn!(%tenant, plugin, version, %error, "a version on trial does not open");
                        None
                    }
                }
            }
            None => None,
        };
        Ok(Route { active, fallback, trial })
    }

    fn on_probation(&self, since: Option<Timestamp>) -> bool {
        let now = self.clock.now();
        since.is_some_and(|since| Duration::from_nanos(now.0.abs_diff(since.0)) < PROBATION)
    }

    /// Lets go of the versions before when the probation of a release ends.
    pub(crate) fn watch_probation(self: &Arc<Self>, entry: &Arc<Entry>) {
        if entry.is_on_watch.swap(true, Ordering::Relaxed) {
            return;
        }
        let (inner, entry) = (Arc::downgrade(self), Arc::downgrade(entry));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(PROBATION).await;
                let (Some(inner), Some(entry)) = (inner.upgrade(), entry.upgrade()) else { return };
                let since = inner.find(entry.tenant, &entry.plugin).ok().flatten().and_then(|(_, state)| state.since);
                if !inner.on_probation(since) {
                    entry.is_on_watch.store(false, Ordering::Relaxed);
                    if let Err(error) = inner.settle(&entry).await {
                        tracing::error!(tenant = %entry.tenant, plugin = entry.plugin, %error, "the version before is kept in memory");
                    }
                    return;
                }
            }
        });
    }

    /// Prepares every slot in use for the versions that a document names, all or none.
    ///
    /// # Errors
    /// What a version met with the configuration of a slot.
    pub(crate) async fn prepare(&self, entry: &Entry, state: &PluginState) -> Result<Vec<(Arc<Slot>, Route)>> {
        let mut prepared = Vec::new();
        for slot in entry.slots() {
            let present = slot.route();
            let route = self.route(entry, state, slot.wanted(), present.as_deref(), Trials::Needed).await.map_err(|error| {
                let what = format!("it cannot take over from the {} that runs: {}", state.world, error.message);
                Error { message: what, ..error }
            })?;
            prepared.push((slot, route));
        }
        Ok(prepared)
    }

    /// Turns all slots to what the document says now. A slot that cannot follow stays as it is.
    pub(crate) async fn settle(&self, entry: &Entry) -> Result<()> {
        let _turn = entry.turning.write().await;
        let Some((_, state)) = self.find(entry.tenant, &entry.plugin)? else { return Ok(()) };
        for slot in entry.slots() {
            let present = slot.route();
            match self.route(entry, &state, slot.wanted(), present.as_deref(), Trials::IfTheyOpen).await {
                Ok(route) => slot.turn(Some(route)),
                Err(error) => {
                    tracing::error!(tenant = %entry.tenant, plugin = entry.plugin, %error, "a {} stays on another version than the one in use", state.world);
                }
            }
        }
        Ok(())
    }
}
