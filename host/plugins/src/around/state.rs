//! What a plugin of a tenant remembers.
//!
//! Reads see every write at once; writes reach the disk within a second, and when the server stops. A server that is killed
//! loses at most that second. What must stay true: nothing is over its bound, and nothing is written after the plugin is
//! deleted.

use headworks_core::{Error, TenantId};
use headworks_sandbox::outbound::Pending;
use headworks_sandbox::{Limits, StateError, StateStore};
use headworks_store::Store;
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a write may wait to reach the disk.
const DELAY: Duration = Duration::from_secs(1);
/// Keys and bytes that may wait for the disk; a write above waits for it itself.
const WAITING_KEYS: usize = 2000;
const WAITING_BYTES: usize = 1 << 20;

/// What one plugin remembers in one tenant.
pub(crate) struct State {
    store: Store,
    tenant: TenantId,
    plugin: String,
    most_keys: usize,
    most_bytes: usize,
    kept: Mutex<Kept>,
    own: Weak<Self>,
}

#[derive(Default)]
struct Kept {
    /// Bytes by key, of all there is; read at the first use.
    sizes: Option<BTreeMap<String, usize>>,
    /// Of all keys and values.
    bytes: usize,
    /// What is not yet on the disk.
    waiting: BTreeMap<String, Option<Vec<u8>>>,
    waiting_bytes: usize,
    is_timed: bool,
    is_closed: bool,
}

fn failed(error: &Error) -> StateError {
    StateError::Failed(error.message.clone())
}

impl State {
    pub(crate) fn new(store: Store, tenant: TenantId, plugin: &str, limits: &Limits) -> Arc<Self> {
        let (most_keys, most_bytes) = (limits.state_keys, limits.state_bytes);
        let plugin = plugin.to_owned();
        Arc::new_cyclic(|own| Self { store, tenant, plugin, most_keys, most_bytes, kept: Mutex::default(), own: own.clone() })
    }

    /// The sizes of everything.
    fn sizes<'k>(&self, kept: &'k mut Kept) -> Result<&'k mut BTreeMap<String, usize>, StateError> {
        let sizes = match kept.sizes.take() {
            Some(sizes) => sizes,
            None => {
                let stored = self.store.states(self.tenant, &self.plugin).map_err(|error| failed(&error))?;
                kept.bytes = stored.iter().map(|(key, size)| key.len() + size).sum();
                stored.into_iter().collect()
            }
        };
        Ok(kept.sizes.insert(sizes))
    }

    fn read(&self, kept: &Kept, key: &str) -> Result<Option<Vec<u8>>, StateError> {
        match kept.waiting.get(key) {
            Some(value) => Ok(value.clone()),
            None => self.store.state(self.tenant, &self.plugin, key).map_err(|error| failed(&error)),
        }
    }

    async fn write(&self, kept: &mut Kept, key: &str, value: Option<Vec<u8>>) -> Result<(), StateError> {
        if kept.is_closed {
            return Err(StateError::Failed("the plugin was deleted".to_owned()));
        }
        let sizes = self.sizes(kept)?;
        let before = sizes.get(key).map(|size| key.len() + size);
        let keys = sizes.len();
        let after = value.as_ref().map(|value| key.len() + value.len());
        let bytes = kept.bytes - before.unwrap_or_default() + after.unwrap_or_default();
        if after.is_some() && bytes > self.most_bytes {
            return Err(StateError::Full(format!(
                "the plugin would remember {bytes} bytes, and {} is the most",
                self.most_bytes
            )));
        }
        if after.is_some() && before.is_none() && keys >= self.most_keys {
            return Err(StateError::Full(format!("the plugin remembers {keys} keys already, which is the most")));
        }
        kept.bytes = bytes;
        let sizes = self.sizes(kept)?;
        match &value {
            Some(value) => drop(sizes.insert(key.to_owned(), value.len())),
            None if sizes.remove(key).is_none() => return Ok(()),
            None => {}
        }
        kept.waiting_bytes += key.len() + value.as_ref().map_or(0, Vec::len);
        kept.waiting.insert(key.to_owned(), value);
        if kept.waiting.len() > WAITING_KEYS || kept.waiting_bytes > WAITING_BYTES {
            return self.put(kept).await.map_err(|error| failed(&error));
        }
        if !std::mem::replace(&mut kept.is_timed, true) {
            let own = self.own.clone();
            tokio::spawn(async move {
                tokio::time::sleep(DELAY).await;
                if let Some(state) = own.upgrade() {
                    state.flush().await;
                }
            });
        }
        Ok(())
    }

    /// Writes what waits. What could not be written waits on.
    async fn put(&self, kept: &mut Kept) -> headworks_core::Result<()> {
        if kept.waiting.is_empty() {
            return Ok(());
        }
        let values = kept.waiting.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        self.store.remember(self.tenant, &self.plugin, values).await?;
        kept.waiting.clear();
        kept.waiting_bytes = 0;
        Ok(())
    }

    /// Writes what waits, and logs where that fails.
    pub(crate) async fn flush(&self) {
        let mut kept = self.kept.lock().await;
        kept.is_timed = false;
        if let Err(error) = self.put(&mut kept).await {
            tracing::error!(tenant = %self.tenant, plugin = self.plugin, %error, "what a plugin remembers cannot be written");
        }
    }

    /// Takes something again after [`close`](Self::close): the plugin is there again.
    pub(crate) async fn open(&self) {
        self.kept.lock().await.is_closed = false;
    }

    /// Forgets what waits, and takes nothing any more.
    pub(crate) async fn close(&self) {
        let mut kept = self.kept.lock().await;
        *kept = Kept { is_closed: true, ..Kept::default() };
    }
}

impl StateStore for State {
    fn get<'a>(&'a self, key: &'a str) -> Pending<'a, Result<Option<Vec<u8>>, StateError>> {
        Box::pin(async move { self.read(&*self.kept.lock().await, key) })
    }

    fn set<'a>(&'a self, key: &'a str, value: Option<Vec<u8>>) -> Pending<'a, Result<(), StateError>> {
        Box::pin(async move { self.write(&mut *self.kept.lock().await, key, value).await })
    }

    fn replace<'a>(
        &'a self,
        key: &'a str,
        expected: Option<Vec<u8>>,
        value: Option<Vec<u8>>,
    ) -> Pending<'a, Result<bool, StateError>> {
        Box::pin(async move {
            let mut kept = self.kept.lock().await;
            if self.read(&kept, key)? != expected {
                return Ok(false);
            }
            self.write(&mut kept, key, value).await.map(|()| true)
        })
    }

    fn keys<'a>(&'a self, prefix: &'a str, most: usize) -> Pending<'a, Result<Vec<String>, StateError>> {
        Box::pin(async move {
            let mut kept = self.kept.lock().await;
            let sizes = self.sizes(&mut kept)?;
            let found = sizes.range(prefix.to_owned()..).map(|(key, _)| key).take_while(|key| key.starts_with(prefix));
            Ok(found.take(most).cloned().collect())
        })
    }
}
