//! What is counted: per pipeline for its users (FlowG 7.5), server-wide for the operator (FlowG 18).

use headworks_core::{Error, ErrorCode, TenantId};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Runs of a pipeline, by pipeline and status (`success` or `error`). Unit: records.
pub const PIPELINE_LOGS: &str = "flowg_pipeline_log_total";
/// Records stored, by stream. Unit: records.
pub const STREAM_LOGS: &str = "flowg_stream_log_total";
/// Calls that the sandbox ended or refused, by the name of the error's code. Unit: calls.
pub const PLUGIN_FAILURES: &str = "headworks_plugin_failures_total";
/// The codes of such calls.
const FAILURES: [ErrorCode; 5] = [
    ErrorCode::PluginTrap,
    ErrorCode::PluginDeadline,
    ErrorCode::PluginLimit,
    ErrorCode::PluginOutput,
    ErrorCode::PluginSuspended,
];
/// Name of the counter of all runs of one pipeline.
pub const PIPELINE_TOTAL: &str = "pipeline_logs_total";
/// What the name of a metric node's counter begins with.
pub const NODE_PREFIX: &str = "node_";

/// Counts runs of a pipeline. Those of `default` have the labels of FlowG and no more; those of another tenant have its number
/// beside them, so that equal names are told apart.
pub(crate) fn of_pipeline(tenant: TenantId, pipeline: &str, status: &'static str) -> metrics::Counter {
    let pipeline = pipeline.to_owned();
    match tenant {
        TenantId::DEFAULT => metrics::counter!(PIPELINE_LOGS, "pipeline" => pipeline, "status" => status),
        _ => metrics::counter!(PIPELINE_LOGS, "tenant" => tenant.to_string(), "pipeline" => pipeline, "status" => status),
    }
}

/// Counts records stored in a stream, with labels as those of a pipeline.
pub(crate) fn of_stream(tenant: TenantId, stream: &str) -> metrics::Counter {
    let stream = stream.to_owned();
    match tenant {
        TenantId::DEFAULT => metrics::counter!(STREAM_LOGS, "stream" => stream),
        _ => metrics::counter!(STREAM_LOGS, "tenant" => tenant.to_string(), "stream" => stream),
    }
}

/// Shows the counters of failures from the first day, so that a rise from nothing is seen.
pub(crate) fn show_failures() {
    for code in FAILURES {
        metrics::counter!(PLUGIN_FAILURES, "code" => code.as_str()).increment(0);
    }
}

/// Counts a call that gave this error, if it was the sandbox that ended it.
pub(crate) fn failed(error: &Error) {
    if FAILURES.contains(&error.code) {
        metrics::counter!(PLUGIN_FAILURES, "code" => error.code.as_str()).increment(1);
    }
}

/// One counter of one pipeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Its name, such as `node_errors`.
    pub name: String,
    /// What it counts, for a reader.
    pub help: String,
    /// How many since the pipeline, or the node of that name, exists.
    pub value: u64,
}

/// The counters of one pipeline. They outlive its compiled forms.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    total: AtomicU64,
    nodes: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
}

impl Counters {
    pub(crate) fn ran(&self, records: u64) {
        self.total.fetch_add(records, Ordering::Relaxed);
    }

    /// The counters of the metric nodes of these names. Those of other names are forgotten.
    pub(crate) fn adopt(&self, names: &[&str]) -> Vec<Arc<AtomicU64>> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        nodes.retain(|known, _| names.contains(&known.as_str()));
        names.iter().map(|name| Arc::clone(nodes.entry((*name).to_owned()).or_default())).collect()
    }

    pub(crate) fn all(&self) -> Vec<Counter> {
        let total = Counter {
            name: PIPELINE_TOTAL.to_owned(),
            help: "Records that were run through the pipeline".to_owned(),
            value: self.total.load(Ordering::Relaxed),
        };
        let nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        let nodes = nodes.iter().map(|(name, value)| Counter {
            name: format!("{NODE_PREFIX}{name}"),
            help: format!("Records that reached the metric node {name:?}"),
            value: value.load(Ordering::Relaxed),
        });
        std::iter::once(total).chain(nodes).collect()
    }
}
