//! Many documents in one request: one batch per pipeline, one result per document.
//!
//! What must stay true: results come in the order of the actions, whatever the pipelines do; a document that is refused stops
//! no other.

use super::answer::{Refusal, answer};
use super::caller::Caller;
use super::document::{Created, refusal};
use crate::App;
use crate::ingest::ENTRY;
use axum::body::Body;
use axum::http::{Response, StatusCode};
use bytes::Bytes;
use futures_util::future::join_all;
use headworks_core::{Error, TenantId, Timestamp};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_pipelines::decode::{Documents, Room};
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Instant;
use uuid::Uuid;

type Answer = Result<Response<Body>, Refusal>;

/// The most documents of one request: each costs more in the answer than the shortest does in the request.
const MAX_ITEMS: usize = 100_000;
/// The most pipelines that one request may send to.
const MAX_INDEXES: usize = 1000;

/// What is to be done with a document.
struct Item {
    action: &'static str,
    index: String,
    id: String,
    refusal: Option<Refusal>,
}

/// The documents for one pipeline.
#[derive(Default)]
struct Share {
    documents: Documents,
    /// The places of their items.
    items: Vec<usize>,
}

#[derive(Deserialize)]
struct Metadata<'l> {
    #[serde(borrow, rename = "_index")]
    index: Option<Cow<'l, str>>,
    #[serde(borrow, rename = "_id")]
    id: Option<Cow<'l, str>>,
}

pub(crate) async fn bulk(mut caller: Caller) -> Answer {
    let began = Instant::now();
    let index = caller.open.names().await?.into_iter().next();
    let body = caller.body().await?;
    let received = caller.app().clock.now();
    let (mut items, shares) = blocking(move || Ok(read(&body, index.as_deref(), received))).await??;
    caller.allow(Scope::SendLogs)?;
    let (app, tenant) = (caller.app(), caller.principal.tenant);
    let runs = shares.into_iter().map(|(index, share)| run(app, tenant, index, share));
    for (item, refusal) in join_all(runs).await.into_iter().flatten() {
        if let Some(item) = items.get_mut(item) {
            item.refusal = Some(refusal);
        }
    }
    // Where all of it has to come again, clients wait with the whole request.
    if items.iter().all(|item| item.refusal.as_ref().is_some_and(Refusal::is_quota))
        && let Some(refusal) = items.first().and_then(|item| item.refusal.clone())
    {
        return Err(refusal);
    }
    let errors = items.iter().any(|item| item.refusal.is_some());
    let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(answer(&Told { took, errors, items: &items }))
}

/// Runs what one pipeline gets; answers the refusals.
async fn run(app: &App, tenant: TenantId, index: String, share: Share) -> Vec<(usize, Refusal)> {
    let everywhere = |error: Error| {
        let refusal = refusal(error, &index);
        share.items.iter().map(|item| (*item, refusal.clone())).collect()
    };
    let batch = match share.documents.finish() {
        Ok(batch) => batch,
        Err(error) => return everywhere(error),
    };
    match app.pipelines.ingest_each(tenant, &index, ENTRY, batch).await {
        Ok(told) => {
            let told = share.items.iter().zip(told);
            told.filter_map(|(item, told)| Some((*item, refusal(told.err()?, &index)))).collect()
        }
        Err(error) => everywhere(error),
    }
}

/// What is told of all documents.
#[derive(Serialize)]
struct Told<'t> {
    took: u64,
    errors: bool,
    items: &'t [Item],
}

/// What is told of a document that was not taken.
#[derive(Serialize)]
struct Refused<'t> {
    _index: &'t str,
    _id: &'t str,
    status: u16,
    error: Value,
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut item = to.serialize_map(Some(1))?;
        match &self.refusal {
            None => item.serialize_entry(self.action, &Created::new(&self.index, &self.id, Some(201)))?,
            Some(refusal) => {
                let (status, error) = (refusal.status(), refusal.cause());
                item.serialize_entry(self.action, &Refused { _index: &self.index, _id: &self.id, status, error })?;
            }
        }
        item.end()
    }
}

type Read = Result<(Vec<Item>, BTreeMap<String, Share>), Refusal>;

/// Reads the lines of a request: actions, each followed by its document.
fn read(body: &Bytes, default: Option<&str>, received: Timestamp) -> Read {
    let mut lines = (1..).zip(body.split(|byte| *byte == b'\n'));
    let mut items: Vec<Item> = Vec::new();
    let mut shares: BTreeMap<String, Share> = BTreeMap::new();
    let mut room = Room::of(body.len());
    while let Some((number, line)) = lines.next() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let (action, metadata) =
            action(line).map_err(|what| Refusal::malformed(format!("Malformed action/metadata line [{number}]: {what}")))?;
        let index = metadata.index.as_deref().or(default).unwrap_or_default().to_owned();
        let id = metadata.id.map_or_else(|| Uuid::new_v4().to_string(), Cow::into_owned);
        let mut item = Item { action, index, id, refusal: None };
        if action != "delete" {
            let Some((_, document)) = lines.next() else {
                return Err(Refusal::malformed(format!("the document behind the action in line [{number}] is missing")));
            };
            item.refusal = add(&mut shares, &item, items.len(), document, received, &mut room).err();
        } else {
            item.refusal = Some(Refusal::malformed("records cannot be deleted one by one"));
        }
        items.push(item);
        if items.len() > MAX_ITEMS {
            let text = format!("a request may have at most {MAX_ITEMS} documents; send it in parts");
            return Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "content_too_long_exception", text));
        }
    }
    if items.is_empty() {
        return Err(Refusal::malformed("request body is required"));
    }
    Ok((items, shares))
}

/// Adds a document to those of its pipeline.
fn add(
    shares: &mut BTreeMap<String, Share>,
    item: &Item,
    place: usize,
    document: &[u8],
    received: Timestamp,
    room: &mut Room,
) -> Result<(), Refusal> {
    if item.action == "update" {
        return Err(Refusal::malformed("records cannot be changed"));
    }
    if item.index.is_empty() {
        return Err(Refusal::malformed("index is missing"));
    }
    if !shares.contains_key(&item.index) && shares.len() >= MAX_INDEXES {
        return Err(Refusal::malformed(format!("a request may name at most {MAX_INDEXES} indexes")));
    }
    let share = shares.entry(item.index.clone()).or_default();
    share.documents.add(document, received, room)?;
    share.items.push(place);
    Ok(())
}

/// `{"index": {"_index": "web", "_id": "1"}}`; what else the metadata holds has no meaning here.
fn action(line: &[u8]) -> Result<(&'static str, Metadata<'_>), String> {
    let action: BTreeMap<Cow<'_, str>, Metadata<'_>> = serde_json::from_slice(line).map_err(|error| error.to_string())?;
    let mut actions = action.into_iter();
    match (actions.next(), actions.next()) {
        (Some((name, metadata)), None) => {
            let known = ["index", "create", "update", "delete"].into_iter().find(|known| *known == name);
            let known = known.ok_or_else(|| "expected one of index, create, update, delete".to_owned())?;
            Ok((known, metadata))
        }
        _ => Err("expected an object with one member".to_owned()),
    }
}
