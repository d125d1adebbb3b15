//! What is counted, and complaints that do not flood the log.

use headworks_core::TenantId;
use metrics::{Counter, Gauge};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts for the metrics endpoint; the handles are made once.
pub(crate) struct Meters {
    pub(crate) received_udp: Counter,
    pub(crate) received_tcp: Counter,
    /// The queue was full.
    pub(crate) overflow: Counter,
    /// One sender filled its part of the queue.
    pub(crate) source: Counter,
    /// The sender is none of the allowed origins.
    pub(crate) origin: Counter,
    /// The connection ended within the message.
    pub(crate) incomplete: Counter,
    pub(crate) truncated: Counter,
    /// A pipeline could not process it.
    pub(crate) failed: Counter,
    pub(crate) connections: Gauge,
    pub(crate) refused: Counter,
    pub(crate) bad_handshakes: Counter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        let received = |transport: &'static str| metrics::counter!("headworks_syslog_received_total", "transport" => transport);
        let dropped = |reason: &'static str| metrics::counter!("headworks_syslog_dropped_total", "reason" => reason);
        Self {
            received_udp: received("udp"),
            received_tcp: received("tcp"),
            overflow: dropped("overflow"),
            source: dropped("source"),
            origin: dropped("origin"),
            incomplete: dropped("incomplete"),
            truncated: metrics::counter!("headworks_syslog_truncated_total"),
            failed: metrics::counter!("headworks_syslog_failed_total"),
            connections: metrics::gauge!("headworks_syslog_connections"),
            refused: metrics::counter!("headworks_syslog_connections_refused_total"),
            bad_handshakes: metrics::counter!("headworks_syslog_handshakes_failed_total"),
        }
    }
}

/// Counts messages that were dropped because a quota of their tenant was used up, by the number of the tenant.
pub(crate) fn over_quota(tenant: TenantId) -> Counter {
    let counter = metrics::counter!("headworks_syslog_dropped_total", "reason" => "quota", "tenant" => tenant.to_string());
    counter.increment(0);
    counter
}

/// Lets one complaint of a kind through in a while.
#[derive(Default)]
pub(crate) struct Complaint(Mutex<Option<Instant>>);

impl Complaint {
    const PAUSE: Duration = Duration::from_secs(10);

    /// Whether it may be made now.
    pub(crate) fn due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= Self::PAUSE);
        if due {
            *last = Some(Instant::now());
        }
        due
    }
}
