//! The syslog server (FlowG 13): UDP, TCP and TLS in, every message to every pipeline that has a `syslog` source.
//!
//! Owns sockets, framing, who may send, and the bounded queue in front of the pipelines; what a message means is decided by
//! `headworks-pipelines`. What must stay true: nothing a stranger sends makes this server hold more than the limits say; a
//! message that is not kept is counted with its reason; TCP senders wait where UDP senders lose.

mod framing;
mod limits;
mod meters;
mod origins;
mod queue;
mod server;
mod tcp;
mod tls;
mod udp;

pub use limits::SyslogLimits;
pub use origins::AllowedOrigins;
pub use server::{Recipient, SyslogOptions, SyslogServer};
pub use tls::SyslogTls;
pub use tokio_util::sync::CancellationToken as Shutdown;

/// The entry point of syslog messages (FlowG 7.1).
const ENTRY: &str = "syslog";
