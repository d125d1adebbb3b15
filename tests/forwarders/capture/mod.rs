//! Small servers that take what forwarders send, answer as the real ones do, and tell the test what came.
//!
//! Each takes a free port and works in threads of its own, which end with the test.

pub mod amqp;
pub mod clickhouse;
pub mod grpc;
pub mod http;
pub mod sockets;
pub mod tls;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

/// How long a test waits for what must come. Only a guard.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came, in order.
pub struct Taken<T>(Receiver<T>);

impl<T> Taken<T> {
    fn new() -> (Sender<T>, Self) {
        let (sender, receiver) = channel();
        (sender, Self(receiver))
    }

    /// The next one.
    pub fn next(&self) -> T {
        self.0.recv_timeout(PATIENCE).expect("something is sent")
    }

    /// Checks that nothing more came.
    pub fn is_over(&self) {
        assert!(self.0.recv_timeout(Duration::from_millis(50)).is_err(), "more was sent than expected");
    }
}
