//! What a pipeline holds of a plugin: calls go to the version that is in use when they begin.
//!
//! What must stay true: a call ends on the versions that it began with; a batch on which a new version fails, and the one
//! before does not, comes out as the one before makes it, and takes the new version back.

use crate::around::Purpose;
use crate::compare::{self, Comparison, Verdict};
use crate::entry::Entry;
use crate::load::{Runner, Running};
use crate::{Config, Hear, Identify, Inner, Judge};
use headworks_core::{Batch, Digest, Error, ErrorCode};
use headworks_pipelines::{Boxed, Target, Transform};
use headworks_sandbox::{
    CallFailure, Denial, Event, Handled, IdentityProvider, IdentityRequest, Proven, Report, Subject, Transformed, Violation,
};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, Weak};

pub(crate) struct Slot {
    plugins: Weak<Inner>,
    entry: Weak<Entry>,
    wanted: Wanted,
    /// None once the plugin is deleted.
    route: RwLock<Option<Arc<Route>>>,
    /// Batches so far, to share them out.
    batches: AtomicU64,
}

/// What a slot is made from.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) config: Config,
    /// The version that it stays on; `None` follows the one in use.
    pub(crate) pinned: Option<String>,
}

impl Wanted {
    /// Two with the same key are the same.
    pub(crate) fn key(&self) -> String {
        format!("{} {}", self.pinned.as_deref().unwrap_or_default(), self.config.key())
    }
}

/// Which version gets a batch.
pub(crate) struct Route {
    pub(crate) active: Arc<Running>,
    /// The version that was in use before, while the active one has to prove itself.
    pub(crate) fallback: Option<Arc<Running>>,
    pub(crate) trial: Option<Trial>,
}

/// A version that gets a share of the batches, or only sees them.
#[derive(Clone)]
pub(crate) struct Trial {
    pub(crate) running: Arc<Running>,
    /// 0 to 100; 0 while it is only watched.
    pub(crate) percent: u8,
    /// Where it is compared with the active one.
    pub(crate) comparison: Option<Arc<Comparison>>,
}

impl Route {
    /// The version of this name, if it runs here for this purpose.
    pub(crate) fn running(&self, version: &str, purpose: Purpose) -> Option<Arc<Running>> {
        let trial = self.trial.as_ref().map(|trial| &trial.running);
        let all = [Some(&self.active), self.fallback.as_ref(), trial];
        all.into_iter().flatten().find(|running| running.version == version && running.purpose == purpose).map(Arc::clone)
    }

    /// The version that is only watched.
    fn watched(&self) -> Option<(&Arc<Running>, &Arc<Comparison>)> {
        let trial = self.trial.as_ref()?;
        Some((&trial.running, trial.comparison.as_ref()?))
    }

    /// The version for the batch of this number, and the one that stands behind it.
    fn choose(&self, number: u64) -> (&Arc<Running>, Option<&Arc<Running>>) {
        match &self.trial {
            Some(trial) if is_picked(number, trial.percent) => (&trial.running, Some(&self.active)),
            _ => (&self.active, self.fallback.as_ref()),
        }
    }
}

/// Whether a batch belongs to a share: so many of every hundred, evenly.
fn is_picked(number: u64, percent: u8) -> bool {
    let due = |number: u64| u128::from(number) * u128::from(percent) / 100;
    due(number + 1) > due(number)
}

/// Whether a failure speaks against the version that met it, and not against its input or its owner's quota.
fn is_fault(failure: &CallFailure) -> bool {
    use ErrorCode::{PluginDeadline, PluginLimit, PluginOutput, PluginTrap};
    matches!(failure.error.code, PluginTrap | PluginDeadline | PluginLimit | PluginOutput)
}

impl Slot {
    pub(crate) fn new(plugins: Weak<Inner>, entry: Weak<Entry>, wanted: Wanted, route: Route) -> Self {
        Self { plugins, entry, wanted, route: RwLock::new(Some(Arc::new(route))), batches: AtomicU64::new(0) }
    }

    pub(crate) fn wanted(&self) -> &Wanted {
        &self.wanted
    }

    pub(crate) fn route(&self) -> Option<Arc<Route>> {
        self.route.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What a call begins with.
    fn begin(&self) -> Result<Arc<Route>, CallFailure> {
        let gone = || {
            let error = Error::new(ErrorCode::InvalidProgram, "the plugin was deleted");
            CallFailure { error, trap: None, backtrace: None, digest: Digest::of(&[]) }
        };
        self.route().ok_or_else(gone)
    }

    /// The next call takes this, or fails without it.
    pub(crate) fn turn(&self, route: Option<Route>) {
        *self.route.write().unwrap_or_else(PoisonError::into_inner) = route.map(Arc::new);
    }

    /// Takes a version out at once, as far as another one is at hand.
    pub(crate) fn drop_version(&self, version: &str) {
        let mut route = self.route.write().unwrap_or_else(PoisonError::into_inner);
        let Some(Route { active, fallback, trial }) = route.as_deref() else { return };
        let trial = trial.clone().filter(|trial| trial.running.version != version);
        let next = match fallback {
            Some(fallback) if active.version == version => Route { active: Arc::clone(fallback), fallback: None, trial },
            _ => Route { active: Arc::clone(active), fallback: fallback.clone(), trial },
        };
        *route = Some(Arc::new(next));
    }

    /// Takes a version back that failed where another did not.
    fn withdraw(&self, running: &Running, failure: &CallFailure) {
        if let (Some(plugins), Some(entry)) = (self.plugins.upgrade(), self.entry.upgrade()) {
            plugins.withdraw(&entry, &running.version, failure.error.code, Some(running.digest), &failure.error.message);
        }
    }

    async fn map(&self, batch: Batch) -> Result<Transformed, CallFailure> {
        let route = self.begin()?;
        let (first, second) = route.choose(self.batches.fetch_add(1, Ordering::Relaxed));
        if let Some((candidate, comparison)) = route.watched() {
            return self.map_and_compare(first, candidate, comparison, batch).await;
        }
        let Some(second) = second else { return first.transform(batch).await };
        let outcome = first.transform(batch.clone()).await;
        match &outcome {
            Err(failure) if is_fault(failure) || failure.error.code == ErrorCode::PluginSuspended => {
                let again = second.transform(batch).await;
                if is_fault(failure) && again.as_ref().err().is_none_or(|again| !is_fault(again)) {
                    self.withdraw(first, failure);
                }
                again
            }
            _ => outcome,
        }
    }

    /// Maps a batch and shows it to a version that is only watched, unless that has enough to do.
    async fn map_and_compare(
        &self,
        active: &Arc<Running>,
        candidate: &Arc<Running>,
        comparison: &Arc<Comparison>,
        batch: Batch,
    ) -> Result<Transformed, CallFailure> {
        let Ok(turn) = Arc::clone(&comparison.turns).try_acquire_owned() else { return active.transform(batch).await };
        let input = batch.clone();
        let outcome = active.transform(batch).await;
        let expected = match &outcome {
            Ok(made) => Some(made.clone()),
            Err(failure) if failure.error.code == ErrorCode::Failed => None,
            // What the active version cannot do says nothing about the other one.
            Err(_) => return outcome,
        };
        let (plugins, entry) = (self.plugins.clone(), self.entry.clone());
        let (candidate, comparison) = (Arc::clone(candidate), Arc::clone(comparison));
        tokio::spawn(async move {
            let _turn = turn;
            let records = input.len();
            let made = candidate.watch(input).await;
            let (Some(plugins), Some(entry)) = (plugins.upgrade(), entry.upgrade()) else { return };
            let different = match (&expected, &made) {
                (_, Err(failure)) if is_fault(failure) => {
                    let (code, why) = (failure.error.code, &failure.error.message);
                    return plugins.withdraw(&entry, &candidate.version, code, Some(candidate.digest), why);
                }
                (_, Err(failure)) if failure.error.code != ErrorCode::Failed => return,
                (Some(expected), Ok(made)) => compare::different(records, expected, made),
                (None, Err(_)) => 0,
                _ => records as u64,
            };
            match comparison.add(records as u64, different) {
                Some(Verdict::Differs(why)) => {
                    plugins.withdraw(&entry, &candidate.version, ErrorCode::ReleaseRefused, Some(candidate.digest), &why);
                }
                Some(Verdict::Alike) => plugins.advance(&entry, &candidate.version).await,
                None => {}
            }
        });
        outcome
    }

    async fn deliver(&self, batch: &Batch) -> Result<(usize, Report), CallFailure> {
        let route = self.begin()?;
        let (first, second) = route.choose(self.batches.fetch_add(1, Ordering::Relaxed));
        let outcome = first.send(batch).await;
        // It is not known what was delivered, so the version before does not try again.
        if let Err(failure) = &outcome
            && second.is_some()
            && is_fault(failure)
        {
            self.withdraw(first, failure);
        }
        outcome
    }
}

/// Asks what may be asked twice: where a new version fails, the one before it answers.
macro_rules! ask {
    ($slot:expr, $running:ident => $question:expr) => {{
        let route = $slot.begin()?;
        let (first, second) = route.choose($slot.batches.fetch_add(1, Ordering::Relaxed));
        let question = async |$running: &Running| $question;
        let outcome = question(first).await;
        match (second, &outcome) {
            (Some(second), Err(failure)) if is_fault(failure) || failure.error.code == ErrorCode::PluginSuspended => {
                let again = question(second).await;
                $slot.blame(first, failure, &again);
                again
            }
            _ => outcome,
        }
    }};
}

impl Slot {
    /// Takes a new version back whose failure the one before it does not share.
    fn blame<T>(&self, first: &Running, failure: &CallFailure, again: &Result<T, CallFailure>) {
        if is_fault(failure) && again.as_ref().err().is_none_or(|again| !is_fault(again)) {
            self.withdraw(first, failure);
        }
    }

    async fn hear(&self, event: &Event) -> Result<Handled, CallFailure> {
        let route = self.begin()?;
        let (first, second) = route.choose(self.batches.fetch_add(1, Ordering::Relaxed));
        let outcome = first.handle(event).await;
        // It is not known what was done, so the version before does not try again.
        if let Err(failure) = &outcome
            && second.is_some()
            && is_fault(failure)
        {
            self.withdraw(first, failure);
        }
        outcome
    }
}

impl Running {
    fn other_world(&self) -> CallFailure {
        let error = Error::new(ErrorCode::PluginRefused, format!("version {} of the plugin is of another world", self.version));
        CallFailure { error, trap: None, backtrace: None, digest: self.digest }
    }

    async fn transform(&self, batch: Batch) -> Result<Transformed, CallFailure> {
        match &self.runner {
            Runner::Transformer(transformer) => Transform::transform(transformer, batch).await,
            _ => Err(self.other_world()),
        }
    }

    /// Maps a batch for nobody: failures are not counted among those of pipelines.
    async fn watch(&self, batch: Batch) -> Result<Transformed, CallFailure> {
        match &self.runner {
            Runner::Transformer(transformer) => transformer.transform(batch).await,
            _ => Err(self.other_world()),
        }
    }

    async fn validate(&self, subject: &Subject) -> Result<Vec<Violation>, CallFailure> {
        match &self.runner {
            Runner::Validator(validator) => validator.validate(subject).await,
            _ => Err(self.other_world()),
        }
    }

    async fn handle(&self, event: &Event) -> Result<Handled, CallFailure> {
        match &self.runner {
            Runner::EventHook(hook) => hook.handle(event).await,
            _ => Err(self.other_world()),
        }
    }

    fn provider(&self) -> Result<&IdentityProvider, CallFailure> {
        match &self.runner {
            Runner::IdentityProvider(provider) => Ok(provider),
            _ => Err(self.other_world()),
        }
    }

    async fn send(&self, batch: &Batch) -> Result<(usize, Report), CallFailure> {
        match &self.runner {
            Runner::Forwarder(forwarder) => Target::send(forwarder, batch).await,
            _ => Err(self.other_world()),
        }
    }
}

impl Transform for Running {
    fn transform(&self, batch: Batch) -> Boxed<'_, Result<Transformed, CallFailure>> {
        Box::pin(Self::transform(self, batch))
    }
}

impl Judge for Slot {
    fn validate<'a>(&'a self, subject: &'a Subject) -> Boxed<'a, Result<Vec<Violation>, CallFailure>> {
        Box::pin(async move { ask!(self, running => running.validate(subject).await) })
    }

    fn digest(&self) -> String {
        self.route().map(|route| route.active.digest.to_string()).unwrap_or_default()
    }
}

impl Hear for Slot {
    fn handle<'a>(&'a self, event: &'a Event) -> Boxed<'a, Result<Handled, CallFailure>> {
        Box::pin(self.hear(event))
    }
}

impl Identify for Slot {
    fn usage(&self) -> Boxed<'_, Result<Option<String>, CallFailure>> {
        Box::pin(async move { ask!(self, running => running.provider()?.usage().await) })
    }

    fn test<'a>(&'a self, request: &'a IdentityRequest) -> Boxed<'a, Result<bool, CallFailure>> {
        Box::pin(async move { ask!(self, running => running.provider()?.test(request).await) })
    }

    fn authenticate<'a>(&'a self, request: &'a IdentityRequest) -> Boxed<'a, Result<Result<Proven, Denial>, CallFailure>> {
        Box::pin(async move { ask!(self, running => running.provider()?.authenticate(request).await) })
    }
}

impl Transform for Slot {
    fn transform(&self, batch: Batch) -> Boxed<'_, Result<Transformed, CallFailure>> {
        Box::pin(self.map(batch))
    }
}

impl Target for Slot {
    fn send<'a>(&'a self, batch: &'a Batch) -> Boxed<'a, Result<(usize, Report), CallFailure>> {
        Box::pin(self.deliver(batch))
    }

    fn digest(&self) -> String {
        self.route().map(|route| route.active.digest.to_string()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exact_and_even() {
        for percent in [0, 1, 7, 50, 99, 100] {
            let picked: Vec<u64> = (0..1000).filter(|number| is_picked(*number, percent)).collect();
            assert_eq!(picked.len(), usize::from(percent) * 10);
            let widest = picked.windows(2).map(|pair| pair.iter().rev().copied().reduce(|b, a| b - a).unwrap_or(0)).max();
            assert!(widest.is_none_or(|widest| widest <= 100 / u64::from(percent.max(1)) + 1), "{percent}");
        }
    }
}
