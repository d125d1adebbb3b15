use super::{GoogleCloudLogging, message};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use headworks_forwarder_kit::http::{Response, Version};
use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, header, open, record, refusal};
use headworks_forwarder_kit::{Report, Retry, read_targets};
use prost::Message as _;
use rsa::RsaPrivateKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePrivateKey;
use rsa::signature::Verifier;
use serde_json::{Value, json};
use sha2::Sha256;

/// Made for this test; nobody trusts it.
const KEY: &str = include_str!("testdata/key.pem");

fn config(more: &Value) -> String {
    let mut config = json!({ "host": "logging.example", "port": 443, "project_id": "p", "log_id": "a/b" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config.to_string()
}

fn plain() -> String {
    config(&json!({ "disable_tls": true, "disable_auth": true }))
}

fn with_key() -> String {
    let file = json!({ "type": "service_account", "client_email": "me@p.example", "private_key_id": "k1", "private_key": KEY,
        "token_uri": "https://token.example/t" });
    config(&json!({ "auth_json": file.to_string() }))
}

fn answer(network: &FakeNetwork, status: &str, text: &str, in_headers: bool) {
    let pairs = vec![("grpc-status".to_owned(), status.to_owned()), ("grpc-message".to_owned(), text.to_owned())];
    let (headers, trailers) = if in_headers { (pairs, Vec::new()) } else { (Vec::new(), pairs) };
    network.answers.borrow_mut().push_back(Ok(Response { status: 200, headers, body: vec![0; 5], trailers }));
}

#[test]
fn the_description_is_whole() {
    check_description::<GoogleCloudLogging>(&[]);
}

#[test]
fn a_record_is_one_call_of_write_log_entries() {
    let network = FakeNetwork::new();
    answer(&network, "0", "", false);
    let record = record(&[("message", "hi"), ("empty", "")]);
    assert_eq!(deliver::<GoogleCloudLogging>(&plain(), &network, std::slice::from_ref(&record)), Report::default());
    let request = network.only();
    let url = "http://logging.example:443/google.logging.v2.LoggingServiceV2/WriteLogEntries";
    assert_eq!((request.method, request.url.as_str(), request.version), ("POST", url, Version::Http2));
    assert_eq!(header(&request, "content-type"), Some("application/grpc"));
    assert_eq!(header(&request, "te"), Some("trailers"));
    assert_eq!(header(&request, "authorization"), None);
    let (frame, body) = request.body.split_at(5);
    assert_eq!(frame, [&[0], (body.len() as u32).to_be_bytes().as_slice()].concat());
    assert_eq!(message::WriteLogEntriesRequest::decode(body).unwrap(), message::write("p", "a/b", &record));
}

#[test]
fn the_bytes_are_those_of_the_protocol() {
    let network = FakeNetwork::new();
    answer(&network, "0", "", false);
    deliver::<GoogleCloudLogging>(&plain(), &network, &[record(&[("k", "v")])]);
    // The varints of 1767322985 s and 678901234 ns. LogEntry { json_payload = 6 { fields = 1 { key = 1, value = 2 { string_value = 3 } } }, timestamp = 9 }
    let time = [&[0x08][..], &[0xe9, 0xea, 0xdc, 0xca, 0x06], &[0x10, 0xf2, 0xeb, 0xdc, 0xc3, 0x02]].concat();
    let payload = [0x32, 10, 0x0a, 8, 0x0a, 1, b'k', 0x12, 3, 0x1a, 1, b'v'];
    let entry = [&payload[..], &[0x4a, time.len() as u8], &time].concat();
    let labels = [&[0x12, 15, 0x0a, 10][..], b"project_id", &[0x12, 1, b'p']].concat();
    let resource = [&[0x0a, 6][..], b"global", &labels].concat();
    let name = b"projects/p/logs/a%2Fb";
    let expected =
        [&[0x0a, name.len() as u8][..], name, &[0x12, resource.len() as u8], &resource, &[0x22, entry.len() as u8], &entry]
            .concat();
    assert_eq!(network.only().body[5..], expected);
}

#[test]
fn a_token_is_made_with_the_key_and_kept() {
    let network = FakeNetwork::new();
    network.answer(200, &[], br#"{"access_token":"tok","expires_in":3600,"token_type":"Bearer"}"#);
    answer(&network, "0", "", false);
    answer(&network, "0", "", true);
    let report = deliver::<GoogleCloudLogging>(&with_key(), &network, &[record(&[]), record(&[])]);
    assert_eq!(report, Report::default());
    let requests = network.taken();
    assert_eq!(requests.len(), 3);
    assert_eq!((requests[0].method, requests[0].url.as_str()), ("POST", "https://token.example/t"));
    assert_eq!(header(&requests[0], "Content-Type"), Some("application/x-www-form-urlencoded"));
    let body = String::from_utf8(requests[0].body.clone()).unwrap();
    let assertion = body.strip_prefix("grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=").unwrap();
    let (signed, signature) = assertion.rsplit_once('.').unwrap();
    let key = VerifyingKey::<Sha256>::new(RsaPrivateKey::from_pkcs8_pem(KEY).unwrap().to_public_key());
    let signature = Signature::try_from(URL_SAFE_NO_PAD.decode(signature).unwrap().as_slice()).unwrap();
    key.verify(signed.as_bytes(), &signature).unwrap();
    let parts: Vec<Value> =
        signed.split('.').map(|part| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()).collect();
    assert_eq!(parts[0], json!({ "alg": "RS256", "kid": "k1", "typ": "JWT" }));
    let (from, scope) = (1_767_322_985, "https://www.googleapis.com/auth/logging.write");
    let claims =
        json!({ "aud": "https://token.example/t", "iss": "me@p.example", "iat": from, "exp": from + 3600, "scope": scope });
    assert_eq!(parts[1], claims);
    for request in &requests[1..] {
        assert_eq!(header(request, "authorization"), Some("Bearer tok"));
        assert!(request.url.starts_with("https://logging.example:443/"));
    }
}

#[test]
fn a_refused_or_short_token_is_replaced() {
    let network = FakeNetwork::new();
    let token = br#"{"access_token":"tok","expires_in":3600}"#;
    network.answer(200, &[], token);
    answer(&network, "16", "gone", false);
    network.answer(200, &[], br#"{"access_token":"two","expires_in":59}"#);
    answer(&network, "0", "", false);
    network.answer(200, &[], token);
    answer(&network, "0", "", false);
    let mut sink = open::<GoogleCloudLogging>(&with_key(), &network).ok().unwrap();
    let refused = sink.send(&vec![record(&[])]).stopped;
    assert_eq!(refused, Some((0, "the service answered UNAUTHENTICATED: gone".to_owned(), Retry::After(1_000))));
    assert_eq!(sink.send(&vec![record(&[]), record(&[])]), Report::default());
    assert_eq!(network.taken().len(), 6);
}

#[test]
fn without_a_key_the_account_of_the_machine_is_asked() {
    let network = FakeNetwork::new();
    network.answer(200, &[], br#"{"access_token":"tok","expires_in":3600}"#);
    answer(&network, "0", "", false);
    assert_eq!(deliver::<GoogleCloudLogging>(&config(&json!({})), &network, &[record(&[])]), Report::default());
    let requests = network.taken();
    assert_eq!(requests[0].url, "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token");
    assert_eq!((requests[0].method, header(&requests[0], "Metadata-Flavor")), ("GET", Some("Google")));
    assert_eq!(header(&requests[1], "authorization"), Some("Bearer tok"));
}

#[test]
fn a_key_that_is_refused_stops_for_good() {
    let network = FakeNetwork::new();
    network.answer(400, &[], br#"{"error":"invalid_grant"}"#);
    let report = deliver::<GoogleCloudLogging>(&with_key(), &network, &[record(&[])]);
    let reason = r#"no access token: unexpected status code: 400, body: {"error":"invalid_grant"}"#;
    assert_eq!(report.stopped, Some((0, reason.to_owned(), Retry::Never)));
}

#[test]
fn a_status_says_what_becomes_of_the_record() {
    let stopped = |status: &str| {
        let network = FakeNetwork::new();
        answer(&network, status, "no%20log", true);
        deliver::<GoogleCloudLogging>(&plain(), &network, &[record(&[])])
    };
    assert_eq!(stopped("3").rejected, [(0, "the service answered INVALID_ARGUMENT: no log".to_owned())]);
    let reason = "the service answered PERMISSION_DENIED: no log".to_owned();
    assert_eq!(stopped("7").stopped, Some((0, reason, Retry::Never)));
    let reason = "the service answered UNAVAILABLE: no log".to_owned();
    assert_eq!(stopped("14").stopped, Some((0, reason, Retry::After(1_000))));
}

#[test]
fn an_answer_without_status_is_no_success() {
    let network = FakeNetwork::new();
    network.answer(200, &[], b"");
    let report = deliver::<GoogleCloudLogging>(&plain(), &network, &[record(&[])]);
    assert_eq!(report.stopped, Some((0, "the answer has no grpc-status".to_owned(), Retry::After(1_000))));
}

#[test]
fn what_cannot_be_used_is_named() {
    let targets = |config: &str| read_targets::<GoogleCloudLogging>(config).unwrap();
    assert_eq!(targets(&plain()), ["http://logging.example:443"]);
    assert_eq!(targets(&with_key()), ["https://logging.example:443", "https://token.example:443"]);
    assert_eq!(targets(&config(&json!({})))[1], "http://metadata.google.internal:80");
    let refused = |more: &Value| refusal::<GoogleCloudLogging>(&config(more));
    assert!(refused(&json!({ "disable_tls": true })).starts_with("disable_tls: credentials are not sent unencrypted"));
    assert_eq!(refused(&json!({ "auth_json": "{}" })), "auth_json: missing field `client_email`");
    let file = json!({ "client_email": "a", "private_key": "no key" }).to_string();
    assert!(refused(&json!({ "auth_json": file })).starts_with("auth_json: private_key is no RSA key"));
    assert_eq!(refused(&json!({ "port": 0 })), "host: \"logging.example:0\" is no host:port");
}
