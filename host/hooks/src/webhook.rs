//! Webhooks: events as JSON over HTTP.
//!
//! What must stay true: nothing is sent to a place that the operator does not allow the tenant, nor to an address that the
//! server may not reach; no secret gets into a message; redirects are not followed.

use crate::deliver::Attempt;
use crate::queue::Told;
use crate::text::{Part, check_name, line, parts};
use headworks_core::{Error, Result, TenantId};
use headworks_plugins::Plugins;
use headworks_sandbox::Network;
use headworks_sandbox::outbound::{NetworkError, Place, Request, Tls};
use hmac::{Hmac, Mac};
use http::{HeaderName, HeaderValue, Uri};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

/// The most bytes of a URL, of a header's value, and the most headers.
const URL_BYTES: usize = 4 << 10;
const VALUE_BYTES: usize = 4 << 10;
const HEADERS: usize = 32;
/// The most bytes of an answer that are read.
const ANSWER: usize = 64 << 10;
/// The longest that one try may take, and how long it takes unless it is said.
const MAX_SECONDS: u32 = 30;
const SECONDS: u32 = 10;
/// What an answer quotes of itself in a message.
const QUOTED: usize = 200;
/// Headers that are the server's.
const OWN: [&str; 8] = ["connection", "content-length", "content-type", "host", "te", "trailer", "transfer-encoding", "upgrade"];
/// What the names of our own headers begin with.
const PREFIX: &str = "headworks-";

/// Where events are posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// `https://` or `http://`. `${secret:NAME}` in it stands for a secret of the tenant.
    pub url: String,
    /// Headers besides those that are always sent; secrets as in `url`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The secret whose HMAC with SHA-256 over the body is sent along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_with: Option<String>,
    /// How long one try may take.
    #[serde(default = "seconds")]
    pub timeout_seconds: u32,
}

fn seconds() -> u32 {
    SECONDS
}

impl Webhook {
    /// Refuses what can never be sent.
    pub(crate) fn check(&self) -> Result<()> {
        let wrong = |member: &str, why: String| Err(Error::invalid(why).at(format!("config.{member}")));
        if self.url.len() > URL_BYTES {
            return wrong("url", format!("a URL has at most {URL_BYTES} bytes"));
        }
        match parts(&self.url) {
            Err(why) => return wrong("url", why),
            // With a secret in it, it is looked at when something is sent.
            Ok(parts) if parts.iter().all(|part| matches!(part, Part::Text(_))) => {
                if let Err(why) = place(&self.url) {
                    return wrong("url", why);
                }
            }
            Ok(_) => {}
        }
        if self.headers.len() > HEADERS {
            return wrong("headers", format!("there are at most {HEADERS} headers"));
        }
        for (name, value) in &self.headers {
            let at = format!("headers.{name}");
            let known = HeaderName::from_bytes(name.as_bytes());
            let Ok(known) = known else { return wrong("headers", format!("{:?} is no name of a header", line(name))) };
            if OWN.contains(&known.as_str()) || known.as_str().starts_with(PREFIX) {
                return wrong(&at, format!("the header {known} is set by the server"));
            }
            if value.len() > VALUE_BYTES || HeaderValue::from_str(value).is_err() {
                return wrong(&at, format!("the value of a header has at most {VALUE_BYTES} bytes and no control characters"));
            }
            if let Err(why) = parts(value) {
                return wrong(&at, why);
            }
        }
        if let Some(Err(why)) = self.sign_with.as_deref().map(check_name) {
            return wrong("sign_with", why);
        }
        if !(1..=MAX_SECONDS).contains(&self.timeout_seconds) {
            return wrong("timeout_seconds", format!("a try takes 1 to {MAX_SECONDS} seconds"));
        }
        Ok(())
    }

    /// Refuses a place that the operator does not allow the tenant, as far as it is known before something is sent.
    pub(crate) fn check_place(&self, plugins: &Plugins, tenant: TenantId) -> Result<()> {
        if parts(&self.url).is_ok_and(|parts| parts.iter().any(|part| matches!(part, Part::Secret(_)))) {
            return Ok(());
        }
        let (_, place) = place(&self.url).map_err(|why| Error::invalid(why).at("config.url"))?;
        plugins.check_grant(tenant, &place.to_string()).map_err(|error| error.at("config.url"))
    }

    /// Posts an event once.
    pub(crate) async fn post(&self, plugins: &Plugins, network: &dyn Network, told: &Told) -> Attempt {
        let request = match self.request(plugins, told) {
            Ok(request) => request,
            Err(why) => return Attempt::Never(why),
        };
        let patience = Duration::from_secs(self.timeout_seconds.into());
        let answer = match tokio::time::timeout(patience, network.exchange(request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error @ (NetworkError::Denied(_) | NetworkError::Invalid(_) | NetworkError::Untrusted(_)))) => {
                return Attempt::Never(line(&error.to_string()));
            }
            Ok(Err(error)) => return Attempt::Later(None, line(&error.to_string())),
            Err(_) => return Attempt::Later(None, format!("there was no answer within {patience:?}")),
        };
        let quoted = String::from_utf8_lossy(answer.body.get(..QUOTED).unwrap_or(&answer.body)).trim().to_owned();
        let why = line(format!("the target answers {}: {quoted}", answer.status).trim_end_matches([':', ' ']));
        let after = answer.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after"));
        let after = after.and_then(|(_, text)| text.trim().parse().ok()).map(Duration::from_secs);
        match answer.status {
            200..=299 => Attempt::Done,
            408 | 425 | 429 | 500..=599 => Attempt::Later(after, why),
            _ => Attempt::Never(why),
        }
    }

    fn request(&self, plugins: &Plugins, told: &Told) -> Result<Request, String> {
        let tenant = told.event.tenant;
        let fill = |text: &str| -> Result<String, String> {
            parts(text)?
                .into_iter()
                .map(|part| match part {
                    Part::Text(text) => Ok(text.to_owned()),
                    Part::Secret(name) => secret(plugins, tenant, name),
                })
                .collect()
        };
        let (url, place) = place(&fill(&self.url)?)?;
        plugins.check_grant(tenant, &place.to_string()).map_err(|error| error.message)?;
        let body = body(told).to_string().into_bytes();
        let mut headers = vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("user-agent".to_owned(), concat!("headworks/", env!("CARGO_PKG_VERSION")).to_owned()),
            (format!("{PREFIX}event"), told.event.kind.as_str().to_owned()),
            (format!("{PREFIX}delivery"), told.id.to_string()),
        ];
        if let Some(name) = &self.sign_with {
            headers.push((format!("{PREFIX}signature"), format!("sha256={}", sign(&secret(plugins, tenant, name)?, &body)?)));
        }
        for (name, value) in &self.headers {
            let value = fill(value)?;
            if HeaderValue::from_str(&value).is_err() {
                return Err(format!("a secret in the header {name} holds what no header can"));
            }
            headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
            headers.push((name.clone(), value));
        }
        let (method, tls) = ("POST".to_owned(), Tls::default());
        Ok(Request { method, url, headers, body, http2: false, proxy: None, tls, most: ANSWER })
    }
}

/// A URL and where it leads. What is wrong is told without the URL: it may hold a secret.
fn place(url: &str) -> Result<(Uri, Place), String> {
    let url: Uri = url.parse().map_err(|_| "this is no URL".to_owned())?;
    if !matches!(url.scheme_str(), Some("http" | "https")) {
        return Err("a URL begins with https:// or http://".to_owned());
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err("a user and a password do not belong into a URL: send a header authorization".to_owned());
    }
    let place = Place::of_url(&url).ok_or("the URL has no host")?;
    Ok((url, place))
}

fn secret(plugins: &Plugins, tenant: TenantId, name: &str) -> Result<String, String> {
    plugins.check_grant(tenant, &format!("secret:{name}")).map_err(|error| error.message)?;
    let secret = plugins.secret(tenant, name).map_err(|error| error.message)?;
    secret.ok_or_else(|| format!("there is no secret {name}"))
}

/// An event as JSON.
fn body(told: &Told) -> Value {
    let fields: Map<String, Value> =
        told.event.fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
    json!({"id": told.id, "type": told.event.kind.as_str(), "time": told.at.rfc3339(), "fields": fields})
}

/// The HMAC with SHA-256 of a body, in hexadecimal digits.
fn sign(key: &str, body: &[u8]) -> Result<String, String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).map_err(|error| error.to_string())?;
    mac.update(body);
    let mut text = String::with_capacity(64);
    for byte in mac.finalize().into_bytes() {
        // Writing to a text does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn webhook(config: Value) -> Webhook {
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn what_can_never_be_sent_is_refused() {
        for url in ["https://example.com/a?b", "http://[::1]:8080/", "${secret:url}", "https://${secret:host}/x"] {
            assert!(webhook(json!({ "url": url })).check().is_ok(), "{url}");
        }
        let long = format!("https://a/{}", "x".repeat(URL_BYTES));
        for url in ["", "example.com", "ftp://a/", "https://", "https://u:p@a/", "https://a b/", "https://a/${secret:}", &long] {
            assert_eq!(webhook(json!({ "url": url })).check().unwrap_err().member.as_deref(), Some("config.url"), "{url}");
        }
        let url = "https://a/";
        for (more, member) in [
            (json!({"headers": {"x y": "1"}}), "config.headers"),
            (json!({"headers": {"X-A": "1\r\nX-B: 2"}}), "config.headers.X-A"),
            (json!({"headers": {"Content-Length": "1"}}), "config.headers.Content-Length"),
            (json!({"headers": {"Headworks-Signature": "1"}}), "config.headers.Headworks-Signature"),
            (json!({"headers": {"X-A": "${secret:"}}), "config.headers.X-A"),
            (json!({"sign_with": "a b"}), "config.sign_with"),
            (json!({"timeout_seconds": 0}), "config.timeout_seconds"),
            (json!({"timeout_seconds": 31}), "config.timeout_seconds"),
        ] {
            let mut config = json!({ "url": url });
            config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            assert_eq!(webhook(config).check().unwrap_err().member.as_deref(), Some(member), "{more}");
        }
    }

    /// The second test case of RFC 4231.
    #[test]
    fn signatures_are_those_of_the_standard() {
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign("Jefe", b"what do ya want for nothing?").unwrap(), expected);
    }
}
