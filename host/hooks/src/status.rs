//! How hooks fare since the server started.

use headworks_core::TenantId;
use headworks_core::Timestamp;
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most bytes of a reason that is kept.
const REASON: usize = 512;

/// How one hook fares.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct StatusReport {
    /// Events that it took.
    pub delivered: u64,
    /// Events that it never took.
    pub failed: u64,
    /// Events that wait for it.
    pub waiting: u64,
    /// The last event that it never took, until it takes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<Failed>,
}

/// An event that a hook never took.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failed {
    /// Its type.
    pub event: String,
    /// When it was given up, in RFC 3339.
    pub at: String,
    /// Why.
    pub reason: String,
}

/// The accounts of one hook.
#[derive(Default)]
pub(crate) struct Status(Mutex<StatusReport>);

impl Status {
    fn lock(&self) -> MutexGuard<'_, StatusReport> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn report(&self) -> StatusReport {
        self.lock().clone()
    }

    pub(crate) fn comes(&self) {
        self.lock().waiting += 1;
    }

    pub(crate) fn forgets(&self) {
        let mut report = self.lock();
        report.waiting = report.waiting.saturating_sub(1);
    }

    /// Whether the last event was given up.
    pub(crate) fn is_failing(&self) -> bool {
        self.lock().last_failure.is_some()
    }

    pub(crate) fn took(&self) {
        let mut report = self.lock();
        report.delivered += 1;
        report.waiting = report.waiting.saturating_sub(1);
        report.last_failure = None;
    }

    pub(crate) fn gave_up(&self, event: &str, at: Timestamp, reason: &str) {
        let mut report = self.lock();
        report.failed += 1;
        report.waiting = report.waiting.saturating_sub(1);
        let reason = reason.get(..reason.floor_char_boundary(REASON)).unwrap_or_default().to_owned();
        report.last_failure = Some(Failed { event: event.to_owned(), at: at.rfc3339(), reason });
    }
}

/// The accounts of all hooks, by tenant and name.
#[derive(Default)]
pub(crate) struct Statuses(Mutex<HashMap<(TenantId, String), Arc<Status>>>);

impl Statuses {
    fn lock(&self) -> MutexGuard<'_, HashMap<(TenantId, String), Arc<Status>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of one hook.
    pub(crate) fn of(&self, tenant: TenantId, name: &str) -> Arc<Status> {
        Arc::clone(self.lock().entry((tenant, name.to_owned())).or_default())
    }

    /// What is known of one hook.
    pub(crate) fn report(&self, tenant: TenantId, name: &str) -> StatusReport {
        self.lock().get(&(tenant, name.to_owned())).map(|status| status.report()).unwrap_or_default()
    }

    pub(crate) fn forget(&self, tenant: TenantId, name: &str) {
        self.lock().remove(&(tenant, name.to_owned()));
    }
}
