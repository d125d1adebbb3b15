//! Dead letters: what could not be processed, and what becomes of it.

use crate::App;
use crate::call::Call;
use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::Response;
use headworks_core::{Error, ErrorCode, TenantId, Timestamp};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_pipelines::{Replay, ReplayedFrom, Transform};
use headworks_plugins::Use;
use headworks_store::{DeadLetter, LetterFilter, LetterSummary};
use serde::Deserialize;
use serde_json::{Value, json as value};
use std::collections::HashMap;
use std::sync::Arc;

type Answer = Result<Response<Body>, Failure>;

/// Letters on one page, by default and at most.
const PAGE: usize = 100;
const MAX_PAGE: usize = 1000;
/// The parameters that say which letters are meant.
const FILTERS: [&str; 5] = ["pipeline", "code", "plugin", "from", "to"];

/// `list_dead_letters`.
pub(crate) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let filter = filter(&query)?;
    let after = number(&query, "after")?.unwrap_or(0);
    let limit = number(&query, "limit")?.map_or(PAGE, |limit| usize::try_from(limit).unwrap_or(MAX_PAGE)).clamp(1, MAX_PAGE);
    call.allow(Scope::ReadPipelines)?;
    let (store, tenant) = (call.app.store.clone(), call.caller.tenant);
    let found = blocking(move || store.letter_summaries(tenant, &filter, after, limit)).await?;
    let next = if found.len() < limit { None } else { found.last().map(|letter| letter.number) };
    let letters: Vec<Value> = found.iter().map(summary).collect();
    Ok(json(&value!({"dead_letters": letters, "next": next})))
}

/// `get_dead_letter`.
pub(crate) async fn get(mut call: Call) -> Answer {
    let number = path_number(&mut call).await?;
    call.allow(Scope::ReadPipelines)?;
    let (store, tenant) = (call.app.store.clone(), call.caller.tenant);
    let found = blocking(move || store.dead_letter(tenant, number)).await?;
    let found = found.ok_or_else(|| missing(number))?;
    Ok(json(&whole(number, &found.letter)))
}

/// How a letter is to be replayed.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    from: From,
    /// A saved transformer in the place of the one that failed.
    transformer: Option<String>,
    /// A plugin in its place, with the configuration of the one that failed.
    plugin: Option<String>,
    /// A version of the plugin; the one in use where none is named.
    version: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum From {
    #[default]
    Node,
    Entry,
}

/// What is to run in the place of the transformer that failed, if anything.
async fn substitute(app: &App, tenant: TenantId, number: u64, asked: &Asked) -> Result<Option<Arc<dyn Transform>>, Failure> {
    let (plugin, version) = match (&asked.transformer, &asked.plugin, &asked.version) {
        (None, None, None) => return Ok(None),
        (Some(name), None, None) => {
            return Ok(Some(app.pipelines.transformer(tenant, name).await.map_err(|error| error.at("transformer"))?));
        }
        (Some(_), ..) => {
            return Err(Error::invalid("a transformer has no version: name one or the other").at("transformer").into());
        }
        (None, plugin, version) => (plugin, version),
    };
    let store = app.store.clone();
    let found = blocking(move || store.dead_letter(tenant, number)).await?.ok_or_else(|| missing(number))?;
    let script = app.pipelines.script_of(tenant, &found.letter.pipeline, &found.letter.node).await?;
    let used = script.and_then(|script| Use::of_script(&script)).ok_or_else(|| {
        let message = "the records did not fail in a transformer that is made from a plugin";
        Error::invalid(message).at(if plugin.is_some() { "plugin" } else { "version" })
    })?;
    let name = plugin.as_ref().unwrap_or(&used.plugin);
    let opened = match version {
        Some(version) => app.plugins.open_version(tenant, name, version, &used.config).await,
        None => app.plugins.open_transformer(tenant, name, &used.config).await,
    };
    Ok(Some(opened.map_err(|error| match error.code {
        ErrorCode::NotFound | ErrorCode::InvalidProgram => Error::invalid(error.message).at("version"),
        _ => error,
    })?))
}

fn missing(number: u64) -> Error {
    Error::not_found(format!("there is no dead letter {number}"))
}

/// `replay_dead_letter`.
pub(crate) async fn replay(mut call: Call) -> Answer {
    let number = path_number(&mut call).await?;
    let asked: Asked = call.optional_json().await?;
    call.allow(Scope::WritePipelines)?;
    let tenant = call.caller.tenant;
    let with = substitute(&call.app, tenant, number, &asked).await?;
    let how = Replay { from_entry: matches!(asked.from, From::Entry), with };
    let replayed = call.app.pipelines.replay(tenant, number, how).await?;
    let (from, place) = match replayed.from {
        ReplayedFrom::Node(node) => ("node", Some(node)),
        ReplayedFrom::Entry => ("entry", None),
        ReplayedFrom::Forwarder(name) => ("forwarder", Some(name)),
    };
    let mut answer = value!({"from": from, "accepted": replayed.accepted, "remaining": replayed.remaining});
    if let Some(members) = answer.as_object_mut() {
        members.extend(place.map(|place| (from.to_owned(), place.into())));
        members.extend(
            replayed.reason.map(|error| ("failure".to_owned(), value!({"code": error.code.as_str(), "detail": error.message}))),
        );
    }
    Ok(json(&answer))
}

/// `discard_dead_letter`.
pub(crate) async fn discard(mut call: Call) -> Answer {
    let number = path_number(&mut call).await?;
    call.allow(Scope::WritePipelines)?;
    match call.app.store.discard_letters(call.caller.tenant, vec![number]).await? {
        0 => Err(missing(number).into()),
        discarded => Ok(json(&value!({"discarded": discarded}))),
    }
}

/// `discard_dead_letters`: those that are there now and that the parameters mean.
pub(crate) async fn discard_many(call: Call) -> Answer {
    let query = call.query()?;
    let mut filter = filter(&query)?;
    let all = query.get("all").is_some_and(|all| all == "true");
    if !all && !FILTERS.iter().any(|name| query.contains_key(*name)) {
        let message = format!("say which letters are meant with {}, or discard all of them with all=true", FILTERS.join(", "));
        return Err(Error::invalid(message).at("query").into());
    }
    call.allow(Scope::WritePipelines)?;
    let (app, tenant) = (&call.app, call.caller.tenant);
    let now = app.clock.now();
    filter.to = Some(filter.to.map_or(now, |to| to.min(now)));
    let (mut after, mut discarded) = (0, 0);
    loop {
        let (store, filter) = (app.store.clone(), filter.clone());
        let found = blocking(move || store.letter_summaries(tenant, &filter, after, MAX_PAGE)).await?;
        let Some(last) = found.last() else { break };
        after = last.number;
        let numbers = found.iter().map(|letter| letter.number).collect();
        discarded += app.store.discard_letters(tenant, numbers).await?;
    }
    Ok(json(&value!({"discarded": discarded})))
}

async fn path_number(call: &mut Call) -> Result<u64, Failure> {
    let name = call.name().await?;
    let number = name.parse().map_err(|_| Error::invalid(format!("{name:?} is no number of a dead letter")).at("path"));
    Ok(number?)
}

fn number(query: &HashMap<String, String>, name: &str) -> Result<Option<u64>, Failure> {
    let wrong = |text: &String| Error::invalid(format!("{text:?} is no whole number")).at(format!("query:{name}"));
    Ok(query.get(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()?)
}

fn filter(query: &HashMap<String, String>) -> Result<LetterFilter, Failure> {
    let moment = |name: &str| {
        let wrong = |text: &String| {
            Error::invalid(format!("{text:?} is no time such as 2026-01-02T03:04:05Z")).at(format!("query:{name}"))
        };
        query.get(name).map(|text| Timestamp::parse_rfc3339(text).ok_or_else(|| wrong(text))).transpose()
    };
    let text = |name: &str| query.get(name).cloned();
    Ok(LetterFilter {
        pipeline: text("pipeline"),
        code: text("code"),
        plugin_digest: text("plugin").map(|digest| digest.to_ascii_lowercase()),
        from: moment("from")?,
        to: moment("to")?,
    })
}

fn summary(letter: &LetterSummary) -> Value {
    value!({
        "number": letter.number, "at": letter.at.rfc3339(), "pipeline": letter.pipeline, "node": letter.node,
        "code": letter.code, "reason": letter.reason, "plugin_digest": letter.plugin_digest, "attempt": letter.attempt,
        "records": letter.records,
    })
}

fn whole(number: u64, letter: &DeadLetter) -> Value {
    let records: Vec<Value> =
        letter.records.records().map(|record| value!({"timestamp": record.time().rfc3339(), "fields": record})).collect();
    value!({
        "number": number, "at": letter.at.rfc3339(), "pipeline": letter.pipeline, "node": letter.node, "code": letter.code,
        "reason": letter.reason, "backtrace": letter.backtrace, "plugin_digest": letter.plugin_digest,
        "attempt": letter.attempt, "records": records,
    })
}
