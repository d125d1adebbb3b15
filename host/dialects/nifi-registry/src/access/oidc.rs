//! Signing in through an OpenID Connect provider, as a browser does it (NiFi Registry 19.8 and 23.5).
//!
//! What must stay true: a login, and the token it ends with, belong to the browser that shows its cookie; people of the
//! provider are of the first tenant, since other tenants did not choose the provider.

use super::{home, sign_out, signed_in, signing_is_possible};
use crate::call::Call;
use crate::failure::Failure;
use crate::{App, base};
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use headworks_core::{Error, ErrorClass, TenantId};
use headworks_identity::oidc::{KEPT, Oidc, Returned, Vouched};
use headworks_identity::{Proof, Proven};
use uuid::Uuid;

/// Names the login that a browser has begun.
const COOKIE: &str = "oidc-request-identifier";

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/access/oidc/request", get(request))
        .route("/access/oidc/callback", get(callback))
        .route("/access/oidc/exchange", post(exchange))
        .route("/access/oidc/logout", delete(log_out).get(leave))
        .route("/access/oidc/logout/callback", get(logged_out))
}

/// Whether there is a provider.
pub(super) fn is_configured(call: &Call) -> bool {
    call.app.oidc.is_some()
}

/// The provider, for those who come over an encrypted connection.
fn provider(call: &Call) -> Result<Oidc, Failure> {
    signing_is_possible(call)?;
    call.app.oidc.clone().ok_or_else(|| Failure::conflict("OpenId Connect is not configured."))
}

async fn request(call: Call) -> Result<Response, Failure> {
    let oidc = provider(&call)?;
    let begun = oidc.begin(&format!("{}/access/oidc/callback", base::of(&call))).await?;
    Ok(with_cookie(to(&begun.address)?, Some(begun.login)))
}

async fn callback(mut call: Call) -> Result<Response, Failure> {
    let oidc = provider(&call)?;
    let login = cookie(call.headers()).ok_or_else(|| Failure::conflict(NO_COOKIE))?;
    match finish(&mut call, &oidc, login).await {
        Ok(token) => {
            oidc.keep(login, token);
            Ok(home(&call))
        }
        Err(error) if error.class() == ErrorClass::Internal => Err(error.into()),
        // Whatever the reason, the login is over and cannot be tried again.
        Err(error) => Ok(with_cookie(Failure::conflict(error.message).into_response(), None)),
    }
}

const NO_COOKIE: &str = "The login request identifier was not found in the request. Unable to continue.";

/// The registry's token for the person that the provider vouches for.
async fn finish(call: &mut Call, oidc: &Oidc, login: Uuid) -> headworks_core::Result<String> {
    let query = call.query()?;
    let given = |name: &str| query.get(name).map(String::as_str);
    let returned = Returned {
        state: given("state"),
        code: given("code"),
        issuer: given("iss"),
        error: given("error"),
        description: given("error_description"),
    };
    let Vouched { name, issuer, lifetime } = oidc.finish(login, returned).await?;
    let owner = Proven { tenant: TenantId::DEFAULT, identity: call.app.options.identities.apply(&name) };
    signed_in(&call.app, &owner, Proof { provider: &issuer, entered: &name, lifetime }).await
}

async fn exchange(call: Call) -> Result<Response, Failure> {
    let oidc = provider(&call)?;
    let login = cookie(call.headers()).ok_or_else(|| Failure::invalid(NO_COOKIE))?;
    let gone = || Failure::invalid("A JWT for this login request identifier could not be found. Unable to continue.");
    let answer = match oidc.pick_up(&login) {
        Some(token) => ([(header::CONTENT_TYPE, "text/plain")], token).into_response(),
        None => gone().into_response(),
    };
    Ok(with_cookie(answer, None))
}

/// Ends every token of the caller, and the session at the provider.
async fn log_out(mut call: Call) -> Result<Response, Failure> {
    let oidc = provider(&call)?;
    sign_out(&mut call).await?;
    at_provider(&mut call, &oidc).await
}

/// The same for browsers that are sent here, which carry no token: the interface has signed them out before.
async fn leave(mut call: Call) -> Result<Response, Failure> {
    let oidc = provider(&call)?;
    if !call.caller.anonymous {
        sign_out(&mut call).await?;
    }
    at_provider(&mut call, &oidc).await
}

async fn at_provider(call: &mut Call, oidc: &Oidc) -> Result<Response, Failure> {
    match oidc.end(&base::home(call)).await? {
        Some(address) => to(&address),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

async fn logged_out(call: Call) -> Result<Response, Failure> {
    signing_is_possible(&call)?;
    Ok(home(&call))
}

fn to(address: &str) -> Result<Response, Failure> {
    let unusable = |_| Error::internal("an address to go to cannot be sent");
    let location = HeaderValue::from_str(address).map_err(unusable)?;
    Ok((StatusCode::FOUND, [(header::LOCATION, location)]).into_response())
}

/// An answer that names a login, or that ends the naming.
fn with_cookie(mut response: Response, login: Option<Uuid>) -> Response {
    let (value, age) = login.map_or((String::new(), 0), |login| (login.to_string(), KEPT.as_secs()));
    let cookie = format!("{COOKIE}={value}; Path=/; HttpOnly; Secure; Max-Age={age}");
    response.headers_mut().extend(HeaderValue::try_from(cookie).ok().map(|cookie| (header::SET_COOKIE, cookie)));
    response
}

/// The login that the browser names. One that is malformed was never begun, as was the one of all zeroes.
fn cookie(headers: &HeaderMap) -> Option<Uuid> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let value = texts.flat_map(|text| text.split(';')).find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))?;
    Some(value.trim_matches('"').parse().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(cookies: &[&str]) -> Option<Uuid> {
        cookie(&cookies.iter().map(|text| (header::COOKIE, text.parse().unwrap())).collect())
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let id = Uuid::from_u128(5);
        assert_eq!(seen(&["a=b", &format!("{COOKIE}x=1; {COOKIE}={id}; c")]), Some(id));
        assert_eq!(seen(&[&format!("{COOKIE}=\"{id}\"")]), Some(id));
        assert_eq!(seen(&[&format!("{COOKIE}=nonsense")]), Some(Uuid::nil()));
        assert_eq!(seen(&["a=b", COOKIE]), None);
        assert_eq!(seen(&[]), None);
    }
}
