//! Sends records to the log intake of Datadog (FlowG 12.3).

use headworks_forwarder_kit::config::{filled, or_default};
use headworks_forwarder_kit::endpoint::Endpoint;
use headworks_forwarder_kit::http::Request;
use headworks_forwarder_kit::{About, Delivery, Dynamic, Failure, Forwarder, Network, OpenError, json};
use serde::Deserialize;
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    url: String,
    #[serde(rename = "apiKey")]
    api_key: String,
    #[serde(default, deserialize_with = "or_default")]
    ddsource: String,
    #[serde(default, deserialize_with = "or_default")]
    ddtags: String,
    #[serde(default, deserialize_with = "or_default")]
    hostname: String,
    #[serde(default, deserialize_with = "or_default")]
    message: String,
    #[serde(default, deserialize_with = "or_default")]
    service: String,
}

/// The forwarder.
pub struct Datadog {
    request: Request,
    network: Rc<dyn Network>,
}

impl Forwarder for Datadog {
    const ABOUT: About = About {
        name: "forwarder-datadog",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Sends records to the log intake of Datadog",
        schema: include_str!("../schema.json"),
        grants: &["http://*:*", "https://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        filled("apiKey", &config.api_key)?;
        Ok(vec![Endpoint::http("url", &config.url)?.target()])
    }

    fn dynamic(config: &Config) -> Vec<Dynamic> {
        let Config { ddsource, ddtags, hostname, message, service, .. } = config;
        let members =
            [("ddsource", ddsource), ("ddtags", ddtags), ("hostname", hostname), ("message", message), ("service", service)];
        members.into_iter().map(|(name, text)| Dynamic::or_field(name, text, name)).collect()
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let endpoint = Endpoint::http("url", &config.url).map_err(OpenError::InvalidConfig)?;
        let request = Request::new("POST", &endpoint)
            .header("Accept", "application/json")
            .header("Content-Type", "application/json")
            .header("DD-API-KEY", config.api_key);
        Ok(Self { request, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let body = json::object([
            ("ddsource", delivery.text(0)),
            ("ddtags", delivery.text(1)),
            ("hostname", delivery.text(2)),
            ("message", delivery.text(3)),
            ("service", delivery.text(4)),
            ("timestamp", &delivery.record.time.rfc3339()),
        ]);
        let response = self.request.clone().body(body).send(&*self.network)?;
        if response.is_success() { Ok(()) } else { Err(response.unexpected()) }
    }
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::Datadog);

#[cfg(test)]
mod tests {
    use super::Datadog;
    use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, record, refusal};
    use headworks_forwarder_kit::{Report, Retry, read_targets};

    const CONFIG: &str =
        r#"{"url": "https://intake.example/api/v2/logs", "apiKey": "key", "ddtags": "env:x", "service": "@expr:log.app"}"#;

    #[test]
    fn the_description_is_whole() {
        check_description::<Datadog>(&["ddsource", "ddtags", "hostname", "message", "service"]);
    }

    #[test]
    fn a_record_is_one_log_with_the_key_in_a_header() {
        let network = FakeNetwork::new();
        network.answer(202, &[], b"{}");
        let record = record(&[("message", "hi & bye"), ("ddsource", "nginx"), ("app", "shop"), ("other", "left out")]);
        assert_eq!(deliver::<Datadog>(CONFIG, &network, &[record]), Report::default());
        let request = network.only();
        assert_eq!((request.method, request.url.as_str()), ("POST", "https://intake.example/api/v2/logs"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let (accept, content) = (pair("Accept", "application/json"), pair("Content-Type", "application/json"));
        assert_eq!(request.headers, [accept, content, pair("DD-API-KEY", "key")]);
        assert_eq!(
            String::from_utf8(request.body).unwrap(),
            r#"{"ddsource":"nginx","ddtags":"env:x","hostname":"","message":"hi \u0026 bye","service":"shop","timestamp":"2026-01-02T03:03:05.678901234Z"}"#
        );
    }

    #[test]
    fn a_refused_key_is_of_no_use_to_try_again() {
        let network = FakeNetwork::new();
        network.answer(403, &[], b"");
        let report = deliver::<Datadog>(CONFIG, &network, &[record(&[])]);
        assert_eq!(report.stopped, Some((0, "unexpected status code: 403".to_owned(), Retry::Never)));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(refusal::<Datadog>(r#"{"url": "https://x"}"#), "missing field `apiKey`");
        assert_eq!(refusal::<Datadog>(r#"{"url": "https://x", "apiKey": ""}"#), "apiKey: must not be empty");
        assert_eq!(read_targets::<Datadog>(CONFIG).unwrap(), ["https://intake.example:443"]);
    }
}
