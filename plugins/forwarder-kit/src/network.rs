//! What a forwarder asks of its host.

use crate::failure::NetworkError;
use crate::http::{Request, Response};
use crate::record::Time;

/// For one exchange or one step of a connection (FlowG 12).
pub const TIMEOUT_MILLISECONDS: u32 = 10_000;

/// How a connection is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Certificates in PEM that are trusted besides those of the server.
    pub roots: Option<String>,
    /// Whether to accept every certificate.
    pub insecure: bool,
}

/// Who sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// What this machine calls itself.
    pub host_name: String,
    /// The server's process.
    pub process_id: u32,
}

/// A connection; it is closed when it is dropped.
pub trait Connection {
    /// At least one byte and at most `most`; none when the peer has ended.
    ///
    /// # Errors
    /// As the network says.
    fn read(&mut self, most: u32) -> Result<Option<Vec<u8>>, NetworkError>;

    /// Writes all of the bytes.
    ///
    /// # Errors
    /// As the network says.
    fn write(&mut self, bytes: &[u8]) -> Result<(), NetworkError>;
}

/// Everything outside the sandbox.
pub trait Network {
    /// One HTTP exchange.
    ///
    /// # Errors
    /// No answer came.
    fn http(&self, request: Request) -> Result<Response, NetworkError>;

    /// Connects to `host:port` over TCP.
    ///
    /// # Errors
    /// As the network says.
    fn connect(&self, address: &str, tls: Option<&Tls>) -> Result<Box<dyn Connection>, NetworkError>;

    /// One UDP datagram to `host:port`.
    ///
    /// # Errors
    /// It was not sent.
    fn datagram(&self, address: &str, bytes: &[u8]) -> Result<(), NetworkError>;

    /// Who sends.
    fn machine(&self) -> Machine;

    /// This moment.
    fn now(&self) -> Time;

    /// Unpredictable bytes.
    ///
    /// # Errors
    /// There are none.
    fn random(&self) -> Result<[u8; 16], String>;
}
