//! The streams there are, as readers see them.
//!
//! What must stay true: only the committer changes it; a field is in here before the first record that uses its number can be
//! read. Knows nothing of how streams are stored.

use crate::format::keys::Place;
use crate::types::StreamConfig;
use headworks_core::TenantId;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// One stream, from its making to its purge.
pub(crate) struct Stream {
    pub(crate) tenant: TenantId,
    /// Never used for another stream.
    pub(crate) number: u32,
    state: RwLock<State>,
    bytes: AtomicU64,
}

struct State {
    config: Arc<StreamConfig>,
    /// Names by number.
    fields: Arc<Vec<Arc<str>>>,
    /// No record is before this place.
    low: Place,
}

impl Stream {
    pub(crate) fn new(tenant: TenantId, number: u32, config: StreamConfig) -> Self {
        let state = State { config: Arc::new(config), fields: Arc::default(), low: Place::MIN };
        Self { tenant, number, state: RwLock::new(state), bytes: AtomicU64::new(0) }
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings; an index is in them when it is complete.
    pub(crate) fn config(&self) -> Arc<StreamConfig> {
        Arc::clone(&self.read().config)
    }

    /// The names of all fields there ever were, by number.
    pub(crate) fn fields(&self) -> Arc<Vec<Arc<str>>> {
        Arc::clone(&self.read().fields)
    }

    /// The number of a field whose index is complete.
    pub(crate) fn indexed_field(&self, name: &str) -> Option<u32> {
        let state = self.read();
        if !state.config.indexed_fields.contains(name) {
            return None;
        }
        state.fields.iter().position(|known| &**known == name).map(|number| number as u32)
    }

    /// No record is before this place.
    pub(crate) fn low(&self) -> Place {
        self.read().low
    }

    /// Bytes of keys and values of stored records.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn set_config(&self, config: StreamConfig) {
        self.write().config = Arc::new(config);
    }

    pub(crate) fn add_fields(&self, names: impl IntoIterator<Item = Arc<str>>) {
        Arc::make_mut(&mut self.write().fields).extend(names);
    }

    pub(crate) fn set_tally(&self, bytes: u64, low: Place) {
        self.write().low = low;
        self.bytes.store(bytes, Ordering::Relaxed);
    }
}

/// All streams by tenant and name.
pub(crate) struct Catalog {
    streams: RwLock<HashMap<TenantId, BTreeMap<String, Arc<Stream>>>>,
    imposed: Option<StreamConfig>,
    /// Bytes that wait to be delivered, by tenant; of queues that were written to since the start.
    waiting: RwLock<HashMap<TenantId, u64>>,
    /// Bytes of contents, by tenant.
    contents: RwLock<HashMap<TenantId, u64>>,
}

impl Catalog {
    /// No stream yet; each is to have these settings, if any, whatever is asked for.
    pub(crate) fn new(imposed: Option<StreamConfig>) -> Self {
        Self { streams: RwLock::default(), imposed, waiting: RwLock::default(), contents: RwLock::default() }
    }

    /// The settings that a stream gets when these are asked for.
    pub(crate) fn settings(&self, asked: StreamConfig) -> StreamConfig {
        self.imposed.clone().unwrap_or(asked)
    }

    pub(crate) fn get(&self, tenant: TenantId, name: &str) -> Option<Arc<Stream>> {
        self.streams.read().unwrap_or_else(PoisonError::into_inner).get(&tenant)?.get(name).cloned()
    }

    /// The streams of a tenant in ascending order of their names.
    pub(crate) fn list(&self, tenant: TenantId) -> Vec<(String, Arc<Stream>)> {
        let tenants = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        let streams = tenants.get(&tenant).into_iter().flatten();
        streams.map(|(name, stream)| (name.clone(), Arc::clone(stream))).collect()
    }

    /// Bytes of keys and values of the stored records of all streams of a tenant.
    pub(crate) fn bytes(&self, tenant: TenantId) -> u64 {
        let tenants = self.streams.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&tenant).into_iter().flat_map(BTreeMap::values).map(|stream| stream.bytes()).sum()
    }

    /// Bytes that wait to be delivered for a tenant.
    pub(crate) fn waiting(&self, tenant: TenantId) -> u64 {
        self.waiting.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).copied().unwrap_or_default()
    }

    pub(crate) fn set_waiting(&self, tenant: TenantId, bytes: u64) {
        self.waiting.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, bytes);
    }

    /// Bytes of the contents of a tenant.
    pub(crate) fn content_bytes(&self, tenant: TenantId) -> u64 {
        self.contents.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).copied().unwrap_or_default()
    }

    pub(crate) fn set_content_bytes(&self, tenant: TenantId, bytes: u64) {
        self.contents.write().unwrap_or_else(PoisonError::into_inner).insert(tenant, bytes);
    }

    /// Forgets everything of a tenant.
    pub(crate) fn remove_tenant(&self, tenant: TenantId) {
        self.contents.write().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
        self.waiting.write().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
        self.streams.write().unwrap_or_else(PoisonError::into_inner).remove(&tenant);
    }

    pub(crate) fn insert(&self, name: &str, stream: &Arc<Stream>) {
        let mut tenants = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        tenants.entry(stream.tenant).or_default().insert(name.to_owned(), Arc::clone(stream));
    }

    pub(crate) fn remove(&self, tenant: TenantId, name: &str) {
        let mut tenants = self.streams.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(streams) = tenants.get_mut(&tenant) {
            streams.remove(name);
        }
    }
}
