//! The running engine: compiled pipelines, their waiting requests, and who may ask what of them.
//!
//! What must stay true: a compiled pipeline is dropped by the change events of what it was made from and by nothing else, and
//! those events are taken in before any request is looked at, so a change that was acknowledged is seen by the next
//! request; records under way finish on the plan they began with.

mod cache;
mod commit;
mod deliver;
mod entries;
mod outbox;
mod queue;
mod replay;
mod share;

use crate::counters::{self, Counter};
use crate::decode_script;
use crate::forward::{Forwarders, Saved, Target};
use crate::graph::Graph;
use crate::plan::{Delivery, Parts, Plan};
use crate::trace::{self, DryRun};
use crate::transform::{Boxed, Language, Transform};
use cache::Line;
use entries::Entries;
use headworks_core::document::{ChangeEvent, ChangeKind};
use headworks_core::{Batch, DocumentKey, Error, ErrorCode, Result, TenantId};
use headworks_identity::Tenants;
use headworks_store::Store;
use outbox::Outbox;
use share::Share;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::TryRecvError;

pub use replay::{Replay, Replayed, ReplayedFrom};

/// Kind of the documents that hold a graph.
pub const PIPELINE: &str = "pipeline";
/// Kind of the documents that hold a forwarder.
pub const FORWARDER: &str = "forwarder";
/// Kind of the documents that say which version of a plugin is in use.
pub const PLUGIN: &str = "plugin";
/// Kind of the documents that hold a script.
pub const TRANSFORMER: &str = "transformer";

/// Bounds of the engine.
#[derive(Clone, Debug)]
pub struct PipelineOptions {
    /// Batches of one pipeline that are evaluated at the same time.
    pub workers: usize,
    /// Evaluated batches of one pipeline that wait for the disk.
    pub in_flight: usize,
    /// Records that requests are gathered up to.
    pub batch_records: usize,
    /// Bytes that requests are gathered up to.
    pub batch_bytes: usize,
    /// Records that may wait per pipeline.
    pub queue_records: usize,
    /// Bytes that may wait per pipeline.
    pub queue_bytes: usize,
    /// Records that may wait per tenant.
    pub tenant_queue_records: usize,
    /// Bytes that may wait per tenant.
    pub tenant_queue_bytes: usize,
    /// Whose quotas hold; without it nobody has any.
    pub tenants: Option<Tenants>,
    /// How long a record may wait for its delivery before it is given up.
    pub give_up: Duration,
    /// How long the task of a forwarder with an empty queue waits for more before it ends.
    pub idle: Duration,
}

impl Default for PipelineOptions {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(2, usize::from),
            in_flight: 8,
            batch_records: 1024,
            batch_bytes: 4 << 20,
            queue_records: 200_000,
            queue_bytes: 128 << 20,
            tenant_queue_records: 400_000,
            tenant_queue_bytes: 256 << 20,
            tenants: None,
            give_up: Duration::from_secs(24 * 3600),
            idle: Duration::from_secs(60),
        }
    }
}

/// The engine. Clones share it.
#[derive(Clone)]
pub struct Pipelines {
    shared: Arc<Shared>,
}

/// A tenant, a type of forwarder and a configuration.
type TargetKey = (TenantId, String, String);

/// What all pipelines share.
pub(crate) struct Shared {
    pub(crate) store: Store,
    language: Arc<dyn Language>,
    forwarders: Arc<dyn Forwarders>,
    options: PipelineOptions,
    events: Mutex<broadcast::Receiver<Arc<ChangeEvent>>>,
    lines: RwLock<HashMap<TenantId, HashMap<String, Arc<Line>>>>,
    /// What each tenant with a pipeline holds.
    shares: Mutex<HashMap<TenantId, Arc<Share>>>,
    entries: Entries,
    /// Transformers in use, by the script they were made from. Never shared between tenants.
    opened: Mutex<HashMap<(TenantId, String), Weak<dyn Transform>>>,
    /// Forwarders in use. Never shared between tenants.
    targets: Mutex<HashMap<TargetKey, Weak<dyn Target>>>,
    outbox: Outbox,
}

impl Pipelines {
    /// An engine over a store, with the language of its transformers.
    pub fn new(store: Store, language: Arc<dyn Language>, forwarders: Arc<dyn Forwarders>, options: PipelineOptions) -> Self {
        counters::show_failures();
        let events = Mutex::new(store.subscribe());
        let (lines, shares, entries, opened, targets, outbox) = Default::default();
        let shared = Shared { store, language, forwarders, options, events, lines, shares, entries, opened, targets, outbox };
        Self { shared: Arc::new(shared) }
    }

    /// Runs records through a pipeline and answers how many: all of them, stored or filtered out on purpose (FlowG 6.1).
    ///
    /// The work goes on when the caller stops waiting.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown pipeline, [`ErrorCode::BrokenPipeline`] for one that cannot be built or lacks
    /// the entry point, [`ErrorCode::Exhausted`] when too much waits already or a quota of the tenant is used up (then it
    /// says when to come back), [`ErrorCode::Denied`] while the tenant is suspended; otherwise what the first record that failed
    /// met, one line per branch. The records before it stay, those after it were not run.
    pub async fn ingest(&self, tenant: TenantId, pipeline: &str, entry: &str, records: Batch) -> Result<usize> {
        self.shared.catch_up();
        let found = self.shared.plan(tenant, pipeline).await;
        if records.is_empty() {
            // Nothing is run, so only a pipeline that is not there can fail.
            return found.map_or_else(|error| if error.code == ErrorCode::NotFound { Err(error) } else { Ok(0) }, |_| Ok(0));
        }
        let (line, plan) = found?;
        let entry = plan.entry(entry)?;
        line.share.take(&records)?;
        let told = queue::submit(&self.shared, &line, plan, entry, records, false).await?;
        told.into_iter().next().unwrap_or_else(|| Err(Error::internal("the request has no result")))
    }

    /// Runs records through a pipeline, each as if it were a request of its own: one that fails does not stop those after it.
    /// Answers what became of each.
    ///
    /// # Errors
    /// Those of [`ingest`](Self::ingest) that concern all records.
    pub async fn ingest_each(&self, tenant: TenantId, pipeline: &str, entry: &str, records: Batch) -> Result<Vec<Result<()>>> {
        self.shared.catch_up();
        let (line, plan) = self.shared.plan(tenant, pipeline).await?;
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let entry = plan.entry(entry)?;
        line.share.take(&records)?;
        let told = queue::submit(&self.shared, &line, plan, entry, records, true).await?;
        Ok(told.into_iter().map(|told| told.map(drop)).collect())
    }

    /// Refuses a tenant whose quotas are used up, before its records are looked at.
    ///
    /// # Errors
    /// [`ErrorCode::Exhausted`] and [`ErrorCode::Denied`] as in [`ingest`](Self::ingest).
    pub fn check_quota(&self, tenant: TenantId) -> Result<()> {
        self.shared.options.tenants.as_ref().map_or(Ok(()), |tenants| tenants.meter(tenant).check_ingest())
    }

    /// The names of the pipelines of a tenant that have a source of this type, whether they can be built or not.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn with_entry(&self, tenant: TenantId, entry: &str) -> Result<Arc<[String]>> {
        self.shared.catch_up();
        self.shared.entries.find(&self.shared.store, tenant, entry).await
    }

    /// Whether a pipeline of this name is saved.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn exists(&self, tenant: TenantId, pipeline: &str) -> Result<bool> {
        Ok(self.shared.document(DocumentKey::new(tenant, PIPELINE, pipeline)).await?.is_some())
    }

    /// Builds a graph and runs records through it with tracing; nothing is stored, delivered or counted (FlowG 7.4).
    pub async fn dry_run(&self, tenant: TenantId, name: &str, graph: &Graph, records: &Batch) -> DryRun {
        self.shared.catch_up();
        trace::dry_run(&self.shared, tenant, name, graph, records).await
    }

    /// Compiles a script and runs it on records.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidProgram`] with the compiler's report, or what the first record that failed met.
    pub async fn test_transformer(&self, tenant: TenantId, script: &str, records: Batch) -> Result<Batch> {
        let transform = self.shared.language.open(tenant, script).await.inspect_err(counters::failed)?;
        let made = transform.transform(records).await.map_err(|failure| failure.error)?;
        match made.rejected.into_iter().next() {
            Some((_, reason)) => Err(Error::new(ErrorCode::Failed, reason)),
            None => Ok(made.batch),
        }
    }

    /// Delivers one record through a saved forwarder, and waits for the outcome.
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown forwarder; otherwise why it cannot be set up or what it met.
    pub async fn test_forwarder(&self, tenant: TenantId, name: &str, record: &Batch) -> Result<()> {
        self.shared.catch_up();
        let failed = |error: Error| Error::new(ErrorCode::Failed, error.message);
        let target = self.shared.target(tenant, name).await.map_err(failed)?;
        let target = target.ok_or_else(|| Error::not_found(format!("forwarder not found: {name}")))?;
        let (_, report) = target.send(record).await.map_err(|failure| failed(failure.error))?;
        let rejected = report.rejected.into_iter().next().map(|(_, reason)| reason);
        match rejected.or(report.stopped.map(|stop| stop.reason)) {
            Some(reason) => Err(Error::new(ErrorCode::Failed, reason)),
            None => Ok(()),
        }
    }

    /// Goes on delivering what waited when the process ended.
    ///
    /// # Errors
    /// Those of the store.
    pub fn resume(&self) -> Result<()> {
        for (tenant, name) in self.shared.store.queues()? {
            outbox::wake(&self.shared, tenant, &name);
        }
        Ok(())
    }

    /// The counters of a pipeline (FlowG 7.5).
    ///
    /// # Errors
    /// [`ErrorCode::NotFound`] for an unknown pipeline.
    pub async fn counters(&self, tenant: TenantId, pipeline: &str) -> Result<Vec<Counter>> {
        self.shared.catch_up();
        match self.shared.plan(tenant, pipeline).await {
            Err(error) if error.code == ErrorCode::NotFound => Err(error),
            // One that cannot be built at present still tells what it counted before.
            _ => Ok(self.shared.line(tenant, pipeline).counters()),
        }
    }

    /// The store that records end up in.
    pub(crate) fn store(&self) -> &Store {
        &self.shared.store
    }

    /// How many batches may be worked on at the same time.
    pub(crate) fn workers(&self) -> usize {
        self.shared.options.workers
    }
}

impl Shared {
    /// Takes in every change that was acknowledged before now.
    fn catch_up(&self) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match events.try_recv() {
                Ok(event) => self.changed(&event),
                Err(TryRecvError::Lagged(_)) => self.drop_all(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    fn changed(&self, event: &ChangeEvent) {
        let DocumentKey { tenant, kind, name, .. } = &event.key;
        if kind == PIPELINE {
            self.entries.forget();
        }
        match (kind.as_str(), event.kind) {
            (PIPELINE, ChangeKind::Delete) => {
                let mut lines = self.lines.write().unwrap_or_else(PoisonError::into_inner);
                if let Some(of_tenant) = lines.get_mut(tenant) {
                    of_tenant.remove(name);
                    if of_tenant.is_empty() {
                        lines.remove(tenant);
                    }
                }
            }
            (PIPELINE, ChangeKind::Put) => {
                if let Some(line) = self.known_line(*tenant, name) {
                    line.outdate();
                }
            }
            (TRANSFORMER | FORWARDER, _) => {
                let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
                lines.get(tenant).into_iter().flat_map(HashMap::values).for_each(|line| line.outdate());
            }
            // A pipeline that could not be built may be built with another version of a plugin; the others go on with it.
            (PLUGIN, _) => {
                let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
                let lines = lines.get(tenant).into_iter().flat_map(HashMap::values);
                lines.filter(|line| line.is_broken()).for_each(|line| line.outdate());
            }
            _ => {}
        }
    }

    /// Too many changes were missed to know which.
    fn drop_all(&self) {
        self.entries.forget();
        let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
        lines.values().flat_map(HashMap::values).for_each(|line| line.outdate());
    }

    fn known_line(&self, tenant: TenantId, name: &str) -> Option<Arc<Line>> {
        let lines = self.lines.read().unwrap_or_else(PoisonError::into_inner);
        lines.get(&tenant)?.get(name).cloned()
    }

    fn line(&self, tenant: TenantId, name: &str) -> Arc<Line> {
        if let Some(line) = self.known_line(tenant, name) {
            return line;
        }
        let mut lines = self.lines.write().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(tenant).or_default().entry(name.to_owned());
        Arc::clone(line.or_insert_with(|| Arc::new(Line::new(tenant, name, &self.options, self.share(tenant)))))
    }

    fn share(&self, tenant: TenantId) -> Arc<Share> {
        let meter = || self.options.tenants.as_ref().map(|tenants| tenants.meter(tenant));
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = shares.get(&tenant) {
            return Arc::clone(share);
        }
        // Whoever has no pipeline any more holds nothing.
        shares.retain(|_, share| Arc::strong_count(share) > 1);
        let share = Arc::new(Share::new(&self.options, meter()));
        shares.insert(tenant, Arc::clone(&share));
        share
    }

    /// The present plan of a pipeline, built now if need be.
    pub(crate) async fn plan(&self, tenant: TenantId, name: &str) -> Result<(Arc<Line>, Arc<Plan>)> {
        let line = self.line(tenant, name);
        let plan = line.plan(self).await;
        if plan.as_ref().is_err_and(|error| error.code == ErrorCode::NotFound) {
            // Names that do not exist must not be remembered.
            let mut lines = self.lines.write().unwrap_or_else(PoisonError::into_inner);
            if let Some(lines) = lines.get_mut(&tenant)
                && lines.get(name).is_some_and(|known| Arc::ptr_eq(known, &line))
            {
                lines.remove(name);
            }
        }
        Ok((line, plan?))
    }

    /// Reads a document off the async threads.
    async fn document(&self, key: DocumentKey) -> Result<Option<Vec<u8>>> {
        let store = self.store.clone();
        let read = tokio::task::spawn_blocking(move || store.get(&key));
        let document = read.await.map_err(|error| Error::internal(error.to_string()))??;
        Ok(document.map(|document| document.body))
    }

    pub(crate) fn parts(&self, tenant: TenantId) -> impl Parts {
        Shelf { shared: self, tenant }
    }

    async fn forwarder(&self, tenant: TenantId, name: &str) -> Result<Option<Saved>> {
        let body = self.document(DocumentKey::new(tenant, FORWARDER, name)).await?;
        body.map(|body| Saved::decode(&body)).transpose()
    }

    /// The saved forwarder of this name, one for all pipelines of a tenant.
    async fn target(&self, tenant: TenantId, name: &str) -> Result<Option<Arc<dyn Target>>> {
        let Some(saved) = self.forwarder(tenant, name).await? else { return Ok(None) };
        self.open_target(tenant, &saved).await.map(Some)
    }

    async fn open_target(&self, tenant: TenantId, saved: &Saved) -> Result<Arc<dyn Target>> {
        let targets = || self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant, saved.kind().to_owned(), serde_json::json!(saved.config).to_string());
        let known = targets().get(&key).and_then(Weak::upgrade);
        if let Some(target) = known {
            return Ok(target);
        }
        let target = self.forwarders.open(tenant, &key.1, &key.2).await.inspect_err(counters::failed)?;
        Ok(one_for_all(&mut targets(), key, target))
    }

    /// A transformer made from this script, one for all pipelines of a tenant.
    async fn open(&self, tenant: TenantId, script: String) -> Result<Arc<dyn Transform>> {
        let opened = || self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant, script);
        let known = opened().get(&key).and_then(Weak::upgrade);
        if let Some(transform) = known {
            return Ok(transform);
        }
        let transform = self.language.open(tenant, &key.1).await.inspect_err(counters::failed)?;
        Ok(one_for_all(&mut opened(), key, transform))
    }
}

/// Keeps what was made, unless another request was quicker: then its one is everybody's, because limits count by it.
fn one_for_all<K: Eq + Hash, T: ?Sized>(known: &mut HashMap<K, Weak<T>>, key: K, made: Arc<T>) -> Arc<T> {
    if let Some(first) = known.get(&key).and_then(Weak::upgrade) {
        return first;
    }
    known.retain(|_, known| known.strong_count() > 0);
    known.insert(key, Arc::downgrade(&made));
    made
}

/// The saved transformers and forwarders of a tenant.
struct Shelf<'s> {
    shared: &'s Shared,
    tenant: TenantId,
}

impl Parts for Shelf<'_> {
    fn forwarder<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Delivery>> {
        Box::pin(async move {
            let named = |error: Error| Error { message: format!("forwarder {name:?}: {}", error.message), ..error };
            let broken = |error: Error| match error.code {
                ErrorCode::InvalidProgram | ErrorCode::Corrupt => named(Error::new(ErrorCode::BrokenPipeline, error.message)),
                // A target that is down may be up by the next request.
                _ => named(error),
            };
            let saved = self.shared.forwarder(self.tenant, name).await.map_err(broken)?;
            let saved = saved.ok_or_else(|| Error::new(ErrorCode::BrokenPipeline, format!("forwarder {name:?} not found")))?;
            // What is delivered later is set up later.
            let target = match saved.queued {
                true => None,
                false => Some(self.shared.open_target(self.tenant, &saved).await.map_err(broken)?),
            };
            Ok(Delivery { name: name.to_owned(), target })
        })
    }

    fn transformer<'a>(&'a self, name: &'a str) -> Boxed<'a, Result<Arc<dyn Transform>>> {
        Box::pin(async move {
            let broken = |cause: String| Error::new(ErrorCode::BrokenPipeline, cause);
            let body = self.shared.document(DocumentKey::new(self.tenant, TRANSFORMER, name)).await?;
            let body = body.ok_or_else(|| broken(format!("transformer {name:?} not found")))?;
            let script = decode_script(&body).map_err(|error| broken(format!("transformer {name:?}: {error}")))?;
            let opened = self.shared.open(self.tenant, script).await;
            opened.map_err(|error| if error.code == ErrorCode::InvalidProgram { broken(error.message) } else { error })
        })
    }
}
