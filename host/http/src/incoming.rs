//! One request in the hands of a dialect: the parts that every dialect reads in the same way.

use crate::{RequestContext, body};
use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, Uri, header};
use bytes::Bytes;
use headworks_core::{Error, Result};
use std::collections::HashMap;
use std::convert::Infallible;

/// A request whose path matched, with its body unread.
pub struct Incoming {
    /// What is known of it before any dialect looks at it.
    pub context: RequestContext,
    parts: Parts,
    body: Body,
}

impl<S: Sync> FromRequest<S> for Incoming {
    type Rejection = Infallible;

    async fn from_request(request: Request, state: &S) -> Result<Self, Infallible> {
        let (mut parts, body) = request.into_parts();
        let context = RequestContext::from_request_parts(&mut parts, state).await?;
        Ok(Self { context, parts, body })
    }
}

impl Incoming {
    /// Its method.
    pub fn method(&self) -> &Method {
        &self.parts.method
    }

    /// Its headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Its address, as it is left below where its dialect is mounted.
    pub fn uri(&self) -> &Uri {
        &self.parts.uri
    }

    /// The host name that the request was sent to, with its port if it has one.
    pub fn host(&self) -> Option<&str> {
        let header = self.parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        header.or_else(|| self.parts.uri.authority().map(Authority::as_str))
    }

    /// All names in the path in order, percent-decoded.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) at `path` for what is no UTF-8.
    pub async fn names(&mut self) -> Result<Vec<String>> {
        let names = RawPathParams::from_request_parts(&mut self.parts, &()).await;
        let names = names.map_err(|_| Error::invalid("a name is not UTF-8 after percent-decoding").at("path"))?;
        Ok(names.iter().map(|(_, name)| name.to_owned()).collect())
    }

    /// The query parameters; of a repeated one the first.
    ///
    /// # Errors
    /// [`Invalid`](headworks_core::ErrorCode::Invalid) at `query`.
    pub fn query(&self) -> Result<HashMap<String, String>> {
        Ok(self.pairs()?.into_iter().rev().collect())
    }

    /// All values of a query parameter, in order.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn values(&self, name: &str) -> Result<Vec<String>> {
        let pairs = self.pairs()?.into_iter();
        Ok(pairs.filter_map(|(found, value)| (found == name).then_some(value)).collect())
    }

    fn pairs(&self) -> Result<Vec<(String, String)>> {
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&self.parts.uri);
        let Query(pairs) = pairs.map_err(|error| Error::invalid(error.to_string()).at("query"))?;
        Ok(pairs)
    }

    /// The body, for those who do not read it as a whole.
    pub fn take_body(&mut self) -> Body {
        std::mem::take(&mut self.body)
    }

    /// The whole body, within the limits of this server.
    ///
    /// # Errors
    /// Those of [`read`](crate::read).
    pub async fn body(&mut self) -> Result<Bytes> {
        let unread = self.take_body();
        body::read(&self.context, unread).await
    }
}
