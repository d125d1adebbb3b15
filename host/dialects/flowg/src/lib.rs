//! The FlowG dialect under `/api/v1`: wire types, routes, error bodies (contract `flowg`).
//!
//! A thin translation. What must stay true: every operation checks in the order path, authentication, request, scope,
//! operation (FlowG 3.2); every failure is a JSON body of one shape (FlowG 3.4). Holds no state and no rule that another
//! dialect could need.

mod account;
mod auth_providers;
mod backup;
mod call;
mod docs;
mod elastic;
mod failure;
mod forwarders;
mod ingest;
mod pipelines;
mod query;
mod record;
mod roles;
mod secrets;
mod shape;
mod streams;
mod system;
mod transformers;
mod users;
mod watch;
mod web;

pub use backup::{Transfers, resume_restores};

use axum::Router;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use failure::Failure;
use headworks_core::time::Clock;
use headworks_core::{DocumentKey, Error, Result, SystemConfiguration, TenantId};
use headworks_http::RequestId;
use headworks_identity::Identity;
use headworks_pipelines::{PIPELINE, Pipelines};
use headworks_store::{Change, Store};
use std::sync::Arc;

/// What the operations work on.
pub struct FlowgState {
    /// Documents and streams.
    pub store: Store,
    /// Users and tokens.
    pub identity: Identity,
    /// Running pipelines.
    pub pipelines: Pipelines,
    /// When records are received.
    pub clock: Arc<dyn Clock>,
    /// Whether answers hide the secrets that are stored for others, such as those of identity providers.
    pub mask_secrets: bool,
    /// Backups and restores under way.
    pub transfers: Transfers,
    /// Whether this is a demonstration, whose user the login page names.
    pub demo: bool,
}

type App = Arc<FlowgState>;

/// Whom the audit log names for what the first start makes.
const AUTHOR: &str = "bootstrap";

/// All routes of the dialect. `mount` is the path below which the caller serves them, empty or such as `/logs`: links say it.
pub fn router(state: FlowgState, mount: &str) -> Router {
    docs::router(mount)
        .merge(web::router(mount, state.demo))
        .route("/api/v1/auth/login", post(account::login))
        .route("/api/v1/auth/change-password", post(account::change_password))
        .route("/api/v1/auth/whoami", get(account::whoami))
        .route("/api/v1/tokens", get(account::list_tokens))
        .route("/api/v1/token", post(account::create_token))
        .route("/api/v1/tokens/{token}", delete(account::delete_token))
        .route("/api/v1/roles", get(roles::list))
        .route("/api/v1/roles/{role}", get(roles::get).put(roles::save).delete(roles::delete))
        .route("/api/v1/users", get(users::list))
        .route("/api/v1/users/{user}", get(users::get).put(users::save).patch(users::patch).delete(users::delete))
        .route("/api/v1/system-configuration", get(system::get).put(system::update))
        .route("/api/v1/auth-providers", get(auth_providers::list))
        .route("/api/v1/auth-providers/", get(auth_providers::list))
        .route(
            "/api/v1/auth-providers/{auth_provider}",
            get(auth_providers::get).put(auth_providers::save).delete(auth_providers::delete),
        )
        .route("/api/v1/pipelines", get(pipelines::list))
        .route("/api/v1/pipelines/{pipeline}", get(pipelines::get).put(pipelines::save).delete(pipelines::delete))
        .route("/api/v1/pipelines/{pipeline}/metrics", get(pipelines::metrics))
        .route("/api/v1/pipelines/{pipeline}/logs", post(ingest::single))
        .route("/api/v1/pipelines/{pipeline}/logs/struct", post(ingest::structured))
        .route("/api/v1/pipelines/{pipeline}/logs/text", post(ingest::text))
        .route("/api/v1/pipelines/{pipeline}/logs/otlp", post(ingest::otlp))
        .route("/api/v1/test/pipeline/{pipeline}", post(pipelines::test))
        .route("/api/v1/transformers", get(transformers::list))
        .route("/api/v1/transformers/{transformer}", get(transformers::get).put(transformers::save).delete(transformers::delete))
        .route("/api/v1/test/transformer", post(transformers::test))
        .route("/api/v1/forwarders", get(forwarders::list))
        .route("/api/v1/forwarders/{forwarder}", get(forwarders::get).put(forwarders::save).delete(forwarders::delete))
        .route("/api/v1/test/forwarders/{forwarder}", post(forwarders::test))
        .route("/api/v1/streams", get(streams::list))
        .route("/api/v1/streams/{stream}", get(streams::get).put(streams::configure).delete(streams::purge))
        .route("/api/v1/streams/{stream}/fields", get(streams::fields))
        .route("/api/v1/streams/{stream}/usage", get(streams::usage))
        .route("/api/v1/streams/{stream}/indices", get(streams::indices))
        .route("/api/v1/streams/{stream}/logs", get(query::query))
        .route("/api/v1/streams/{stream}/logs/watch", get(watch::watch))
        .merge(elastic::router())
        .route("/api/v1/backup/auth", get(backup::backup_auth))
        .route("/api/v1/backup/config", get(backup::backup_config))
        .route("/api/v1/backup/logs", get(backup::backup_logs))
        .route("/api/v1/restore/auth", post(backup::restore_auth))
        .route("/api/v1/restore/config", post(backup::restore_config))
        .route("/api/v1/restore/logs", post(backup::restore_logs))
        .with_state(Arc::new(state))
}

/// The answer to `GET` of the mount path itself.
pub fn home(mount: &str) -> impl IntoResponse + Clone + Send + Sync + 'static {
    web::home(mount)
}

/// The answer to a request of this dialect whose handler panicked.
pub fn panicked(id: &RequestId) -> Response<Body> {
    Failure::from(Error::internal(format!("the server's log says more under request {}", id.as_str()))).into_response()
}

/// The answer to a path that no dialect knows (FlowG 3.2).
pub async fn unknown_path() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, "404 page not found")
}

/// What a tenant has from its beginning: the pipeline `default`, and the system configuration with these allowed senders of
/// syslog messages (FlowG 15).
///
/// # Errors
/// [`Invalid`](headworks_core::ErrorCode::Invalid) for an origin that is none.
pub fn first_documents(tenant: TenantId, syslog_allowed_origins: &[String]) -> Result<Vec<Change>> {
    let system = SystemConfiguration::parse(syslog_allowed_origins, vec!["viewer".to_owned()])?;
    let pipeline = DocumentKey::new(tenant, PIPELINE, "default");
    Ok(vec![Change::put(SystemConfiguration::key(tenant), system.to_stored()?), Change::put(pipeline, default_pipeline())])
}

/// Makes those of a tenant that are missing: the pipeline `default` only where there is no pipeline at all.
///
/// # Errors
/// Those of the store, and of [`first_documents`].
pub async fn bootstrap(store: &Store, tenant: TenantId, syslog_allowed_origins: &[String]) -> Result<()> {
    let mut missing = Vec::new();
    for change in first_documents(tenant, syslog_allowed_origins)? {
        let present = match change.key.kind.as_str() {
            PIPELINE => !store.list_names(tenant, PIPELINE, "")?.is_empty(),
            _ => store.get(&change.key)?.is_some(),
        };
        if !present {
            missing.push(change);
        }
    }
    if !missing.is_empty() {
        store.write_unjudged(AUTHOR, missing).await?;
    }
    Ok(())
}

/// Both sources lead to the stream `default`.
fn default_pipeline() -> String {
    const ROUTER: &str = "node-37da64b3-6243-4620-b0f2-ba484a71b053";
    let source = |kind: &str, y: i32| {
        serde_json::json!({
            "id": format!("__builtin__source_{kind}"), "type": "source", "position": {"x": 0, "y": y}, "data": {"type": kind},
        })
    };
    let edge = |kind: &str| {
        let source = format!("__builtin__source_{kind}");
        serde_json::json!({
            "id": format!("xy-edge__{source}-{ROUTER}"), "source": source, "sourceHandle": "", "target": ROUTER,
        })
    };
    let graph = serde_json::json!({
        "version": 2, "version.minor": 1, "hasLayout": false,
        "nodes": [
            source("direct", 0),
            source("syslog", 120),
            {"id": ROUTER, "type": "router", "position": {"x": 240, "y": 60}, "data": {"stream": "default"}},
        ],
        "edges": [edge("syslog"), edge("direct")],
    });
    graph.to_string()
}
