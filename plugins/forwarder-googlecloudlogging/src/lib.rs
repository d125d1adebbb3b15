//! Writes records to Google Cloud Logging over gRPC (FlowG 12.10).
//!
//! Owns the call: one `WriteLogEntries` per record over HTTP/2, waited for.

mod credentials;
mod message;

use credentials::{Account, Credentials, KeyFile, METADATA, Service};
use headworks_forwarder_kit::config::{self, filled, or_default};
use headworks_forwarder_kit::endpoint::{Endpoint, address};
use headworks_forwarder_kit::http::{Request, Response, Version};
use headworks_forwarder_kit::{About, Delivery, Failure, Forwarder, Network, OpenError};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    host: String,
    port: u16,
    project_id: String,
    log_id: String,
    #[serde(default, deserialize_with = "or_default")]
    disable_tls: bool,
    #[serde(default, deserialize_with = "or_default")]
    disable_auth: bool,
    #[serde(default, deserialize_with = "or_default")]
    auth_json: String,
}

/// The forwarder.
pub struct GoogleCloudLogging {
    request: Request,
    credentials: Credentials,
    project: String,
    log: String,
    network: Rc<dyn Network>,
}

const METHOD: &str = "/google.logging.v2.LoggingServiceV2/WriteLogEntries";
const UNAUTHENTICATED: u32 = 16;

impl Forwarder for GoogleCloudLogging {
    const ABOUT: About = About {
        name: "forwarder-googlecloudlogging",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Writes records to Google Cloud Logging over gRPC",
        schema: include_str!("../schema.json"),
        grants: &["http://*:*", "https://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        filled("project_id", &config.project_id)?;
        filled("log_id", &config.log_id)?;
        let mut targets = vec![service(config)?.target()];
        if config.disable_auth {
            return Ok(targets);
        }
        if config.disable_tls {
            return Err("disable_tls: credentials are not sent unencrypted; set disable_auth as well".to_owned());
        }
        targets.push(match key_file(config)? {
            Some(file) => Endpoint::http("auth_json.token_uri", &file.token_uri)?.target(),
            None => Endpoint::http("metadata", METADATA)?.target(),
        });
        Ok(targets)
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let endpoint = service(&config).map_err(OpenError::InvalidConfig)?;
        let account = account(&config).map_err(OpenError::InvalidConfig)?;
        let mut request = Request::new("POST", &endpoint)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("user-agent", concat!("headworks/", env!("CARGO_PKG_VERSION")));
        request.version = Version::Http2;
        request.redirects = 0;
        let credentials = Credentials::new(account);
        Ok(Self { request, credentials, project: config.project_id, log: config.log_id, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let message = message::write(&self.project, &self.log, delivery.record);
        let mut request = self.request.clone().body(message::framed(&message));
        if let Some(token) = self.credentials.token(&*self.network)? {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = request.send(&*self.network)?;
        match status(&answer)? {
            (0, _) => Ok(()),
            (code, text) => {
                if code == UNAUTHENTICATED {
                    self.credentials.forget();
                }
                Err(meaning(code, format!("the service answered {}: {text}", name(code))))
            }
        }
    }
}

fn service(config: &Config) -> Result<Endpoint, String> {
    let target = format!("{}:{}", config.host, config.port);
    address("host", &target)?;
    let scheme = if config.disable_tls { "http" } else { "https" };
    Endpoint::http("host", &format!("{scheme}://{target}{METHOD}"))
}

fn key_file(config: &Config) -> Result<Option<KeyFile>, String> {
    if config.auth_json.is_empty() {
        return Ok(None);
    }
    config::read(&config.auth_json).map(Some).map_err(|error| format!("auth_json: {error}"))
}

fn account(config: &Config) -> Result<Account, String> {
    if config.disable_auth {
        return Ok(Account::Nobody);
    }
    Ok(match key_file(config)? {
        Some(file) => Account::Service(Box::new(Service::new(file)?)),
        None => Account::Machine,
    })
}

/// The status and text of a gRPC answer, from its trailers or, where nothing but headers came, from those.
fn status(answer: &Response) -> Result<(u32, String), Failure> {
    if let Some(code) = answer.header("grpc-status").and_then(|code| code.trim().parse().ok()) {
        let text = percent_decode_str(answer.header("grpc-message").unwrap_or_default()).decode_utf8_lossy().into_owned();
        return Ok((code, text));
    }
    if answer.is_success() { Err(Failure::later("the answer has no grpc-status")) } else { Err(answer.unexpected()) }
}

fn meaning(code: u32, reason: String) -> Failure {
    match code {
        // InvalidArgument and OutOfRange
        3 | 11 => Failure::Rejected(reason),
        // Cancelled, Unknown, DeadlineExceeded, ResourceExhausted, Aborted, Internal, Unavailable, Unauthenticated
        1 | 2 | 4 | 8 | 10 | 13 | 14 | UNAUTHENTICATED => Failure::later(reason),
        _ => Failure::never(reason),
    }
}

/// The names of the status codes of gRPC.
fn name(code: u32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    usize::try_from(code).ok().and_then(|code| NAMES.get(code)).copied().unwrap_or("an unknown status")
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::GoogleCloudLogging);

#[cfg(test)]
mod tests;
