//! Event hooks: what was done in the registry, told to others (NiFi Registry 22.3).
//!
//! Owns the documents of kind `event-hook`, the queue of events and one worker for each hook. What must stay true: nobody who
//! changes something waits for a hook, and no hook makes a change fail; at most [`QUEUE`] events wait in the server, and no
//! tenant can keep another's out; a hook gets its events in order, each until it took it or a bounded number of tries
//! failed. Events wait in memory: those that wait when the process ends without warning are lost. Knows nothing of HTTP
//! servers or of any dialect.

mod deliver;
mod dispatch;
mod hook;
mod manage;
mod queue;
mod status;
mod text;
mod webhook;

pub use hook::{Component, Hook, Target};
pub use manage::Saved;
pub use queue::QUEUE;
pub use status::{Failed, StatusReport};
pub use webhook::Webhook;

use headworks_core::time::Clock;
use headworks_core::{TenantId, Uid};
use headworks_plugins::{EVENT_HOOK, Plugins};
use headworks_registry::{Event, EventKind, Observer};
use headworks_sandbox::Network;
use headworks_store::Store;
use queue::{Places, Told};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// The most event hooks of one tenant.
pub const MAX_HOOKS: usize = 32;

/// What event hooks are made of.
pub struct HooksOptions {
    /// Where they are kept.
    pub store: Store,
    /// Components and secrets of tenants.
    pub plugins: Plugins,
    /// Carries what webhooks send.
    pub network: Arc<dyn Network>,
    /// The time of events.
    pub clock: Arc<dyn Clock>,
}

/// The event hooks of all tenants. Clones share them.
#[derive(Clone)]
pub struct Hooks(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) plugins: Plugins,
    pub(crate) network: Arc<dyn Network>,
    clock: Arc<dyn Clock>,
    places: Places,
    queue: mpsc::Sender<Arc<Told>>,
    statuses: status::Statuses,
}

impl Hooks {
    /// The event hooks in a store. From now on events are handed to them; has to be called where tasks can be started.
    pub fn start(options: HooksOptions) -> Self {
        let HooksOptions { store, plugins, network, clock } = options;
        let (queue, events) = mpsc::channel(QUEUE);
        let changes = store.subscribe();
        let (places, statuses) = (Places::default(), status::Statuses::default());
        let inner = Arc::new(Inner { store, plugins, network, clock, places, queue, statuses });
        tokio::spawn(dispatch::run(Arc::downgrade(&inner), events, changes));
        Self(inner)
    }

    /// Tells the hooks of these tenants that the registry serves.
    pub async fn tell_start(&self, tenants: impl IntoIterator<Item = TenantId>) {
        for tenant in tenants {
            let store = self.0.store.clone();
            let names = tokio::task::spawn_blocking(move || store.list_names(tenant, EVENT_HOOK, "")).await;
            if matches!(names, Ok(Ok(names)) if !names.is_empty()) {
                self.observe(Event::new(tenant, EventKind::RegistryStart, []));
            }
        }
    }

    /// Waits until no event waits any more, at most so long. Whoever still waits then is not told.
    pub async fn finish(&self, patience: Duration) {
        if tokio::time::timeout(patience, self.0.places.empty()).await.is_err() {
            let waiting = self.0.places.taken();
            tracing::warn!(waiting, "the server stops while event hooks are behind: they are not told of these events");
        }
    }
}

impl Observer for Hooks {
    fn observe(&self, event: Event) {
        let inner = &self.0;
        let Some(place) = inner.places.take(event.tenant) else {
            let (tenant, kind) = (event.tenant, event.kind.as_str());
            metrics::counter!("headworks_event_hook_events_total", "outcome" => "dropped").increment(1);
            if let Some(dropped) = inner.places.dropped() {
                tracing::warn!(%tenant, kind, dropped, "too many events wait for event hooks: they are not told of some");
            }
            return;
        };
        let told = Told { event, at: inner.clock.now(), id: Uid::new(), _place: place };
        // There is a place in the channel for every place that was given away.
        if inner.queue.try_send(Arc::new(told)).is_err() {
            tracing::error!("nobody takes events for event hooks");
        }
    }
}
