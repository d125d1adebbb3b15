//! Queries (FlowG 10.2): parameters, and an answer that is written while it is read from the store.

use crate::call::Call;
use crate::failure::Failure;
use crate::record;
use axum::body::Body;
use axum::http::{HeaderValue, Response, header};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use headworks_core::{Batch, Error, Result, Timestamp};
use headworks_identity::Scope;
use headworks_pipelines::condition::Condition;
use headworks_store::ScanRange;
use std::collections::{BTreeMap, HashMap};

const HEAD: &[u8] = br#"{"success":true,"records":["#;
const TAIL: &[u8] = b"]}\n";
/// Bytes that are written before the status is: an answer that fits is known to be complete when its status is sent.
const AHEAD: usize = 1 << 20;

/// `query_stream`. A failure in the first [`AHEAD`] bytes still becomes a status; a later one breaks the connection off,
/// because the document must not look complete.
pub(crate) async fn query(mut call: Call) -> Result<Response<Body>, Failure> {
    let name = call.name().await?;
    let parameters = call.query()?;
    let (from, to) = range(&parameters)?;
    let indexing = indexing(&parameters)?;
    let filter = filter(&parameters)?;
    call.allow(Scope::ReadStreams)?;
    let range = ScanRange { from, to, indexing };
    let place = call.app.identity.tenants().meter(call.caller.tenant).query()?;
    let found = call.app.pipelines.query(call.caller.tenant, &name, range, filter).await?;
    let chunks = stream::unfold((found, place), |(mut found, place)| async move {
        let chunk = found.next().await?;
        Some((chunk, (found, place)))
    });
    let mut response = Response::new(answer(Box::pin(chunks)).await?);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// The document of all records in these chunks.
async fn answer(chunks: impl Stream<Item = Result<Batch>> + Send + Unpin + 'static) -> Result<Body> {
    let mut document = Document { chunks, bytes: HEAD.to_vec(), any: false, ended: false };
    while document.bytes.len() < AHEAD {
        if document.step().await? {
            return Ok(Body::from(document.bytes));
        }
    }
    Ok(Body::from_stream(stream::try_unfold(document, |mut document| async move {
        if document.bytes.is_empty() {
            if document.ended {
                return Ok::<_, Error>(None);
            }
            document.step().await.inspect_err(|error| tracing::warn!(%error, "the answer to a query was broken off"))?;
        }
        Ok(Some((Bytes::from(std::mem::take(&mut document.bytes)), document)))
    })))
}

/// An answer being written.
struct Document<S> {
    chunks: S,
    bytes: Vec<u8>,
    /// Whether a record was written.
    any: bool,
    ended: bool,
}

impl<S: Stream<Item = Result<Batch>> + Unpin> Document<S> {
    /// Writes the next chunk, or the end; tells whether it was the end.
    async fn step(&mut self) -> Result<bool> {
        let Some(chunk) = self.chunks.next().await.transpose()? else {
            self.bytes.extend_from_slice(TAIL);
            self.ended = true;
            return Ok(true);
        };
        for record in chunk.records() {
            if std::mem::replace(&mut self.any, true) {
                self.bytes.push(b',');
            }
            record::write(record, &mut self.bytes);
        }
        Ok(false)
    }
}

type Parameters = HashMap<String, String>;

fn range(parameters: &Parameters) -> Result<(Timestamp, Timestamp), Failure> {
    match (moment(parameters, "from"), moment(parameters, "to")) {
        (Ok(from), Ok(to)) => Ok((from, to)),
        (Err(from), Err(to)) => Err(from.and(to)),
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}

fn moment(parameters: &Parameters, name: &str) -> Result<Timestamp, Failure> {
    let place = format!("query:{name}");
    let Some(text) = parameters.get(name) else {
        return Err(Failure::validation(&place, vec!["missing value".to_owned()]));
    };
    let message = || format!("{text:?} is no date-time of RFC 3339, such as 2026-01-02T03:04:05.678Z");
    date_time(text).ok_or_else(|| Failure::malformed(&place, &message()))
}

/// Any moment of RFC 3339; what is before or after all records becomes the earliest or latest moment.
fn date_time(text: &str) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(text).or_else(|| {
        let (year, rest) = text.split_at_checked(4)?;
        let year: u32 = year.parse().ok()?;
        Timestamp::parse_rfc3339(&format!("2000{rest}"))?;
        Some(if year < 2000 { Timestamp::MIN } else { Timestamp::MAX })
    })
}

/// Fields and accepted values (FlowG 10.3).
pub(crate) fn indexing(parameters: &Parameters) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let Some(text) = parameters.get("indexing").filter(|text| !text.trim().is_empty()) else { return Ok(Vec::new()) };
    let fields: BTreeMap<String, Vec<String>> =
        serde_json::from_str(text).map_err(|error| Failure::malformed("query:indexing", &error.to_string()))?;
    Ok(fields.into_iter().collect())
}

/// The compiled filter; an empty one means everything.
pub(crate) fn filter(parameters: &Parameters) -> Result<Option<Condition>, Failure> {
    let text = parameters.get("filter").map(String::as_str).unwrap_or_default();
    Ok(Condition::compile_optional(text)?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use headworks_core::{BatchBuilder, Value};

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn moments() {
        assert_eq!(date_time("2026-01-02T05:03:05.5+02:00"), Some(Timestamp::from_millis(1_767_322_985_500)));
        assert_eq!(date_time("0001-01-01T00:00:00Z"), Some(Timestamp::MIN));
        assert_eq!(date_time("9999-12-31T23:59:59Z"), Some(Timestamp::MAX));
        for text in ["", "now", "9999-13-31T23:59:59Z", "2026-01-02", "1767322985", "é026-01-02T00:00:00Z"] {
            assert_eq!(date_time(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let missing = |place: &str| Failure::validation(place, vec!["missing value".into()]);
        assert_eq!(range(&parameters(&[])).unwrap_err(), missing("query:from").and(missing("query:to")));
        assert_eq!(range(&parameters(&[("from", "2026-01-01T00:00:00Z")])).unwrap_err(), missing("query:to"));
        let malformed = range(&parameters(&[("from", "x"), ("to", "2026-01-01T00:00:00Z")])).unwrap_err();
        assert_eq!(
            malformed,
            Failure::malformed("query:from", "\"x\" is no date-time of RFC 3339, such as 2026-01-02T03:04:05.678Z")
        );
        assert!(indexing(&parameters(&[("indexing", "{\"a\":\"b\"}")])).is_err());
        assert_eq!(indexing(&parameters(&[("indexing", "{\"a\":[\"b\"]}")])).unwrap(), [("a".into(), vec!["b".into()])]);
        assert!(filter(&parameters(&[("filter", " ")])).unwrap().is_none());
    }

    fn chunk(texts: &[&str]) -> Batch {
        let mut builder = BatchBuilder::default();
        for text in texts {
            builder.field("a", Value::Text(text));
            builder.end_record(Timestamp(0));
        }
        builder.finish().unwrap()
    }

    async fn written(chunks: Vec<Result<Batch>>) -> Result<serde_json::Value, String> {
        let body = answer(stream::iter(chunks)).await.map_err(|error| error.message)?;
        let bytes = axum::body::to_bytes(body, 1 << 24).await.map_err(|error| error.to_string())?;
        assert_eq!(bytes.last(), Some(&b'\n'));
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    #[tokio::test]
    async fn answers_are_one_document() {
        let record = |text: &str| serde_json::json!({"timestamp": "1970-01-01T00:00:00Z", "fields": {"a": text}});
        let document = |texts: &[&str]| serde_json::json!({"success": true, "records": texts.iter().map(|text| record(text)).collect::<Vec<_>>()});
        assert_eq!(written(vec![]).await.unwrap(), document(&[]));
        assert_eq!(written(vec![Ok(chunk(&[])), Ok(chunk(&["1"]))]).await.unwrap(), document(&["1"]));
        let chunks = vec![Ok(chunk(&["1", "2"])), Ok(chunk(&[])), Ok(chunk(&["3"]))];
        assert_eq!(written(chunks).await.unwrap(), document(&["1", "2", "3"]));
        let long = "x".repeat(AHEAD);
        let chunks = vec![Ok(chunk(&[&long])), Ok(chunk(&["2", "3"]))];
        assert_eq!(written(chunks).await.unwrap(), document(&[&long, "2", "3"]));
    }

    #[tokio::test]
    async fn failures_never_look_complete() {
        let late = || Err(Error::internal("late"));
        assert_eq!(written(vec![Ok(chunk(&["1"])), late()]).await.unwrap_err(), "late");
        let body = answer(stream::iter(vec![Ok(chunk(&[&"x".repeat(AHEAD)])), late()])).await.unwrap();
        axum::body::to_bytes(body, 1 << 24).await.unwrap_err();
    }
}
