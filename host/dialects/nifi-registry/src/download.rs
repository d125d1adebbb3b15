//! Sending archives: whole, in part, or not again (NiFi Registry 12.2).
//!
//! What must stay true: no more than a piece of an archive is held; what is sent under one tag is always the same bytes.

use crate::failure::Failure;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures_util::stream;
use headworks_core::Error;
use headworks_store::ContentReader;
use std::io::{self, Read, Seek, SeekFrom};

/// Bytes that are sent at once.
const PIECE: u64 = 256 << 10;

/// An archive as an answer under a file name.
pub(crate) fn answer(headers: &HeaderMap, mut archive: ContentReader, file: &str) -> Result<Response<Body>, Failure> {
    let tag = format!("\"{}\"", archive.digest());
    let mut response = Response::new(Body::empty());
    let put = |response: &mut Response<Body>, name: HeaderName, value: &str| {
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
        response.headers_mut().insert(name, value);
        Ok::<(), Failure>(())
    };
    put(&mut response, header::ETAG, &tag)?;
    put(&mut response, header::ACCEPT_RANGES, "bytes")?;
    if text(headers, header::IF_NONE_MATCH).is_some_and(|known| is_among(&tag, known)) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    // Clients take what follows the last equals sign for the name.
    let file: String = file.chars().map(|letter| if letter.is_control() { '_' } else { letter }).collect();
    put(&mut response, header::CONTENT_DISPOSITION, &format!("attachment; filename = {file}"))?;
    put(&mut response, header::CONTENT_TYPE, "application/octet-stream")?;
    let len = archive.len();
    let same = text(headers, header::IF_RANGE).is_none_or(|known| known == tag);
    let (from, count) = match text(headers, header::RANGE).filter(|_| same).and_then(|asked| range(asked, len)) {
        None => (0, len),
        Some(Ok((from, count))) => {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            put(&mut response, header::CONTENT_RANGE, &format!("bytes {from}-{}/{len}", (from + count).saturating_sub(1)))?;
            (from, count)
        }
        Some(Err(Unsatisfiable)) => {
            let mut refused =
                Failure::new(StatusCode::RANGE_NOT_SATISFIABLE, format!("the archive has {len} bytes")).into_response();
            put(&mut refused, header::CONTENT_RANGE, &format!("bytes */{len}"))?;
            return Ok(refused);
        }
    };
    put(&mut response, header::CONTENT_LENGTH, &count.to_string())?;
    archive.seek(SeekFrom::Start(from)).map_err(Error::from)?;
    *response.body_mut() = body(archive, count);
    Ok(response)
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Whether a tag is in a list of those that a client has.
fn is_among(tag: &str, known: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

/// A range without any byte in the archive.
#[derive(Debug, PartialEq, Eq)]
struct Unsatisfiable;

/// The bytes that are asked for, where it is one range of bytes; anything else asks for the whole.
fn range(asked: &str, len: u64) -> Option<Result<(u64, u64), Unsatisfiable>> {
    let (first, last) = asked.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().unwrap_or(u64::MAX));
    let (from, until) = match (first.trim(), last.trim()) {
        ("", "") => return None,
        ("", count) => (len.saturating_sub(number(count)?), if number(count)? == 0 { 0 } else { len }),
        (first, "") => (number(first)?, len),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            (first, last.saturating_add(1).min(len))
        }
    };
    Some(if from < until { Ok((from, until - from)) } else { Err(Unsatisfiable) })
}

/// The next bytes of an archive, read off the async threads while they are taken.
fn body(archive: ContentReader, count: u64) -> Body {
    let pieces = stream::try_unfold((archive, count), |(archive, left)| async move {
        if left == 0 {
            return Ok::<_, io::Error>(None);
        }
        let reading = tokio::task::spawn_blocking(move || {
            let mut archive = archive;
            let mut piece = Vec::with_capacity(left.min(PIECE) as usize);
            archive.by_ref().take(left.min(PIECE)).read_to_end(&mut piece)?;
            Ok::<_, io::Error>((archive, piece))
        });
        let (archive, piece) = reading.await.map_err(io::Error::other)??;
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let left = left - piece.len() as u64;
        Ok(Some((Bytes::from(piece), (archive, left))))
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        let range = |asked| range(asked, 100);
        assert_eq!(range("bytes=0-0"), Some(Ok((0, 1))));
        assert_eq!(range("bytes=10-"), Some(Ok((10, 90))));
        assert_eq!(range("bytes=-10"), Some(Ok((90, 10))));
        assert_eq!(range("bytes=-1000"), Some(Ok((0, 100))));
        assert_eq!(range("bytes=90-1000"), Some(Ok((90, 10))));
        assert_eq!(range("bytes=99999999999999999999999-"), Some(Err(Unsatisfiable)));
        for unsatisfiable in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert_eq!(range(unsatisfiable), Some(Err(Unsatisfiable)), "{unsatisfiable}");
        }
        for whole in ["bytes=-", "bytes=5-4", "bytes=0-1,3-4", "bytes=a-b", "bytes=+1-2", "lines=0-1", "0-1"] {
            assert_eq!(range(whole), None, "{whole}");
        }
        assert_eq!(super::range("bytes=0-", 0), Some(Err(Unsatisfiable)));
    }

    #[test]
    fn a_tag_is_known_alone_among_others_or_weakly() {
        for known in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(is_among("\"a\"", known), "{known}");
        }
        assert!(!is_among("\"a\"", "\"b\"") && !is_among("\"a\"", "a"));
    }
}
