//! What clients ask and set up before they send: the cluster, its licence and health, whether an index exists, templates and
//! lifecycle policies.
//!
//! Templates and policies have no meaning here, because a record has no mapping and retention is the stream's. Setting one is
//! acknowledged, for otherwise shippers do not begin, and it is not kept: nobody is told later that there is one.

use super::answer::{Refusal, answer};
use super::caller::Caller;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use headworks_identity::Scope;
use serde_json::{Map, Value, json};

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

/// What stands for a licence.
fn licence() -> Value {
    json!({"status": "active", "uid": CLUSTER, "type": "basic", "mode": "basic", "issued_to": CLUSTER})
}

/// Logstash and Beats want an active one.
pub(crate) async fn license(_caller: Caller) -> Response<Body> {
    answer(&json!({"license": licence()}))
}

/// Asked by Beats of version 7 and by Logstash: without lifecycles they write to the index that they are told.
pub(crate) async fn xpack(_caller: Caller) -> Response<Body> {
    let feature = |there: bool| json!({"available": there, "enabled": there});
    answer(&json!({
        "build": {"hash": "unknown", "date": "2024-12-11T12:08:05.663969764Z"},
        "license": licence(),
        "features": {"ilm": feature(false), "monitoring": feature(false), "security": feature(true)},
        "tagline": "You know, for X",
    }))
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

/// Asked by Beats of version 7: one line for each template of that name, hence none.
pub(crate) async fn cat_templates(_caller: Caller) -> Response<Body> {
    (StatusCode::OK, String::new()).into_response()
}

/// A template or a policy: there is never one.
pub(crate) async fn not_kept(mut caller: Caller) -> Answer {
    let name = caller.open.name().await?;
    caller.allow(Scope::ReadPipelines)?;
    Err(Refusal::new(StatusCode::NOT_FOUND, "resource_not_found_exception", format!("[{name}] is not kept here")))
}

/// Takes note of a template or a policy.
pub(crate) async fn acknowledge(mut caller: Caller) -> Answer {
    caller.open.name().await?;
    let body = caller.body().await?;
    serde_json::from_slice::<Map<String, Value>>(&body)
        .map_err(|error| Refusal::malformed(format!("the body is no JSON object: {error}")))?;
    caller.allow(Scope::WritePipelines)?;
    Ok(answer(&json!({"acknowledged": true})))
}

/// The pipeline of that name as Beats of version 8 look for it.
pub(crate) async fn data_stream(mut caller: Caller) -> Answer {
    let name = caller.open.name().await?;
    caller.allow(Scope::ReadPipelines)?;
    if !caller.app().pipelines.exists(caller.principal.tenant, &name).await? {
        return Err(Refusal::no_index(&name));
    }
    let field = json!({"name": "@timestamp"});
    Ok(answer(&json!({
        "data_streams": [{"name": name, "timestamp_field": field, "indices": [], "generation": 1, "status": "GREEN"}],
    })))
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
