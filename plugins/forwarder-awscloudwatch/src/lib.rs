//! Puts records into an Amazon CloudWatch log stream (FlowG 12.9).

mod sign;

use headworks_forwarder_kit::config::or_default;
use headworks_forwarder_kit::endpoint::Endpoint;
use headworks_forwarder_kit::http::{Request, Response};
use headworks_forwarder_kit::{About, Delivery, Failure, Forwarder, Network, OpenError, json};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sign::{Signed, Signer};
use std::rc::Rc;

/// The configuration.
#[derive(Debug, Deserialize)]
pub struct Config {
    #[serde(default, deserialize_with = "or_default")]
    app_id: String,
    endpoint: String,
    #[serde(default, deserialize_with = "or_default")]
    region: String,
    #[serde(default, deserialize_with = "or_default")]
    access_key_id: String,
    #[serde(default, deserialize_with = "or_default")]
    secret_access_key: String,
    #[serde(default, deserialize_with = "or_default")]
    session_token: String,
    group: String,
    stream: String,
}

/// The forwarder.
pub struct CloudWatch {
    request: Request,
    path: String,
    signer: Signer,
    group: String,
    stream: String,
    network: Rc<dyn Network>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    rejected_log_events_info: Option<Rejected>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rejected {
    too_new_log_event_start_index: Option<IgnoredAny>,
    too_old_log_event_end_index: Option<IgnoredAny>,
    expired_log_event_end_index: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct ServiceError {
    #[serde(rename = "__type", default)]
    kind: String,
    #[serde(alias = "Message", default)]
    message: String,
}

impl Forwarder for CloudWatch {
    const ABOUT: About = About {
        name: "forwarder-awscloudwatch",
        version: env!("CARGO_PKG_VERSION"),
        summary: "Puts records into an Amazon CloudWatch log stream",
        schema: include_str!("../schema.json"),
        grants: &["http://*:*", "https://*:*"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, String> {
        Ok(vec![Endpoint::http("endpoint", &config.endpoint)?.target()])
    }

    fn open(config: Config, network: Rc<dyn Network>) -> Result<Self, OpenError> {
        let endpoint = Endpoint::http("endpoint", &config.endpoint).map_err(OpenError::InvalidConfig)?;
        let application = if config.app_id.is_empty() { String::new() } else { format!(" app/{}", config.app_id) };
        let mut request = Request::new("POST", &endpoint)
            .header("Host", endpoint.authority.clone())
            .header("Content-Type", "application/x-amz-json-1.1")
            .header("X-Amz-Target", "Logs_20140328.PutLogEvents")
            .header("User-Agent", format!("headworks/{}{application}", env!("CARGO_PKG_VERSION")));
        if !config.session_token.is_empty() {
            request = request.header("X-Amz-Security-Token", config.session_token);
        }
        request.redirects = 0;
        let (access_key, secret) = (config.access_key_id, config.secret_access_key);
        let signer = Signer { access_key, secret, region: config.region, service: "logs" };
        Ok(Self { request, path: endpoint.path, signer, group: config.group, stream: config.stream, network })
    }

    fn deliver(&mut self, delivery: Delivery<'_>) -> Result<(), Failure> {
        let body = format!(
            r#"{{"logEvents":[{{"message":{},"timestamp":{}}}],"logGroupName":{},"logStreamName":{}}}"#,
            json::text(&json::fields(&delivery.record.fields)),
            delivery.record.time.milliseconds(),
            json::text(&self.group),
            json::text(&self.stream)
        );
        // 2015-08-30T12:36:00Z becomes 20150830T123600Z.
        let time = self.network.now().rfc3339_seconds().replace(['-', ':'], "");
        let request = self.request.clone().header("X-Amz-Date", time.clone());
        let signed: Vec<(String, String)> =
            request.headers.iter().filter(|(name, _)| name != "User-Agent" && name != "Authorization").cloned().collect();
        let signed = Signed { method: "POST", path: &self.path, headers: &signed, body: body.as_bytes(), time: &time };
        let authorization = self.signer.authorization(&signed).map_err(Failure::never)?;
        outcome(&request.header("Authorization", authorization).body(body).send(&*self.network)?)
    }
}

fn outcome(answer: &Response) -> Result<(), Failure> {
    if !answer.is_success() {
        return Err(failure(answer));
    }
    let Ok(Answer { rejected_log_events_info: Some(rejected) }) = serde_json::from_slice(&answer.body) else { return Ok(()) };
    let why = match rejected {
        Rejected { too_new_log_event_start_index: Some(_), .. } => "its time is too far in the future",
        Rejected { too_old_log_event_end_index: Some(_), .. } => "it is too old",
        Rejected { expired_log_event_end_index: Some(_), .. } => "it is older than the group keeps",
        _ => return Ok(()),
    };
    Err(Failure::Rejected(format!("the service refused the event: {why}")))
}

/// The service answers 400 to most failures and names them in the body.
fn failure(answer: &Response) -> Failure {
    let Ok(ServiceError { kind, message }) = serde_json::from_slice(&answer.body) else { return answer.unexpected() };
    let kind = kind.rsplit('#').next().unwrap_or_default();
    let reason = format!("unexpected status code: {}, {kind}: {message}", answer.status);
    match kind {
        "ThrottlingException" | "ServiceUnavailableException" | "RequestTimeTooSkewed" => Failure::later(reason),
        "InvalidParameterException" | "DataAlreadyAcceptedException" => Failure::Rejected(reason),
        _ if answer.status == 400 => Failure::never(reason),
        _ => answer.failure(reason),
    }
}

#[cfg(target_family = "wasm")]
headworks_forwarder_kit::export!(crate::CloudWatch);

#[cfg(test)]
mod tests {
    use super::CloudWatch;
    use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, header, record, refusal};
    use headworks_forwarder_kit::{Report, Retry};

    const CONFIG: &str = r#"{"endpoint": "https://logs.eu-west-1.amazonaws.com", "region": "eu-west-1", "access_key_id": "AKID",
        "secret_access_key": "s3cret", "session_token": "t", "group": "/g", "stream": "s", "app_id": "shop"}"#;

    #[test]
    fn the_description_is_whole() {
        check_description::<CloudWatch>(&[]);
    }

    #[test]
    fn a_record_is_one_signed_call() {
        let network = FakeNetwork::new();
        network.answer(200, &[], b"{}");
        assert_eq!(deliver::<CloudWatch>(CONFIG, &network, &[record(&[("b", "2"), ("a", "\"1\"")])]), Report::default());
        let request = network.only();
        assert_eq!((request.method, request.url.as_str()), ("POST", "https://logs.eu-west-1.amazonaws.com/"));
        assert_eq!(
            String::from_utf8(request.body.clone()).unwrap(),
            r#"{"logEvents":[{"message":"{\"a\":\"\\\"1\\\"\",\"b\":\"2\"}","timestamp":1767322985678}],"logGroupName":"/g","logStreamName":"s"}"#
        );
        let sent = |name| header(&request, name);
        assert_eq!(sent("Content-Type"), Some("application/x-amz-json-1.1"));
        assert_eq!(sent("X-Amz-Target"), Some("Logs_20140328.PutLogEvents"));
        assert_eq!(sent("X-Amz-Date"), Some("20260102T030305Z"));
        assert_eq!(sent("X-Amz-Security-Token"), Some("t"));
        assert!(sent("User-Agent").unwrap().ends_with(" app/shop"));
        assert_eq!(sent("Host"), Some("logs.eu-west-1.amazonaws.com"));
        let authorization = sent("Authorization").unwrap();
        let expected = "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/logs/aws4_request, \
                        SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=";
        assert!(authorization.starts_with(expected), "{authorization}");
    }

    #[test]
    fn an_event_that_the_service_refused_is_rejected() {
        let network = FakeNetwork::new();
        network.answer(200, &[], br#"{"rejectedLogEventsInfo":{"tooOldLogEventEndIndex":1}}"#);
        let report = deliver::<CloudWatch>(CONFIG, &network, &[record(&[])]);
        assert_eq!(report.rejected, [(0, "the service refused the event: it is too old".to_owned())]);
    }

    #[test]
    fn a_failure_tells_what_the_service_said() {
        for (kind, retry) in
            [("ResourceNotFoundException", Retry::Never), ("com.amazonaws#ThrottlingException", Retry::After(1_000))]
        {
            let network = FakeNetwork::new();
            network.answer(400, &[], format!(r#"{{"__type":"{kind}","message":"no group"}}"#).as_bytes());
            let kind = kind.rsplit('#').next().unwrap();
            let report = deliver::<CloudWatch>(CONFIG, &network, &[record(&[])]);
            assert_eq!(report.stopped, Some((0, format!("unexpected status code: 400, {kind}: no group"), retry)));
        }
    }

    #[test]
    fn an_endpoint_has_to_be_given() {
        assert_eq!(refusal::<CloudWatch>(r#"{"group": "g", "stream": "s"}"#), "missing field `endpoint`");
        let empty = r#"{"endpoint": "", "group": "g", "stream": "s"}"#;
        assert_eq!(refusal::<CloudWatch>(empty), "endpoint: \"\" is no URL that begins with http:// or https://");
    }
}
