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
mod failure;
mod host;
mod inspect;
mod instance;
mod limits;
pub mod outbound;
mod plugin;
mod pool;
mod precompiled;
mod sandbox;
mod sink;
mod transformer;

pub use compile::{CompilerCommand, compile_in_this_process};
pub use failure::CallFailure;
pub use host::host_name;
pub use limits::Limits;
pub use outbound::{Network, Template, Templates};
pub use plugin::{Description, Plugin};
pub use sandbox::{Sandbox, SandboxOptions};
pub use sink::{Forwarder, Report, Stop};
pub use transformer::{Transformed, Transformer};
