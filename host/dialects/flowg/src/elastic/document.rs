//! One document, and making an index.

use super::answer::{Refusal, answer};
use super::caller::Caller;
use crate::ingest::ENTRY;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use headworks_core::{DocumentKey, ErrorCode};
use headworks_identity::Scope;
use headworks_pipelines::PIPELINE;
use headworks_pipelines::decode::{Documents, Room};
use headworks_store::{Change, Expect};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

type Answer = Result<Response<Body>, Refusal>;

/// What is told of a document that was taken. The version is always the first: records are never replaced.
#[derive(Serialize)]
pub(super) struct Created<'d> {
    _index: &'d str,
    _id: &'d str,
    _version: u8,
    result: &'static str,
    _shards: Shards,
    _seq_no: u8,
    _primary_term: u8,
    /// In answers about many.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
}

#[derive(Serialize)]
struct Shards {
    total: u8,
    successful: u8,
    failed: u8,
}

impl<'d> Created<'d> {
    pub(super) fn new(index: &'d str, id: &'d str, status: Option<u16>) -> Self {
        let shards = Shards { total: 1, successful: 1, failed: 0 };
        Self { _index: index, _id: id, _version: 1, result: "created", _shards: shards, _seq_no: 0, _primary_term: 1, status }
    }
}

/// Runs a document. An id that the client gives is told back and otherwise has no meaning.
pub(crate) async fn index(mut caller: Caller) -> Answer {
    let mut names = caller.open.names().await?.into_iter();
    let index = names.next().unwrap_or_default();
    let id = names.next().unwrap_or_else(|| Uuid::new_v4().to_string());
    let body = caller.body().await?;
    let received = caller.app().clock.now();
    let read = headworks_http::blocking(move || {
        let mut documents = Documents::default();
        documents.add(&body, received, &mut Room::of(body.len()))?;
        documents.finish()
    });
    let batch = read.await?;
    caller.allow(Scope::SendLogs)?;
    let run = caller.app().pipelines.ingest(caller.principal.tenant, &index, ENTRY, batch).await;
    run.map_err(|error| refusal(error, &index))?;
    Ok(answer(&Created::new(&index, &id, None)))
}

/// What is told of a document that was not taken.
pub(super) fn refusal(error: headworks_core::Error, index: &str) -> Refusal {
    if error.code == ErrorCode::NotFound { Refusal::no_index(index) } else { Refusal::from(error) }
}

/// Makes a pipeline as an index.
pub(crate) async fn create_index(caller: Caller) -> Answer {
    let index = create(caller).await?;
    Ok(answer(&json!({"acknowledged": true, "shards_acknowledged": true, "index": index})))
}

/// Makes a pipeline as a data stream.
pub(crate) async fn create_data_stream(caller: Caller) -> Answer {
    create(caller).await.map(|_| answer(&json!({"acknowledged": true})))
}

/// Makes a pipeline that stores what it gets in the stream of its name. Settings and mappings have no meaning here.
async fn create(mut caller: Caller) -> Result<String, Refusal> {
    let index = caller.open.name().await?;
    caller.body().await?;
    caller.allow(Scope::WritePipelines)?;
    let node =
        |id: &str, kind: &str, x: i32, data: Value| json!({"id": id, "type": kind, "position": {"x": x, "y": 0}, "data": data});
    let graph = json!({
        "version": 2, "version.minor": 1, "hasLayout": false,
        "nodes": [
            node("__builtin__source_direct", "source", 0, json!({"type": ENTRY})),
            node("store", "router", 240, json!({"stream": index})),
        ],
        "edges": [{"id": "direct-store", "source": "__builtin__source_direct", "sourceHandle": "", "target": "store"}],
    });
    let key = DocumentKey::new(caller.principal.tenant, PIPELINE, &index);
    let change = Change::put(key, graph.to_string()).expecting(Expect::Absent);
    match caller.app().store.write(&caller.principal.user, vec![change]).await {
        Ok(_) => Ok(index),
        Err(error) if error.class() == headworks_core::ErrorClass::Conflict => {
            let text = format!("index [{index}] already exists");
            Err(Refusal::new(StatusCode::BAD_REQUEST, "resource_already_exists_exception", text))
        }
        Err(error) => Err(error.into()),
    }
}
