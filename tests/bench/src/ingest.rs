//! Groups 1 and 2: records through the whole pipeline into three streams.

use crate::Settings;
use crate::graph::{self, PIPELINE, PIPELINE_OTLP};
use crate::load::{Load, Measured, request};
use crate::native::Native;
use crate::report::{Report, median, rss};
use anyhow::{Result, ensure};
use headworks_tests::Server;
use headworks_tests::server::TOKEN;
use std::sync::Arc;

const CONNECTIONS: usize = 50;
/// Different requests, so that nothing profits from seeing one again and again.
const VARIANTS: usize = 64;

fn text(server: &Server, count: usize) -> Load {
    let path = format!("/api/v1/pipelines/{PIPELINE}/logs/text");
    load(server, count, |first| request("POST", &path, TOKEN, "text/plain", &graph::text(first, count)))
}

fn otlp(server: &Server, count: usize) -> Load {
    let path = format!("/api/v1/pipelines/{PIPELINE_OTLP}/logs/otlp");
    load(server, count, |first| request("POST", &path, TOKEN, "application/x-protobuf", &graph::otlp(first, count)))
}

fn load(server: &Server, count: usize, request: impl Fn(usize) -> Vec<u8>) -> Load {
    // 64 is no multiple of 3, so that the kinds of payload are spread over the connections.
    let requests = (0..VARIANTS).map(|variant| request(variant * count)).collect();
    Load {
        address: server.address().to_owned(),
        server: server.pid(),
        requests: Arc::new(requests),
        connections: CONNECTIONS,
        records: count as u64,
    }
}

/// One record per request, in turns with `/health`.
pub(crate) fn single(settings: &Settings, report: &mut Report) -> Result<()> {
    let server = settings.setup().start();
    graph::save(&server.client());
    let ingest = text(&server, 1);
    let health = Load {
        address: server.management_address().to_owned(),
        server: server.pid(),
        requests: Arc::new(vec![b"GET /health HTTP/1.1\r\nHost: headworks\r\n\r\n".to_vec()]),
        connections: CONNECTIONS,
        records: 1,
    };
    ingest.run(settings.warm_up())?;
    let (mut ingested, mut healthy) = (Measured::new()?, Measured::new()?);
    for _ in 0..settings.rounds {
        healthy.add(&health.run(settings.slot())?)?;
        ingested.add(&ingest.run(settings.slot())?)?;
    }
    report.loads("1. One record per request");
    report.load("`/health`", CONNECTIONS, &healthy, rss(server.pid()));
    report.load("1 VRL parse, 4 switches, 3 VRL programs, 3 streams", CONNECTIONS, &ingested, rss(server.pid()));
    report.at_least("1: records per second ÷ answers of `/health` per second", ingested.rate() / healthy.rate(), 0.4);
    every_record_is_there(&server, &ingested)
}

/// 100 and 1,000 records per request, in turns with the first program in a native loop.
pub(crate) fn batches(settings: &Settings, report: &mut Report) -> Result<()> {
    let server = settings.setup().start();
    graph::save(&server.client());
    let loads = [
        ("text, 100", text(&server, 100)),
        ("text, 1,000", text(&server, 1000)),
        ("OTLP, 100", otlp(&server, 100)),
        ("OTLP, 1,000", otlp(&server, 1000)),
    ];
    let mut native = Native::start();
    let lines: Vec<String> = (0..1000).map(graph::line).collect();
    let mut alone = Vec::new();
    let mut measured = Vec::new();
    for (_, load) in &loads {
        load.run(settings.warm_up())?;
        measured.push(Measured::new()?);
    }
    for _ in 0..settings.rounds {
        if let Ok(native) = &mut native {
            alone.push(native.measure(graph::PARSE, &lines, settings.slot())?.pure);
        }
        for ((_, load), measured) in loads.iter().zip(&mut measured) {
            measured.add(&load.run(settings.slot())?)?;
        }
    }
    report.loads("2. Many records per request");
    for ((name, load), measured) in loads.iter().zip(&measured) {
        report.load(name, load.connections, measured, rss(server.pid()));
    }
    let bar = "2: records per second at 1,000 per request ÷ (native rate of the first program × cores)";
    match native {
        Ok(_) => {
            let cores = std::thread::available_parallelism()?.get() as f64;
            let rate = 1e9 / median(alone);
            report.line(&format!("\nThe first program alone in a native loop on one thread: {rate:.0} records/s.\n"));
            for ((name, _), measured) in loads.iter().zip(&measured).filter(|((name, _), _)| name.ends_with("1,000")) {
                report.at_least(&format!("{bar}, {name}"), measured.rate() / (rate * cores), 0.5);
            }
        }
        Err(why) => report.unmeasured(bar, &why.to_string()),
    }
    for measured in &measured {
        ensure!(measured.errors == 0, "{} requests failed", measured.errors);
    }
    Ok(())
}

/// A figure of records that were not stored would be worth nothing.
fn every_record_is_there(server: &Server, measured: &Measured) -> Result<()> {
    ensure!(measured.errors == 0, "{} requests failed", measured.errors);
    let metrics = server.management().get("/metrics").text();
    let stored: f64 = metrics
        .lines()
        .filter(|line| line.starts_with("flowg_stream_log_total{"))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum();
    ensure!(stored >= measured.records as f64, "{} records were acknowledged, {stored} stored", measured.records);
    Ok(())
}
