//! Who may send (FlowG 13): the list of the system configuration, or until there is one, of the settings.

use headworks_core::document::ChangeEvent;
use headworks_core::{DocumentKey, Error, Result};
use headworks_store::Store;
use ipnet::IpNet;
use serde::Deserialize;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

/// The senders whose messages are taken; everybody's where the list is empty. Clones share it.
#[derive(Clone, Default)]
pub struct AllowedOrigins(Arc<RwLock<Origins>>);

#[derive(Default)]
struct Origins {
    everybody_else: bool,
    networks: Vec<IpNet>,
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
        Ok(Self(Arc::new(RwLock::new(Origins { everybody_else: list.is_empty(), networks }))))
    }

    /// Whether messages of this sender are taken. An IPv4 address is the same when it comes mapped into IPv6.
    pub fn allow(&self, sender: IpAddr) -> bool {
        let origins = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let sender = sender.to_canonical();
        origins.everybody_else || origins.networks.iter().any(|network| network.contains(&sender))
    }

    /// Takes another list. An entry that is no origin allows nobody.
    fn replace(&self, list: &[String]) {
        let networks = list.iter().filter_map(|text| {
            network(text).inspect_err(|error| tracing::error!(%error, "an allowed origin of syslog has no effect")).ok()
        });
        let origins = Origins { everybody_else: list.is_empty(), networks: networks.collect() };
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = origins;
    }

    /// Reads the list from the member `syslog_allowed_origins` of a document, and again after each of its changes, until the
    /// store is gone. Without that document the present list stays.
    ///
    /// # Errors
    /// Those of the store.
    pub fn follow(&self, store: &Store, key: DocumentKey) -> Result<()> {
        let events = store.subscribe();
        self.read(store, &key)?;
        tokio::spawn(follow(self.clone(), store.clone(), key, events));
        Ok(())
    }

    fn read(&self, store: &Store, key: &DocumentKey) -> Result<()> {
        let Some(document) = store.get(key)? else { return Ok(()) };
        match serde_json::from_slice::<Document>(&document.body) {
            Ok(document) => self.replace(&document.syslog_allowed_origins.unwrap_or_default()),
            Err(error) => tracing::error!(%error, "the allowed origins of syslog cannot be read and stay as they were"),
        }
        Ok(())
    }
}

async fn follow(origins: AllowedOrigins, store: Store, key: DocumentKey, mut events: Receiver<Arc<ChangeEvent>>) {
    loop {
        match events.recv().await {
            Ok(event) if event.key != key => continue,
            Ok(_) | Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
        if let Err(error) = origins.read(&store, &key) {
            tracing::error!(%error, "the allowed origins of syslog cannot be read and stay as they were");
        }
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
    }
}
