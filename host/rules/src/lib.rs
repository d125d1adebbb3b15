//! Rules of a tenant: plugins that judge what its users save, before it is committed.
//!
//! Owns the documents of kind `validator`, which rules are asked about what, what a rule sees, and what its word means. What
//! must stay true: a rule that was saved before a write began judges it (change events, no polling); a rule sees no secret; a
//! rule that cannot judge closes where it is enforced and never keeps anything from being deleted; every rule can be deleted.
//! Knows nothing of HTTP or of any dialect.

mod judge;
mod manage;
mod rule;
mod scan;
mod shown;
mod told;

pub use manage::Saved;
pub use rule::{Deed, KINDS, Mode, Rule, VALIDATOR};
pub use scan::{Finding, Place, Scan, Scanned};
pub use told::collecting;

use futures_util::future::join_all;
use headworks_core::document::ChangeEvent;
use headworks_core::{Error, ErrorCode, Result, TenantId};
use headworks_pipelines::Boxed;
use headworks_plugins::{Config, Judge, Plugins};
use headworks_sandbox::Subject;
use headworks_store::{Guard, Judging, Notes, Proposal, Store};
use judge::{Bound, Judgement, Word, deed, subject};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{Semaphore, broadcast};

/// The most rules of one tenant.
pub const MAX_RULES: usize = 32;
/// How long a rule may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);
/// Scans that may go on at once.
const SCANS: usize = 2;
/// Sets up the plugins of rules.
pub trait Rulebook: Send + Sync {
    /// A validator of a tenant with this configuration.
    ///
    /// # Errors
    /// [`InvalidProgram`](headworks_core::ErrorCode::InvalidProgram) when there is no such validator or it cannot use the
    /// configuration; otherwise what it met.
    fn open<'a>(&'a self, tenant: TenantId, plugin: &'a str, config: &'a Value) -> Boxed<'a, Result<Arc<dyn Judge>>>;
}

impl Rulebook for Plugins {
    fn open<'a>(&'a self, tenant: TenantId, plugin: &'a str, config: &'a Value) -> Boxed<'a, Result<Arc<dyn Judge>>> {
        Box::pin(async move { self.open_validator(tenant, plugin, &Config::Json(config.clone())).await })
    }
}

/// The rules of all tenants. Clones share them.
#[derive(Clone)]
pub struct Rules(Arc<Inner>);

struct Inner {
    store: Store,
    rulebook: Arc<dyn Rulebook>,
    patience: Duration,
    events: Mutex<broadcast::Receiver<Arc<ChangeEvent>>>,
    known: Mutex<Known>,
    scans: Arc<Semaphore>,
}

#[derive(Default)]
struct Known {
    /// Grows with each change that may change a rule.
    changes: u64,
    /// The rules of tenants that have written something.
    rules: HashMap<TenantId, Arc<[Arc<Bound>]>>,
}

impl Rules {
    /// The rules in a store. Nobody asks them before they are its [guard](Store::guard_with).
    pub fn new(store: Store, rulebook: Arc<dyn Rulebook>) -> Self {
        Self::with_patience(store, rulebook, PATIENCE)
    }

    /// As [`new`](Self::new), where a rule may take this long: loading its plugin and waiting for its turn included. Its
    /// processor time is bounded by the sandbox.
    pub fn with_patience(store: Store, rulebook: Arc<dyn Rulebook>, patience: Duration) -> Self {
        let events = Mutex::new(store.subscribe());
        let (known, scans) = (Mutex::default(), Arc::new(Semaphore::new(SCANS)));
        Self(Arc::new(Inner { store, rulebook, patience, events, known, scans }))
    }
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in every change that was acknowledged before now.
    fn catch_up(&self) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let event = events.try_recv();
            let all = match &event {
                Ok(event) if event.key.kind != VALIDATOR => continue,
                Ok(_) => false,
                Err(TryRecvError::Lagged(_)) => true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            };
            let mut known = self.known();
            known.changes += 1;
            match event {
                Ok(event) if !all => drop(known.rules.remove(&event.key.tenant)),
                _ => known.rules.clear(),
            }
        }
    }

    /// The rules of a tenant, read now if need be.
    async fn rules(&self, tenant: TenantId) -> Result<Arc<[Arc<Bound>]>> {
        let changes = {
            let known = self.known();
            if let Some(rules) = known.rules.get(&tenant) {
                return Ok(Arc::clone(rules));
            }
            known.changes
        };
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || store.list(tenant, VALIDATOR, "")).await;
        let documents = read.map_err(|error| Error::internal(error.to_string()))??;
        let mut rules = Vec::with_capacity(documents.len());
        for document in documents {
            match Rule::decode(&document) {
                Ok(rule) => rules.push(Arc::new(Bound::new(document.key.name, rule))),
                Err(error) => tracing::error!(%tenant, %error, "a stored rule has no effect: save it anew or delete it"),
            }
        }
        let rules: Arc<[Arc<Bound>]> = rules.into();
        let mut known = self.known();
        if known.changes == changes {
            known.rules.insert(tenant, Arc::clone(&rules));
        }
        Ok(rules)
    }

    /// Asks a rule. One that does not answer in time cannot judge.
    async fn ask(&self, bound: &Bound, tenant: TenantId, subject: &Subject) -> Word {
        let answer = tokio::time::timeout(self.patience, bound.ask(self.rulebook.as_ref(), tenant, subject)).await;
        answer.unwrap_or_else(|_| {
            let message = format!("it did not answer within {:?}", self.patience);
            Word::Failed(Error::new(ErrorCode::PluginDeadline, message))
        })
    }

    async fn judge(&self, author: &str, proposals: &[Proposal]) -> Result<Judgement> {
        let mut judgement = Judgement::default();
        for proposal in proposals {
            let tenant = proposal.key.tenant;
            let Some(deed) = deed(proposal) else { continue };
            let rules = self.rules(tenant).await?;
            let asked: Vec<&Arc<Bound>> = rules.iter().filter(|bound| bound.rule.judges(&proposal.key, deed)).collect();
            if asked.is_empty() {
                continue;
            }
            let subject = subject(author, proposal, deed);
            let words = join_all(asked.iter().map(|bound| self.ask(bound, tenant, &subject))).await;
            for (bound, word) in asked.into_iter().zip(words) {
                judgement.hear(author, &proposal.key, deed, bound, word);
            }
        }
        Ok(judgement)
    }
}

impl Guard for Rules {
    fn watches(&self, tenant: TenantId, kind: &str) -> bool {
        self.0.catch_up();
        self.0.known().rules.get(&tenant).is_none_or(|rules| rules.iter().any(|bound| bound.rule.is_bound_to(kind)))
    }

    fn check<'a>(&'a self, author: &'a str, proposals: &'a [Proposal]) -> Judging<'a> {
        Box::pin(async move {
            let mut judgement = self.0.judge(author, proposals).await?;
            let Some(error) = judgement.error() else {
                told::tell(&judgement.warnings);
                return Ok(judgement.notes);
            };
            self.note(author, judgement.notes).await;
            Err(error)
        })
    }
}

impl Rules {
    /// Writes down what came of a change that was not made.
    async fn note(&self, author: &str, notes: Notes) {
        for (key, event) in notes {
            if let Err(error) = self.0.store.note(author, key, event).await {
                tracing::warn!(%error, "what a rule refused could not be written down");
            }
        }
    }
}
