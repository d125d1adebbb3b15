//! One request on its way through the checks. Taking a [`Call`] authenticates; its methods read the rest.

use crate::failure::Failure;
use crate::{App, chain};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use headworks_core::{Error, ErrorClass, TenantId};
use headworks_http::Incoming;
use headworks_identity::{Action, Caller, Realm, Resource, subject};
use serde::de::DeserializeOwned;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A request of somebody.
pub(crate) struct Call {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    incoming: Incoming,
}

impl Deref for Call {
    type Target = Incoming;

    fn deref(&self) -> &Incoming {
        &self.incoming
    }
}

impl DerefMut for Call {
    fn deref_mut(&mut self) -> &mut Incoming {
        &mut self.incoming
    }
}

impl FromRequest<App> for Call {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &App) -> Result<Self, Failure> {
        crate::media::acceptable(request.uri().path(), request.headers())?;
        let Ok(incoming) = Incoming::from_request(request, app).await;
        let caller = authenticate(app, &incoming)?;
        if !caller.anonymous {
            incoming.context.hold_with_connection(|| app.identity.tenants().meter(caller.tenant).connection())?;
        }
        Ok(Self { app: Arc::clone(app), caller, incoming })
    }
}

/// Finds out who calls (NiFi Registry 19.1 and 20).
fn authenticate(app: &App, incoming: &Incoming) -> Result<Caller, Failure> {
    if !app.options.security.asks(incoming.context.tls()) {
        return Ok(Caller::open(TenantId::DEFAULT));
    }
    if let Some(name) = incoming.context.certificate().and_then(subject) {
        let name = app.options.identities.apply(&name);
        let tenant = app.identity.admitted(realm(incoming))?;
        return match chain::of(incoming.headers())? {
            Some(chain) => Ok(chain::caller(tenant, chain, name, &app.options.identities)),
            None => Ok(Caller::proven(tenant, name)),
        };
    }
    if let Some(token) = bearer(incoming) {
        let proven = app.identity.recognise(token).map_err(|error| match error.class() {
            ErrorClass::Unauthenticated => Failure::bad_token(),
            _ => error.into(),
        })?;
        return Ok(Caller::proven(proven.tenant, proven.identity));
    }
    Ok(Caller::anonymous(app.identity.admitted(realm(incoming))?))
}

/// The tenant that a request means which does not say whose it is.
pub(crate) fn realm(incoming: &Incoming) -> Realm<'_> {
    let header = incoming.headers().get("x-headworks-tenant").and_then(|name| name.to_str().ok());
    Realm::Asked { header, host: incoming.host() }
}

fn bearer(incoming: &Incoming) -> Option<&str> {
    let header = incoming.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Call {
    /// Refuses callers without this right.
    pub(crate) fn allow(&self, action: Action, resource: &Resource) -> Result<(), Failure> {
        Ok(self.app.identity.permit(&self.caller, action, resource)?)
    }

    /// Whether the caller has this right.
    pub(crate) fn may(&self, action: Action, resource: &Resource) -> bool {
        self.allow(action, resource).is_ok()
    }

    /// The names in the path, percent-decoded; as many as the route has.
    pub(crate) async fn path<const N: usize>(&mut self) -> Result<[String; N], Failure> {
        let names = self.incoming.names().await?;
        names.try_into().map_err(|_| Error::internal("the route has other names").into())
    }

    /// A query parameter.
    pub(crate) fn parameter(&self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.query()?.remove(name))
    }

    /// All values of a query parameter that may be repeated.
    pub(crate) fn parameters(&self, name: &str) -> Result<Vec<String>, Failure> {
        Ok(self.values(name)?)
    }

    /// The body as JSON, as its content type has to say (NiFi Registry 2.2). It has to be there; `what` is how messages call it.
    pub(crate) async fn needed<T: DeserializeOwned>(&mut self, what: &str) -> Result<T, Failure> {
        self.is_json()?;
        let body = self.body().await?;
        let missing = || Failure::invalid(format!("{what} cannot be null"));
        if body.iter().all(u8::is_ascii_whitespace) {
            return Err(missing());
        }
        let read: Option<T> = serde_json::from_slice(&body).map_err(|error| Failure::invalid(error.to_string()))?;
        read.ok_or_else(missing)
    }

    /// Refuses bodies that say they are no JSON. What says nothing is taken for JSON.
    pub(crate) fn is_json(&self) -> Result<(), Failure> {
        let kind = self.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap_or_default());
        let essence = |kind: &str| kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.map(essence).as_deref() {
            None | Some("application/json" | "*/*") => Ok(()),
            Some(other) => {
                let text = format!("the body has to be application/json and is {other}");
                Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, text))
            }
        }
    }
}
