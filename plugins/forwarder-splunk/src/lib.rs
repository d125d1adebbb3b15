//! Sends records to a Splunk HTTP Event Collector (FlowG 12.5).

use headworks_forwarder_kit::config::{filled, or_default};
use headworks_forwarder_kit::endpoint::Endpoint;
use headworks_forwarder_kit::http::Request;
use headworks_forwarder_kit::{About, Delivery, Dynamic, Failure, Forwarder, Network, OpenError, json};
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    endpoint: String,
    token: String,
    #[serde(default, deserialize_with = "or_default")]
    source: String,
    #[serde(default, deserialize_with = "or_default")]
    host: String,
}

/// The forwarder.
pub struct Splunk {
    request: Request,
    network: Rc<dyn Network>,
}

/// The source where none is configured; searches of FlowG users name it.
const SOURCE: &str = "flowg";

impl Forwarder for Splunk {
    const ABOUT: About = About {
        name: "forwarder-splunk",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Sends records to a Splunk HTTP Event Collector",
        schema: include_str!("../schema.json"),
        grants: &["http://*:*", "https://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        filled("token", &config.token)?;
        Ok(vec![Endpoint::http("endpoint", &config.endpoint)?.target()])
    }

    fn dynamic(config: &Config) -> Vec<Dynamic> {
        vec![Dynamic::or_text("source", &config.source, SOURCE), Dynamic::or_field("host", &config.host, "host")]
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let endpoint = Endpoint::http("endpoint", &config.endpoint).map_err(OpenError::InvalidConfig)?;
        let request = Request::new("POST", &endpoint)
            .header("Authorization", format!("Splunk {}", config.token))
            .header("Content-Type", "application/json");
        Ok(Self { request, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let body = format!(
            r#"{{"event":{},"host":{},"source":{},"sourcetype":"json","time":{}}}"#,
            json::fields(&delivery.record.fields),
            json::text(delivery.text(1)),
            json::text(delivery.text(0)),
            delivery.record.time.seconds
        );
        let response = self.request.clone().body(body).send(&*self.network)?;
        if response.status != 200 {
            return Err(response.unexpected());
        }
        let answer: Result<IgnoredAny, _> = serde_json::from_slice(&response.body);
        answer.map(drop).map_err(|error| Failure::later(format!("the answer is no JSON: {error}")))
    }
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::Splunk);

#[cfg(test)]
mod tests {
    use super::Splunk;
    use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, record, refusal};
    use headworks_forwarder_kit::{Report, Retry};

    const CONFIG: &str = r#"{"endpoint": "https://splunk.example:8088/services/collector/event", "token": "t0k"}"#;

    #[test]
    fn the_description_is_whole() {
        check_description::<Splunk>(&["source", "host"]);
    }

    #[test]
    fn a_record_is_one_event() {
        let network = FakeNetwork::new();
        network.answer(200, &[], br#"{"text":"Success","code":0}"#);
        assert_eq!(deliver::<Splunk>(CONFIG, &network, &[record(&[("host", "web-1"), ("a", "<")])]), Report::default());
        let request = network.only();
        assert_eq!((request.method, request.url.as_str()), ("POST", "https://splunk.example:8088/services/collector/event"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(request.headers, [pair("Authorization", "Splunk t0k"), pair("Content-Type", "application/json")]);
        assert_eq!(
            String::from_utf8(request.body).unwrap(),
            r#"{"event":{"a":"\u003c","host":"web-1"},"host":"web-1","source":"flowg","sourcetype":"json","time":1767322985}"#
        );
    }

    #[test]
    fn source_and_host_can_be_given() {
        let network = FakeNetwork::new();
        network.answer(200, &[], b"{}");
        let config = CONFIG.replace('}', r#", "source": "@expr:log.app", "host": "fixed"}"#);
        assert_eq!(deliver::<Splunk>(&config, &network, &[record(&[("app", "shop")])]), Report::default());
        let sent: serde_json::Value = serde_json::from_slice(&network.only().body).unwrap();
        assert_eq!((&sent["source"], &sent["host"]), (&"shop".into(), &"fixed".into()));
    }

    #[test]
    fn only_200_with_json_is_success() {
        for (status, body, expected) in [(201, "{}", "unexpected status code: 201"), (200, "ok", "the answer is no JSON: ")] {
            let network = FakeNetwork::new();
            network.answer(status, &[], body.as_bytes());
            let (at, reason, _) = deliver::<Splunk>(CONFIG, &network, &[record(&[])]).stopped.unwrap();
            assert_eq!(at, 0);
            assert!(reason.starts_with(expected), "{reason}");
        }
    }

    #[test]
    fn a_busy_collector_is_tried_later() {
        let network = FakeNetwork::new();
        network.answer(503, &[], br#"{"text":"Server is busy","code":9}"#);
        let report = deliver::<Splunk>(CONFIG, &network, &[record(&[])]);
        assert_eq!(report.stopped, Some((0, "unexpected status code: 503".to_owned(), Retry::After(1_000))));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        assert_eq!(refusal::<Splunk>(r#"{"endpoint": "https://x", "token": ""}"#), "token: must not be empty");
        assert!(refusal::<Splunk>(r#"{"endpoint": "x", "token": "t"}"#).starts_with("endpoint: \"x\" is no URL"));
    }
}
