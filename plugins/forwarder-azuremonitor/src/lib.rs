//! Sends records to the Logs Ingestion API of Azure Monitor (FlowG 12.11).

use headworks_forwarder_kit::config::or_default;
use headworks_forwarder_kit::endpoint::Endpoint;
use headworks_forwarder_kit::http::Request;
use headworks_forwarder_kit::{About, Delivery, Failure, Forwarder, Network, OpenError, Tls, json};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::rc::Rc;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The configuration. No member is required when it is saved; what is missing is found when it is used.
#[derive(Debug, Deserialize)]
pub struct Config {
    #[serde(default, deserialize_with = "or_default")]
    endpoint: String,
    #[serde(default, deserialize_with = "or_default")]
    token: String,
    #[serde(default, deserialize_with = "or_default")]
    expires_on: String,
    #[serde(default, deserialize_with = "or_default")]
    rule_id: String,
    #[serde(default, deserialize_with = "or_default")]
    stream_name: String,
    #[serde(default, deserialize_with = "or_default")]
    allow_insecure: bool,
}

/// The forwarder.
pub struct AzureMonitor {
    request: Request,
    network: Rc<dyn Network>,
}

/// What may stand in a path segment as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

impl Forwarder for AzureMonitor {
    const ABOUT: About = About {
        name: "forwarder-azuremonitor",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Sends records to the Logs Ingestion API of Azure Monitor",
        schema: include_str!("../schema.json"),
        grants: &["https://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        if let Err(error) = OffsetDateTime::parse(&config.expires_on, &Rfc3339) {
            return Err(format!("expires_on: {:?} is no date-time of RFC 3339: {error}", config.expires_on));
        }
        Ok(vec![endpoint(config)?.target()])
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let endpoint = endpoint(&config).map_err(OpenError::InvalidConfig)?;
        let segment = |text: &str| utf8_percent_encode(text, PLAIN).to_string();
        let mut request = Request::new("POST", &endpoint)
            .header("Authorization", format!("Bearer {}", config.token))
            .header("Content-Type", "application/json");
        request.url = format!(
            "{}/dataCollectionRules/{}/streams/{}?api-version=2023-01-01",
            endpoint.url().trim_end_matches('/'),
            segment(&config.rule_id),
            segment(&config.stream_name)
        );
        request.redirects = 0;
        request.tls = config.allow_insecure.then_some(Tls { roots: None, insecure: true });
        Ok(Self { request, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let body = format!("[{}]", json::fields(&delivery.record.fields));
        let response = self.request.clone().body(body).send(&*self.network)?;
        if response.is_success() {
            return Ok(());
        }
        let quoted = response.quoted();
        let details = if quoted.is_empty() { String::new() } else { format!(": {quoted}") };
        Err(response.failure(format!("unexpected status code: {}{details}", response.status)))
    }
}

/// A token is not sent unencrypted.
fn endpoint(config: &Config) -> Result<Endpoint, String> {
    Endpoint::parse("endpoint", &config.endpoint, &[("https", 443)])
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::AzureMonitor);

#[cfg(test)]
mod tests {
    use super::AzureMonitor;
    use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, record, refusal};
    use headworks_forwarder_kit::{Report, Retry};

    const CONFIG: &str = r#"{"endpoint": "https://logs.example/", "token": "t0k", "expires_on": "2020-01-01T00:00:00+01:00",
        "rule_id": "dcr-1", "stream_name": "Custom-A/B"}"#;

    #[test]
    fn the_description_is_whole() {
        check_description::<AzureMonitor>(&[]);
    }

    #[test]
    fn a_record_is_an_array_of_one_object() {
        let network = FakeNetwork::new();
        network.answer(204, &[], b"");
        assert_eq!(deliver::<AzureMonitor>(CONFIG, &network, &[record(&[("b", "2"), ("a", "1")])]), Report::default());
        let request = network.only();
        assert_eq!(request.method, "POST");
        assert_eq!(request.url, "https://logs.example/dataCollectionRules/dcr-1/streams/Custom-A%2FB?api-version=2023-01-01");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(request.headers, [pair("Authorization", "Bearer t0k"), pair("Content-Type", "application/json")]);
        assert_eq!(request.body, br#"[{"a":"1","b":"2"}]"#);
        assert_eq!((request.tls, request.redirects), (None, 0));
    }

    #[test]
    fn any_certificate_is_accepted_only_where_that_is_configured() {
        let network = FakeNetwork::new();
        deliver::<AzureMonitor>(&CONFIG.replace('}', r#", "allow_insecure": true}"#), &network, &[record(&[])]);
        let tls = network.only().tls.unwrap();
        assert_eq!((tls.insecure, tls.roots), (true, None));
    }

    #[test]
    fn a_failure_tells_what_the_service_said() {
        let network = FakeNetwork::new();
        network.answer(403, &[], br#"{"error":{"code":"AuthorizationFailed"}}"#);
        let report = deliver::<AzureMonitor>(CONFIG, &network, &[record(&[])]);
        let reason = r#"unexpected status code: 403: {"error":{"code":"AuthorizationFailed"}}"#;
        assert_eq!(report.stopped, Some((0, reason.to_owned(), Retry::Never)));
    }

    #[test]
    fn an_expiry_that_is_no_time_and_plain_http_are_refused() {
        let wrong = CONFIG.replace("2020-01-01T00:00:00+01:00", "tomorrow");
        assert!(refusal::<AzureMonitor>(&wrong).starts_with("expires_on: \"tomorrow\" is no date-time of RFC 3339"));
        assert!(refusal::<AzureMonitor>("{}").starts_with("expires_on: \"\" is no date-time"));
        let plain = CONFIG.replace("https:", "http:");
        assert_eq!(refusal::<AzureMonitor>(&plain), "endpoint: \"http://logs.example/\" is no URL that begins with https://");
    }
}
