//! Our own dialect under `/platform/v1`: plugins, rules, event hooks, tenants and what became of records.
//!
//! A thin translation. What must stay true: every operation authenticates first, then reads the request, then checks the
//! caller's scope; every failure is a problem document (RFC 9457) that names the member to blame; nobody sees or changes
//! what belongs to another tenant, but the operator. Holds no state and no rule that another dialect could need.

mod backup;
mod bundles;
mod call;
mod dead_letters;
mod event_hooks;
mod failure;
mod forwarders;
mod identity_provider;
mod logs;
mod plugins;
mod registry;
mod releases;
mod secrets;
mod tenants;
mod transformers;
mod usage;
mod validators;
mod versions;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, header};
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use failure::{Failure, json};
use headworks_core::Error;
use headworks_core::time::Clock;
use headworks_hooks::Hooks;
use headworks_http::RequestId;
use headworks_identity::{Identity, Security};
use headworks_pipelines::Pipelines;
use headworks_plugins::Plugins;
use headworks_registry::Registry;
use headworks_rules::Rules;
use headworks_store::Store;
use std::sync::Arc;
use tokio::sync::Semaphore;

pub use backup::places as backup_places;

/// Where the dialect is mounted.
pub const PREFIX: &str = "/platform/v1";
const DOCUMENT: &str = include_str!("../docs/openapi.json");

/// What the operations work on.
pub struct PlatformState {
    /// Documents, blobs and dead letters.
    pub store: Store,
    /// Users and tokens.
    pub identity: Identity,
    /// Running pipelines.
    pub pipelines: Pipelines,
    /// Plugins of all tenants.
    pub plugins: Plugins,
    /// What judges documents.
    pub rules: Rules,
    /// What is told of changes.
    pub hooks: Hooks,
    /// Buckets with versions of objects.
    pub registry: Registry,
    /// Whether policies of buckets are asked.
    pub security: Security,
    /// The most bytes of a snapshot, and what messages call the setting.
    pub snapshot_bytes: (u64, &'static str),
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// How many backups of the whole server may be under way: [`backup_places`].
    pub backups: Arc<Semaphore>,
}

type App = Arc<PlatformState>;

/// All routes of the dialect.
pub fn router(state: PlatformState) -> Router {
    let document = || async { ([(header::CONTENT_TYPE, "application/json")], DOCUMENT) };
    Router::new()
        .route(PREFIX, get(about))
        .route("/platform/v1/openapi.json", get(document))
        .route("/platform/v1/backup", get(backup::backup))
        .route("/platform/v1/plugins", get(plugins::list).post(plugins::upload))
        .route("/platform/v1/plugins/{plugin}", get(plugins::get).delete(plugins::delete))
        .route("/platform/v1/plugins/{plugin}/versions", get(plugins::versions))
        .route("/platform/v1/plugins/{plugin}/versions/{version}", get(plugins::version).delete(plugins::delete_version))
        .route("/platform/v1/plugins/{plugin}/versions/{version}/component", get(plugins::component))
        .route("/platform/v1/plugins/{plugin}/versions/{version}/approve", post(plugins::approve))
        .route("/platform/v1/plugins/{plugin}/versions/{version}/publish", post(bundles::publish))
        .route("/platform/v1/plugins/{plugin}/versions/{version}/tests", put(plugins::tests))
        .route("/platform/v1/plugins/{plugin}/release", get(releases::get).post(releases::release))
        .route("/platform/v1/plugins/{plugin}/rollback", post(releases::rollback))
        .route("/platform/v1/plugins/{plugin}/logs", get(logs::logs))
        .route("/platform/v1/plugins/{plugin}/usage", get(usage::plugin))
        .route("/platform/v1/usage", get(usage::all))
        .route("/platform/v1/transformers", get(transformers::list))
        .route(
            "/platform/v1/transformers/{transformer}",
            get(transformers::get).put(transformers::save).delete(transformers::delete),
        )
        .route("/platform/v1/forwarders", get(forwarders::list))
        .route("/platform/v1/forwarders/{forwarder}", get(forwarders::get).put(forwarders::save).delete(forwarders::delete))
        .route("/platform/v1/secrets", get(secrets::list))
        .route("/platform/v1/secrets/{secret}", put(secrets::set).delete(secrets::delete))
        .route("/platform/v1/tenants", get(tenants::list).post(tenants::create))
        .route("/platform/v1/tenants/{tenant}", get(tenants::get).put(tenants::update).delete(tenants::delete))
        .route("/platform/v1/tenants/{tenant}/usage", get(tenants::usage))
        .route("/platform/v1/tenant", get(tenants::own))
        .route("/platform/v1/tenant/usage", get(tenants::own_usage))
        .route("/platform/v1/validators", get(validators::list))
        .route("/platform/v1/validators/{validator}", get(validators::get).put(validators::save).delete(validators::delete))
        .route("/platform/v1/validators/{validator}/scan", post(validators::scan))
        .route("/platform/v1/event-hooks", get(event_hooks::list))
        .route("/platform/v1/event-hooks/{hook}", get(event_hooks::get).put(event_hooks::save).delete(event_hooks::delete))
        .route(
            "/platform/v1/identity-provider",
            get(identity_provider::get).put(identity_provider::save).delete(identity_provider::delete),
        )
        .route("/platform/v1/versions/{bucket}", get(versions::objects))
        .route("/platform/v1/versions/{bucket}/{kind}/{name}", get(versions::list).post(versions::save))
        .route("/platform/v1/versions/{bucket}/{kind}/{name}/{version}", get(versions::get))
        .route("/platform/v1/versions/{bucket}/{kind}/{name}/{version}/diff", get(versions::diff))
        .route("/platform/v1/versions/{bucket}/{kind}/{name}/{version}/restore", post(versions::restore))
        .route("/platform/v1/registry/buckets/{bucket}", put(registry::bucket))
        .route("/platform/v1/registry/buckets/{bucket}/flows/{flow}", put(registry::flow))
        .route("/platform/v1/registry/buckets/{bucket}/flows/{flow}/versions/{version}", put(registry::version))
        .route("/platform/v1/registry/buckets/{bucket}/bundles/{group}/{artifact}/{version}", put(registry::bundle))
        .route("/platform/v1/dead-letters", get(dead_letters::list).delete(dead_letters::discard_many))
        .route("/platform/v1/dead-letters/{number}", get(dead_letters::get).delete(dead_letters::discard))
        .route("/platform/v1/dead-letters/{number}/replay", post(dead_letters::replay))
        .with_state(Arc::new(state))
}

/// What is running here; anybody may ask.
async fn about() -> Response<Body> {
    json(&serde_json::json!({"name": "headworks", "version": env!("CARGO_PKG_VERSION")}))
}

/// The answer to a request of this dialect whose handler panicked.
pub fn panicked(id: &RequestId) -> Response<Body> {
    Failure::from(Error::internal(format!("the server's log says more under request {}", id.as_str()))).into_response()
}
