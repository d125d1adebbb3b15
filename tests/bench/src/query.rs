//! Group 4: reading a stream of a million records, and watching one.

use crate::Settings;
use crate::load::{Load, Measured, request};
use crate::report::{Report, rss};
use crate::watch;
use anyhow::{Result, ensure};
use headworks_tests::client::query;
use headworks_tests::server::TOKEN;
use headworks_tests::{Flow, Server};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Instant;

const STREAM: &str = "large";
/// Records that carry the rare value of the indexed field.
const RARE: usize = 100;
const CHUNK: usize = 5_000;

fn record(number: usize, total: usize) -> Value {
    let rare = number % (total / RARE).max(1) == 7;
    let level = ["debug", "info", "info", "warn", "error"][number % 5];
    let service = ["checkout", "payment", "search"][number % 3];
    json!({
        "number": number.to_string(),
        "level": level,
        "host": format!("web{:02}.example.com", number % 40),
        "service": service,
        "key": if rare { "rare".to_owned() } else { format!("common{}", number % 1000) },
        "message": format!("GET /api/v1/orders/{} answered {} in {} ms", number * 7919 % 1_000_003, 200 + number % 7, number % 2000),
    })
}

fn fill(server: &Server, settings: &Settings, report: &mut Report) -> Result<()> {
    let client = server.client();
    client.save_pipeline("fill", &Flow::to_stream(STREAM));
    client.configure_stream(STREAM, 0, 0, &["key"]);
    let begin = Instant::now();
    for first in (0..settings.records).step_by(CHUNK) {
        let records: Vec<Value> =
            (first..(first + CHUNK).min(settings.records)).map(|number| record(number, settings.records)).collect();
        client.ingest("fill", &json!(records)).ok();
    }
    let rate = settings.records as f64 / begin.elapsed().as_secs_f64();
    report.line(&format!(
        "\nFilling: {} records of 6 fields with one index, {rate:.0} records/s from one client that makes them.\n",
        settings.records
    ));
    Ok(())
}

/// Runs one query again and again on one connection.
fn repeat(server: &Server, settings: &Settings, parameters: &[(&str, &str)], records: u64) -> Result<Measured> {
    let path = format!("/api/v1/streams/{STREAM}/logs{}", query(parameters));
    let request = request("GET", &path, TOKEN, "application/json", b"");
    let load = Load {
        address: server.address().to_owned(),
        server: server.pid(),
        requests: Arc::new(vec![request]),
        connections: 1,
        records,
    };
    load.run(settings.slot())
}

pub(crate) fn run(settings: &Settings, report: &mut Report) -> Result<()> {
    let server = settings.setup().start();
    report.line("\n## 4. Queries and watching");
    fill(&server, settings, report)?;
    let client = server.client();
    let all = [("from", "2000-01-01T00:00:00Z"), ("to", "2200-01-01T00:00:00Z")];
    let with = |name: &'static str, value: &'static str| [all[0], all[1], (name, value)];

    let indexed = with("indexing", "{\"key\":[\"rare\"]}");
    let filtered = with("filter", "key == \"rare\" and message contains \"answered\"");
    let nothing = with("filter", "level == \"fatal\"");
    let hits = client.query(STREAM, &indexed[2..]).fields().len();
    ensure!(hits == client.query(STREAM, &filtered[2..]).fields().len(), "index and filter differ");

    let from_index = repeat(&server, settings, &indexed, hits as u64)?;
    let full = repeat(&server, settings, &nothing, settings.records as u64)?;
    let full_two = repeat(&server, settings, &filtered, settings.records as u64)?;
    let (from, to) = newest_thousand(&server)?;
    let in_range = client.get(&format!("/api/v1/streams/{STREAM}/logs{}", query(&[("from", &from), ("to", &to)]))).fields().len();
    let by_time = repeat(&server, settings, &[("from", &from), ("to", &to)], in_range as u64)?;
    let everything = repeat(&server, settings, &all, settings.records as u64)?;

    report.loads("4a. Queries (records are those looked at, or answered by index and time range)");
    let memory = rss(server.pid());
    report.load(&format!("time range, {in_range} records"), 1, &by_time, memory);
    report.load(&format!("index, {hits} hits of {}", settings.records), 1, &from_index, memory);
    report.load("full filter, one comparison, no hit", 1, &full, memory);
    report.load(&format!("full filter, two conditions, {hits} hits"), 1, &full_two, memory);
    report.load("everything, no filter", 1, &everything, memory);
    let p50 = from_index.latency.value_at_quantile(0.5) as f64 / 1000.0;
    report.at_most("4: indexed query of 100 hits in 1 M, ms (p50)", p50, 20.0);
    report.at_least("4: full filter, records per second", full.rate(), 500_000.0);
    watch::run(&server, report)
}

/// The times between which about a thousand of the newest records were received.
fn newest_thousand(server: &Server) -> Result<(String, String)> {
    let client = server.client();
    let newest = client.query(STREAM, &[("indexing", "{\"key\":[\"rare\"]}")]).ok();
    let newest = newest["records"][0]["timestamp"].as_str().unwrap_or_default().to_owned();
    let time = headworks_core::Timestamp::parse_rfc3339(&newest);
    ensure!(time.is_some(), "no newest record");
    let time = time.unwrap_or_default().millis();
    let moment = |ms| headworks_core::Timestamp::from_millis(ms).rfc3339();
    Ok((moment(time - 5), moment(time + 5)))
}
