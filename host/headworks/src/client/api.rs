//! Requests to the server and its answers.

use anyhow::{Context, Result, anyhow, bail};
use clap::Args;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use ureq::http::{Method, Request, Response, StatusCode};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, AsSendBody, Body, SendBody};

/// What is encoded in paths and queries. Points are, so that no part is mistaken for a way up.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// The most bytes of one answer that is read as a whole.
const MAX_ANSWER: u64 = 1 << 30;

/// Which server, and who calls.
#[derive(Args)]
pub(crate) struct Server {
    /// Address of the server, mount path included.
    #[arg(long, global = true, value_name = "URL", env = "FLOWG_API", default_value = "http://localhost:5080")]
    api: String,
    /// A token with its prefix, as `login` and `token create` print it; better in the environment than among the arguments.
    #[arg(long, global = true, value_name = "TOKEN", env = "FLOWG_API_TOKEN", hide_env_values = true)]
    api_token: Option<String>,
    /// PEM file of the certificates that are trusted instead of the public ones.
    #[arg(long, global = true, value_name = "FILE", env = "HEADWORKS_API_CA")]
    api_ca: Option<PathBuf>,
}

/// A server to talk to.
pub(crate) struct Api {
    agent: Agent,
    base: String,
    /// Where the dialect is mounted on the server.
    mount: &'static str,
    token: Option<String>,
}

/// The path of an operation from its parts, each of which may be any text.
fn path(parts: &[&str]) -> String {
    parts.iter().map(|part| format!("/{}", utf8_percent_encode(part, ENCODED))).collect()
}

impl Api {
    /// The FlowG interface.
    pub(super) fn new(server: Server) -> Result<Self> {
        Self::of(&server.api, server.api_token, server.api_ca.as_deref())
    }

    /// The same server, by the interface of the platform itself.
    pub(crate) fn platform(&self) -> Self {
        let Self { agent, base, token, .. } = self;
        Self { agent: agent.clone(), base: base.clone(), mount: "/platform/v1", token: token.clone() }
    }

    /// The FlowG interface of the server at an address, for the owner of a token.
    pub(crate) fn of(address: &str, token: Option<String>, ca: Option<&Path>) -> Result<Self> {
        let base = address.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            bail!("{base:?} is no address such as http://localhost:5080");
        }
        let mut config = Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_connect(Some(CONNECT));
        if let Some(path) = ca {
            let pem = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let certificates: Vec<Certificate<'static>> = parse_pem(&pem)
                .filter_map(|item| match item {
                    Ok(PemItem::Certificate(certificate)) => Some(Ok(certificate)),
                    Ok(_) => None,
                    Err(error) => Some(Err(error)),
                })
                .collect::<Result<_, _>>()
                .with_context(|| format!("{} is no PEM", path.display()))?;
            let roots = RootCerts::new_with_certs(&certificates);
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        let token = token.filter(|token| !token.is_empty());
        Ok(Self { agent: config.build().new_agent(), base, mount: "/api/v1", token })
    }

    /// Sends a request and leaves the body of a success unread. A failure becomes its own text.
    fn send(
        &self,
        method: Method,
        parts: &[&str],
        query: &[(&str, &str)],
        headers: &[(&str, &str)],
        body: impl AsSendBody,
    ) -> Result<Response<Body>> {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        let mut request = Request::builder().method(method).uri(format!("{}{}{}{query}", self.base, self.mount, path(parts)));
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body).context("the address or the token cannot be sent")?;
        let answer = self.agent.run(request).with_context(|| format!("{} cannot be reached", self.base))?;
        if answer.status().is_success() { Ok(answer) } else { Err(failure(answer)) }
    }

    /// Sends a request and answers the body of its success.
    pub(crate) fn call(&self, method: Method, parts: &[&str], query: &[(&str, &str)], body: Option<&Value>) -> Result<Value> {
        let json = [("Content-Type", "application/json")];
        let answer = match body {
            Some(body) => self.send(method, parts, query, &json, body.to_string())?,
            None => self.send(method, parts, query, &[], SendBody::none())?,
        };
        let text = read(answer)?;
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&text).with_context(|| format!("{} answers something else than JSON", self.base))
    }

    /// GET of a member of the answer.
    pub(super) fn get(&self, parts: &[&str], member: &str) -> Result<Value> {
        self.find(parts, &[], member)
    }

    /// GET with parameters of a member of the answer.
    pub(super) fn find(&self, parts: &[&str], query: &[(&str, &str)], member: &str) -> Result<Value> {
        let mut answer = self.call(Method::GET, parts, query, None)?;
        answer.get_mut(member).map(Value::take).ok_or_else(|| anyhow!("{} answers without {member}", self.base))
    }

    /// GET with parameters of the whole answer.
    pub(super) fn look(&self, parts: &[&str], query: &[(&str, &str)]) -> Result<Value> {
        self.call(Method::GET, parts, query, None)
    }

    /// POST of bytes with parameters.
    pub(super) fn post_bytes(&self, parts: &[&str], query: &[(&str, &str)], kind: &str, body: &[u8]) -> Result<Value> {
        let text = read(self.send(Method::POST, parts, query, &[("Content-Type", kind)], body)?)?;
        serde_json::from_slice(&text).with_context(|| format!("{} answers something else than JSON", self.base))
    }

    /// PUT of a JSON document.
    pub(super) fn put(&self, parts: &[&str], body: &Value) -> Result<()> {
        self.call(Method::PUT, parts, &[], Some(body)).map(drop)
    }

    /// PATCH with a JSON document.
    pub(super) fn patch(&self, parts: &[&str], body: &Value) -> Result<()> {
        self.call(Method::PATCH, parts, &[], Some(body)).map(drop)
    }

    /// POST, with a JSON document or without any.
    pub(super) fn post(&self, parts: &[&str], body: Option<&Value>) -> Result<Value> {
        self.call(Method::POST, parts, &[], body)
    }

    /// DELETE.
    pub(super) fn delete(&self, parts: &[&str]) -> Result<()> {
        self.call(Method::DELETE, parts, &[], None).map(drop)
    }

    /// GET of something that is read piece by piece.
    pub(crate) fn open(&self, parts: &[&str], query: &[(&str, &str)]) -> Result<impl Read + use<>> {
        let answer = self.send(Method::GET, parts, query, &[], SendBody::none())?;
        Ok(answer.into_body().into_reader())
    }

    /// PUT of a body of known length that is read piece by piece; answers whether that made something new.
    pub(super) fn put_stream(
        &self,
        parts: &[&str],
        query: &[(&str, &str)],
        kind: &str,
        length: u64,
        mut body: impl Read,
    ) -> Result<bool> {
        let headers = [("Content-Type", kind), ("Content-Length", &length.to_string())];
        let answer = self.send(Method::PUT, parts, query, &headers, SendBody::from_reader(&mut body))?;
        Ok(answer.status() == StatusCode::CREATED)
    }

    /// POST of a body of known length that is read piece by piece.
    pub(crate) fn upload(&self, parts: &[&str], kind: &str, length: u64, mut body: impl Read) -> Result<()> {
        let headers = [("Content-Type", kind), ("Content-Length", &length.to_string())];
        self.send(Method::POST, parts, &[], &headers, SendBody::from_reader(&mut body)).map(drop)
    }
}

fn read(mut answer: Response<Body>) -> Result<Vec<u8>> {
    answer.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().context("the answer broke off")
}

/// What the server says of a failure.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    text: String,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}

fn failure(answer: Response<Body>) -> anyhow::Error {
    let status = answer.status();
    let body = read(answer).unwrap_or_default();
    let text = match serde_json::from_slice::<Value>(&body) {
        Ok(failure) => explain(&failure),
        Err(_) => None,
    };
    let text = text.unwrap_or_else(|| format!("the server answers {status}: {}", String::from_utf8_lossy(&body).trim()));
    Refused { status, text: text.lines().map(super::harmless).collect::<Vec<_>>().join("\n") }.into()
}

/// The text of a failure with the messages that name places of the request.
fn explain(failure: &Value) -> Option<String> {
    if let Some(detail) = failure.get("detail").and_then(Value::as_str) {
        return Some(explain_problem(detail, failure));
    }
    let mut text = failure.get("error")?.as_str()?.to_owned();
    for (place, messages) in failure.get("context").and_then(Value::as_object).into_iter().flatten() {
        for message in super::texts(messages) {
            text.push_str(&format!("\n  {place}: {message}"));
        }
    }
    Some(text)
}

/// The text of a problem document (RFC 9457), as the platform's interface answers it.
fn explain_problem(detail: &str, problem: &Value) -> String {
    let mut text = match problem.get("member").and_then(Value::as_str) {
        Some(member) if !detail.contains(member) => format!("{member}: {detail}"),
        _ => detail.to_owned(),
    };
    for violation in problem.get("violations").and_then(Value::as_array).into_iter().flatten() {
        let part = |name| violation.get(name).and_then(Value::as_str).unwrap_or_default();
        text.push_str(&format!("\n  {} {}: {}", part("severity"), part("path"), part("message")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_a_part_of_a_path() {
        assert_eq!(path(&["streams", "a/b c", "logs"]), "/streams/a%2Fb%20c/logs");
        assert_eq!(path(&["auth-users", "ä.%_~"]), "/auth-users/%C3%A4%2E%25_~");
    }

    #[test]
    fn a_failure_says_what_the_server_said() {
        let failure = serde_json::json!({
            "status": "INVALID_ARGUMENT", "error": "invalid argument: validation failed", "context": {"body": ["#/a: wrong", "#/b: too"]},
        });
        let expected = "invalid argument: validation failed\n  body: #/a: wrong\n  body: #/b: too";
        assert_eq!(explain(&failure).as_deref(), Some(expected));
        let problem = serde_json::json!({"type": "about:blank", "detail": "no host name", "member": "hosts[0]"});
        assert_eq!(explain(&problem).as_deref(), Some("hosts[0]: no host name"));
        assert_eq!(explain(&serde_json::json!({"other": 1})), None);
        let problem = serde_json::json!({
            "title": "Bad Request", "detail": "must not be empty", "member": "url",
            "violations": [{"path": "/a", "message": "no", "severity": "error"}],
        });
        assert_eq!(explain(&problem).as_deref(), Some("url: must not be empty\n  error /a: no"));
    }
}
