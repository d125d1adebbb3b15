//! One request on its way through the checks. Taking a [`Call`] authenticates; its methods read the rest.

use crate::App;
use crate::failure::Failure;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use headworks_core::Error;
use headworks_http::Incoming;
use headworks_identity::{Action, Principal, Resource, Scope};
use headworks_registry::Bucket;
use serde::de::DeserializeOwned;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A request of a user.
pub(crate) struct Call {
    pub(crate) app: App,
    pub(crate) caller: Arc<Principal>,
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
        let authorization = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let caller = app.identity.authenticate(authorization)?;
        let Ok(incoming) = Incoming::from_request(request, app).await;
        incoming.context.hold_with_connection(|| app.identity.tenants().meter(caller.tenant).connection())?;
        Ok(Self { app: Arc::clone(app), caller, incoming })
    }
}

impl Call {
    /// Refuses a caller without this scope.
    pub(crate) fn allow(&self, scope: Scope) -> Result<(), Failure> {
        if self.caller.scopes.allows(scope) { Ok(()) } else { Err(Failure::denied(scope)) }
    }

    /// Refuses a caller whom the registry would refuse this with a bucket.
    ///
    /// # Errors
    /// [`ErrorCode::Denied`](headworks_core::ErrorCode::Denied).
    pub(crate) fn permit(&self, action: Action, bucket: &Bucket) -> headworks_core::Result<()> {
        let caller = self.app.security.caller(self.context.tls(), &self.caller);
        let resource = Resource::Bucket { id: bucket.id.clone(), public: bucket.allow_public_read };
        self.app.identity.permit(&caller, action, &resource)
    }

    /// The first name in the path, percent-decoded.
    pub(crate) async fn name(&mut self) -> Result<String, Failure> {
        let first = self.names().await?.into_iter().next();
        Ok(first.ok_or_else(|| Error::invalid("a name is missing").at("path"))?)
    }

    /// The body as JSON; what is the default where there is none.
    pub(crate) async fn optional_json<T: DeserializeOwned + Default>(&mut self) -> Result<T, Failure> {
        let body = self.body().await?;
        if body.is_empty() {
            return Ok(T::default());
        }
        let read = serde_json::from_slice(&body);
        Ok(read.map_err(|error| Error::invalid(format!("the body cannot be read: {error}")).at("body"))?)
    }

    /// The first two names in the path, percent-decoded.
    pub(crate) async fn two_names(&mut self) -> Result<(String, String), Failure> {
        let mut names = self.names().await?.into_iter();
        let both = names.next().zip(names.next());
        Ok(both.ok_or_else(|| Error::invalid("a name is missing").at("path"))?)
    }

    /// A query parameter that is `true` or `false`, which it is where it is missing.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Failure> {
        match self.query()?.get(name).map(String::as_str) {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(_) => Err(Error::invalid(format!("{name} is true or false")).at(name).into()),
        }
    }

    /// The body as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let body = self.body().await?;
        let read = serde_json::from_slice(&body);
        Ok(read.map_err(|error| Error::invalid(format!("the body cannot be read: {error}")).at("body"))?)
    }
}
