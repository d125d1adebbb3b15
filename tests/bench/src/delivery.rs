//! Group 7: records in by syslog and out through forwarders.

use crate::Settings;
use crate::load::{Load, Measured, request};
use crate::report::{Report, rss};
use anyhow::{Result, ensure};
use headworks_tests::server::TOKEN;
use headworks_tests::{Client, Flow, Server, Setup};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 50;
/// Messages of each syslog figure.
const MESSAGES: u64 = 200_000;
/// Longer than this nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) fn run(settings: &Settings, report: &mut Report) -> Result<()> {
    report.loads("7a. One record per request through a forwarder");
    let mut drained = Vec::new();
    for kind in ["http", "syslog"] {
        for delivery in ["direct", "queued"] {
            if let Some(rate) = forward(settings, report, kind, delivery)? {
                drained.push(format!("{kind} {rate:.0} records/s"));
            }
        }
    }
    hanging(settings, report)?;
    report.line(&format!("\nFrom the queue, in order: {}, until the last of them had arrived.", drained.join(", ")));
    report.table("7b. Syslog into one stream", &["way", "messages/s", "stored", "dropped"]);
    for way in ["UDP", "TCP, 4 connections"] {
        syslog(settings, report, way)?;
    }
    Ok(())
}

/// Answers how many records a second a queue delivered.
fn forward(settings: &Settings, report: &mut Report, kind: &str, delivery: &str) -> Result<Option<f64>> {
    let server =
        Setup::new().env("HEADWORKS_DURABILITY", &settings.durability).env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").start();
    let client = server.client();
    let (config, taken) = target(kind)?;
    let forwarder = json!({ "forwarder": { "config": config, "delivery": delivery } });
    client.put("/api/v1/forwarders/out", &forwarder).ok();
    client.save_pipeline("out", &Flow::to_forwarder("out"));
    let body = request("POST", "/api/v1/pipelines/out/logs/text", TOKEN, "text/plain", b"a line that is sent on\n");
    let load = Load {
        address: server.address().to_owned(),
        server: server.pid(),
        requests: Arc::new(vec![body]),
        connections: CONNECTIONS,
        records: 1,
    };
    load.run(Duration::from_millis(500))?;
    let begin = Instant::now();
    let before = taken.load(Ordering::Relaxed);
    let mut measured = Measured::new()?;
    measured.add(&load.run(settings.slot())?)?;
    ensure!(measured.errors == 0, "{} requests failed", measured.errors);
    report.load(&format!("{kind}, {delivery}"), CONNECTIONS, &measured, rss(server.pid()));
    if delivery == "direct" {
        return Ok(None);
    }
    let arrived = || taken.load(Ordering::Relaxed) - before;
    while arrived() < measured.records && begin.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Some(arrived() as f64 / begin.elapsed().as_secs_f64()))
}

/// What others notice of a target that never answers.
fn hanging(settings: &Settings, report: &mut Report) -> Result<()> {
    let server =
        Setup::new().env("HEADWORKS_DURABILITY", &settings.durability).env("HEADWORKS_OUTBOUND_ALLOW", "127.0.0.0/8").start();
    let client = server.client();
    let hangs = TcpListener::bind("127.0.0.1:0")?;
    client.save_forwarder("hangs", &json!({ "type": "http", "url": format!("http://{}", hangs.local_addr()?) }));
    client.save_pipeline("hangs", &Flow::to_forwarder("hangs"));
    client.save_pipeline("quick", &Flow::to_stream("quick"));
    let load = |pipeline: &str, connections: usize| Load {
        address: server.address().to_owned(),
        server: server.pid(),
        requests: Arc::new(vec![request(
            "POST",
            &format!("/api/v1/pipelines/{pipeline}/logs/text"),
            TOKEN,
            "text/plain",
            b"a line\n",
        )]),
        connections,
        records: 1,
    };
    let quick = load("quick", CONNECTIONS);
    quick.run(settings.warm_up())?;
    let alone = quick.run(settings.slot())?;
    let stuck = load("hangs", 24);
    let hang = Duration::from_secs(settings.hang_seconds);
    let beside = std::thread::scope(|scope| {
        // A request that gave up is followed by the next one, so that as many hang all the time.
        let stuck = scope.spawn(|| stuck.run(hang + Duration::from_secs(1)));
        std::thread::sleep(Duration::from_millis(500));
        let beside = quick.run(hang);
        drop(hangs);
        // Its requests fail, as they should.
        let _ = stuck.join();
        beside
    })?;
    report.load("another pipeline, alone", CONNECTIONS, &alone, rss(server.pid()));
    report.load(&format!("the same for {hang:?} while 24 requests hang at a target"), CONNECTIONS, &beside, rss(server.pid()));
    let p99 = |measured: &Measured| measured.latency.value_at_quantile(0.99) as f64;
    report.at_most(
        &format!("7: p99 of other pipelines while a target hangs for {hang:?} ÷ p99 alone"),
        p99(&beside) / p99(&alone),
        2.0,
    );
    Ok(())
}

/// A target of this kind in this process, its configuration and a counter of what it took.
fn target(kind: &str) -> Result<(Value, Arc<AtomicU64>)> {
    let taken = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&taken);
    if kind == "syslog" {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        let address = socket.local_addr()?.to_string();
        std::thread::spawn(move || {
            let mut buffer = [0; 65536];
            while socket.recv(&mut buffer).is_ok() {
                count.fetch_add(1, Ordering::Relaxed);
            }
        });
        let config = json!({
            "type": "syslog", "network": "udp", "address": address, "tag": "bench", "severity": "info", "facility": "user",
        });
        return Ok((config, taken));
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    std::thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || answer(connection, &count));
        }
    });
    Ok((json!({ "type": "http", "url": url }), taken))
}

/// Answers every request on a connection.
fn answer(mut connection: TcpStream, count: &AtomicU64) -> Option<()> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16384]);
    loop {
        let len = connection.read(&mut chunk).ok().filter(|len| *len > 0)?;
        bytes.extend_from_slice(chunk.get(..len)?);
        while let Some(head) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(bytes.get(..head)?).to_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
            if bytes.len() < head + 4 + length {
                break;
            }
            bytes.drain(..head + 4 + length);
            count.fetch_add(1, Ordering::Relaxed);
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").ok()?;
        }
    }
}

fn syslog(settings: &Settings, report: &mut Report, way: &str) -> Result<()> {
    let server = settings.setup().start();
    let [udp, tcp] = server.syslog();
    let line = |n: u64| format!("<34>1 2026-11-22T05:00:00Z host app 42 id - message number {n} of this run\n");
    let begin = Instant::now();
    if way == "UDP" {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(udp)?;
        for n in 0..MESSAGES {
            socket.send(line(n).as_bytes())?;
        }
    } else {
        std::thread::scope(|scope| -> Result<()> {
            let send = |part: u64| {
                let tcp = tcp.clone();
                scope.spawn(move || -> Result<()> {
                    let mut connection = TcpStream::connect(tcp)?;
                    for first in (part..MESSAGES).step_by(400) {
                        let text: String = (first..MESSAGES).step_by(4).take(100).map(line).collect();
                        connection.write_all(text.as_bytes())?;
                    }
                    Ok(())
                })
            };
            for sender in (0..4).map(send).collect::<Vec<_>>() {
                sender.join().map_err(|_| anyhow::anyhow!("a sender ended early"))??;
            }
            Ok(())
        })?;
    }
    // What the system itself dropped on the way is told by nobody: the figure ends when nothing more arrives.
    let (mut stored, mut last) = (counted(&server, STORED), Instant::now());
    while stored + counted(&server, DROPPED) < MESSAGES && last.elapsed() < Duration::from_secs(2) {
        std::thread::sleep(Duration::from_millis(20));
        let now = counted(&server, STORED);
        if now != stored {
            (stored, last) = (now, Instant::now());
        }
    }
    let rate = stored as f64 / (last - begin).as_secs_f64();
    report.row(&[way.to_owned(), format!("{rate:.0}"), stored.to_string(), (MESSAGES - stored).to_string()]);
    Ok(())
}

const STORED: &str = "flowg_stream_log_total{";
const DROPPED: &str = "headworks_syslog_dropped_total{";

fn counted(server: &Server, name: &str) -> u64 {
    let management: Client = server.management();
    let text = management.get("/metrics").text();
    let values =
        text.lines().filter(|line| line.starts_with(name)).filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.sum::<f64>() as u64
}
