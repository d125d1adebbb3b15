//! Following a stream by Server-Sent Events (FlowG 10.7).
//!
//! What must stay true: headers go out at once; a keep-alive is `:` and one line feed, because a client takes a block without
//! event and data for a failure; an event is one `data` line; the stream ends after an error, or when the server stops.

use crate::call::Call;
use crate::failure::Failure;
use crate::query::{filter, indexing};
use crate::record;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::stream;
use headworks_core::batch::Record;
use headworks_core::{Batch, TenantId, Value};
use headworks_http::Shutdown;
use headworks_identity::{Place, Scope};
use headworks_pipelines::condition::Condition;
use headworks_store::{RecordId, Store, WatchItem, Watcher};
use std::convert::Infallible;
use std::io::Write;
use std::time::Duration;

/// Clients count keep-alives towards the 64 KiB of a block, so they are rare (FlowG 10.7 wants 15 to 60 s).
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// Records that are filtered and written before other tasks get their turn.
const TURN: usize = 1000;

/// `watch_logs`.
pub(crate) async fn watch(mut call: Call) -> Result<Response<Body>, Failure> {
    let stream = call.name().await?;
    let parameters = call.query()?;
    let indexing = indexing(&parameters)?;
    let filter = filter(&parameters)?;
    call.allow(Scope::ReadStreams)?;
    let store = call.app.store.clone();
    let tenant = call.caller.tenant;
    let _place = call.app.identity.tenants().meter(tenant).live_tail()?;
    let watcher = store.watch(tenant, &stream);
    let shutdown = call.context.shutdown().clone();
    let events = Events { watcher, store, tenant, stream, indexing, filter, shutdown, left: None, _place };
    let body = stream::unfold(Some(events), |events| async move {
        let (bytes, more) = events?.next().await?;
        Some((Ok::<_, Infallible>(bytes), more))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::CONNECTION, "keep-alive"),
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (header::ACCESS_CONTROL_EXPOSE_HEADERS, "Content-Type"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// One watcher's events.
struct Events {
    watcher: Watcher,
    store: Store,
    tenant: TenantId,
    stream: String,
    indexing: Vec<(String, Vec<String>)>,
    filter: Option<Condition>,
    shutdown: Shutdown,
    /// Records that were taken from the watcher and not yet looked at.
    left: Option<(Vec<RecordId>, Batch)>,
    _place: Place,
}

impl Events {
    /// The next bytes, and what comes after them; `None` at the end.
    async fn next(mut self) -> Option<(Bytes, Option<Self>)> {
        loop {
            let (ids, batch) = match self.left.take() {
                Some(left) => left,
                None => {
                    let item = tokio::select! {
                        item = self.watcher.next() => item,
                        () = tokio::time::sleep(KEEP_ALIVE) => return Some((Bytes::from_static(b":\n"), Some(self))),
                        () = self.shutdown.cancelled() => return None,
                    };
                    match item {
                        WatchItem::Records { ids, batch } => (ids, batch),
                        WatchItem::Lost(count) => {
                            let text = format!("{count} records were not shown because this client is too slow");
                            return Some((event("exception", &text), Some(self)));
                        }
                    }
                }
            };
            let turn = batch.slice(0..TURN);
            let shown = self.matching(&turn);
            let mut bytes = Vec::new();
            for (index, record) in turn.records().enumerate() {
                match shown.get(index) {
                    Some(Verdict::Show) => log(&mut bytes, &self.stream, ids.get(index), record),
                    Some(Verdict::Hide) | None => {}
                    Some(Verdict::Fail(cause)) => {
                        bytes.extend_from_slice(&event("error", cause));
                        return Some((bytes.into(), None));
                    }
                }
            }
            if batch.len() > TURN {
                self.left = Some((ids.into_iter().skip(TURN).collect(), batch.slice(TURN..batch.len())));
            }
            if bytes.is_empty() {
                tokio::task::yield_now().await;
            } else {
                return Some((bytes.into(), Some(self)));
            }
        }
    }

    /// What happens to each record.
    fn matching(&self, batch: &Batch) -> Vec<Verdict> {
        let indexed = self.indexed(batch);
        let Some(filter) = &self.filter else {
            return indexed.into_iter().map(|shown| if shown { Verdict::Show } else { Verdict::Hide }).collect();
        };
        let verdicts = filter.evaluate(batch);
        let mut failures = verdicts.failures.into_iter().peekable();
        let decide = |(index, (holds, indexed)): (usize, (bool, bool))| {
            let failed = failures.next_if(|(at, _)| *at as usize == index);
            match failed {
                _ if !indexed => Verdict::Hide,
                Some((_, error)) => Verdict::Fail(error.message),
                None if holds => Verdict::Show,
                None => Verdict::Hide,
            }
        };
        verdicts.mask.into_iter().zip(indexed).enumerate().map(decide).collect()
    }

    /// Which records are among those that `indexing` asks for; a field without an index matches nothing (FlowG 10.3).
    fn indexed(&self, batch: &Batch) -> Vec<bool> {
        if self.indexing.is_empty() {
            return vec![true; batch.len()];
        }
        let config = self.store.stream_config(self.tenant, &self.stream).unwrap_or_default();
        let is_wanted = |record: Record<'_>| {
            self.indexing.iter().all(|(field, values)| {
                let value = record.get(field).map(Value::to_text);
                config.indexed_fields.contains(field) && value.is_some_and(|value| values.iter().any(|wanted| *wanted == value))
            })
        };
        batch.records().map(is_wanted).collect()
    }
}

enum Verdict {
    Show,
    Hide,
    Fail(String),
}

/// Appends the event of one record.
fn log(bytes: &mut Vec<u8>, stream: &str, id: Option<&RecordId>, record: Record<'_>) {
    if let Some(RecordId { ms, uuid }) = id {
        // Writing to memory does not fail.
        let _ = writeln!(bytes, "id: entry:{}:{ms:020}:{uuid}", one_line(stream));
    }
    bytes.extend_from_slice(b"event: log\ndata: ");
    record::write(record, bytes);
    bytes.extend_from_slice(b"\n\n");
}

/// An event that tells something about the stream.
fn event(name: &str, text: &str) -> Bytes {
    format!("event: {name}\ndata: {}\n\n", one_line(text)).into()
}

/// A text without line breaks, which would end a line of the event.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use headworks_core::{BatchBuilder, Timestamp};

    #[test]
    fn events_have_the_agreed_form() {
        let mut builder = BatchBuilder::default();
        builder.field("message", Value::Text("two\nlines, é"));
        builder.end_record(Timestamp::from_millis(1_767_322_985_500));
        let batch = builder.finish().unwrap();
        let id = RecordId { ms: 1_767_322_985_500, uuid: "0b1d1c5e-7f0e-4a63-9f0a-2b9a2a0d8a11".parse().unwrap() };
        let mut bytes = Vec::new();
        log(&mut bytes, "a\nb", Some(&id), batch.record(0).unwrap());
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "id: entry:a b:00000001767322985500:0b1d1c5e-7f0e-4a63-9f0a-2b9a2a0d8a11\nevent: log\n\
             data: {\"timestamp\":\"2026-01-02T03:03:05.5Z\",\"fields\":{\"message\":\"two\\nlines, é\"}}\n\n"
        );
        assert_eq!(event("error", "a\r\nb"), "event: error\ndata: a  b\n\n");
    }
}
