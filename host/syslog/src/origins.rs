//! Who may send (FlowG 13): the list of the system configuration, or until there is one, of the settings.
//!
//! What must stay true: a change of the configuration that was acknowledged holds for the next message.

use headworks_core::document::ChangeEvent;
use headworks_core::{DocumentKey, Error, Result};
use headworks_store::Store;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::TryRecvError;

/// The senders whose messages are taken; everybody's where the list is empty.
#[derive(Default)]
pub struct AllowedOrigins {
    origins: RwLock<Origins>,
    followed: Option<Followed>,
}

struct Origins {
    everybody: bool,
    networks: Vec<IpNet>,
}

impl Default for Origins {
    fn default() -> Self {
        Self { everybody: true, networks: Vec::new() }
    }
}

/// The document that the list comes from.
struct Followed {
    store: Store,
    key: DocumentKey,
    events: Mutex<Receiver<Arc<ChangeEvent>>>,
}

/// The part of the system configuration that counts here.
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    syslog_allowed_origins: Option<Vec<String>>,
}

impl AllowedOrigins {
    /// A list of addresses such as `192.0.2.7` and blocks such as `10.0.0.0/8`.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) names the entry that is neither.
    pub fn new(list: &[String]) -> Result<Self> {
        let networks = list.iter().map(|text| network(text)).collect::<Result<Vec<_>>>()?;
        Ok(Self { origins: RwLock::new(Origins { everybody: list.is_empty(), networks }), followed: None })
    }

    /// The list of the member `syslog_allowed_origins` of a document, now and after each of its changes; without that document
    /// the present list.
    ///
    /// # Errors
    /// Those of the store.
    pub fn following(self, store: Store, key: DocumentKey) -> Result<Self> {
        let events = Mutex::new(store.subscribe());
        let followed = Followed { store, key, events };
        self.read(&followed)?;
        Ok(Self { followed: Some(followed), ..self })
    }

    /// Whether messages of this sender are taken. An IPv4 address is the same when it comes mapped into IPv6.
    pub fn allow(&self, sender: IpAddr) -> bool {
        self.catch_up();
        let origins = self.origins.read().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.to_canonical();
        origins.everybody || origins.networks.iter().any(|network| network.contains(&sender))
    }

    /// Takes in every change that was acknowledged before now.
    fn catch_up(&self) {
        let Some(followed) = &self.followed else { return };
        let mut events = followed.events.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed = false;
        loop {
            match events.try_recv() {
                Ok(event) => changed |= event.key == followed.key,
                Err(TryRecvError::Lagged(_)) => changed = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if changed && let Err(error) = self.read(followed) {
            tracing::error!(%error, "the allowed origins of syslog cannot be read and stay as they were");
        }
    }

    fn read(&self, followed: &Followed) -> Result<()> {
        let Some(document) = followed.store.get(&followed.key)? else { return Ok(()) };
        match serde_json::from_slice::<Document>(&document.body) {
            Ok(document) => self.replace(&document.syslog_allowed_origins.unwrap_or_default()),
            Err(error) => tracing::error!(%error, "the allowed origins of syslog cannot be read and stay as they were"),
        }
        Ok(())
    }

    /// Takes another list. An entry that is no origin allows nobody.
    fn replace(&self, list: &[String]) {
        let networks = list.iter().filter_map(|text| {
            network(text).inspect_err(|error| tracing::error!(%error, "an allowed origin of syslog has no effect")).ok()
        });
        let origins = Origins { everybody: list.is_empty(), networks: networks.collect() };
        *self.origins.write().unwrap_or_else(PoisonError::into_inner) = origins;
    }
}

fn network(text: &str) -> Result<IpNet> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let network = text.parse::<IpNet>().ok().or_else(address);
    network.ok_or_else(|| Error::invalid(format!("{text:?} is neither an IP address nor a CIDR block")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn list(origins: &[&str]) -> Vec<String> {
        origins.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn addresses_and_blocks_are_matched() {
        let origins = AllowedOrigins::new(&list(&["192.0.2.7", "10.1.2.3/8", "2001:db8::/32"])).unwrap();
        for (sender, expected) in [
            ("192.0.2.7", true),
            ("::ffff:192.0.2.7", true),
            ("192.0.2.8", false),
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("2001:db8:1::1", true),
            ("2001:db9::1", false),
        ] {
            assert_eq!(origins.allow(sender.parse().unwrap()), expected, "{sender}");
        }
    }

    #[test]
    fn an_empty_list_is_everybody_and_a_wrong_entry_nobody() {
        let somebody = "192.0.2.7".parse().unwrap();
        let origins = AllowedOrigins::new(&[]).unwrap();
        assert!(origins.allow(somebody));
        origins.replace(&list(&["nonsense"]));
        assert!(!origins.allow(somebody));
        origins.replace(&[]);
        assert!(origins.allow(somebody));
        assert!(AllowedOrigins::new(&list(&["10.0.0.0/33"])).is_err());
        assert!(AllowedOrigins::default().allow(somebody));
    }

    #[tokio::test]
    async fn the_list_of_a_document_comes_before_that_of_the_settings_and_its_changes_hold_at_once() {
        use headworks_core::TenantId;
        use headworks_store::{Change, StoreOptions};
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(StoreOptions { path: folder.path().join("db"), min_free_bytes: 0, ..StoreOptions::default() });
        let store = store.unwrap();
        let key = DocumentKey::new(TenantId::DEFAULT, "configuration", "one");
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let origins = AllowedOrigins::new(&list(&["192.0.2.1"])).unwrap().following(store.clone(), key.clone()).unwrap();
        assert_eq!((origins.allow(one), origins.allow(two)), (true, false));
        for (body, expected) in [
            (r#"{"syslog_allowed_origins": ["192.0.2.2"], "default_roles": []}"#, (false, true)),
            (r#"{"syslog_allowed_origins": null}"#, (true, true)),
            (r#"{"syslog_allowed_origins": ["192.0.2.2", "x"]}"#, (false, true)),
            ("nonsense", (false, true)),
        ] {
            store.write("test", vec![Change::put(key.clone(), body)]).await.unwrap();
            assert_eq!((origins.allow(one), origins.allow(two)), expected, "{body}");
        }
        let again = AllowedOrigins::new(&[]).unwrap();
        store.write("test", vec![Change::put(key.clone(), r#"{"syslog_allowed_origins": ["192.0.2.2"]}"#)]).await.unwrap();
        assert!(!again.following(store, key).unwrap().allow(one));
    }
}
