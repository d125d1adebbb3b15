//! One request on its way through the checks of FlowG 3.2. Taking a [`Call`] authenticates; its methods read the rest.

use crate::App;
use crate::failure::Failure;
use crate::shape::Shape;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use headworks_core::{Batch, BatchBuilder, Timestamp, Value as Cell};
use headworks_http::Incoming;
use headworks_identity::{Principal, Realm, Scope};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Names the tenant of a login.
const TENANT_HEADER: &str = "x-headworks-tenant";

/// A request of anybody.
pub(crate) struct Open {
    pub(crate) app: App,
    incoming: Incoming,
}

impl Deref for Open {
    type Target = Incoming;

    fn deref(&self) -> &Incoming {
        &self.incoming
    }
}

impl DerefMut for Open {
    fn deref_mut(&mut self) -> &mut Incoming {
        &mut self.incoming
    }
}

/// A request of a user.
pub(crate) struct Call {
    pub(crate) caller: Arc<Principal>,
    open: Open,
}

impl Deref for Call {
    type Target = Open;

    fn deref(&self) -> &Open {
        &self.open
    }
}

impl DerefMut for Call {
    fn deref_mut(&mut self) -> &mut Open {
        &mut self.open
    }
}

impl FromRequest<App> for Open {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        match Incoming::from_request(request, app).await {
            Ok(incoming) => Ok(Self { app: Arc::clone(app), incoming }),
            Err(never) => match never {},
        }
    }
}

impl FromRequest<App> for Call {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let caller = app.identity.authenticate(authorization)?;
        let open = Open::from_request(request, app).await?;
        open.context.hold_with_connection(|| app.identity.tenants().meter(caller.tenant).connection())?;
        Ok(Self { caller, open })
    }
}

impl Call {
    /// Refuses a caller without this scope.
    pub(crate) fn allow(&self, scope: Scope) -> Result<(), Failure> {
        if self.caller.scopes.allows(scope) { Ok(()) } else { Err(Failure::denied()) }
    }
}

impl Open {
    /// The tenant that a request without a token means.
    pub(crate) fn realm(&self) -> Realm<'_> {
        // What is no text names no tenant.
        let header = self.headers().get(TENANT_HEADER).map(|value| value.to_str().unwrap_or_default());
        Realm::Asked { header, host: self.incoming.host() }
    }

    /// The name in the path, percent-decoded.
    pub(crate) async fn name(&mut self) -> Result<String, Failure> {
        let first = self.names().await?.into_iter().next();
        first.ok_or_else(|| Failure::malformed("path", "a name is missing"))
    }

    /// All names in the path in order, percent-decoded.
    pub(crate) async fn names(&mut self) -> Result<Vec<String>, Failure> {
        self.incoming.names().await.map_err(|error| Failure::malformed("path", &error.message))
    }

    /// The query parameters; of a repeated one the first.
    pub(crate) fn query(&self) -> Result<HashMap<String, String>, Failure> {
        self.incoming.query().map_err(|error| Failure::malformed("query", &error.message))
    }

    /// The whole body of a request that sends JSON or does not say what it sends (FlowG 3.1).
    pub(crate) async fn json_body(&mut self) -> Result<Bytes, Failure> {
        if let Some(other) = headworks_http::media_type(self.headers())
            && !other.eq_ignore_ascii_case("application/json")
        {
            let text = format!("request with application/json content type expected, received: {other}");
            return Err(Failure::invalid(text));
        }
        let body = self.body().await?;
        if body.is_empty() { Err(Failure::invalid("missing request body")) } else { Ok(body) }
    }

    /// The body as JSON of this shape.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self, shape: &Shape) -> Result<T, Failure> {
        let failed = |error: serde_json::Error| Failure::invalid(format!("failed to decode json: {error}"));
        let mut value: Value = serde_json::from_slice(&self.json_body().await?).map_err(failed)?;
        shape.check(&mut value)?;
        serde_json::from_value(value).map_err(failed)
    }
}

/// A record as it comes in a body.
pub(crate) type WireRecord = Map<String, Value>;

/// A batch of records that passed their shape.
pub(crate) fn batch(records: &[WireRecord], received: Timestamp) -> Result<Batch, Failure> {
    let mut builder = BatchBuilder::default();
    for record in records {
        for (name, value) in record {
            builder.field(name, Cell::Text(value.as_str().unwrap_or_default()));
        }
        builder.end_record(received);
    }
    Ok(builder.finish()?)
}
