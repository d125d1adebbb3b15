//! The management listener: `/health`, `/ready`, `/metrics`, `/cluster/nodes` (FlowG 18, design section 7). No authentication.

use crate::process;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use headworks_http::Quiet;
use headworks_identity::Tenants;
use headworks_layouts::git::Export;
use headworks_store::{Health, Store};
use metrics_exporter_prometheus::PrometheusHandle;
use serde_json::json;
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Dead letters that gave way to newer ones since the data folder exists. Unit: letters.
const DEAD_LETTERS_DROPPED: &str = "headworks_dead_letters_dropped_total";

/// What the probes look at.
#[derive(Clone)]
pub(crate) struct Probes {
    pub(crate) store: Store,
    pub(crate) metrics: PrometheusHandle,
    /// From the end of the start on.
    pub(crate) tenants: Arc<OnceLock<Tenants>>,
    /// Likewise, where there is one.
    pub(crate) export: Arc<OnceLock<Option<Arc<Export>>>>,
    /// Whether requests are served: from the end of the start to the beginning of the stop.
    pub(crate) ready: Arc<AtomicBool>,
    /// Whether the management listener speaks TLS.
    pub(crate) tls: bool,
}

impl Probes {
    /// Routes of the management listener.
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/health", get(health))
            .route("/ready", get(ready))
            .route("/metrics", get(show_metrics))
            .route("/cluster/nodes", get(nodes))
            .fallback(headworks_flowg::unknown_path)
            .with_state(self)
    }

    /// `/health` for the service listeners.
    pub(crate) fn health_router(self) -> Router {
        Router::new().route("/health", get(health)).with_state(self)
    }
}

/// A full disk does not make the process unhealthy: reads and deletes work, and a restart would not help.
async fn health(State(probes): State<Probes>) -> Response {
    match probes.store.health() {
        Health::Ok | Health::DiskNearlyFull { .. } => quiet(StatusCode::OK, "OK\r\n".to_owned()),
        Health::Failed(reason) => quiet(StatusCode::SERVICE_UNAVAILABLE, format!("failed: {reason}\r\n")),
    }
}

async fn ready(State(probes): State<Probes>) -> Response {
    if !probes.ready.load(Ordering::Relaxed) {
        return quiet(StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\r\n".to_owned());
    }
    match probes.store.health() {
        Health::Ok => match probes.export.get().and_then(|export| export.as_ref()?.trouble()) {
            Some(trouble) => quiet(StatusCode::OK, format!("ready, but {trouble}\r\n")),
            None => quiet(StatusCode::OK, "ready\r\n".to_owned()),
        },
        Health::DiskNearlyFull { free, needed } => {
            quiet(StatusCode::OK, format!("ready, but writes are refused: {free} bytes are free and {needed} are needed\r\n"))
        }
        Health::Failed(reason) => quiet(StatusCode::SERVICE_UNAVAILABLE, format!("failed: {reason}\r\n")),
    }
}

async fn show_metrics(State(probes): State<Probes>) -> Response {
    let read = tokio::task::spawn_blocking(move || {
        count_dropped(&probes.store);
        let text = probes.metrics.render();
        let text = probes.tenants.get().map_or(text.clone(), |tenants| present(&text, tenants));
        text + &process::metrics()
    });
    let read = read.await;
    match read {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
            (StatusCode::OK, kind, axum::Extension(Quiet), text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// The lines without those of tenants that are gone: whoever counts keeps them as long as the process runs.
fn present(text: &str, tenants: &Tenants) -> String {
    let numbers: HashSet<String> = tenants.list().iter().map(|tenant| tenant.number.to_string()).collect();
    // Quotation marks in values are escaped, so this is a label.
    let of = |line: &str| {
        ["{tenant=\"", ",tenant=\""].iter().find_map(|label| line.split_once(label)?.1.split('"').next().map(str::to_owned))
    };
    let mut kept = String::with_capacity(text.len());
    for line in text.lines().filter(|line| of(line).is_none_or(|number| numbers.contains(&number))) {
        kept.push_str(line);
        kept.push('\n');
    }
    kept
}

/// The members of the cluster (FlowG 18): this server, at the address where it was asked.
async fn nodes(State(probes): State<Probes>, headers: HeaderMap) -> Response {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let scheme = if probes.tls { "https" } else { "http" };
    let node = json!({"node-id": headworks_sandbox::host_name(), "endpoint": format!("{scheme}://{host}")});
    (axum::Extension(Quiet), axum::Json(json!({"nodes": [node]}))).into_response()
}

/// The store counts them for itself, because the number outlives the process.
fn count_dropped(store: &Store) {
    match store.dropped_dead_letters() {
        Ok(dropped) => {
            let dropped = dropped.into_iter().map(|(_, dropped)| dropped).sum();
            metrics::counter!(DEAD_LETTERS_DROPPED).absolute(dropped);
        }
        Err(error) => tracing::warn!(cause = %error, "the dropped dead letters cannot be counted"),
    }
}

fn quiet(status: StatusCode, text: String) -> Response {
    let mut response = (status, text).into_response();
    response.extensions_mut().insert(Quiet);
    response
}
