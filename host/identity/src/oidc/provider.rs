//! What a provider says of itself, and what is asked of it.

use super::claims::Claims;
use super::{OidcOptions, refused, told};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use headworks_core::{Error, ErrorCode, Result};
use headworks_sandbox::Network;
use headworks_sandbox::outbound::{NetworkError, Request, Response, Tls};
use http::Uri;
use jsonwebtoken::jwk::Jwk;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;

/// The most bytes of one answer.
const ANSWER: usize = 1 << 20;
/// The most keys that are looked at.
const KEYS: usize = 64;
/// What has to be encoded in queries and forms.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A provider (OpenID Connect Discovery 3).
#[derive(Deserialize)]
pub(super) struct Provider {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: String,
    token_endpoint: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    jwks_uri: Option<String>,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
    #[serde(default)]
    code_challenge_methods_supported: Vec<String>,
    #[serde(skip)]
    pub(super) keys: Vec<Jwk>,
}

/// What a code was given for.
#[derive(Deserialize)]
pub(super) struct Redeemed {
    pub(super) id_token: String,
    pub(super) access_token: Option<String>,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl Provider {
    /// Reads the discovery document and the keys that signatures are checked with.
    pub(super) async fn load(network: &dyn Network, options: &OidcOptions) -> Result<Self> {
        let mut provider: Self = get(network, options, &options.discovery, "discovery document", None).await?;
        for address in [&provider.authorization_endpoint, &provider.token_endpoint] {
            self::address(address).map_err(|error| unavailable(format!("in its discovery document {}", error.message)))?;
        }
        if options.algorithm.needs_keys() {
            let missing = || unavailable("its discovery document names no keys (jwks_uri)".to_owned());
            let address = provider.jwks_uri.as_deref().ok_or_else(missing)?;
            let set: KeySet = get(network, options, address, "keys", None).await?;
            // Keys of kinds that are not known here may stand beside others.
            provider.keys = set.keys.into_iter().take(KEYS).filter_map(|key| serde_json::from_value(key).ok()).collect();
        }
        Ok(provider)
    }

    /// Whether a code can be bound to what only we know (RFC 7636).
    pub(super) fn takes_challenges(&self) -> bool {
        self.code_challenge_methods_supported.iter().any(|method| method == "S256")
    }

    /// Trades a code for tokens.
    pub(super) async fn redeem(
        &self,
        network: &dyn Network,
        options: &OidcOptions,
        mut form: Vec<(&str, &str)>,
    ) -> Result<Redeemed> {
        let mut headers = vec![("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        if self.token_endpoint_auth_methods_supported.iter().any(|method| method == "client_secret_post") {
            form.extend([("client_id", options.client_id.as_str()), ("client_secret", &options.client_secret)]);
        } else {
            let pair = format!("{}:{}", encode(&options.client_id), encode(&options.client_secret));
            headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(pair))));
        }
        let body = pairs(&form).into_bytes();
        let url = self::address(&self.token_endpoint)?;
        let answer = send(network, options, "POST", url, headers, body).await?;
        if let Ok(refusal) = serde_json::from_slice::<Refusal>(&answer.body) {
            let why = told(&refusal.error, refusal.error_description.as_deref());
            return Err(refused(format!("Unable to exchange the authorization code for an ID token: {why}")));
        }
        read(&answer, "token endpoint")
    }
}

/// Asks who signed in (OpenID Connect Core 5.3).
pub(super) async fn user_info(network: &dyn Network, options: &OidcOptions, address: &str, token: &str) -> Result<Claims> {
    get(network, options, address, "userinfo endpoint", Some(token)).await
}

async fn get<T: for<'a> Deserialize<'a>>(
    network: &dyn Network,
    options: &OidcOptions,
    address: &str,
    what: &str,
    token: Option<&str>,
) -> Result<T> {
    let mut headers = Vec::new();
    headers.extend(token.map(|token| ("authorization".to_owned(), format!("Bearer {token}"))));
    let url = self::address(address).map_err(|error| unavailable(format!("{what}: {}", error.message)))?;
    read(&send(network, options, "GET", url, headers, Vec::new()).await?, what)
}

async fn send(
    network: &dyn Network,
    options: &OidcOptions,
    method: &str,
    url: Uri,
    mut headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Result<Response> {
    headers.push(("accept".to_owned(), "application/json".to_owned()));
    let (http2, proxy, tls) = (false, None, Tls::default());
    let request = Request { method: method.to_owned(), url, headers, body, http2, proxy, tls, most: ANSWER };
    let answered = tokio::time::timeout(options.patience, network.exchange(request)).await;
    let late = |_| NetworkError::Late(format!("there was no answer within {:?}", options.patience));
    answered.map_err(late).and_then(|answer| answer).map_err(|error| unavailable(error.to_string()))
}

fn read<T: for<'a> Deserialize<'a>>(answer: &Response, what: &str) -> Result<T> {
    if answer.status != 200 {
        return Err(unavailable(format!("{what}: it answered with the status {}", answer.status)));
    }
    serde_json::from_slice(&answer.body).map_err(|error| unavailable(format!("{what}: {error}")))
}

fn unavailable(why: String) -> Error {
    Error::new(ErrorCode::Unavailable, format!("The OpenId Connect Provider cannot be used: {why}"))
}

/// An address of HTTP.
pub(super) fn address(text: &str) -> Result<Uri> {
    let found = text.parse::<Uri>().ok().filter(|uri| matches!(uri.scheme_str(), Some("http" | "https")));
    found.filter(|uri| uri.host().is_some()).ok_or_else(|| Error::invalid(format!("{text:?} is no address of HTTP")))
}

/// An address with further parameters.
pub(super) fn with_query(address: &str, parameters: &[(&str, &str)]) -> String {
    let separator = if address.contains('?') { '&' } else { '?' };
    format!("{address}{separator}{}", pairs(parameters))
}

fn pairs(parameters: &[(&str, &str)]) -> String {
    parameters.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect::<Vec<_>>().join("&")
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
