//! What clients ask before they send: the cluster, its licence and health, whether an index exists.

use super::answer::{Refusal, answer};
use super::caller::Caller;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use headworks_identity::Scope;
use serde_json::{Value, json};

type Answer = Result<Response<Body>, Refusal>;

/// The version that is pretended: shippers refuse much older ones, and leave out of documents what newer ones have dropped.
const VERSION: &str = "8.17.0";
const CLUSTER: &str = "headworks";

/// What describes the cluster.
pub(crate) fn cluster() -> Value {
    json!({
        "name": CLUSTER, "cluster_name": CLUSTER, "cluster_uuid": "headworks-0000000000000",
        "version": {
            "number": VERSION, "build_flavor": "default", "build_type": "docker", "build_hash": "unknown",
            "build_date": "2024-12-11T12:08:05.663969764Z", "build_snapshot": false, "lucene_version": "9.12.0",
            "minimum_wire_compatibility_version": "7.17.0", "minimum_index_compatibility_version": "7.0.0",
        },
        "tagline": "You Know, for Search",
    })
}

pub(crate) async fn info(_caller: Caller) -> Response<Body> {
    answer(&cluster())
}

/// Logstash and Beats want an active one.
pub(crate) async fn license(_caller: Caller) -> Response<Body> {
    answer(&json!({"license": {"status": "active", "uid": CLUSTER, "type": "basic", "issued_to": CLUSTER}}))
}

/// Asked by Vector.
pub(crate) async fn health(_caller: Caller) -> Response<Body> {
    answer(&json!({
        "cluster_name": CLUSTER, "status": "green", "timed_out": false, "number_of_nodes": 1, "number_of_data_nodes": 1,
    }))
}

/// Asked by rsyslog.
pub(crate) async fn cat_health(_caller: Caller) -> Response<Body> {
    (StatusCode::OK, format!("{CLUSTER} green 1 1\n")).into_response()
}

/// Whether there is a pipeline of that name.
pub(crate) async fn exists(mut caller: Caller) -> Answer {
    let index = caller.open.name().await?;
    caller.allow(Scope::ReadPipelines)?;
    if caller.app().pipelines.exists(caller.principal.tenant, &index).await? {
        return Ok(answer(&json!({})));
    }
    Err(Refusal::no_index(&index))
}
