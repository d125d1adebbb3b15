//! What is kept under versions: buckets with flows and their versions, and bundles of extensions.
//!
//! Owns the documents of the kinds `bucket`, `flow`, `flow-version`, `bundle` and `bundle-version` with their contents, the
//! comparison of flows and the reading of archives. What must stay true: versions of a flow are 1 to n without gaps and never
//! change; a content is there exactly as long as the document that names it; nothing that an archive says of itself is
//! believed. Knows nothing of HTTP, of wire types or of who may do what: a caller is a name here.

mod adopt;
mod alias;
pub mod archive;
mod bucket;
mod bundles;
mod check;
mod clearing;
mod comparison;
pub mod diff;
mod event;
mod flow;
pub mod objects;
mod search;
mod snapshot;
mod version;

pub use adopt::{Adopted, Origin};
pub use alias::Aliases;
pub use bucket::{Bucket, BucketChange, BucketInUse, NewBucket};
pub use bundles::{
    Added, Bundle, BundleFilter, BundleKind, BundleOrigin, BundleVersion, ExtensionEntry, ExtensionList, NewVersion, Pattern,
    VersionFilter,
};
pub use comparison::Comparison;
pub use event::{Event, EventKind, Observer};
pub use flow::{Flow, FlowChange, NewFlow};
pub use search::{ExtensionFilter, ExtensionPlace, FoundExtension, KnownExtensions};
pub use snapshot::{Metadata, nothing};
pub use version::{Saving, Snapshot, Taken, Version};

use headworks_core::time::Clock;
use headworks_core::{Document, DocumentKey, Error, ErrorCode, Result, TenantId};
use headworks_store::Store;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use tokio::sync::{Mutex, RwLock, Semaphore};

/// How often a change is tried anew because what it changes was changed meanwhile.
const TRIES: usize = 8;
/// Deletions of buckets, and versions of flows, that may be written at once.
const STRIPES: usize = 64;

/// The buckets of all tenants. Cloning is cheap.
#[derive(Clone)]
pub struct Registry(Arc<Inner>);

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn Observer>>,
    /// Whoever makes something in a bucket shares its lock; who deletes it has it alone.
    buckets: Vec<RwLock<()>>,
    /// Versions of one flow are saved in turn.
    flows: Vec<Mutex<()>>,
    hasher: RandomState,
    aliases: Aliases,
    uploads: bundles::Turns,
    remembered: search::Remembered,
    /// One permit for each KiB that is compared.
    comparisons: Semaphore,
}

impl Registry {
    /// The registry that is kept in this store. The observer hears of every change.
    pub fn new(store: Store, clock: Arc<dyn Clock>, observer: Option<Arc<dyn Observer>>) -> Self {
        Self::with_aliases(store, clock, observer, Aliases::default())
    }

    /// The same with other addresses for those in flows.
    pub fn with_aliases(store: Store, clock: Arc<dyn Clock>, observer: Option<Arc<dyn Observer>>, aliases: Aliases) -> Self {
        let buckets = (0..STRIPES).map(|_| RwLock::new(())).collect();
        let flows = (0..STRIPES).map(|_| Mutex::new(())).collect();
        let (hasher, uploads, remembered) = (RandomState::new(), bundles::Turns::new(), search::Remembered::default());
        let comparisons = Semaphore::new(comparison::AT_ONCE as usize);
        Self(Arc::new(Inner { store, clock, observer, buckets, flows, hasher, aliases, uploads, remembered, comparisons }))
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

    fn aliases(&self) -> &Aliases {
        &self.0.aliases
    }

    fn flow_lock(&self, tenant: TenantId, flow: &str) -> Result<&Mutex<()>> {
        let stripe = self.0.hasher.hash_one((tenant, flow)) as usize % STRIPES;
        self.0.flows.get(stripe).ok_or_else(|| Error::internal("no such stripe"))
    }

    fn bucket_lock(&self, tenant: TenantId, bucket: &str) -> Result<&RwLock<()>> {
        let stripe = self.0.hasher.hash_one((tenant, bucket)) as usize % STRIPES;
        self.0.buckets.get(stripe).ok_or_else(|| Error::internal("no such stripe"))
    }
}

/// The identifier of the bucket that a document is of, or belongs to with the flow that it is: every change that can be seen
/// in a flow or its versions changes one of them.
pub fn bucket_of(key: &DocumentKey) -> Option<&str> {
    match key.kind.as_str() {
        bucket::KIND => Some(&key.name),
        flow::KIND => Some(&key.scope),
        _ => None,
    }
}

/// The body of one of our documents.
fn read<T: DeserializeOwned>(document: &Document) -> Result<T> {
    serde_json::from_slice(&document.body).map_err(|error| {
        let message = format!("the stored {} `{}` cannot be read: {error}", document.key.kind, document.key.name);
        Error::new(ErrorCode::Corrupt, message)
    })
}

/// The body of a document of ours.
fn written(body: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(|error| Error::internal(format!("a document cannot be written: {error}")))
}

/// What is told when others were quicker again and again.
fn busy(what: &str, id: &str) -> Error {
    let message = format!("the {what} with id '{id}' is being changed by others all the time; try again");
    Error::new(ErrorCode::RevisionConflict, message)
}

/// Runs what reads more than a little from the disk off the async threads.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal(format!("reading failed: {error}")))?
}
