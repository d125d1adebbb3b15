//! A small HTTP client that shows every answer as it is, failures included.

use http::{HeaderMap, Method, Request};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::time::Duration;

/// One segment of a path, percent-encoded.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A query string of these parameters, with its question mark.
pub fn query(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{}={}", segment(name), segment(value))).collect();
    if pairs.is_empty() { String::new() } else { format!("?{}", pairs.join("&")) }
}

/// Sends requests to one listener, with one Authorization header or none. Clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    authorization: Option<String>,
}

/// What the server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as it came.
    pub body: Vec<u8>,
}

impl Client {
    /// A client of `base`, such as `http://127.0.0.1:5080`, that sends no Authorization header.
    pub fn new(base: &str) -> Self {
        Self::with_tls(base, ureq::tls::TlsConfig::default())
    }

    /// A client of `base`, such as `https://localhost:5080`, that trusts this certificate only.
    pub fn trusting(base: &str, certificate: &str) -> Self {
        let certificate = ureq::tls::Certificate::from_pem(certificate.as_bytes()).expect("a certificate");
        let roots = ureq::tls::RootCerts::new_with_certs(&[certificate]);
        Self::with_tls(base, ureq::tls::TlsConfig::builder().root_certs(roots).build())
    }

    /// The same as [`trusting`](Self::trusting), with a certificate of its own and the key of that, all as PEM.
    pub fn identified(base: &str, trusted: &str, own: &str, key: &str) -> Self {
        let certificate = |pem: &str| ureq::tls::Certificate::from_pem(pem.as_bytes()).expect("a certificate");
        let key = ureq::tls::PrivateKey::from_pem(key.as_bytes()).expect("a key");
        let roots = ureq::tls::RootCerts::new_with_certs(&[certificate(trusted)]);
        let own = ureq::tls::ClientCert::new_with_certs(&[certificate(own)], key);
        Self::with_tls(base, ureq::tls::TlsConfig::builder().root_certs(roots).client_cert(Some(own)).build())
    }

    fn with_tls(base: &str, tls: ureq::tls::TlsConfig) -> Self {
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections_per_host(64)
            .timeout_global(Some(Duration::from_secs(120)))
            .build();
        Self { agent: config.new_agent(), base: base.to_owned(), authorization: None }
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        self.with_authorization(&format!("Bearer {token}"))
    }

    /// The same client with a whole Authorization header.
    #[must_use]
    pub fn with_authorization(&self, header: &str) -> Self {
        Self { authorization: Some(header.to_owned()), ..self.clone() }
    }

    /// The same client without Authorization header.
    #[must_use]
    pub fn anonymous(&self) -> Self {
        Self { authorization: None, ..self.clone() }
    }

    /// Sends a request.
    ///
    /// # Errors
    /// What kept the answer from arriving whole: the connection was refused or closed.
    pub fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<Answer, ureq::Error> {
        let mut response = self.open(method, path, headers, body)?;
        let body = response.body_mut().with_config().limit(1 << 30).read_to_vec()?;
        Ok(Answer { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    /// Sends a request and leaves the body unread.
    ///
    /// # Errors
    /// As [`try_send`](Self::try_send).
    pub fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&[u8]>,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match body {
            Some(body) => self.agent.run(request.body(body)?),
            None => self.agent.run(request.body(())?),
        }
    }

    /// Sends a request to a server that has to answer.
    pub fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Option<&[u8]>) -> Answer {
        self.try_send(method.clone(), path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// GET.
    pub fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, &[], None)
    }

    /// Sends a JSON document.
    pub fn send_json(&self, method: Method, path: &str, body: &Value) -> Answer {
        self.send(method, path, &[("Content-Type", "application/json")], Some(body.to_string().as_bytes()))
    }

    /// PUT of a JSON document.
    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::PUT, path, body)
    }

    /// POST of a JSON document.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send_json(Method::POST, path, body)
    }

    /// POST of any body with its type.
    pub fn post_bytes(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        self.send(Method::POST, path, &[("Content-Type", content_type)], Some(body))
    }
}

/// The operations that most tests use. Each fails the test unless the answer is a success.
impl Client {
    /// Saves a transformer.
    pub fn save_transformer(&self, name: &str, script: &str) {
        self.put(&format!("/api/v1/transformers/{}", segment(name)), &serde_json::json!({ "script": script })).ok();
    }

    /// Saves a pipeline.
    pub fn save_pipeline(&self, name: &str, flow: &Value) {
        self.put(&format!("/api/v1/pipelines/{}", segment(name)), &serde_json::json!({ "flow": flow })).ok();
    }

    /// Saves a forwarder with this configuration.
    pub fn save_forwarder(&self, name: &str, config: &Value) {
        let body = serde_json::json!({ "forwarder": { "version": 2, "config": config } });
        self.put(&format!("/api/v1/forwarders/{}", segment(name)), &body).ok();
    }

    /// Sends one record through a saved forwarder and answers what the server said.
    pub fn test_forwarder(&self, name: &str, record: &Value) -> Answer {
        self.post(&format!("/api/v1/test/forwarders/{}", segment(name)), &serde_json::json!({ "record": record }))
    }

    /// Configures a stream.
    pub fn configure_stream(&self, name: &str, ttl: i64, size: i64, indexed: &[&str]) {
        let config = serde_json::json!({ "config": { "ttl": ttl, "size": size, "indexed_fields": indexed } });
        self.put(&format!("/api/v1/streams/{}", segment(name)), &config).ok();
    }

    /// Sends records in the struct form and answers what the server said.
    pub fn ingest(&self, pipeline: &str, records: &Value) -> Answer {
        self.post(&format!("/api/v1/pipelines/{}/logs/struct", segment(pipeline)), &serde_json::json!({ "records": records }))
    }

    /// Sends text lines and answers what the server said.
    pub fn ingest_text(&self, pipeline: &str, text: &str) -> Answer {
        self.post_bytes(&format!("/api/v1/pipelines/{}/logs/text", segment(pipeline)), "text/plain", text.as_bytes())
    }

    /// Queries a stream over all time with further parameters.
    pub fn query(&self, stream: &str, parameters: &[(&str, &str)]) -> Answer {
        let mut all = vec![("from", "2000-01-01T00:00:00Z"), ("to", "2200-01-01T00:00:00Z")];
        all.extend_from_slice(parameters);
        self.get(&format!("/api/v1/streams/{}/logs{}", segment(stream), query(&all)))
    }

    /// The fields of all records of a stream, newest first.
    pub fn records(&self, stream: &str) -> Vec<Value> {
        self.query(stream, &[]).fields()
    }

    /// The fields of the records that match a filter, newest first.
    pub fn filtered(&self, stream: &str, filter: &str) -> Vec<Value> {
        self.query(stream, &[("filter", filter)]).fields()
    }

    /// One field of all records of a stream that have it, in ascending order.
    pub fn values(&self, stream: &str, field: &str) -> Vec<String> {
        sorted_values(&self.records(stream), field)
    }
}

/// One field of those records that have it, in ascending order.
pub fn sorted_values(records: &[Value], field: &str) -> Vec<String> {
    let mut values: Vec<String> = records.iter().filter_map(|record| Some(record.get(field)?.as_str()?.to_owned())).collect();
    values.sort();
    values
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in an answer with {}: {}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body of an answer that has to be a success: 200 and `"success": true`.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        let body = self.json();
        assert_eq!(body["success"], Value::Bool(true), "{body}");
        body
    }

    /// The body of an answer that has to be a failure with this status code and status name.
    pub fn fails(&self, status: u16, name: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        let body = self.json();
        assert_eq!(body["status"], name, "{body}");
        body
    }

    /// The text of an answer that has to be a failure with this status code and status name.
    pub fn error(&self, status: u16, name: &str) -> String {
        let body = self.fails(status, name);
        body["error"].as_str().unwrap_or_else(|| panic!("no error text in {body}")).to_owned()
    }

    /// The number of records that an ingestion says it processed.
    pub fn processed(&self) -> u64 {
        let body = self.ok();
        body["processed_count"].as_u64().unwrap_or_else(|| panic!("no processed_count in {body}"))
    }

    /// The fields of the records that a query answered.
    pub fn fields(&self) -> Vec<Value> {
        let mut body = self.ok();
        let Value::Array(records) = body["records"].take() else { panic!("no records in {}", self.text()) };
        records.into_iter().map(|mut record| record["fields"].take()).collect()
    }
}
