//! Reading whole things from a connection.

use crate::failure::NetworkError;
use crate::network::Connection;

/// How much is asked for at once, in bytes.
const CHUNK: u32 = 16 * 1024;

/// A connection with what was read ahead.
pub struct Stream {
    connection: Box<dyn Connection>,
    buffer: Vec<u8>,
    taken: usize,
}

impl Stream {
    /// Reads and writes through `connection`.
    pub fn new(connection: Box<dyn Connection>) -> Self {
        Self { connection, buffer: Vec::new(), taken: 0 }
    }

    /// Writes all of the bytes.
    ///
    /// # Errors
    /// As the network says.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), NetworkError> {
        self.connection.write(bytes)
    }

    /// Exactly `count` bytes.
    ///
    /// # Errors
    /// As the network says, or the connection ended before.
    pub fn read(&mut self, count: usize) -> Result<Vec<u8>, NetworkError> {
        while self.buffer.len() - self.taken < count {
            let more = self.connection.read(CHUNK)?;
            let more = more.ok_or_else(|| NetworkError::Unreachable("the connection was closed by its peer".to_owned()))?;
            self.buffer.drain(..self.taken);
            self.taken = 0;
            self.buffer.extend_from_slice(&more);
        }
        let end = self.taken + count;
        let bytes = self.buffer.get(self.taken..end).unwrap_or_default().to_vec();
        self.taken = end;
        Ok(bytes)
    }

    /// Exactly `N` bytes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], NetworkError> {
        let bytes = self.read(N)?;
        bytes.try_into().map_err(|_| NetworkError::Protocol("too few bytes".to_owned()))
    }

    /// One byte.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn byte(&mut self) -> Result<u8, NetworkError> {
        self.array().map(|[byte]| byte)
    }
}
