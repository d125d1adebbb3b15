//! Plain TCP and UDP.

use super::Taken;
use std::io::Read;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;

/// Takes connections: everything that came over one, once it was closed. Answers the address.
pub fn tcp() -> (String, Taken<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let (sender, taken) = Taken::new();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut bytes = Vec::new();
            connection.and_then(|mut connection| connection.read_to_end(&mut bytes)).expect("a connection that is closed");
            if sender.send(bytes).is_err() {
                return;
            }
        }
    });
    (address, taken)
}

/// Takes datagrams. Answers the address.
pub fn udp() -> (String, Taken<Vec<u8>>) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("its address").to_string();
    let (sender, taken) = Taken::new();
    thread::spawn(move || {
        let mut buffer = vec![0; 65_536];
        while let Ok(length) = socket.recv(&mut buffer) {
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    (address, taken)
}

/// An address where nobody listens.
pub fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").to_string()
}

/// Takes connections, reads the beginning of what comes over each, and answers with bytes until it has no more or the peer is
/// gone. Answers the address.
pub fn raw(answer: impl Fn(&mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, answer) = (connection.expect("a connection"), Arc::clone(&answer));
            thread::spawn(move || {
                // A forwarder that is gone in the middle of it is what many tests want.
                let _ = connection.read(&mut [0; 65_536]).and_then(|_| answer(&mut connection));
            });
        }
    });
    address
}
