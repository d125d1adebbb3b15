//! Graph to plan to running batches, conditions and decoders.
//!
//! Owns what happens to a record between its request and the store. Knows nothing of HTTP, of RocksDB or of wasmtime.

pub mod condition;
mod counters;
pub mod decode;
mod engine;
mod forward;
pub mod graph;
mod plan;
mod query;
mod run;
mod trace;
mod transform;

pub use condition::{Condition, Expressions};
pub use counters::{Counter, NODE_PREFIX, PIPELINE_LOGS, PIPELINE_TOTAL, PLUGIN_FAILURES, STREAM_LOGS};
pub use engine::{FORWARDER, PIPELINE, PLUGIN, PipelineOptions, Pipelines, Replay, Replayed, ReplayedFrom, TRANSFORMER};
pub use forward::{FORWARDER_SECRETS, Forwarders, Saved, Target};
pub use graph::Graph;
pub use query::Found;
pub use trace::{DryRun, NodeTrace};
pub use transform::{Boxed, Language, Transform};

use headworks_core::{Error, ErrorCode, Result};

/// The script in the body of a transformer document.
///
/// # Errors
/// [`ErrorCode::Corrupt`] when the body is none.
pub fn decode_script(body: &[u8]) -> Result<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        script: String,
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|error| Error::new(ErrorCode::Corrupt, format!("the stored transformer cannot be read: {error}")))?;
    Ok(body.script)
}

/// The body of a transformer document.
pub fn encode_script(script: &str) -> Vec<u8> {
    serde_json::json!({ "script": script }).to_string().into_bytes()
}
