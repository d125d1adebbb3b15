//! Vector Remap Language as a transformer.
//!
//! Owns compiling a script, running it over the records of a batch and the rules by which a result becomes records
//! (FlowG 8). What must stay true: a field that the script does not touch is copied as it is, and a record that fails
//! says so without hurting its neighbours. Knows nothing of the host beyond the flat batch it is given.

#[cfg(target_family = "wasm")]
mod alloc;
mod flat;
mod functions;
#[cfg(target_family = "wasm")]
mod guest;
mod names;
mod output;
mod report;
mod script;
mod target;
mod text;

pub use flat::Flat;
pub use functions::{Level, Logger};
pub use script::Script;
