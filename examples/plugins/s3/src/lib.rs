//! Puts records into a bucket that speaks the protocol of S3: one object of JSON lines for each batch.
//!
//! The keys come from the secrets `s3-access-key-id` and `s3-secret-access-key`. Requests are signed with AWS Signature
//! Version 4; addresses are of the form `endpoint/bucket/object`, which every such service understands.

mod sign;

use headworks_plugin::http::{self, Request, Response};
use headworks_plugin::{About, Batch, Event, Forwarder, OpenError, Report, Stop, clock, export, metrics, random, secrets};
use serde::Deserialize;
use sign::{Signed, Signer};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    endpoint: String,
    bucket: String,
    #[serde(default = "usual_region")]
    region: String,
    #[serde(default = "usual_prefix")]
    prefix: String,
}

fn usual_region() -> String {
    "us-east-1".to_owned()
}

fn usual_prefix() -> String {
    "logs/".to_owned()
}

struct S3 {
    config: Config,
    /// As the service knows itself: it is signed.
    host: String,
    signer: Signer,
}

impl Forwarder for S3 {
    const ABOUT: About = About {
        name: env!("CARGO_PKG_NAME"),
        version: env!("CARGO_PKG_VERSION"),
        summary: env!("CARGO_PKG_DESCRIPTION"),
        config_schema: include_str!("../schema.json"),
        grants: &["https://*:*", "http://*:*", "secret:s3-access-key-id", "secret:s3-secret-access-key"],
    };
    type Config = Config;

    fn targets(config: &Config) -> Result<Vec<String>, OpenError> {
        Ok(vec![http::target(&config.endpoint).map_err(|why| format!("endpoint: {why}"))?])
    }

    fn open(config: Config) -> Result<Self, OpenError> {
        let secret = |name| {
            secrets::get(name).ok_or_else(|| OpenError::Failed(format!("the secret {name} is not set, or was not granted")))
        };
        let signer = Signer {
            access_key: secret("s3-access-key-id")?,
            secret: secret("s3-secret-access-key")?,
            region: config.region.clone(),
        };
        let endpoint = config.endpoint.trim_end_matches('/').to_owned();
        let host = endpoint.split("://").nth(1).unwrap_or_default().to_owned();
        Ok(Self { config: Config { endpoint, ..config }, host, signer })
    }

    fn send(&mut self, records: &Batch) -> Report {
        if records.is_empty() {
            return Report::delivered();
        }
        let body: Vec<String> = records.events().map(line).collect();
        match self.put(body.concat().into_bytes()) {
            Ok(answer) if answer.is_success() => {
                metrics::count("objects_total", 1);
                Report::delivered()
            }
            Ok(answer) => Report::delivered().stop(answer.stop(0)),
            Err(error) => Report::delivered().stop(Stop::unanswered(0, &error)),
        }
    }
}

impl S3 {
    fn put(&self, body: Vec<u8>) -> Result<Response, http::NetworkError> {
        let now = clock::now();
        let (year, month, day, ..) = now.utc();
        // 2026-01-02T03:03:05Z becomes 20260102T030305Z.
        let time = now.to_string().replace(['-', ':'], "");
        let unique: String = random::bytes(8).iter().map(|byte| format!("{byte:02x}")).collect();
        let object = format!("{}{year:04}/{month:02}/{day:02}/{time}-{unique}.jsonl", self.config.prefix);
        let path = sign::path(&format!("/{}/{object}", self.config.bucket));
        let hash = sign::hash(&body);
        let signed = Signed { method: "PUT", path: &path, host: &self.host, time: &time, body_hash: &hash };
        let request = Request::new("PUT", &format!("{}{path}", self.config.endpoint))
            .header("Host", self.host.clone())
            .header("X-Amz-Content-Sha256", hash.clone())
            .header("X-Amz-Date", time.clone())
            .header("Content-Type", "application/x-ndjson")
            .header("Authorization", self.signer.authorization(&signed));
        request.body(body).send()
    }
}

/// A record as a line of JSON with its time.
fn line(event: Event<'_>) -> String {
    let fields: serde_json::Map<_, _> = event.fields().into_iter().map(|(name, value)| (name, value.to_json())).collect();
    format!("{}\n", serde_json::json!({"time": event.time().to_string(), "fields": fields}))
}

export!(S3);

#[cfg(test)]
mod tests {
    use super::S3;
    use headworks_plugin::{OpenError, Report, Retry, Time, testing};
    use serde_json::json;

    fn open() -> S3 {
        testing::set_now(Time { seconds: 1_767_322_985, nanoseconds: 0 });
        testing::set_secret("s3-access-key-id", "AKID");
        testing::set_secret("s3-secret-access-key", "SECRET");
        testing::open_forwarder(json!({"endpoint": "https://s3.example:9000/", "bucket": "b"})).unwrap()
    }

    #[test]
    fn a_batch_is_one_signed_object_of_lines() {
        let mut plugin = open();
        assert_eq!(testing::send(&mut plugin, &[json!({"a": "1"}), json!({"a": "2"})]), Report::delivered());
        let request = testing::requests().remove(0);
        assert!(request.url.starts_with("https://s3.example:9000/b/logs/2026/01/02/20260102T030305Z-"), "{}", request.url);
        let lines = "{\"time\":\"2026-01-02T03:03:05Z\",\"fields\":{\"a\":\"1\"}}\n{\"time\":\"2026-01-02T03:03:05Z\",\"fields\":{\"a\":\"2\"}}\n";
        let sorted = |text: &str| text.lines().map(|line| line.parse::<serde_json::Value>().unwrap()).collect::<Vec<_>>();
        assert_eq!(sorted(std::str::from_utf8(&request.body).unwrap()), sorted(lines));
        let authorization = request.headers.iter().find(|(name, _)| name == "Authorization").unwrap();
        assert!(authorization.1.starts_with("AWS4-HMAC-SHA256 Credential=AKID/20260102/us-east-1/s3/aws4_request, "));
    }

    #[test]
    fn a_busy_service_gets_the_whole_batch_again() {
        let mut plugin = open();
        testing::answer(503, &[], "SlowDown");
        let stopped = testing::send(&mut plugin, &[json!({"a": "1"})]).stopped.unwrap();
        assert_eq!((stopped.at, stopped.retry), (0, Retry::After(1_000)));
    }

    #[test]
    fn a_missing_secret_is_named() {
        let failed = testing::open_forwarder::<S3>(json!({"endpoint": "https://s3.example", "bucket": "b"})).err();
        assert_eq!(failed, Some(OpenError::Failed("the secret s3-access-key-id is not set, or was not granted".to_owned())));
    }
}
