use super::Elastic;
use headworks_forwarder_kit::testing::{FakeNetwork, check_description, deliver, header, open, record, refusal};
use headworks_forwarder_kit::{NetworkError, Report, Retry, read_targets};

const CONFIG: &str = r#"{"index": "my logs", "username": "user", "password": "pass", "addresses": ["http://a.example:9200/es/", "https://b.example"]}"#;
const NAMED: &[(&str, &str)] = &[("x-elastic-product", "Elasticsearch")];

fn calls(network: &FakeNetwork) -> Vec<String> {
    network.taken().iter().map(|request| format!("{} {}", request.method, request.url)).collect()
}

#[test]
fn the_description_is_whole() {
    check_description::<Elastic>(&[]);
}

#[test]
fn a_document_goes_into_an_index_that_exists() {
    let network = FakeNetwork::new();
    network.answer(200, NAMED, b"");
    network.answer(201, NAMED, b"{}");
    assert_eq!(deliver::<Elastic>(CONFIG, &network, &[record(&[("b", "<"), ("a", "1")])]), Report::default());
    let requests = network.taken();
    assert_eq!((requests[0].method, requests[0].url.as_str()), ("HEAD", "http://a.example:9200/es/my%20logs"));
    assert_eq!((requests[1].method, requests[1].url.as_str()), ("POST", "http://a.example:9200/es/my%20logs/_doc"));
    assert_eq!((requests.len(), requests[0].body.len()), (2, 0));
    assert_eq!(header(&requests[1], "Authorization"), Some("Basic dXNlcjpwYXNz"));
    assert_eq!(header(&requests[1], "Content-Type"), Some("application/json"));
    assert_eq!(
        String::from_utf8(requests[1].body.clone()).unwrap(),
        r#"{"timestamp":"2026-01-02T03:03:05.678901234Z","fields":{"a":"1","b":"\u003c"}}"#
    );
}

#[test]
fn a_missing_index_is_made_without_settings() {
    let network = FakeNetwork::new();
    network.answer(404, NAMED, b"");
    network.answer(200, NAMED, b"{}");
    network.answer(201, NAMED, b"{}");
    assert_eq!(deliver::<Elastic>(CONFIG, &network, &[record(&[])]), Report::default());
    let requests = network.taken();
    assert_eq!((requests[1].method, requests[1].url.as_str()), ("PUT", "http://a.example:9200/es/my%20logs"));
    assert!(requests[1].body.is_empty() && header(&requests[1], "Content-Type").is_none());
    assert_eq!(requests.len(), 3);
}

#[test]
fn an_index_that_somebody_else_has_just_made_is_fine() {
    let network = FakeNetwork::new();
    network.answer(404, NAMED, b"");
    network.answer(400, NAMED, br#"{"error":{"type":"resource_already_exists_exception"}}"#);
    network.answer(201, NAMED, b"{}");
    assert_eq!(deliver::<Elastic>(CONFIG, &network, &[record(&[])]), Report::default());
}

#[test]
fn an_error_of_the_server_fails_the_record_with_its_text() {
    let network = FakeNetwork::new();
    network.answer(200, NAMED, b"");
    network.answer(400, NAMED, br#"{"error":{"reason":"failed to parse"}}"#);
    let report = deliver::<Elastic>(CONFIG, &network, &[record(&[])]);
    let expected = r#"unexpected status code: 400: {"error":{"reason":"failed to parse"}}"#;
    assert_eq!(report.rejected, [(0, expected.to_owned())]);
}

#[test]
fn a_wrong_password_stops_for_good() {
    let network = FakeNetwork::new();
    network.answer(401, NAMED, b"");
    let report = deliver::<Elastic>(CONFIG, &network, &[record(&[])]);
    assert_eq!(report.stopped, Some((0, "unexpected status code: 401".to_owned(), Retry::Never)));
    assert_eq!(calls(&network).len(), 1);
}

#[test]
fn a_server_that_does_not_name_itself_is_refused() {
    let network = FakeNetwork::new();
    let (_, reason, retry) = deliver::<Elastic>(CONFIG, &network, &[record(&[])]).stopped.unwrap();
    assert_eq!(reason, "the server is no Elasticsearch: its answer has no header X-Elastic-Product: Elasticsearch");
    assert_eq!(retry, Retry::Never);
}

#[test]
fn the_next_address_is_tried_when_one_does_not_answer_and_kept() {
    let network = FakeNetwork::new();
    network.fail(NetworkError::Unreachable("refused".to_owned()));
    for _ in 0..4 {
        network.answer(200, NAMED, b"");
    }
    let mut sink = open::<Elastic>(CONFIG, &network).ok().unwrap();
    assert_eq!(sink.send(&vec![record(&[]), record(&[])]), Report::default());
    assert_eq!(
        calls(&network),
        [
            "HEAD http://a.example:9200/es/my%20logs",
            "HEAD https://b.example/my%20logs",
            "POST https://b.example/my%20logs/_doc",
            "HEAD https://b.example/my%20logs",
            "POST https://b.example/my%20logs/_doc",
        ]
    );
}

#[test]
fn when_no_address_answers_the_last_cause_is_told() {
    let network = FakeNetwork::new();
    network.answer(503, NAMED, b"");
    network.fail(NetworkError::Late("b.example: no answer within 10 s".to_owned()));
    let report = deliver::<Elastic>(CONFIG, &network, &[record(&[])]);
    assert_eq!(report.stopped, Some((0, "b.example: no answer within 10 s".to_owned(), Retry::After(1_000))));
}

#[test]
fn the_certificates_are_used_for_https_only() {
    let network = FakeNetwork::new();
    network.answer(502, NAMED, b"");
    deliver::<Elastic>(&CONFIG.replace("\"index\"", "\"ca\": \"PEM\", \"index\""), &network, &[record(&[])]);
    let requests = network.taken();
    assert_eq!(requests[0].tls, None);
    assert_eq!(requests[1].tls.as_ref().unwrap().roots.as_deref(), Some("PEM"));
}

#[test]
fn what_cannot_be_used_is_named() {
    assert_eq!(read_targets::<Elastic>(CONFIG).unwrap(), ["http://a.example:9200", "https://b.example:443"]);
    assert!(refusal::<Elastic>(&CONFIG.replace("https:", "ftp:")).starts_with("addresses[1]: \"ftp://b.example\" is no URL"));
    assert_eq!(refusal::<Elastic>(&CONFIG.replace("my logs", "")), "index: must not be empty");
    let none = r#"{"index": "i", "username": "u", "password": "p", "addresses": []}"#;
    assert_eq!(refusal::<Elastic>(none), "addresses: must not be empty");
}
