//! What is kept under versions: buckets with flows and their versions, and bundles of extensions.
//!
//! Owns the documents of the kinds `bucket`, `flow`, `flow-version`, `bundle` and `bundle-version` with their contents, the
//! comparison of flows and the reading of archives. What must stay true: versions of a flow are 1 to n without gaps and never
//! change; a content is there exactly as long as the document that names it; nothing that an archive says of itself is
//! believed. Knows nothing of HTTP, of wire types or of who may do what: a caller is a name here.

pub mod archive;
pub mod diff;
mod event;

pub use event::{Event, EventKind, Observer};

use headworks_core::time::Clock;
use headworks_store::Store;
use std::sync::Arc;

/// The buckets of all tenants. Cloning is cheap.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
}

impl Registry {
    /// The registry that is kept in this store. The observer hears of every change.
    pub fn new(store: Store, clock: Arc<dyn Clock>, observer: Option<Arc<dyn Observer>>) -> Self {
        Self(Arc::new(Inner { store, clock, observer }))
    }

    /// Where everything is kept.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The time of what is written.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Tells the observer that something was done. Called after the change is durable.
    pub fn tell(&self, event: Event) {
        if let Some(observer) = &self.0.observer {
            observer.observe(event);
        }
    }
}
