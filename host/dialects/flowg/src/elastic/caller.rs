//! One request: who sends it (FlowG 4: name and password with each), and its body.

use super::answer::Refusal;
use crate::App;
use crate::call::Open;
use crate::failure::Failure;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use bytes::Bytes;
use headworks_http::{RequestContext, decompress, encoding, media_type};
use headworks_identity::{Principal, Scope};
use std::sync::Arc;

/// A request of a user.
pub(crate) struct Caller {
    pub(crate) open: Open,
    pub(crate) principal: Arc<Principal>,
}

impl FromRequest<App> for Caller {
    type Rejection = Refusal;

    async fn from_request(request: Request, app: &App) -> Result<Self, Refusal> {
        let open = Open::from_request(request, app).await?;
        let authorization = open.headers().get(header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
        let from = open.context.peer();
        let principal = app.identity.authenticate_basic(open.realm(), authorization, from).await?;
        open.context.hold_with_connection(|| app.identity.tenants().meter(principal.tenant).connection())?;
        Ok(Self { open, principal })
    }
}

impl Caller {
    /// Refuses a caller without this scope.
    pub(crate) fn allow(&self, scope: Scope) -> Result<(), Refusal> {
        if self.principal.scopes.allows(scope) { Ok(()) } else { Err(Failure::denied().into()) }
    }

    pub(crate) fn app(&self) -> &App {
        &self.open.app
    }

    pub(crate) fn context(&self) -> &RequestContext {
        &self.open.context
    }

    /// The whole body, decompressed. Clients name one of several types for JSON, or none.
    pub(crate) async fn body(&mut self) -> Result<Bytes, Refusal> {
        if let Some(kind) = media_type(self.open.headers())
            && !is_json(kind)
        {
            return Err(Refusal::malformed(format!("Content-Type header [{kind}] is not supported; send application/json")));
        }
        let encoding = encoding(self.open.headers())?;
        let body = self.open.body().await?;
        // What would be refused after all the work of reading it.
        if self.principal.scopes.allows(Scope::SendLogs) {
            self.app().pipelines.check_quota(self.principal.tenant)?;
        }
        Ok(decompress(self.context(), encoding, body).await?)
    }
}

fn is_json(kind: &str) -> bool {
    const KINDS: [&str; 4] = [
        "application/json",
        "application/x-ndjson",
        "application/vnd.elasticsearch+json",
        "application/vnd.elasticsearch+x-ndjson",
    ];
    KINDS.iter().any(|known| kind.eq_ignore_ascii_case(known))
}
