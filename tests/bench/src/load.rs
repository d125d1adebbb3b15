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
    /// The process that answers.
    pub(crate) server: Option<u32>,
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
    /// CPU time that the server took meanwhile.
    pub(crate) cpu: Duration,
}

impl Measured {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            latency: Histogram::new_with_bounds(1, 600_000_000, 3)?,
            errors: 0,
            records: 0,
            time: Duration::ZERO,
            cpu: Duration::ZERO,
        })
    }

    pub(crate) fn add(&mut self, other: &Self) -> Result<()> {
        self.latency.add(&other.latency)?;
        self.errors += other.errors;
        self.records += other.records;
        self.time += other.time;
        self.cpu += other.cpu;
        Ok(())
    }

    /// Microseconds of the server's CPU time for each record.
    pub(crate) fn cost(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / (self.records as f64).max(1.0)
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
        self.run_every(time, Duration::ZERO)
    }

    /// As [`run`](Self::run); each connection waits until so long after its last request before it sends the next.
    pub(crate) fn run_every(&self, time: Duration, every: Duration) -> Result<Measured> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let (begin, cpu) = (Instant::now(), crate::report::cpu(self.server));
            let tasks: Vec<_> =
                (0..self.connections).map(|index| tokio::spawn(connection(self.clone(), index, begin + time, every))).collect();
            let mut all = Measured::new()?;
            for task in tasks {
                all.add(&task.await??)?;
            }
            all.time = begin.elapsed();
            all.cpu = crate::report::cpu(self.server).saturating_sub(cpu);
            Ok(all)
        })
    }
}

async fn connection(load: Load, index: usize, end: Instant, every: Duration) -> Result<Measured> {
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
        if !every.is_zero() {
            tokio::time::sleep_until((begin + every).min(end).into()).await;
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
        let end = self.find(stream, b"\r\n\r\n").await?;
        let (status, length) = head(std::str::from_utf8(&self.buffer[..end])?)?;
        self.pass_over(stream, end + 4).await?;
        match length {
            Some(length) => self.pass_over(stream, length).await?,
            None => loop {
                let end = self.find(stream, b"\r\n").await?;
                let length = usize::from_str_radix(std::str::from_utf8(&self.buffer[..end])?, 16)?;
                self.pass_over(stream, end + 2 + length + 2).await?;
                if length == 0 {
                    break;
                }
            },
        }
        Ok(status)
    }

    /// Where the next such bytes begin.
    async fn find(&mut self, stream: &mut TcpStream, bytes: &[u8]) -> Result<usize> {
        loop {
            if let Some(at) = self.buffer.windows(bytes.len()).position(|window| window == bytes) {
                return Ok(at);
            }
            self.fill(stream).await?;
        }
    }

    /// Forgets the next so many bytes.
    async fn pass_over(&mut self, stream: &mut TcpStream, mut count: usize) -> Result<()> {
        while count > self.buffer.len() {
            count -= self.buffer.len();
            self.buffer.clear();
            self.fill(stream).await?;
        }
        self.buffer.drain(..count);
        Ok(())
    }

    async fn fill(&mut self, stream: &mut TcpStream) -> Result<()> {
        self.buffer.reserve(64 << 10);
        ensure!(stream.read_buf(&mut self.buffer).await? > 0, "the server closed the connection");
        Ok(())
    }
}

/// Status and length of an answer; no length where it comes in chunks.
fn head(text: &str) -> Result<(u16, Option<usize>)> {
    let status = text.get(9..12).context("no status")?.parse()?;
    let value = |wanted: &str| {
        text.lines().find_map(|line| {
            line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
        })
    };
    match value("content-length") {
        Some(length) => Ok((status, Some(length.parse()?))),
        None if value("transfer-encoding") == Some("chunked") => Ok((status, None)),
        None => bail!("an answer without length: {text}"),
    }
}
