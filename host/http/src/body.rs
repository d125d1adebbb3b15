//! Request bodies: bounded in size, time and sum, whoever reads them.

use crate::RequestContext;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::{Bytes, BytesMut};
use headworks_core::{Error, ErrorCode, Result};
use http_body_util::BodyExt;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use std::io::Read;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};

/// Decompressing more than this happens off the async threads; in bytes of input.
const INLINE: usize = 64 << 10;

/// Of a body that nobody read to its end, this many bytes are still taken, so that a client that is sending them gets its
/// answer instead of a connection that is reset under it.
const LINGER_BYTES: u64 = 1 << 20;
/// And for this long.
const LINGER_TIME: Duration = Duration::from_secs(2);

/// A body as it comes from the connection, which fails as soon as it breaks a limit.
pub(crate) struct LimitedBody {
    /// There until this is dropped.
    inner: Option<Incoming>,
    context: RequestContext,
    read: u64,
    deadline: Instant,
    /// Made when the body is waited for: most bodies are there when they are asked for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl LimitedBody {
    pub(crate) fn new(inner: Incoming, context: RequestContext) -> Self {
        let deadline = Instant::now() + context.limits().body_timeout;
        Self { inner: Some(inner), context, read: 0, deadline, timer: None }
    }
}

impl HttpBody for LimitedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let Some(inner) = &mut this.inner else { return Poll::Ready(None) };
        match Pin::new(inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                let len = frame.data_ref().map_or(0, Bytes::len);
                this.read += len as u64;
                if this.context.is_passed_on() {
                    // The upload itself has a limit; what is left to watch is that it goes on.
                    this.deadline = Instant::now() + this.context.limits().body_timeout;
                    this.timer = None;
                    return Poll::Ready(Some(Ok(frame)));
                }
                if this.read > this.context.limits().body_bytes as u64 {
                    return Poll::Ready(Some(Err(too_large(&this.context))));
                }
                Poll::Ready(Some(this.context.hold(len).map(|()| frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                Poll::Ready(Some(Err(Error::invalid(format!("the request body ended early or is malformed: {error}")))))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let deadline = this.deadline;
                let timer = this.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                let limit = this.context.limits().body_timeout;
                Poll::Ready(Some(Err(Error::invalid(format!("the request body did not arrive within {limit:?}")))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), HttpBody::size_hint)
    }
}

impl Drop for LimitedBody {
    fn drop(&mut self) {
        let Some(rest) = self.inner.take().filter(|inner| !inner.is_end_stream()) else { return };
        if rest.size_hint().lower() <= LINGER_BYTES
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(tokio::time::timeout(LINGER_TIME, discard(rest)));
        }
    }
}

/// Takes what is left of a body and forgets it.
async fn discard(mut rest: Incoming) {
    let mut taken = 0;
    while let Some(Ok(frame)) = rest.frame().await {
        taken += frame.data_ref().map_or(0, Bytes::len) as u64;
        if taken > LINGER_BYTES {
            return;
        }
    }
}

fn too_large(context: &RequestContext) -> Error {
    let limit = context.limits().body_bytes;
    Error::new(ErrorCode::TooLarge, format!("a request body may have at most {limit} bytes; send it in parts"))
}

/// Reads a whole body.
///
/// # Errors
/// [`ErrorCode::TooLarge`] and [`ErrorCode::Exhausted`] name the limit; [`ErrorCode::Invalid`] when the client was too slow
/// or broke off.
pub async fn read(context: &RequestContext, mut body: Body) -> Result<Bytes> {
    let limit = context.limits().body_bytes;
    let announced = HttpBody::size_hint(&body).lower();
    if announced > limit as u64 {
        return Err(too_large(context));
    }
    let Some(first) = next(&mut body).await? else { return Ok(Bytes::new()) };
    if body.is_end_stream() || first.len() as u64 == announced {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity((announced as usize).clamp(first.len(), 1 << 20));
    whole.extend_from_slice(&first);
    while let Some(data) = next(&mut body).await? {
        if whole.len() + data.len() > limit {
            return Err(too_large(context));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}

/// The next piece of data; `None` at the end.
pub(crate) async fn next(body: &mut Body) -> Result<Option<Bytes>> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error.into_inner().downcast::<Error>() {
            Ok(error) => *error,
            Err(error) => Error::invalid(format!("the request body cannot be read: {error}")),
        })?;
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// How a body was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Not at all.
    Identity,
    /// RFC 1952.
    Gzip,
}

/// What `Content-Encoding` says.
///
/// # Errors
/// [`ErrorCode::Invalid`] for anything but gzip.
pub fn encoding(headers: &HeaderMap) -> Result<Encoding> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else { return Ok(Encoding::Identity) };
    match value.to_str().unwrap_or_default().trim() {
        "" => Ok(Encoding::Identity),
        name if name.eq_ignore_ascii_case("identity") => Ok(Encoding::Identity),
        name if name.eq_ignore_ascii_case("gzip") => Ok(Encoding::Gzip),
        name => Err(Error::invalid(format!("content encoding {name:?} is not supported; send gzip or none"))),
    }
}

/// `Content-Type` without its parameters; `None` where it is missing or empty.
pub fn media_type(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().unwrap_or("?");
    let kind = text.split(';').next().unwrap_or_default().trim();
    (!kind.is_empty()).then_some(kind)
}

/// Takes the compression off a body.
///
/// # Errors
/// [`ErrorCode::TooLarge`] when the result is over the limit, [`ErrorCode::Invalid`] when the body is damaged.
pub async fn decompress(context: &RequestContext, encoding: Encoding, body: Bytes) -> Result<Bytes> {
    if encoding == Encoding::Identity {
        return Ok(body);
    }
    let limit = context.limits().decompressed_bytes;
    let large = body.len() > INLINE;
    let work = move || gunzip(&body, limit);
    let plain = if large {
        tokio::task::spawn_blocking(work).await.map_err(|error| Error::internal(error.to_string()))?
    } else {
        work()
    }?;
    context.hold(plain.len())?;
    Ok(plain)
}

fn gunzip(body: &[u8], limit: usize) -> Result<Bytes> {
    let mut plain = Vec::with_capacity(body.len().saturating_mul(4).min(limit).min(1 << 20));
    let mut reader = flate2::read::MultiGzDecoder::new(body).take(limit as u64 + 1);
    reader.read_to_end(&mut plain).map_err(|error| Error::invalid(format!("the gzip body is damaged: {error}")))?;
    if plain.len() > limit {
        let text = format!("a request body may have at most {limit} bytes after decompression; send it in parts");
        return Err(Error::new(ErrorCode::TooLarge, text));
    }
    Ok(plain.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use std::io::Write;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn decompression_is_bounded() {
        let bomb = gzip(&vec![0; 1 << 20]);
        assert_eq!(gunzip(&bomb, 1 << 20).unwrap().len(), 1 << 20);
        assert_eq!(gunzip(&bomb, (1 << 20) - 1).unwrap_err().code, ErrorCode::TooLarge);
        assert_eq!(gunzip(&bomb[..bomb.len() - 9], 1 << 20).unwrap_err().code, ErrorCode::Invalid);
    }

    #[test]
    fn parameters_of_the_type_do_not_count() {
        let mut headers = HeaderMap::new();
        assert_eq!(media_type(&headers), None);
        headers.insert(header::CONTENT_TYPE, "text/plain; charset=utf-8".parse().unwrap());
        assert_eq!(media_type(&headers), Some("text/plain"));
    }

    #[test]
    fn only_gzip_is_taken() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_ENCODING, value.parse().unwrap());
            encoding(&headers)
        };
        assert_eq!(encoding(&HeaderMap::new()).unwrap(), Encoding::Identity);
        assert_eq!(with("GZIP").unwrap(), Encoding::Gzip);
        assert_eq!(with("br").unwrap_err().code, ErrorCode::Invalid);
    }
}
