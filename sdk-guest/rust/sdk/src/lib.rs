//! Write Headworks plugins in Rust.
//!
//! A plugin implements one of [`Transformer`], [`Forwarder`], [`Validator`], [`EventHook`] and [`IdentityProvider`] and
//! hands it to [`export!`]. Everything else is functions: [`log`], [`state`], [`metrics`], [`secrets`], [`clock`],
//! [`random`] and, for forwarders, event hooks and identity providers, [`http`].
//! Compiled for WebAssembly they ask the host; compiled natively they ask a double of it in this process, which
//! [`testing`] sets up and looks into, so that `cargo test` needs no server.
//!
//! What must stay true: records stay in the host until a plugin reads them, column by column, and what is not touched
//! never crosses.

mod about;
mod batch;
pub mod clock;
mod event_hook;
mod forwarder;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;
pub mod http;
mod identity_provider;
pub mod log;
#[cfg(not(target_family = "wasm"))]
mod memory;
#[cfg(not(feature = "interface-0-1-0"))]
pub mod metrics;
#[cfg(not(feature = "interface-0-1-0"))]
pub mod random;
#[cfg(not(feature = "interface-0-1-0"))]
pub mod secrets;
#[cfg(not(feature = "interface-0-1-0"))]
pub mod state;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
mod transformer;
mod validator;
mod value;

#[cfg(target_family = "wasm")]
use guest::imports as host;
#[cfg(not(target_family = "wasm"))]
use memory as host;

pub use about::{About, OpenError, read_config};
pub use batch::{Batch, Event, Events};
pub use clock::Time;
pub use event_hook::{Event as RegistryEvent, EventHook, Outcome};
pub use forwarder::{Forwarder, Report, Retry, Stop};
pub use identity_provider::{Denial, Identity, IdentityProvider, Request as IdentityRequest};
pub use serde;
pub use serde_json;
pub use transformer::Transformer;
pub use validator::{Operation, Severity, Subject, Validator, Violation};
pub use value::Value;

/// Makes a component of a plugin: `export!(Sampling)`. Which world it is of is said by the feature of this crate that is on.
#[macro_export]
macro_rules! export {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        #[allow(unsafe_code, missing_docs, clippy::all, reason = "generated bindings")]
        mod headworks_component {
            use super::*;
            type Exported = $crate::guest::Component<$plugin>;
            $crate::guest::world::export_plugin!(Exported with_types_in $crate::guest::world);
        }
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = $crate::exported::<$plugin>;
    };
}

/// Natively nothing is exported; the compiler is told that the plugin is used, and checks that it is one of its world.
#[cfg(all(not(target_family = "wasm"), feature = "transformer"))]
#[doc(hidden)]
pub fn exported<P: Transformer>() {}

/// As above.
#[cfg(all(not(target_family = "wasm"), feature = "forwarder"))]
#[doc(hidden)]
pub fn exported<P: Forwarder>() {}

/// As above.
#[cfg(all(not(target_family = "wasm"), feature = "validator"))]
#[doc(hidden)]
pub fn exported<P: Validator>() {}

/// As above.
#[cfg(all(not(target_family = "wasm"), feature = "event-hook"))]
#[doc(hidden)]
pub fn exported<P: EventHook>() {}

/// As above.
#[cfg(all(not(target_family = "wasm"), feature = "identity-provider"))]
#[doc(hidden)]
pub fn exported<P: IdentityProvider>() {}
