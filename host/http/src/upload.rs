//! Files that are uploaded as a part of `multipart/form-data`: handed on piece by piece, never held.

use crate::RequestContext;
use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use headworks_core::{Error, ErrorCode, Result};
use multer::{Constraints, Field, Multipart, SizeLimit};

/// The most bytes of a part that is not the file.
const OTHER_PARTS: u64 = 1 << 20;
/// The most parts of a body.
const PARTS: usize = 1000;
/// Bytes that an upload may hold on its way.
const HELD: usize = 1 << 20;

/// A body of several parts of which one is a file.
pub struct Upload {
    parts: Multipart<'static>,
    taken: usize,
}

/// One part of a body, with its content unread. Unread content is passed over when the next part is asked for.
pub struct Part(Field<'static>);

impl Part {
    /// What it is called; empty where it is not.
    pub fn name(&self) -> &str {
        self.0.name().unwrap_or_default()
    }

    /// The next piece of its content; nothing at its end.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a malformed body, [`ErrorCode::TooLarge`] above the limit.
    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        self.0.chunk().await.map_err(explain)
    }

    /// Its whole content, which has to be text of at most `most` bytes.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for what is none or longer; those of [`piece`](Self::piece).
    pub async fn text(mut self, most: usize) -> Result<String> {
        let mut text = Vec::new();
        while let Some(piece) = self.piece().await? {
            if text.len() + piece.len() > most {
                return Err(Error::invalid(format!("the part {:?} has more than {most} bytes", self.name())));
            }
            text.extend_from_slice(&piece);
        }
        String::from_utf8(text).map_err(|_| Error::invalid(format!("the part {:?} is no text of UTF-8", self.name())))
    }

    /// Passes over its content.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] where it is long; those of [`piece`](Self::piece).
    pub async fn pass_over(mut self) -> Result<()> {
        let mut passed = 0;
        while let Some(piece) = self.piece().await? {
            passed += piece.len() as u64;
            if passed > OTHER_PARTS {
                return Err(Error::invalid(format!("a part besides the file has more than {OTHER_PARTS} bytes")));
            }
        }
        Ok(())
    }
}

impl Upload {
    /// Looks at what a request says of its body, and takes none of it yet.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for anything but `multipart/form-data` with its boundary; [`ErrorCode::Exhausted`] when too much
    /// is on its way already.
    pub fn open(context: &RequestContext, headers: &HeaderMap, body: Body) -> Result<Self> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let boundary = multer::parse_boundary(kind).map_err(|_| {
            Error::invalid(format!("request with multipart/form-data content type and a boundary expected, received: {kind}"))
        })?;
        context.hold(HELD)?;
        context.pass_on();
        let most = context.limits().upload_bytes;
        let limits = SizeLimit::new().whole_stream(most).per_field(most);
        let parts = Multipart::with_constraints(body.into_data_stream(), boundary, Constraints::new().size_limit(limits));
        Ok(Self { parts, taken: 0 })
    }

    /// The next part, of whatever name; nothing at the end of the body. Whoever wants to be sure that an upload is whole asks
    /// until there is nothing.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a malformed body, one that breaks off and one with too many parts;
    /// [`ErrorCode::TooLarge`] above the limit.
    pub async fn part(&mut self) -> Result<Option<Part>> {
        self.taken += 1;
        if self.taken > PARTS {
            return Err(Error::invalid(format!("an upload has at most {PARTS} parts")));
        }
        Ok(self.parts.next_field().await.map_err(explain)?.map(Part))
    }

    /// Hands on the content of the first file part of this name; answers whether there is one. What else is in the body is
    /// passed over.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] for a malformed body, [`ErrorCode::TooLarge`] above the limit; those of `take`.
    pub async fn file<F>(&mut self, name: &str, mut take: impl FnMut(Bytes) -> F) -> Result<bool>
    where
        F: Future<Output = Result<()>>,
    {
        let mut found = false;
        // What comes after it is taken too, so that an upload that breaks off there is not taken for a whole one.
        while let Some(mut part) = self.part().await? {
            if found || part.name() != name || part.0.file_name().is_none() {
                part.pass_over().await?;
                continue;
            }
            found = true;
            while let Some(piece) = part.piece().await? {
                take(piece).await?;
            }
        }
        Ok(found)
    }
}

fn explain(error: multer::Error) -> Error {
    let text = format!("the multipart body cannot be read: {error}");
    match error {
        multer::Error::StreamReadFailed(cause) => {
            let cause = cause.downcast::<axum::Error>().map(|cause| cause.into_inner()).unwrap_or_else(|cause| cause);
            cause.downcast::<Error>().map_or_else(|_| Error::invalid(text), |error| *error)
        }
        multer::Error::FieldSizeExceeded { limit, .. } | multer::Error::StreamSizeExceeded { limit } => {
            Error::new(ErrorCode::TooLarge, format!("an upload may have at most {limit} bytes (http.upload_bytes)"))
        }
        _ => Error::invalid(text),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::HttpLimits;
    use axum::extract::FromRequestParts;
    use axum::http::Request;

    async fn upload(kind: &str, body: &str, limits: HttpLimits) -> Result<Option<String>> {
        let (mut parts, ()) = Request::builder().header("content-type", kind).body(()).unwrap().into_parts();
        let plain = RequestContext::from_request_parts(&mut parts, &()).await.unwrap();
        let context = plain.with_limits(limits);
        let mut taken = Vec::new();
        let mut upload = Upload::open(&context, &parts.headers, Body::from(body.to_owned()))?;
        let found = upload
            .file("backup", |piece| {
                taken.extend_from_slice(&piece);
                std::future::ready(Ok(()))
            })
            .await?;
        Ok(found.then(|| String::from_utf8(taken).unwrap()))
    }

    fn part(head: &str, content: &str) -> String {
        format!("--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{content}\r\n")
    }

    const KIND: &str = "multipart/form-data; boundary=b";

    #[tokio::test]
    async fn the_named_file_is_handed_on() {
        let file = part("name=\"backup\"; filename=\"x\"", "content\r\n--a-\r\n");
        let other = part("name=\"note\"", "hello");
        let read = async |body: String| upload(KIND, &body, HttpLimits::default()).await;
        assert_eq!(read(format!("{other}{file}--b--\r\n")).await.unwrap().unwrap(), "content\r\n--a-\r\n");
        assert_eq!(read(format!("{file}{other}--b--")).await.unwrap().unwrap(), "content\r\n--a-\r\n");
        assert_eq!(read(format!("{other}--b--")).await.unwrap(), None);
        let field = part("name=\"backup\"", "content");
        assert_eq!(read(format!("{field}--b--")).await.unwrap(), None, "a part without filename is no file");
        assert_eq!(read(format!("{file}{other}")).await.unwrap_err().code, ErrorCode::Invalid, "it has no end");
        assert_eq!(read(String::new()).await.unwrap_err().code, ErrorCode::Invalid);
        let large = part("name=\"note\"", &"x".repeat(OTHER_PARTS as usize + 1));
        assert_eq!(read(format!("{large}{file}--b--")).await.unwrap_err().code, ErrorCode::Invalid);
    }

    #[tokio::test]
    async fn parts_are_read_one_after_the_other() {
        let (mut parts, ()) = Request::builder().header("content-type", KIND).body(()).unwrap().into_parts();
        let context = RequestContext::from_request_parts(&mut parts, &()).await.unwrap();
        let open = |body: String| Upload::open(&context, &parts.headers, Body::from(body)).unwrap();
        let body = [part("name=\"a\"", "one"), part("name=\"b\"; filename=\"x\"", "two"), part("name=\"c\"", "three")].concat();
        let mut upload = open(format!("{body}--b--"));
        assert_eq!(upload.part().await.unwrap().unwrap().text(3).await.unwrap(), "one");
        let mut file = upload.part().await.unwrap().unwrap();
        assert_eq!(file.name(), "b");
        assert_eq!(file.piece().await.unwrap().unwrap().as_ref(), b"two");
        drop(file);
        let long = upload.part().await.unwrap().unwrap();
        assert_eq!(long.text(4).await.unwrap_err().code, ErrorCode::Invalid);
        assert!(upload.part().await.unwrap().is_none());
        let mut many = open(format!("{}--b--", part("name=\"a\"", "").repeat(PARTS + 1)));
        for _ in 0..PARTS {
            many.part().await.unwrap().unwrap().pass_over().await.unwrap();
        }
        assert_eq!(many.part().await.err().unwrap().code, ErrorCode::Invalid);
    }

    #[tokio::test]
    async fn other_bodies_and_larger_ones_are_refused() {
        for kind in ["application/json", "multipart/form-data", ""] {
            assert_eq!(upload(kind, "", HttpLimits::default()).await.unwrap_err().code, ErrorCode::Invalid, "{kind}");
        }
        let body = format!("{}--b--", part("name=\"backup\"; filename=\"x\"", &"x".repeat(1000)));
        let limits = HttpLimits { upload_bytes: 1000, ..HttpLimits::default() };
        let error = upload(KIND, &body, limits).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::TooLarge, "{error}");
    }
}
