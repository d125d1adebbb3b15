//! Writes records into an Elasticsearch index (FlowG 12.7).
//!
//! Owns the order of calls: `HEAD` of the index, `PUT` where it is missing, `POST` of the document. What must stay true:
//! nothing is taken for a success that does not come from a server that names itself.

use headworks_forwarder_kit::config::{filled, or_default};
use headworks_forwarder_kit::endpoint::{Credentials, Endpoint};
use headworks_forwarder_kit::http::{Request, Response};
use headworks_forwarder_kit::{About, Delivery, Failure, Forwarder, Network, OpenError, Tls, json};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    index: String,
    username: String,
    password: String,
    addresses: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    ca: String,
}

/// The forwarder.
pub struct Elastic {
    nodes: Vec<Endpoint>,
    /// The node that answered last; the next call begins there.
    current: usize,
    index: String,
    authorization: String,
    tls: Option<Tls>,
    network: Rc<dyn Network>,
}

const JSON: &str = "application/json";
const PRODUCT: (&str, &str) = ("X-Elastic-Product", "Elasticsearch");
/// What may stand in a path segment as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Forwarder for Elastic {
    const ABOUT: About = About {
        name: "forwarder-elastic",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Writes records into an Elasticsearch index",
        schema: include_str!("../schema.json"),
        grants: &["http://*:*", "https://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        filled("index", &config.index)?;
        filled("username", &config.username)?;
        filled("password", &config.password)?;
        let nodes = nodes(config)?;
        if nodes.is_empty() {
            return Err("addresses: must not be empty".to_owned());
        }
        Ok(nodes.iter().map(Endpoint::target).collect())
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let nodes = nodes(&config).map_err(OpenError::InvalidConfig)?;
        let index = utf8_percent_encode(&config.index, PLAIN).to_string();
        let tls = Some(config.ca).filter(|ca| !ca.is_empty()).map(|ca| Tls { roots: Some(ca), insecure: false });
        let authorization = Credentials { user: config.username, password: config.password }.basic();
        Ok(Self { nodes, current: 0, index, authorization, tls, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let index = self.index.clone();
        if self.call("HEAD", &index, "")?.status == 404 {
            let made = self.call("PUT", &index, "")?;
            // Somebody else may have been quicker.
            if !made.quoted().contains("resource_already_exists_exception") {
                checked(made)?;
            }
        }
        let time = json::text(&delivery.record.time.rfc3339());
        let document = format!(r#"{{"timestamp":{time},"fields":{}}}"#, json::fields(&delivery.record.fields));
        checked(self.call("POST", &format!("{index}/_doc"), &document)?)
    }
}

impl Elastic {
    /// Calls the nodes in turn until one answers. HEAD answers 404 where the index is missing; other failures of it are
    /// found by the calls after it.
    fn call(&mut self, method: &'static str, path: &str, body: &str) -> Result<Response, Failure> {
        let mut last = Failure::never("there is no address");
        for _ in 0..self.nodes.len() {
            let Some(node) = self.nodes.get(self.current) else { break };
            let outcome = self.request(method, node, path, body).send(&*self.network);
            match outcome {
                Ok(answer) if [502, 503, 504].contains(&answer.status) => last = error(&answer),
                Ok(answer) if method == "HEAD" && answer.status != 404 && !answer.is_success() => return Err(error(&answer)),
                Ok(answer) => return named(answer),
                Err(failure) => last = failure,
            }
            self.current = (self.current + 1) % self.nodes.len();
        }
        Err(last)
    }

    fn request(&self, method: &'static str, node: &Endpoint, path: &str, body: &str) -> Request {
        let mut request = Request::new(method, node).header("Authorization", self.authorization.clone()).header("Accept", JSON);
        if !body.is_empty() {
            request = request.header("Content-Type", JSON).body(body);
        }
        let base = node.url();
        request.url = format!("{}/{path}", base.trim_end_matches('/'));
        request.redirects = 0;
        if node.scheme == "https" {
            request.tls.clone_from(&self.tls);
        }
        request
    }
}

fn nodes(config: &Config) -> Result<Vec<Endpoint>, String> {
    let named = config.addresses.iter().enumerate();
    named.map(|(position, address)| Endpoint::http(&format!("addresses[{position}]"), address)).collect()
}

/// An answer other than a failure has to come from Elasticsearch.
fn named(answer: Response) -> Result<Response, Failure> {
    let (name, value) = PRODUCT;
    if answer.is_success() && answer.header(name) != Some(value) {
        return Err(Failure::never(format!("the server is no Elasticsearch: its answer has no header {name}: {value}")));
    }
    Ok(answer)
}

fn checked(answer: Response) -> Result<(), Failure> {
    if answer.is_success() { Ok(()) } else { Err(error(&answer)) }
}

fn error(answer: &Response) -> Failure {
    let quoted = answer.quoted();
    let details = if quoted.is_empty() { String::new() } else { format!(": {quoted}") };
    answer.failure(format!("unexpected status code: {}{details}", answer.status))
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::Elastic);

#[cfg(test)]
mod tests;
