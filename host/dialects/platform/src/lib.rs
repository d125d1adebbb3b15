//! Our own dialect under `/platform/v1`: plugins, rules, tenants and what became of records.
//!
//! A thin translation. What must stay true: every operation authenticates first, then reads the request, then checks the
//! caller's scope; every failure is a problem document (RFC 9457) that names the member to blame; nobody sees or changes
//! what belongs to another tenant, but the operator. Holds no state and no rule that another dialect could need.

mod call;
mod dead_letters;
mod failure;
mod tenants;
mod validators;

use axum::Router;
use axum::body::Body;
use axum::http::{Response, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use failure::{Failure, json};
use headworks_core::Error;
use headworks_core::time::Clock;
use headworks_http::RequestId;
use headworks_identity::Identity;
use headworks_pipelines::Pipelines;
use headworks_rules::Rules;
use headworks_store::Store;
use std::sync::Arc;

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
    /// What judges documents.
    pub rules: Rules,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

type App = Arc<PlatformState>;

/// All routes of the dialect.
pub fn router(state: PlatformState) -> Router {
    let document = || async { ([(header::CONTENT_TYPE, "application/json")], DOCUMENT) };
    Router::new()
        .route(PREFIX, get(about))
        .route("/platform/v1/openapi.json", get(document))
        .route("/platform/v1/tenants", get(tenants::list).post(tenants::create))
        .route("/platform/v1/tenants/{tenant}", get(tenants::get).put(tenants::update).delete(tenants::delete))
        .route("/platform/v1/tenants/{tenant}/usage", get(tenants::usage))
        .route("/platform/v1/tenant", get(tenants::own))
        .route("/platform/v1/tenant/usage", get(tenants::own_usage))
        .route("/platform/v1/validators", get(validators::list))
        .route("/platform/v1/validators/{validator}", get(validators::get).put(validators::save).delete(validators::delete))
        .route("/platform/v1/validators/{validator}/scan", post(validators::scan))
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
