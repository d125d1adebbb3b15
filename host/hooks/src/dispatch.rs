//! From the queue to the hooks: one task that hands events out, and one for each hook that gives them to it in order.

use crate::Inner;
use crate::deliver::{Attempt, Opened};
use crate::hook::Hook;
use crate::queue::{QUEUE, Told};
use crate::status::Status;
use headworks_core::document::ChangeEvent;
use headworks_core::{DocumentKey, Result, TenantId, Uid};
use headworks_plugins::EVENT_HOOK;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::broadcast::error::TryRecvError;
use tokio::sync::{broadcast, mpsc};

/// How often an event is given to a hook that may take it later.
const TRIES: u32 = 5;
/// The pause after the first try; it doubles.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest pause, whatever a target asks for.
const LONGEST: Duration = Duration::from_secs(60);

/// The hooks of the tenants of which something was told.
struct Dispatcher {
    inner: Weak<Inner>,
    changes: broadcast::Receiver<Arc<ChangeEvent>>,
    /// Tenants whose hooks are read as they are stored now.
    fresh: HashSet<TenantId>,
    hooks: HashMap<TenantId, HashMap<String, Known>>,
}

/// A hook with its worker.
struct Known {
    uid: Uid,
    revision: u64,
    hook: Hook,
    status: Arc<Status>,
    queue: mpsc::Sender<Arc<Told>>,
}

/// Hands out events until nobody tells any more.
pub(crate) async fn run(
    inner: Weak<Inner>,
    mut events: mpsc::Receiver<Arc<Told>>,
    changes: broadcast::Receiver<Arc<ChangeEvent>>,
) {
    let mut dispatcher = Dispatcher { inner, changes, fresh: HashSet::new(), hooks: HashMap::new() };
    while let Some(told) = events.recv().await {
        dispatcher.catch_up();
        let tenant = told.event.tenant;
        if !dispatcher.fresh.contains(&tenant)
            && let Err(error) = dispatcher.read(tenant).await
        {
            tracing::error!(%tenant, %error, "event hooks cannot be read: those that were known are told");
        }
        for known in dispatcher.hooks.get(&tenant).into_iter().flat_map(HashMap::values) {
            if !known.hook.wants(told.event.kind) {
                continue;
            }
            known.status.comes();
            // There is room for every event that has a place in the server.
            if known.queue.try_send(Arc::clone(&told)).is_err() {
                known.status.forgets();
                tracing::error!(%tenant, "an event hook takes no events any more");
            }
        }
    }
}

impl Dispatcher {
    /// Takes in every change that was acknowledged before now.
    fn catch_up(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(event) if event.key.kind == EVENT_HOOK => drop(self.fresh.remove(&event.key.tenant)),
                Ok(_) => {}
                Err(TryRecvError::Lagged(_)) => self.fresh.clear(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => return,
            }
        }
    }

    /// Reads the hooks of a tenant. Those that were there before keep their workers.
    async fn read(&mut self, tenant: TenantId) -> Result<()> {
        let Some(inner) = self.inner.upgrade() else { return Ok(()) };
        self.fresh.insert(tenant);
        let store = inner.store.clone();
        let read = tokio::task::spawn_blocking(move || store.list(tenant, EVENT_HOOK, "")).await;
        let read = read.map_err(|error| headworks_core::Error::internal(error.to_string())).flatten();
        let documents = read.inspect_err(|_| {
            self.fresh.remove(&tenant);
        })?;
        let mut before = self.hooks.remove(&tenant).unwrap_or_default();
        let mut now = HashMap::with_capacity(documents.len());
        for document in documents {
            let hook = match Hook::decode(&document) {
                Ok(hook) => hook,
                Err(error) => {
                    tracing::error!(%tenant, %error, "a stored event hook has no effect: save it anew or delete it");
                    continue;
                }
            };
            let (name, uid, revision) = (document.key.name, document.uid, document.revision);
            let known = match before.remove(&name).filter(|known| known.uid == uid) {
                Some(known) if known.revision == revision => known,
                Some(known) => Known { revision, hook, ..known },
                None => {
                    let (queue, events) = mpsc::channel(QUEUE);
                    let status = inner.statuses.of(tenant, &name);
                    let key = DocumentKey::new(tenant, EVENT_HOOK, &name);
                    let worker = Worker { inner: Weak::clone(&self.inner), key, uid, status: Arc::clone(&status) };
                    tokio::spawn(worker.run(events));
                    Known { uid, revision, hook, status, queue }
                }
            };
            now.insert(name, known);
        }
        if !now.is_empty() {
            self.hooks.insert(tenant, now);
        }
        Ok(())
    }
}

/// Gives one hook its events.
struct Worker {
    inner: Weak<Inner>,
    key: DocumentKey,
    uid: Uid,
    status: Arc<Status>,
}

impl Worker {
    async fn run(self, mut events: mpsc::Receiver<Arc<Told>>) {
        let mut opened = Opened::default();
        while let Some(told) = events.recv().await {
            self.give(&told, &mut opened).await;
        }
    }

    /// Gives an event to the hook, as it is saved at each try, until it takes it or is given up.
    async fn give(&self, told: &Told, opened: &mut Opened) {
        let tries = if self.status.is_failing() { 1 } else { TRIES };
        let (mut pause, mut tried) = (PAUSE, 0);
        loop {
            let Some(inner) = self.inner.upgrade() else { return };
            let hook = match inner.store.get(&self.key) {
                Ok(Some(document)) if document.uid == self.uid => Hook::decode(&document),
                Ok(_) => return self.status.forgets(),
                Err(error) => Err(error),
            };
            let attempt = match hook {
                Ok(hook) => inner.try_once(&self.key.name, &hook, opened, told).await,
                Err(error) => Attempt::Never(error.message),
            };
            tried += 1;
            let why = match attempt {
                Attempt::Done => {
                    self.status.took();
                    metrics::counter!("headworks_event_hook_events_total", "outcome" => "delivered").increment(1);
                    return;
                }
                Attempt::Later(after, why) if tried < tries => {
                    tracing::debug!(tenant = %self.key.tenant, hook = self.key.name, cause = why, "an event hook is tried again");
                    let wait = after.unwrap_or(pause).min(LONGEST);
                    pause = (pause * 2).min(LONGEST);
                    drop(inner);
                    tokio::time::sleep(wait).await;
                    continue;
                }
                Attempt::Later(_, why) | Attempt::Never(why) => why,
            };
            let event = told.event.kind.as_str();
            self.status.gave_up(event, inner.clock.now(), &why);
            metrics::counter!("headworks_event_hook_events_total", "outcome" => "failed").increment(1);
            let (tenant, hook) = (self.key.tenant, &self.key.name);
            tracing::warn!(%tenant, hook, event, id = %told.id, tried, cause = why, "an event hook did not take an event");
            return;
        }
    }
}
