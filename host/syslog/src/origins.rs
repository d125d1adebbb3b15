//! Who may send (FlowG 13), as the system configuration says.
//!
//! What must stay true: a change of the configuration that was acknowledged holds for the next message.

use headworks_core::document::ChangeEvent;
use headworks_core::system::SystemConfiguration;
use headworks_core::{Result, TenantId};
use headworks_store::Store;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

/// The senders whose messages are taken.
pub struct AllowedOrigins {
    configuration: RwLock<SystemConfiguration>,
    store: Store,
    tenant: TenantId,
    events: Mutex<Receiver<Arc<ChangeEvent>>>,
}

impl AllowedOrigins {
    /// Those of a tenant's system configuration, now and after each of its changes; everybody without one.
    ///
    /// # Errors
    /// Those of the store; [`ErrorCode::Corrupt`](headworks_core::ErrorCode::Corrupt) when the configuration cannot be read.
    pub fn follow(store: &Store, tenant: TenantId) -> Result<Self> {
        let events = Mutex::new(store.subscribe());
        let origins = Self { configuration: RwLock::default(), store: store.clone(), tenant, events };
        origins.read()?;
        Ok(origins)
    }

    /// Whether messages of this sender are taken.
    pub fn allow(&self, sender: IpAddr) -> bool {
        self.catch_up();
        self.configuration.read().unwrap_or_else(PoisonError::into_inner).allows_syslog_from(sender)
    }

    /// Takes in every change that was acknowledged before now.
    fn catch_up(&self) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = false;
        loop {
            match events.try_recv() {
                Ok(event) => changed |= event.key == SystemConfiguration::key(self.tenant),
                Err(TryRecvError::Lagged(_)) => changed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if changed && let Err(error) = self.read() {
            tracing::error!(%error, "the allowed origins of syslog cannot be read and stay as they were");
        }
    }

    fn read(&self) -> Result<()> {
        let document = self.store.get(&SystemConfiguration::key(self.tenant))?;
        let configuration = document.map(|document| SystemConfiguration::from_stored(&document.body)).transpose()?;
        *self.configuration.write().unwrap_or_else(PoisonError::into_inner) = configuration.unwrap_or_default();
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use headworks_store::{Change, StoreOptions};

    #[tokio::test]
    async fn changes_hold_at_once_and_what_cannot_be_read_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions { path: folder.path().join("db"), min_free_bytes: 0, ..StoreOptions::default() };
        let store = Store::open(options).unwrap();
        let key = SystemConfiguration::key(TenantId::DEFAULT);
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let origins = AllowedOrigins::follow(&store, TenantId::DEFAULT).unwrap();
        assert!(origins.allow(one) && origins.allow(two));
        let only = |text: &str| SystemConfiguration::parse(&[text.to_owned()], Vec::new()).unwrap().to_stored().unwrap();
        for (body, expected) in
            [(only("192.0.2.2"), (false, true)), (b"nonsense".to_vec(), (false, true)), (only("192.0.2.1"), (true, false))]
        {
            store.write("test", vec![Change::put(key.clone(), body)]).await.unwrap();
            assert_eq!((origins.allow(one), origins.allow(two)), expected);
        }
        let again = AllowedOrigins::follow(&store, TenantId::DEFAULT).unwrap();
        assert_eq!((again.allow(one), again.allow(two)), (true, false));
        store.write("test", vec![Change::delete(key)]).await.unwrap();
        assert!(origins.allow(two));
    }
}
