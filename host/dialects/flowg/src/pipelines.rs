//! Pipelines: graphs by name, dry runs, counters.

use crate::account::done;
use crate::call::{Call, WireRecord, batch};
use crate::failure::{Failure, json};
use crate::shape::{GRAPH, Member, RECORD, Required, Shape};
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use headworks_core::{DocumentKey, Error};
use headworks_http::blocking;
use headworks_identity::Scope;
use headworks_pipelines::{Counter, Graph, NodeTrace, PIPELINE};
use headworks_store::Change;
use serde::{Deserialize, Serialize};
use std::fmt::Write;

type Answer = Result<Response<Body>, Failure>;

pub(crate) async fn list(call: Call) -> Answer {
    call.allow(Scope::ReadPipelines)?;
    let (store, tenant) = (call.app.store.clone(), call.caller.tenant);
    let names = blocking(move || store.list_names(tenant, PIPELINE, "")).await?;
    Ok(json(&serde_json::json!({"success": true, "pipelines": names})))
}

pub(crate) async fn get(mut call: Call) -> Answer {
    let key = DocumentKey::new(call.caller.tenant, PIPELINE, &call.name().await?);
    call.allow(Scope::ReadPipelines)?;
    let document = call.app.store.get(&key)?.ok_or_else(Failure::not_found)?;
    let flow = Graph::from_stored(&document.body)?;
    Ok(json(&serde_json::json!({"success": true, "flow": flow})))
}

/// The graph is checked against its form only: what it names need not exist yet.
pub(crate) async fn save(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        flow: Graph,
    }
    const SHAPE: Shape = Shape::Object(&[Member("flow", GRAPH, Required)]);
    let key = DocumentKey::new(call.caller.tenant, PIPELINE, &call.name().await?);
    let Body { flow } = call.json(&SHAPE).await?;
    call.allow(Scope::WritePipelines)?;
    let body = serde_json::to_vec(&flow).map_err(|error| Error::internal(error.to_string()))?;
    call.app.store.write(&call.caller.user, vec![Change::put(key, body)]).await?;
    Ok(done())
}

pub(crate) async fn delete(mut call: Call) -> Answer {
    let key = DocumentKey::new(call.caller.tenant, PIPELINE, &call.name().await?);
    call.allow(Scope::WritePipelines)?;
    call.app.store.write(&call.caller.user, vec![Change::delete(key)]).await?;
    Ok(done())
}

pub(crate) async fn test(mut call: Call) -> Answer {
    #[derive(Deserialize)]
    struct Body {
        flow: Graph,
        records: Option<Vec<WireRecord>>,
    }
    #[derive(Serialize)]
    struct Tested {
        success: bool,
        trace: Vec<NodeTrace>,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    }
    const RECORDS: Shape = Shape::Nullable(&Shape::List(&RECORD));
    const SHAPE: Shape = Shape::Object(&[Member("flow", GRAPH, Required), Member("records", RECORDS, Required)]);
    let name = call.name().await?;
    let Body { flow, records } = call.json(&SHAPE).await?;
    call.allow(Scope::SendLogs)?;
    let records = batch(&records.unwrap_or_default(), call.app.clock.now())?;
    let run = call.app.pipelines.dry_run(call.caller.tenant, &name, &flow, &records).await;
    Ok(json(&Tested { success: true, trace: run.trace, error: run.error }))
}

/// Counters in the Prometheus text format.
pub(crate) async fn metrics(mut call: Call) -> Answer {
    let name = call.name().await?;
    call.allow(Scope::ReadPipelines)?;
    let counters = call.app.pipelines.counters(call.caller.tenant, &name).await?;
    let mut response = Response::new(Body::from(exposition(&counters)));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

fn exposition(counters: &[Counter]) -> String {
    let mut text = String::new();
    let mut counters: Vec<&Counter> = counters.iter().collect();
    counters.sort_by(|one, other| one.name.cmp(&other.name));
    for Counter { name, help, value } in counters {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // A name that users of Prometheus could not write bare is quoted as its newer text format has it.
        let (name, sample) = if is_plain(name) {
            (name.clone(), name.clone())
        } else {
            let quoted = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"));
            (quoted.clone(), format!("{{{quoted}}}"))
        };
        // Writing to a text cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} counter\n{sample} {value}");
    }
    text
}

fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
        && name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_prometheus_text() {
        let counter = |name: &str, value| Counter { name: name.to_owned(), help: "two\nlines".to_owned(), value };
        assert_eq!(
            exposition(&[counter("pipeline_logs_total", 12), counter("node_bad \"name\"", 3)]),
            "# HELP \"node_bad \\\"name\\\"\" two\\nlines\n# TYPE \"node_bad \\\"name\\\"\" counter\n{\"node_bad \\\"name\\\"\"} 3\n\
             # HELP pipeline_logs_total two\\nlines\n# TYPE pipeline_logs_total counter\npipeline_logs_total 12\n"
        );
    }
}
