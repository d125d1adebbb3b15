//! The load: connections that each send a request, wait for the answer and send the next, with as little work as possible.
//!
//! Requests are built beforehand; of an answer only status and length are read. The same load measures everything, so that
//! what it costs itself is in every figure alike.

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What to send to whom.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// Such as `127.0.0.1:40001`.
    pub(crate) address: String,
    /// Whole requests, headers included; each connection goes round them.
    pub(crate) requests: Arc<Vec<Vec<u8>>>,
    /// Connections at a time.
    pub(crate) connections: usize,
    /// Records in each request.
    pub(crate) records: u64,
}

/// What was measured. Merging adds up.
#[derive(Clone, Debug)]
pub(crate) struct Measured {
    /// Microseconds from the first byte sent to the last byte received.
    pub(crate) latency: Histogram<u64>,
    /// Answers with another status than 200.
    pub(crate) errors: u64,
    /// Records in answered requests without error.
    pub(crate) records: u64,
    /// How long it took.
    pub(crate) time: Duration,
}

impl Measured {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { latency: Histogram::new_with_bounds(1, 600_000_000, 3)?, errors: 0, records: 0, time: Duration::ZERO })
    }

    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        self.latency.add(&other.latency)?;
        self.errors += other.errors;
        self.records += other.records;
        self.time += other.time;
        Ok(())
    }

    /// Records each second.
    pub(crate) fn rate(&self) -> f64 {
        self.records as f64 / self.time.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

/// A whole request.
pub(crate) fn request(method: &str, path: &str, token: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nHost: headworks\r\nAuthorization: Bearer {token}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Load {
    /// Runs for this long on one thread of its own.
    pub(crate) fn run(&self, time: Duration) -> Result<Measured> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let begin = Instant::now();
            let tasks: Vec<_> =
                (0..self.connections).map(|index| tokio::spawn(connection(self.clone(), index, begin + time))).collect();
            let mut all = Measured::new()?;
            for task in tasks {
                all.add(&task.await??)?;
            }
            all.time = begin.elapsed();
            Ok(all)
        })
    }
}

async fn connection(load: Load, index: usize, end: Instant) -> Result<Measured> {
    let mut stream = TcpStream::connect(&load.address).await.with_context(|| load.address.clone())?;
    stream.set_nodelay(true)?;
    let mut answers = Answers::default();
    let mut measured = Measured::new()?;
    for request in load.requests.iter().cycle().skip(index) {
        let begin = Instant::now();
        if begin >= end {
            break;
        }
        stream.write_all(request).await?;
        let status = answers.next(&mut stream).await?;
        measured.latency.saturating_record(u64::try_from(begin.elapsed().as_micros())?.max(1));
        if status == 200 {
            measured.records += load.records;
        } else {
            measured.errors += 1;
        }
    }
    Ok(measured)
}

/// Reads answers off a connection.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    buffer: Vec<u8>,
}

impl Answers {
    /// The status of the next answer, whose body is passed over.
    async fn next(&mut self, stream: &mut TcpStream) -> Result<u16> {
        loop {
            if let Some((status, length)) = head(&self.buffer)? {
                while self.buffer.len() < length {
                    self.fill(stream).await?;
                }
                self.buffer.drain(..length);
                return Ok(status);
            }
            self.fill(stream).await?;
        }
    }

    async fn fill(&mut self, stream: &mut TcpStream) -> Result<()> {
        self.buffer.reserve(4096);
        ensure!(stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
        Ok(())
    }
}

/// Status and whole length of the answer that begins here, once its head is there.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end])?;
    let status = text.get(9..12).context("no status")?.parse()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    match length {
        Some(length) => Ok(Some((status, end + 4 + length?))),
        None => bail!("an answer without Content-Length: {text}"),
    }
}
