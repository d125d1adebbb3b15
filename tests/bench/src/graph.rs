//! The pipeline that is measured, and the lines that go through it: syslog that carries logfmt, JSON and Apache payloads.

use headworks_tests::{Client, Flow};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use prost::Message;

/// The first program of the graph.
pub(crate) const PARSE: &str = ". = parse_syslog!(.content)";
/// The same for records that came by OTLP.
const PARSE_OTLP: &str = ". = parse_syslog!(.body)";
/// What is done with each kind of payload.
pub(crate) const LOGFMT: &str = ". = merge(., parse_key_value!(.message))\n.level = downcase(string!(.level))\ndel(.message)";
/// See [`LOGFMT`].
pub(crate) const JSON: &str = ". = merge(., object!(parse_json!(.message)))\n.slow = to_int!(.ms) > 500\ndel(.message)";
/// See [`LOGFMT`].
pub(crate) const APACHE: &str =
    ". = merge(., parse_apache_log!(.message, format: \"combined\"))\n.class = to_int!(.status) / 100\ndel(.message)";

/// The pipeline for text.
pub(crate) const PIPELINE: &str = "bench";
/// The pipeline for OTLP.
pub(crate) const PIPELINE_OTLP: &str = "bench-otlp";

/// Saves both pipelines: one parse, four switches, three programs, three streams.
pub(crate) fn save(client: &Client) {
    client.save_transformer("parse", PARSE);
    client.save_transformer("parse-otlp", PARSE_OTLP);
    for (name, script) in [("logfmt", LOGFMT), ("json", JSON), ("apache", APACHE)] {
        client.save_transformer(name, script);
    }
    for (pipeline, parse) in [(PIPELINE, "parse"), (PIPELINE_OTLP, "parse-otlp")] {
        let mut flow = Flow::direct().transform("p", parse).edge("in", "p");
        for kind in ["logfmt", "json", "apache"] {
            let (switch, router) = (format!("is-{kind}"), format!("to-{kind}"));
            flow = flow.switch(&switch, &format!("appname == \"{kind}\"")).transform(kind, kind).router(&router, kind);
            flow = flow.edge("p", &switch).edge(&switch, kind).edge(kind, &router);
        }
        flow = flow
            .switch("other", "appname not in [\"logfmt\", \"json\", \"apache\"]")
            .edge("p", "other")
            .edge("other", "to-apache");
        client.save_pipeline(pipeline, &flow.build());
    }
}

/// The line with this number. A third carries each payload.
pub(crate) fn line(number: usize) -> String {
    let (second, host, ms) = (number % 60, number % 17, number * 37 % 2000);
    let head = format!("<{}>1 2026-03-05T14:25:{second:02}.{:03}Z web{host:02}.example.com", 8 * 16 + number % 8, number % 1000);
    let path = ["/", "/cart", "/search?q=shoes", "/api/v1/orders/8271", "/static/app.js"][number % 5];
    let status = [200, 200, 200, 304, 404, 500][number % 6];
    match number % 3 {
        0 => format!(
            "{head} logfmt {} - - level=INFO service=checkout path=\"{path}\" status={status} duration={ms}ms user=u{} trace=4bf92f3577b34da6a3ce929d0e0e{:04x}",
            number % 30_000,
            number % 4099,
            number % 65_536
        ),
        1 => format!(
            "{head} json {} - - {{\"level\":\"warn\",\"service\":\"payment\",\"path\":\"{path}\",\"status\":{status},\"ms\":{ms},\"user\":{{\"id\":{},\"plan\":\"pro\"}},\"tags\":[\"a\",\"b\"]}}",
            number % 30_000,
            number % 4099
        ),
        _ => format!(
            "{head} apache {} - - 203.0.113.{} - frank [05/Mar/2026:14:25:{second:02} +0000] \"GET {path} HTTP/1.1\" {status} {} \"https://example.com/start\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\"",
            number % 30_000,
            number % 250,
            number * 131 % 50_000
        ),
    }
}

/// A request body of `count` lines as text.
pub(crate) fn text(first: usize, count: usize) -> Vec<u8> {
    (first..first + count).map(|number| line(number) + "\n").collect::<String>().into_bytes()
}

/// The same lines as an OTLP message.
pub(crate) fn otlp(first: usize, count: usize) -> Vec<u8> {
    let record = |number| LogRecord {
        time_unix_nano: 1_772_720_700_000_000_000 + number as u64,
        severity_number: 9,
        body: Some(AnyValue { value: Some(any_value::Value::StringValue(line(number))) }),
        ..LogRecord::default()
    };
    let scope = ScopeLogs { log_records: (first..first + count).map(record).collect(), ..ScopeLogs::default() };
    let resource = ResourceLogs { scope_logs: vec![scope], ..ResourceLogs::default() };
    ExportLogsServiceRequest { resource_logs: vec![resource] }.encode_to_vec()
}
