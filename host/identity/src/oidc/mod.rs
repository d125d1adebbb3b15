//! Signing in through an OpenID Connect provider with the authorization code flow (NiFi Registry 19.8).
//!
//! Owns logins under way, what the provider says of itself, and the check of its ID tokens. What must stay true: a login is
//! finished once, by the browser that began it, and within [`KEPT`]; only a token that the provider signed for this very login
//! names a user; the client's secret goes to the token endpoint and nowhere else. How the provider is reached, and which of
//! its addresses may be, is for the [`Network`]. Knows no cookies, no answers and no tokens of ours.

mod claims;
mod provider;
mod shortly;
mod signature;

pub use signature::IdTokenAlgorithm;

use crate::secret;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use claims::Expected;
use headworks_core::time::Clock;
use headworks_core::{Error, ErrorCode, Result, Timestamp};
use headworks_sandbox::Network;
use provider::{Provider, Redeemed};
use sha2::{Digest, Sha256};
use shortly::Shortly;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use uuid::Uuid;

/// How long a login may take at the provider, and how long its token waits to be picked up.
pub const KEPT: Duration = Duration::from_secs(60);
/// The most logins under way, and the most tokens that wait: what is oldest gives way.
const MOST: usize = 10_000;
/// How long what the provider says of itself is believed, and how long nobody asks again after it did not answer.
const BELIEVED: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(5);
/// Keys older than this are asked for anew when none of them made a signature.
const FRESH: Duration = Duration::from_secs(10);

/// The provider, and what we are to it. Holds a secret, hence no `Debug`.
#[derive(Clone)]
pub struct OidcOptions {
    /// The address of its discovery document.
    pub discovery: String,
    /// The name it knows us by.
    pub client_id: String,
    /// Our password there.
    pub client_secret: String,
    /// How it signs ID tokens.
    pub algorithm: IdTokenAlgorithm,
    /// What is asked for besides `openid` and `email`.
    pub scopes: Vec<String>,
    /// The claim that names the user.
    pub claim: String,
    /// How long one of its answers may take.
    pub patience: Duration,
}

/// Logins through one provider. Cloning is cheap.
#[derive(Clone)]
pub struct Oidc(Arc<Inner>);

struct Inner {
    options: OidcOptions,
    network: Arc<dyn Network>,
    clock: Arc<dyn Clock>,
    known: Mutex<Option<Known>>,
    logins: Shortly<Login>,
    tokens: Shortly<String>,
}

/// What was learnt of the provider, and when.
struct Known {
    at: Timestamp,
    outcome: Result<Arc<Provider>>,
}

/// What a login under way has to be finished with.
struct Login {
    state: String,
    nonce: String,
    verifier: String,
    callback: String,
}

/// A login that has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// What the browser has to show when it comes back.
    pub login: Uuid,
    /// Where it goes to.
    pub address: String,
}

/// What the browser brings back from the provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct Returned<'a> {
    /// What was sent with it.
    pub state: Option<&'a str>,
    /// What an ID token is given for.
    pub code: Option<&'a str>,
    /// Which provider it comes from (RFC 9207).
    pub issuer: Option<&'a str>,
    /// Why there is no code.
    pub error: Option<&'a str>,
    /// The same in more words.
    pub description: Option<&'a str>,
}

/// Somebody whom the provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// Its name there.
    pub name: String,
    /// The provider.
    pub issuer: String,
    /// For how long it vouches.
    pub lifetime: Duration,
}

fn refused(text: impl Into<String>) -> Error {
    Error::new(ErrorCode::Unauthenticated, text)
}

/// A random text of 256 bits.
fn unguessable() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(secret::random::<32>()?))
}

impl Oidc {
    /// Sets up; the provider is asked when the first login begins.
    ///
    /// # Errors
    /// [`ErrorCode::Invalid`] names the option that cannot be used.
    pub fn new(options: OidcOptions, network: Arc<dyn Network>, clock: Arc<dyn Clock>) -> Result<Self> {
        let some = [("client_id", &options.client_id), ("client_secret", &options.client_secret), ("claim", &options.claim)];
        if let Some((name, _)) = some.iter().find(|(_, value)| value.is_empty()) {
            return Err(Error::invalid("may not be empty").at(*name));
        }
        let address = provider::address(&options.discovery).map_err(|error| error.at("discovery_url"))?;
        if address.scheme_str() == Some("http") {
            if options.algorithm == IdTokenAlgorithm::None {
                let text = "has to be https where ID tokens are not signed: nothing else would prove where they come from";
                return Err(Error::invalid(text).at("discovery_url"));
            }
            tracing::warn!(
                "the OpenID Connect provider is reached without encryption: whoever is on the way can sign in as anybody"
            );
        }
        let (known, logins, tokens) = (Mutex::default(), Shortly::new(KEPT, MOST), Shortly::new(KEPT, MOST));
        Ok(Self(Arc::new(Inner { options, network, clock, known, logins, tokens })))
    }

    /// Begins a login that returns to `callback`.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when the provider cannot be asked.
    pub async fn begin(&self, callback: &str) -> Result<Begun> {
        let inner = &self.0;
        let provider = self.provider(BELIEVED).await?;
        let login =
            Login { state: unguessable()?, nonce: unguessable()?, verifier: unguessable()?, callback: callback.to_owned() };
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&login.verifier));
        let scopes: Vec<&str> = ["openid", "email"].into_iter().chain(inner.options.scopes.iter().map(String::as_str)).collect();
        let scopes = scopes.join(" ");
        let mut query = vec![
            ("client_id", inner.options.client_id.as_str()),
            ("response_type", "code"),
            ("scope", &scopes),
            ("state", &login.state),
            ("redirect_uri", callback),
            ("nonce", &login.nonce),
        ];
        if provider.takes_challenges() {
            query.extend([("code_challenge", challenge.as_str()), ("code_challenge_method", "S256")]);
        }
        let address = provider::with_query(&provider.authorization_endpoint, &query);
        let id = uuid::Builder::from_random_bytes(secret::random()?).into_uuid();
        inner.logins.keep(id, login, inner.clock.now());
        Ok(Begun { login: id, address })
    }

    /// Finishes a login: what came back is checked and traded for the name of the user. Whatever comes of it, the login is over.
    ///
    /// # Errors
    /// [`ErrorCode::Unauthenticated`] and [`ErrorCode::Unavailable`] with the reason.
    pub async fn finish(&self, login: Uuid, returned: Returned<'_>) -> Result<Vouched> {
        let inner = &self.0;
        let unknown = || refused("The login request was not found or has expired. Unable to continue.");
        let login = inner.logins.take(&login, inner.clock.now()).ok_or_else(unknown)?;
        // Compared as hashes, so that the time it takes tells nothing.
        if returned.state.map(secret::hash) != Some(secret::hash(&login.state)) {
            return Err(refused("The state value does not match that of the login request. Unable to continue."));
        }
        let provider = self.provider(BELIEVED).await?;
        if returned.issuer.is_some_and(|issuer| issuer != provider.issuer) {
            return Err(refused("The answer comes from another OpenId Connect Provider. Unable to continue."));
        }
        if let Some(error) = returned.error {
            return Err(refused(format!("Unsuccessful login attempt: {}", told(error, returned.description))));
        }
        let code = returned.code.ok_or_else(|| refused("The authorization code is missing. Unable to continue."))?;
        let Redeemed { id_token, access_token } = self.redeem(&provider, code, &login).await?;
        let (provider, claims) = self.verified(provider, &id_token).await?;
        let expected =
            Expected { issuer: &provider.issuer, client: &inner.options.client_id, nonce: &login.nonce, now: inner.clock.now() };
        let lifetime = expected.check(&claims).map_err(|why| refused(format!("The ID token cannot be accepted: {why}.")))?;
        let name = match claims::name(&claims, &inner.options.claim) {
            Some(name) => name,
            None => self.asked_name(&provider, &claims, access_token.as_deref()).await?,
        };
        Ok(Vouched { name: claims::usable(name)?, issuer: provider.issuer.clone(), lifetime })
    }

    /// Keeps the token of a finished login until the browser picks it up.
    pub fn keep(&self, login: Uuid, token: String) {
        self.0.tokens.keep(login, token, self.0.clock.now());
    }

    /// The token of a finished login, once.
    pub fn pick_up(&self, login: &Uuid) -> Option<String> {
        self.0.tokens.take(login, self.0.clock.now())
    }

    /// Where a browser signs out at the provider before it returns to `back`, if the provider has such an address.
    ///
    /// # Errors
    /// [`ErrorCode::Unavailable`] when the provider cannot be asked.
    pub async fn end(&self, back: &str) -> Result<Option<String>> {
        let provider = self.provider(BELIEVED).await?;
        // The client is named because many providers return nobody without.
        let query = [("post_logout_redirect_uri", back), ("client_id", &self.0.options.client_id)];
        Ok(provider.end_session_endpoint.as_deref().map(|address| provider::with_query(address, &query)))
    }

    /// The provider as it was not longer ago than this.
    async fn provider(&self, age: Duration) -> Result<Arc<Provider>> {
        let inner = &self.0;
        let mut known = inner.known.lock().await;
        if let Some(known) = &*known {
            let most = if known.outcome.is_ok() { age } else { PAUSE };
            let passed = inner.clock.now().0.checked_sub(known.at.0).and_then(|passed| u64::try_from(passed).ok());
            if passed.is_some_and(|passed| Duration::from_nanos(passed) < most) {
                return known.outcome.clone();
            }
        }
        let outcome = Provider::load(&*inner.network, &inner.options).await.map(Arc::new);
        if let Err(error) = &outcome {
            tracing::warn!(%error, "the OpenID Connect provider cannot be used");
        }
        *known = Some(Known { at: inner.clock.now(), outcome: outcome.clone() });
        outcome
    }

    async fn redeem(&self, provider: &Provider, code: &str, login: &Login) -> Result<Redeemed> {
        let options = &self.0.options;
        let mut form = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &login.callback)];
        if provider.takes_challenges() {
            form.push(("code_verifier", &login.verifier));
        }
        provider.redeem(&*self.0.network, options, form).await
    }

    /// The claims of a token that the provider signed. Where no known key made the signature, the keys are asked for anew.
    async fn verified(&self, provider: Arc<Provider>, token: &str) -> Result<(Arc<Provider>, claims::Claims)> {
        let options = &self.0.options;
        let failed = |why: String| refused(format!("The ID token cannot be accepted: {why}."));
        match options.algorithm.verify(token, &options.client_secret, &provider.keys) {
            Ok(claims) => Ok((provider, claims)),
            Err(_) if options.algorithm.needs_keys() => {
                let provider = self.provider(FRESH).await?;
                let claims = options.algorithm.verify(token, &options.client_secret, &provider.keys).map_err(failed)?;
                Ok((provider, claims))
            }
            Err(why) => Err(failed(why)),
        }
    }

    /// The name that the provider answers when it is asked who signed in.
    async fn asked_name(&self, provider: &Provider, claims: &claims::Claims, access_token: Option<&str>) -> Result<String> {
        let options = &self.0.options;
        let nameless = || refused(format!("Neither the ID token nor the provider names the user with {}.", options.claim));
        let asked = access_token.zip(provider.userinfo_endpoint.as_deref());
        let (token, address) = asked.ok_or_else(nameless)?;
        let answer = provider::user_info(&*self.0.network, options, address, token).await?;
        if answer.get("sub") != claims.get("sub") {
            return Err(refused("The provider told of another user than the ID token."));
        }
        claims::name(&answer, &options.claim).ok_or_else(nameless)
    }
}

/// What a provider said of a failure, short and in one line.
fn told(error: &str, description: Option<&str>) -> String {
    let text = description.map_or_else(|| error.to_owned(), |description| format!("{error}: {description}"));
    text.chars().take(300).map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests;
