//! Every bound on what a sender can make this server hold or wait for.

use headworks_core::{Error, Result};
use std::fmt;
use std::time::Duration;

/// Bounds of the UDP and the TCP listener together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogLimits {
    /// Bytes of one message; what is longer is cut there. UDP allows 65,507.
    pub message_bytes: usize,
    /// Messages that wait for the pipelines.
    pub queue_messages: usize,
    /// Bytes of messages that wait for the pipelines or are run by them.
    pub queue_bytes: usize,
    /// The part of `queue_bytes` that one address may fill over UDP.
    pub source_bytes: usize,
    /// Messages that are run together.
    pub batch_messages: usize,
    /// Batches that are run at the same time.
    pub batches: usize,
    /// Open TCP connections.
    pub connections: usize,
    /// Open TCP connections of one address.
    pub source_connections: usize,
    /// How long a TLS handshake may take.
    pub handshake_timeout: Duration,
    /// How long a message may take from its first byte to its last.
    pub message_timeout: Duration,
    /// How long a connection may stay open between messages. Senders notice a close only when they have lost messages, hence long.
    pub idle_timeout: Duration,
    /// How long messages that were received may take after the server was told to stop.
    pub drain_timeout: Duration,
}

impl Default for SyslogLimits {
    fn default() -> Self {
        Self {
            message_bytes: 64 << 10,
            queue_messages: 50_000,
            queue_bytes: 64 << 20,
            source_bytes: 32 << 20,
            batch_messages: 1024,
            batches: 4,
            connections: 1024,
            source_connections: 64,
            handshake_timeout: Duration::from_secs(10),
            message_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(24 * 3600),
            drain_timeout: Duration::from_secs(5),
        }
    }
}

impl SyslogLimits {
    /// Refuses bounds under which nothing could be received.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`](headworks_core::ErrorCode::Invalid) names the bound.
    pub fn check(&self) -> Result<()> {
        let least = [
            ("message_bytes", self.message_bytes, 480),
            ("queue_messages", self.queue_messages, 1),
            ("queue_bytes", self.queue_bytes, self.message_bytes.saturating_mul(2).max(4096)),
            ("batch_messages", self.batch_messages, 1),
            ("batches", self.batches, 1),
            ("connections", self.connections, 1),
            ("source_connections", self.source_connections, 1),
        ];
        let most = [("queue_bytes", self.queue_bytes, u32::MAX as usize), ("message_bytes", self.message_bytes, 16 << 20)];
        for (name, value, least) in least {
            if value < least {
                return Err(Error::invalid(format!("syslog_limits.{name} is {value}; it has to be at least {least}")));
            }
        }
        for (name, value, most) in most {
            if value > most {
                return Err(Error::invalid(format!("syslog_limits.{name} is {value}; it may be at most {most}")));
            }
        }
        Ok(())
    }
}

impl fmt::Display for SyslogLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "message {} bytes within {:?}, waiting {} messages of {} bytes ({} from one UDP sender), connections {} ({} of one \
             sender), handshake {:?}, idle {:?}, drain {:?}",
            self.message_bytes,
            self.message_timeout,
            self.queue_messages,
            self.queue_bytes,
            self.source_bytes,
            self.connections,
            self.source_connections,
            self.handshake_timeout,
            self.idle_timeout,
            self.drain_timeout
        )
    }
}
