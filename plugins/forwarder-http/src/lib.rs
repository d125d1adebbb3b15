//! Posts records to a URL (FlowG 12.1).
//!
//! Owns the request: its body is a small JSON object, and its headers are those of the configuration and no others.

use headworks_forwarder_kit::config::{filled, or_default};
use headworks_forwarder_kit::endpoint::Endpoint;
use headworks_forwarder_kit::http::Request;
use headworks_forwarder_kit::{About, Delivery, Dynamic, Failure, Forwarder, Network, OpenError, json};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    url: String,
    #[serde(default, deserialize_with = "or_default")]
    headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "or_default")]
    proxy: String,
    #[serde(default, deserialize_with = "or_default")]
    body: String,
}

/// The forwarder.
pub struct Http {
    request: Request,
    network: Rc<dyn Network>,
}

/// The schemes of proxies and their usual ports.
const PROXIES: &[(&str, u16)] = &[("http", 80), ("https", 443), ("socks5", 1080)];

impl Forwarder for Http {
    const ABOUT: About = About {
        name: "forwarder-http",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Posts records as JSON to a URL",
        schema: include_str!("../schema.json"),
        grants: &["http://*:*", "https://*:*", "socks5://*:*"],
    };
    type Config = Config;

    /// The target and the proxy.
    fn targets(config: &Config) -> Result<Vec<String>, String> {
        filled("url", &config.url)?;
        let mut targets = vec![Endpoint::http("url", &config.url)?.target()];
        if !config.proxy.is_empty() {
            targets.push(Endpoint::parse("proxy", &config.proxy, PROXIES)?.target());
        }
        Ok(targets)
    }

    fn dynamic(config: &Config) -> Vec<Dynamic> {
        vec![Dynamic::or_log("body", &config.body)]
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let endpoint = Endpoint::http("url", &config.url).map_err(OpenError::InvalidConfig)?;
        let request = Request::new("POST", &endpoint);
        let mut request = config.headers.into_iter().fold(request, |request, (name, value)| request.header(&name, value));
        request.proxy = Some(config.proxy).filter(|proxy| !proxy.is_empty());
        Ok(Self { request, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let body = json::object([("body", delivery.text(0)), ("timestamp", &delivery.record.time.rfc3339())]);
        let response = self.request.clone().body(body).send(&*self.network)?;
        if response.is_success() { Ok(()) } else { Err(response.unexpected()) }
    }
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::Http);

#[cfg(test)]
mod tests {
    use super::Http;
    use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, open, record, refusal};
    use headworks_forwarder_kit::{NetworkError, OpenError, Report, Retry, read_targets};

    #[test]
    fn the_description_is_whole() {
        check_description::<Http>(&["body"]);
    }

    #[test]
    fn a_record_is_posted_with_the_configured_headers_only() {
        let network = FakeNetwork::new();
        let config = r#"{"type": "http", "url": "https://example.com/in?a=b", "headers": {"X-Key": "k"}}"#;
        let report = deliver::<Http>(config, &network, &[record(&[("b", "<1>"), ("a", "x")])]);
        assert_eq!(report, Report::default());
        let request = network.only();
        assert_eq!((request.method, request.url.as_str()), ("POST", "https://example.com/in?a=b"));
        assert_eq!(request.headers, [("X-Key".to_owned(), "k".to_owned())]);
        assert_eq!((request.redirects, request.timeout_milliseconds, request.proxy, request.tls), (10, 10_000, None, None));
        assert_eq!(
            String::from_utf8(request.body).unwrap(),
            r#"{"body":"{\n  \"a\": \"x\",\n  \"b\": \"\\u003c1\\u003e\"\n}","timestamp":"2026-01-02T03:03:05.678901234Z"}"#
        );
    }

    #[test]
    fn the_body_is_a_fixed_text_or_an_expression() {
        for (body, expected) in [("fixed", "fixed"), ("@expr:log.message", "hello")] {
            let network = FakeNetwork::new();
            let config = format!(r#"{{"url": "http://example.com", "body": {body:?}}}"#);
            assert_eq!(deliver::<Http>(&config, &network, &[record(&[("message", "hello")])]), Report::default());
            let sent: serde_json::Value = serde_json::from_slice(&network.only().body).unwrap();
            assert_eq!(sent["body"], expected);
        }
    }

    #[test]
    fn each_record_is_one_request_in_order_and_the_first_failure_of_the_target_ends_the_batch() {
        let network = FakeNetwork::new();
        network.answer(204, &[], b"");
        network.answer(400, &[], b"");
        network.answer(503, &[("Retry-After", "3")], b"");
        let records = ["a", "b", "c", "d"].map(|name| record(&[("n", name)]));
        let config = r#"{"url": "http://example.com", "body": "@expr:log.n"}"#;
        let report = deliver::<Http>(config, &network, &records);
        assert_eq!(report.rejected, [(1, "unexpected status code: 400".to_owned())]);
        assert_eq!(report.stopped, Some((2, "unexpected status code: 503".to_owned(), Retry::After(3_000))));
        assert_eq!(network.taken().len(), 3);
    }

    #[test]
    fn a_target_that_cannot_be_reached_stops_the_batch_with_the_cause() {
        let network = FakeNetwork::new();
        network.fail(NetworkError::Unreachable("example.com:80: connection refused".to_owned()));
        let report = deliver::<Http>(r#"{"url": "http://example.com"}"#, &network, &[record(&[])]);
        assert_eq!(report.stopped, Some((0, "example.com:80: connection refused".to_owned(), Retry::After(1_000))));
    }

    #[test]
    fn an_expression_that_gives_no_text_rejects_the_record() {
        let network = FakeNetwork::new();
        let report = deliver::<Http>(r#"{"url": "http://example.com", "body": "@expr:1"}"#, &network, &[record(&[])]);
        assert_eq!(report.rejected, [(0, "body expression did not evaluate to string".to_owned())]);
        assert!(network.taken().is_empty());
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(refusal::<Http>("{}"), "missing field `url`");
        assert_eq!(refusal::<Http>(r#"{"url": ""}"#), "url: must not be empty");
        assert_eq!(refusal::<Http>(r#"{"url": "ftp://x"}"#), "url: \"ftp://x\" is no URL that begins with http:// or https://");
        assert!(refusal::<Http>(r#"{"url": "http://x", "proxy": "x"}"#).starts_with("proxy: \"x\" is no URL"));
        let expected = "body: failed to compile expression: \"@expr:bad\" is no expression";
        assert_eq!(refusal::<Http>(r#"{"url": "http://x", "body": "@expr:bad"}"#), expected);
        let failed = open::<Http>("[]", &FakeNetwork::new()).err();
        assert!(matches!(failed, Some(OpenError::InvalidConfig(_))));
    }

    #[test]
    fn the_targets_are_the_host_and_the_proxy() {
        assert_eq!(read_targets::<Http>(r#"{"url": "https://a.example/x"}"#).unwrap(), ["https://a.example:443"]);
        let config = r#"{"url": "http://a.example", "proxy": "socks5://user:pass@p.example"}"#;
        assert_eq!(read_targets::<Http>(config).unwrap(), ["http://a.example:80", "socks5://p.example:1080"]);
        let network = FakeNetwork::new();
        deliver::<Http>(config, &network, &[record(&[])]);
        assert_eq!(network.only().proxy.as_deref(), Some("socks5://user:pass@p.example"));
    }
}
