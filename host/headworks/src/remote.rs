//! A running server, for commands that work on one: where it is, who calls, and what its failures say.

use crate::cli::Server;
use anyhow::{Context, Result, bail, ensure};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::Duration;
use ureq::http::{Method, Request};
use ureq::{Agent, Body, SendBody};

/// What is encoded in paths and queries.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'~');
/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(10);
/// The most bytes of a failure that is shown, and of an answer.
const SMALL: u64 = 1 << 20;
const LARGE: u64 = 1 << 30;

/// A server to talk to.
pub(crate) struct Api {
    pub(crate) agent: Agent,
    pub(crate) base: String,
    pub(crate) token: String,
}

impl Api {
    pub(crate) fn new(server: Server) -> Result<Self> {
        let base = match (server.api, server.data) {
            (Some(api), _) => api.trim_end_matches('/').to_owned(),
            (None, Some(data)) => address(&data)?,
            (None, None) => "http://127.0.0.1:5080".to_owned(),
        };
        ensure!(
            base.starts_with("http://") || base.starts_with("https://"),
            "{base:?} is no address such as http://127.0.0.1:5080"
        );
        let token = ["HEADWORKS_TOKEN", "FLOWG_API_TOKEN"].into_iter().find_map(|name| std::env::var(name).ok());
        let token = token.filter(|token| !token.is_empty());
        let token = token.context("set HEADWORKS_TOKEN to a personal access token of a user who may do this")?;
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).timeout_connect(Some(CONNECT));
        Ok(Self { agent: config.build().new_agent(), base, token })
    }

    /// The body of a success; a failure becomes its own text.
    pub(crate) fn checked(&self, mut answer: ureq::http::Response<Body>) -> Result<Body> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        let text = answer.body_mut().with_config().limit(SMALL).read_to_string().unwrap_or_default();
        let failure: Value = serde_json::from_str(&text).unwrap_or_default();
        let cause = failure.get("error").or(failure.get("detail")).and_then(Value::as_str).unwrap_or(text.trim());
        bail!("{} answers {status}: {}", self.base, cause.chars().filter(|c| !c.is_control()).collect::<String>())
    }

    /// Asks the platform interface something and answers the JSON document of its success.
    pub(crate) fn platform(&self, method: Method, path: &str, query: &[(&str, String)], body: Option<&Value>) -> Result<Value> {
        let encode = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let pairs: Vec<String> = query.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let query = if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) };
        let request = Request::builder().method(method).uri(format!("{}/platform/v1/{path}{query}", self.base));
        let request = request.header("Authorization", format!("Bearer {}", self.token));
        let answer = match body {
            Some(body) => self.agent.run(request.header("Content-Type", "application/json").body(body.to_string())?),
            None => self.agent.run(request.body(SendBody::none())?),
        };
        let answer = answer.with_context(|| format!("{} cannot be reached", self.base))?;
        let text = self.checked(answer)?.with_config().limit(LARGE).read_to_vec().context("the answer broke off")?;
        serde_json::from_slice(&text).with_context(|| format!("{} answers something else than JSON", self.base))
    }
}

/// The address of the server that uses a data folder.
fn address(data: &Path) -> Result<String> {
    #[derive(Deserialize)]
    struct Addresses {
        listen: Vec<String>,
    }
    let path = data.join("addresses.json");
    let text =
        fs::read(&path).with_context(|| format!("no server runs on {}: {} cannot be read", data.display(), path.display()))?;
    let addresses: Addresses = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    let first = addresses.listen.into_iter().next().context("the server listens nowhere")?;
    Ok(format!("http://{first}"))
}
