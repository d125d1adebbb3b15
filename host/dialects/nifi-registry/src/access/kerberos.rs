//! Tokens for Kerberos tickets (NiFi Registry 19.5). Without a service principal there are none. Those who show tickets are of
//! the first tenant, since other tenants did not choose the realm.

use super::{Verified, issue, tokens_are_issued};
use crate::App;
use crate::call::Call;
use crate::failure::Failure;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::routing::post;
use headworks_core::{ErrorClass, TenantId};
use headworks_identity::Proven;
use headworks_identity::kerberos::Accepted;

/// Who verified a ticket.
const TICKETS: &str = "kerberos";
const NEGOTIATE: &str = "Negotiate";

pub(super) fn routes() -> Router<App> {
    Router::new().route("/access/token/kerberos", post(token))
}

async fn token(mut call: Call) -> Result<Response, Failure> {
    tokens_are_issued(&call)?;
    if call.app.kerberos.is_none() {
        return Err(Failure::conflict("Kerberos service ticket login not supported by this NiFi Registry"));
    }
    match ticket(&call) {
        Ok(Some(ticket)) => ticket.issue(&mut call).await,
        Ok(None) => {
            let refusal = Failure::unauthenticated("The Kerberos service ticket is missing from the request.");
            Err(challenged(&call, refusal))
        }
        Err(error) if error.class() == ErrorClass::Unauthenticated => Err(challenged(&call, error.into())),
        Err(error) => Err(error.into()),
    }
}

/// A ticket that was accepted.
pub(super) struct Ticket {
    verified: Verified,
    /// What the caller checks that we are who it takes us for.
    answer: Option<HeaderValue>,
}

impl Ticket {
    /// A token for whoever showed it.
    pub(super) async fn issue(self, call: &mut Call) -> Result<Response, Failure> {
        let mut response = issue(call, &self.verified).await?;
        response.headers_mut().extend(self.answer.map(|answer| (header::WWW_AUTHENTICATE, answer)));
        Ok(response)
    }
}

/// The ticket in a request, which may prove its sender in any way; nothing where there is no ticket.
pub(super) fn ticket(call: &Call) -> headworks_core::Result<Option<Ticket>> {
    let shown = call.headers().get(header::AUTHORIZATION).and_then(|header| header.to_str().ok()?.split_once(' '));
    let shown = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(NEGOTIATE));
    let Some((kerberos, (_, token))) = call.app.kerberos.as_ref().zip(shown) else { return Ok(None) };
    let Accepted { name, answer } = kerberos.accept(token)?;
    let who = Proven { tenant: TenantId::DEFAULT, identity: call.app.options.identities.apply(&name) };
    let verified = Verified { who, provider: TICKETS.into(), entered: name, lifetime: kerberos.lifetime() };
    let answer = answer.and_then(|answer| HeaderValue::try_from(format!("{NEGOTIATE} {answer}")).ok());
    Ok(Some(Ticket { verified, answer }))
}

/// A refusal with the challenge of this way, where it is configured.
pub(super) fn challenged(call: &Call, refusal: Failure) -> Failure {
    if call.app.kerberos.is_some() { refusal.challenging(NEGOTIATE) } else { refusal }
}
