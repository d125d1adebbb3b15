//! Sends records as OpenTelemetry logs over HTTP (FlowG 12.6).

mod message;

use headworks_forwarder_kit::config::{filled, or_default};
use headworks_forwarder_kit::endpoint::Endpoint;
use headworks_forwarder_kit::http::Request;
use headworks_forwarder_kit::{About, Delivery, Failure, Forwarder, Network, OpenError};
use prost::Message as _;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    endpoint: String,
    #[serde(default, deserialize_with = "or_default")]
    headers: BTreeMap<String, String>,
}

/// The forwarder.
pub struct Otlp {
    request: Request,
    network: Rc<dyn Network>,
}

impl Forwarder for Otlp {
    const ABOUT: About = About {
        name: "forwarder-otlp",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Sends records as OpenTelemetry logs over HTTP",
        schema: include_str!("../schema.json"),
        grants: &["http://*:*", "https://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        filled("endpoint", &config.endpoint)?;
        Ok(vec![Endpoint::http("endpoint", &config.endpoint)?.target()])
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let endpoint = Endpoint::http("endpoint", &config.endpoint).map_err(OpenError::InvalidConfig)?;
        let request = Request::new("POST", &endpoint).header("Content-Type", "application/x-protobuf");
        let request = config.headers.into_iter().fold(request, |request, (name, value)| request.header(&name, value));
        Ok(Self { request, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let body = message::logs(delivery.record).encode_to_vec();
        let response = self.request.clone().body(body).send(&*self.network)?;
        if response.is_success() {
            return Ok(());
        }
        Err(response.failure(format!("unexpected status code: {}, body: {}", response.status, response.quoted())))
    }
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::Otlp);

#[cfg(test)]
mod tests {
    use super::{Otlp, message};
    use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, record, refusal};
    use headworks_forwarder_kit::{Report, Retry};
    use prost::Message as _;

    const CONFIG: &str = r#"{"endpoint": "http://otel.example:4318/v1/logs", "headers": {"X-Key": "k"}}"#;

    #[test]
    fn the_description_is_whole() {
        check_description::<Otlp>(&[]);
    }

    #[test]
    fn a_record_is_posted_as_protobuf() {
        let network = FakeNetwork::new();
        let record = record(&[("body", "hello"), ("b", "2"), ("a", "1")]);
        assert_eq!(deliver::<Otlp>(CONFIG, &network, std::slice::from_ref(&record)), Report::default());
        let request = network.only();
        assert_eq!((request.method, request.url.as_str()), ("POST", "http://otel.example:4318/v1/logs"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(request.headers, [pair("Content-Type", "application/x-protobuf"), pair("X-Key", "k")]);
        assert_eq!(message::LogsData::decode(&*request.body).unwrap(), message::logs(&record));
    }

    #[test]
    fn the_bytes_are_those_of_the_protocol() {
        let network = FakeNetwork::new();
        deliver::<Otlp>(CONFIG, &network, &[record(&[("body", "hi"), ("k", "v")])]);
        let time = 1_767_322_985_678_901_234_u64.to_le_bytes();
        // LogRecord: time_unix_nano = 1 (fixed64), body = 5 { string_value = 1 }, attributes = 6 { key = 1, value = 2 }
        let log = [&[0x09][..], &time, &[0x2a, 4, 0x0a, 2, b'h', b'i', 0x32, 8, 0x0a, 1, b'k', 0x12, 3, 0x0a, 1, b'v']].concat();
        // ResourceLogs = 1 { resource = 1, scope_logs = 2 { scope = 1, log_records = 2 } }
        let scope = [&[0x0a, 0, 0x12, log.len() as u8][..], &log].concat();
        let resource = [&[0x0a, 0, 0x12, scope.len() as u8][..], &scope].concat();
        assert_eq!(network.only().body, [&[0x0a, resource.len() as u8][..], &resource].concat());
    }

    #[test]
    fn a_missing_body_is_an_empty_text() {
        let network = FakeNetwork::new();
        deliver::<Otlp>(CONFIG, &network, &[record(&[])]);
        let sent = message::LogsData::decode(&*network.only().body).unwrap();
        assert_eq!(sent, message::logs(&record(&[("body", "")])));
    }

    #[test]
    fn configured_headers_replace_the_type() {
        let network = FakeNetwork::new();
        let config = r#"{"endpoint": "http://x", "headers": {"content-type": "application/octet-stream"}}"#;
        deliver::<Otlp>(config, &network, &[record(&[])]);
        assert_eq!(network.only().headers, [("content-type".to_owned(), "application/octet-stream".to_owned())]);
    }

    #[test]
    fn a_failure_quotes_status_and_body() {
        let network = FakeNetwork::new();
        network.answer(500, &[], b"broken\n");
        let report = deliver::<Otlp>(CONFIG, &network, &[record(&[])]);
        assert_eq!(report.stopped, Some((0, "unexpected status code: 500, body: broken".to_owned(), Retry::After(1_000))));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(refusal::<Otlp>("{}"), "missing field `endpoint`");
        assert!(refusal::<Otlp>(r#"{"endpoint": "otel:4317"}"#).starts_with("endpoint: "));
    }
}
