//! The four ways in (FlowG 6). Each reads its form, runs the records through the pipeline and answers when they are durable.

use crate::account::{done, quiet};
use crate::call::Call;
use crate::failure::{Failure, json};
use axum::body::Body;
use axum::http::Response;
use headworks_core::Batch;
use headworks_http::{decompress, encoding, media_type};
use headworks_identity::Scope;
use headworks_pipelines::decode;

type Answer = Result<Response<Body>, Failure>;

/// The entry point of records that come through the API (FlowG 7.1).
pub(crate) const ENTRY: &str = "direct";

pub(crate) async fn single(call: Call) -> Response<Body> {
    quiet(try_single(call).await)
}

async fn try_single(mut call: Call) -> Answer {
    let pipeline = call.name().await?;
    let body = call.json_body().await?;
    check_quota(&call)?;
    let batch = decode::single_record(&body, call.app.clock.now())?;
    run(call, &pipeline, batch).await?;
    Ok(done())
}

pub(crate) async fn structured(call: Call) -> Response<Body> {
    quiet(try_structured(call).await)
}

async fn try_structured(mut call: Call) -> Answer {
    let pipeline = call.name().await?;
    let body = call.json_body().await?;
    check_quota(&call)?;
    let batch = decode::struct_records(&body, call.app.clock.now())?;
    Ok(processed(run(call, &pipeline, batch).await?))
}

pub(crate) async fn text(call: Call) -> Response<Body> {
    quiet(try_text(call).await)
}

async fn try_text(mut call: Call) -> Answer {
    let pipeline = call.name().await?;
    if let Some(other) = media_type(call.headers())
        && !other.eq_ignore_ascii_case("text/plain")
    {
        let text = format!("request with text/plain content type expected, received: {other}");
        return Err(Failure::invalid(text));
    }
    let body = call.body().await?;
    check_quota(&call)?;
    if let Err(error) = std::str::from_utf8(&body) {
        return Err(Failure::invalid(format!("the text is not UTF-8: {error}")));
    }
    let batch = decode::text(&body, call.app.clock.now())?;
    Ok(processed(run(call, &pipeline, batch).await?))
}

pub(crate) async fn otlp(call: Call) -> Response<Body> {
    quiet(try_otlp(call).await)
}

async fn try_otlp(mut call: Call) -> Answer {
    let pipeline = call.name().await?;
    let json = match media_type(call.headers()) {
        None => true,
        Some(kind) if kind.eq_ignore_ascii_case("application/json") => true,
        Some(kind) if kind.eq_ignore_ascii_case("application/x-protobuf") => false,
        Some(other) => {
            let expected = "application/x-protobuf or application/json";
            return Err(Failure::invalid(format!("request with {expected} content type expected, received: {other}")));
        }
    };
    let encoding = encoding(call.headers())?;
    let body = call.body().await?;
    check_quota(&call)?;
    let body = decompress(&call.context, encoding, body).await?;
    let now = call.app.clock.now();
    let batch = if json { decode::otlp_json(&body, now) } else { decode::otlp_protobuf(&body, now) }?;
    Ok(processed(run(call, &pipeline, batch).await?))
}

/// Refuses what would be refused after all the work of reading it.
fn check_quota(call: &Call) -> Result<(), Failure> {
    if call.caller.scopes.allows(Scope::SendLogs) {
        call.app.pipelines.check_quota(call.caller.tenant)?;
    }
    Ok(())
}

/// Runs records and tells how many.
async fn run(call: Call, pipeline: &str, batch: Batch) -> Result<usize, Failure> {
    call.allow(Scope::SendLogs)?;
    Ok(call.app.pipelines.ingest(call.caller.tenant, pipeline, ENTRY, batch).await?)
}

fn processed(count: usize) -> Response<Body> {
    json(&serde_json::json!({"success": true, "processed_count": count}))
}
