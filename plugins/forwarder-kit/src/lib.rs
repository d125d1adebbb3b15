//! What every forwarder has in common: reading the configuration, records as JSON, dynamic fields, one delivery per record
//! with a report, HTTP and byte streams.
//!
//! What must stay true: records are delivered one by one and in order, and the report says for each of them whether it was
//! delivered (FlowG 12). A forwarder talks to the host through [`Network`] only, so that everything but the bindings runs in
//! native tests. Knows nothing of any forwarder's protocol.

pub mod config;
mod dynamic;
pub mod endpoint;
mod failure;
#[cfg(target_family = "wasm")]
pub mod guest;
pub mod http;
pub mod json;
mod network;
mod record;
mod sink;
mod stream;
#[cfg(any(test, feature = "testing"))]
pub mod testing;

pub use dynamic::Dynamic;
pub use failure::{Failure, NetworkError, OpenError, Retry};
pub use network::{Connection, Machine, Network, TIMEOUT_MILLISECONDS, Tls};
pub use record::{Flat, Record, Time, records};
pub use sink::{About, Delivery, Expressions, Forwarder, Report, Sink, read_targets};
pub use stream::Stream;

/// Makes a component of a [`Forwarder`].
#[cfg(target_family = "wasm")]
#[macro_export]
macro_rules! export {
    ($forwarder:ty) => {
        #[allow(unsafe_code, missing_docs, clippy::all, reason = "generated bindings")]
        mod component {
            type Exported = $crate::guest::Component<$forwarder>;
            $crate::guest::bindings::export_forwarder!(Exported with_types_in $crate::guest::bindings);
        }
    };
}
