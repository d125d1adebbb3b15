//! A hundred listeners of one stream.

use crate::report::Report;
use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use headworks_tests::server::TOKEN;
use headworks_tests::{Flow, Server};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

const LISTENERS: usize = 100;
const STREAM: &str = "watched";
/// Single records at a steady pace, whose way is timed.
const SINGLE: u64 = 300;
const PACE: Duration = Duration::from_millis(10);
/// Then records as fast as they are taken.
const BURST: u64 = 10_000;
const REQUEST: u64 = 50;

pub(crate) fn run(server: &Server, report: &mut Report) -> Result<()> {
    let client = server.client();
    client.save_pipeline("watched", &Flow::to_stream(STREAM));
    let begin = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ready = Arc::new(Barrier::new(LISTENERS + 1));
    let address = server.address().to_owned();
    let (single, burst, latency, lost) = runtime.block_on(async {
        let listeners: Vec<_> =
            (0..LISTENERS).map(|_| tokio::spawn(listen(address.clone(), begin, Arc::clone(&ready)))).collect();
        ready.wait().await;
        let writer = tokio::task::spawn_blocking(move || {
            let started = Instant::now();
            for _ in 0..SINGLE {
                client.ingest(STREAM, &json!([{ "sent": begin.elapsed().as_nanos().to_string() }])).ok();
                std::thread::sleep(PACE);
            }
            let single = started.elapsed();
            let started = Instant::now();
            let records: Vec<Value> = (0..REQUEST).map(|number| json!({ "sent": "0", "number": number.to_string() })).collect();
            for _ in 0..BURST / REQUEST {
                client.ingest(STREAM, &json!(records)).ok();
            }
            (single, started)
        });
        let (single, started) = writer.await?;
        let mut latency = Histogram::<u64>::new_with_bounds(1, 600_000_000, 3)?;
        let mut lost = 0;
        for listener in listeners {
            let (of_one, lost_by_one) = listener.await??;
            latency.add(&of_one)?;
            lost += lost_by_one;
        }
        anyhow::Ok((single, started.elapsed(), latency, lost))
    })?;
    ensure!(single > Duration::ZERO, "no time passed");
    let events = (BURST * LISTENERS as u64) as f64;
    let ms = |quantile| latency.value_at_quantile(quantile) as f64 / 1000.0;
    report.table("4b. Watching with 100 listeners", &["figure", "value"]);
    report.row(&["way of a single record to a listener, p50 ms".to_owned(), format!("{:.2}", ms(0.5))]);
    report.row(&["p99 ms".to_owned(), format!("{:.2}", ms(0.99))]);
    report.row(&["p99.9 ms".to_owned(), format!("{:.2}", ms(0.999))]);
    report.row(&[format!("burst of {BURST} records: events/s to all listeners"), format!("{:.0}", events / burst.as_secs_f64())]);
    report.row(&["told as lost".to_owned(), lost.to_string()]);
    Ok(())
}

/// Reads events until all are there; answers the microseconds that single records took and how many were told as lost.
async fn listen(address: String, begin: Instant, ready: Arc<Barrier>) -> Result<(Histogram<u64>, u64)> {
    let mut stream = TcpStream::connect(&address).await?;
    // HTTP/1.0, so that no chunk sizes stand between the lines.
    let request =
        format!("GET /api/v1/streams/{STREAM}/logs/watch HTTP/1.0\r\nHost: headworks\r\nAuthorization: Bearer {TOKEN}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let (mut buffer, mut latency, mut lost, mut count) = (Vec::new(), Histogram::new_with_bounds(1, 600_000_000, 3)?, 0, 0);
    let mut waiting = true;
    while count + lost < SINGLE + BURST {
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_buf(&mut buffer))
            .await
            .context("no event for a minute")??;
        ensure!(read > 0, "the server ended the watch after {count} events");
        if waiting && buffer.windows(4).any(|window| window == b"\r\n\r\n") {
            waiting = false;
            ready.wait().await;
        }
        let now = u64::try_from(begin.elapsed().as_nanos())?;
        let whole = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = buffer.drain(..whole).collect();
        for line in lines.split(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(line);
            let Some(data) = line.strip_prefix("data: ") else { continue };
            match data.split_once("\"sent\":\"") {
                Some((_, rest)) => {
                    let sent: u64 = rest.split('"').next().unwrap_or_default().parse()?;
                    if sent > 0 {
                        latency.saturating_record((now.saturating_sub(sent) / 1000).max(1));
                    }
                    count += 1;
                }
                None => {
                    lost += data.split(|c: char| !c.is_ascii_digit()).find_map(|digits| digits.parse::<u64>().ok()).unwrap_or(0)
                }
            }
        }
    }
    Ok((latency, lost))
}
