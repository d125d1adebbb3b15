//! Every bound on what a client can make this server hold or wait for.

use std::fmt;
use std::time::Duration;

/// Bounds of all listeners together unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpLimits {
    /// Bytes of request line and headers (431 above). At least 8,192.
    pub header_bytes: usize,
    /// Number of headers (431 above).
    pub headers: usize,
    /// Bytes of one body as sent (413 above).
    pub body_bytes: usize,
    /// Bytes of one body after decompression (413 above).
    pub decompressed_bytes: usize,
    /// Bytes of one uploaded file, which is written to the disk as it comes (413 above).
    pub upload_bytes: u64,
    /// Bytes of all bodies held at one moment (429 above).
    pub buffered_bytes: usize,
    /// Open connections (429 above).
    pub connections: usize,
    /// How long a request's headers may take.
    pub header_timeout: Duration,
    /// How long a request's body may take; of an upload, how long nothing may come.
    pub body_timeout: Duration,
    /// How long a client may take none of an answer that waits for it.
    pub write_timeout: Duration,
    /// How long a connection may stay open between requests.
    pub idle_timeout: Duration,
    /// How long requests under way may take after the server was told to stop.
    pub drain_timeout: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            header_bytes: 64 << 10,
            headers: 100,
            body_bytes: 32 << 20,
            decompressed_bytes: 128 << 20,
            upload_bytes: 64 << 30,
            buffered_bytes: 1 << 30,
            connections: 4096,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            drain_timeout: Duration::from_secs(7),
        }
    }
}

impl fmt::Display for HttpLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "headers {} bytes in {} lines within {:?}, body {} bytes ({} decompressed) within {:?}, uploads {} bytes, bodies together {} bytes, \
             connections {}, answer stalled {:?}, idle {:?}, drain {:?}",
            self.header_bytes,
            self.headers,
            self.header_timeout,
            self.body_bytes,
            self.decompressed_bytes,
            self.body_timeout,
            self.upload_bytes,
            self.buffered_bytes,
            self.connections,
            self.write_timeout,
            self.idle_timeout,
            self.drain_timeout
        )
    }
}
