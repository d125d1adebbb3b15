//! What a plugin gets from outside in a tenant: its log, what it remembers, secrets, and where its use is counted.

pub(crate) mod envelope;
pub(crate) mod log;
pub(crate) mod overlay;
pub(crate) mod seal;
pub(crate) mod secrets;
pub(crate) mod state;

use crate::Inner;
use crate::documents::VersionState;
use crate::entry::Entry;
use headworks_core::{Error, ErrorCode, Result};
use headworks_sandbox::{Grant, Granted, MemoryState, Surroundings};
use std::sync::Arc;

/// Whether what a version does counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It does.
    Use,
    /// It is only watched: what it remembers is forgotten with it.
    Watch,
    /// It is tested: it remembers nothing at first and gets no secrets.
    Test,
}

impl Inner {
    /// What a version of a plugin gets from outside.
    pub(crate) fn surroundings(&self, entry: &Entry, version: &VersionState, purpose: Purpose) -> Result<Surroundings> {
        let unreadable = |why| Error::new(ErrorCode::Corrupt, format!("the stored approval cannot be read: {why}"));
        let grants = version.approved.iter().map(|grant| Grant::parse(grant)).collect::<Result<_, _>>().map_err(unreadable)?;
        let secrets = secrets::TenantSecrets { store: self.store.clone(), seal: self.seal.clone(), tenant: entry.tenant };
        let limits = self.sandbox.limits();
        Ok(Surroundings {
            log: Arc::clone(&entry.log) as _,
            state: match purpose {
                Purpose::Use => Arc::clone(&entry.state) as _,
                Purpose::Watch => Arc::new(overlay::Overlay::new(Arc::clone(&entry.state), limits)),
                Purpose::Test => Arc::new(MemoryState::new(limits)),
            },
            secrets: match purpose {
                Purpose::Use | Purpose::Watch => Arc::new(secrets),
                Purpose::Test => Surroundings::default().secrets,
            },
            usage: Arc::clone(&entry.usage),
            admission: Arc::clone(&entry.admission),
            granted: Granted::Only(grants),
        })
    }
}
