//! Running WebAssembly components that nobody has to trust.
//!
//! Owns the engine, compiling, instances and everything a component may call. What must stay true: no component can hurt
//! the host or another tenant ([`Limits`]), a store is owned by one task and never used again after a failure, and nothing
//! that was not compiled here is ever run. Knows nothing of pipelines, storage or HTTP. The only crate that names wasmtime.

mod bindings;
mod bounds;
mod breaker;
mod cache;
mod compile;
mod engine;
mod event_hook;
mod failure;
pub mod golden;
mod host;
mod identity_provider;
mod inspect;
mod instance;
mod limits;
mod memory_state;
mod meter;
pub mod outbound;
mod plugin;
mod pool;
mod precompiled;
mod sandbox;
mod sink;
mod surroundings;
mod sweeper;
mod transformer;
mod usage;
mod validator;

pub use compile::{CompilerCommand, compile_in_this_process};
pub use event_hook::{Event, EventHook, Handled};
pub use failure::CallFailure;
pub use host::host_name;
pub use identity_provider::{Denial, IdentityProvider, IdentityRequest, Proven};
pub use inspect::{INTERFACES, Inspection, World};
pub use limits::Limits;
pub use memory_state::MemoryState;
pub use outbound::{Grant, Network, Pending, Template, Templates};
pub use plugin::{Description, Plugin};
pub use sandbox::{Sandbox, SandboxOptions};
pub use sink::{Forwarder, Report, Stop};
pub use surroundings::{Admission, Granted, LogLevel, LogSink, Permit, Secrets, StateError, StateStore, Surroundings};
pub use transformer::{Transformed, Transformer};
pub use usage::{Figure, Usage, UsageSnapshot};
pub use validator::{Operation, Severity, Subject, Validator, Violation};
