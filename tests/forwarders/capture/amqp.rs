//! A broker of AMQP 0-9-1 that confirms every message, and the frames it is made of.

use super::Taken;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::Sender;
use std::thread;

/// A message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The virtual host of the connection.
    pub virtual_host: String,
    /// User and password, each after a zero byte.
    pub login: String,
    /// The exchange.
    pub exchange: String,
    /// The routing key.
    pub routing_key: String,
    /// The content type.
    pub content_type: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A broker that ends each connection after so many messages. Answers its address.
pub fn start(messages: usize) -> (String, Taken<Message>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let (sender, taken) = Taken::new();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let sender = sender.clone();
            thread::spawn(move || serve(connection.expect("a connection"), messages, &sender));
        }
    });
    (address, taken)
}

/// A frame: type, payload. None when the connection has ended.
pub fn read(connection: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let mut head = [0; 7];
    connection.read_exact(&mut head).ok()?;
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let mut payload = vec![0; size + 1];
    connection.read_exact(&mut payload).ok()?;
    assert_eq!(payload.pop(), Some(0xce), "the end of a frame");
    Some((head[0], payload))
}

/// The bytes of a frame with a method.
pub fn method(channel: u16, class: u16, number: u16, arguments: &[u8]) -> Vec<u8> {
    let payload = [&class.to_be_bytes(), &number.to_be_bytes(), arguments].concat();
    [&[1], &channel.to_be_bytes()[..], &(payload.len() as u32).to_be_bytes(), &payload, &[0xce]].concat()
}

/// A text with its length in one byte; takes it off.
pub fn short(bytes: &mut &[u8]) -> String {
    let (text, rest) = bytes[1..].split_at(bytes[0].into());
    *bytes = rest;
    String::from_utf8_lossy(text).into_owned()
}

/// A text with its length in four bytes; takes it off.
pub fn long(bytes: &mut &[u8]) -> Vec<u8> {
    let (length, rest) = bytes.split_first_chunk().expect("a length");
    let (text, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
    *bytes = rest;
    text.to_vec()
}

fn serve(mut connection: TcpStream, most: usize, sender: &Sender<Message>) {
    let mut head = [0; 8];
    connection.read_exact(&mut head).expect("the header of the protocol");
    assert_eq!(head, *b"AMQP\x00\x00\x09\x01");
    let start = b"\x00\x09\x00\x00\x00\x00\x00\x00\x00\x05PLAIN\x00\x00\x00\x05en_US";
    connection.write_all(&method(0, 10, 10, start)).expect("an answer");
    let (mut virtual_host, mut login, mut published) = (String::new(), String::new(), 0_u64);
    while let Some((1, payload)) = read(&mut connection) {
        let mut arguments = &payload[4..];
        let answer = match payload[..4] {
            [0, 10, 0, 11] => {
                long(&mut arguments);
                assert_eq!(short(&mut arguments), "PLAIN");
                login = String::from_utf8(long(&mut arguments)).expect("a login");
                method(0, 10, 30, &[0, 1, 0, 2, 0, 0, 0, 60])
            }
            [0, 10, 0, 40] => {
                virtual_host = short(&mut arguments);
                method(0, 10, 41, &[0])
            }
            [0, 20, 0, 10] => method(1, 20, 11, &[0; 4]),
            [0, 85, 0, 10] => method(1, 85, 11, &[]),
            [0, 60, 0, 40] => {
                arguments = &arguments[2..];
                let (exchange, routing_key) = (short(&mut arguments), short(&mut arguments));
                assert_eq!(arguments, [0], "neither mandatory nor immediate");
                let (content_type, body) = content(&mut connection);
                let (login, virtual_host) = (login.clone(), virtual_host.clone());
                let _ = sender.send(Message { virtual_host, login, exchange, routing_key, content_type, body });
                published += 1;
                method(1, 60, 80, &[&published.to_be_bytes()[..], &[0]].concat())
            }
            _ => Vec::new(),
        };
        connection.write_all(&answer).expect("an answer");
        if published == most as u64 {
            return;
        }
    }
}

/// The content type and the body of a message.
pub fn content(connection: &mut TcpStream) -> (String, Vec<u8>) {
    let (kind, header) = read(connection).expect("a header");
    assert_eq!((kind, &header[..4]), (2, &[0, 60, 0, 0][..]));
    let size = u64::from_be_bytes(header[4..12].try_into().expect("a size")) as usize;
    assert_eq!(header[12..14], [0x80, 0], "a content type and nothing else");
    let mut body = Vec::new();
    while body.len() < size {
        let (kind, part) = read(connection).expect("a part of the body");
        assert_eq!(kind, 3);
        body.extend(part);
    }
    (short(&mut &header[14..]), body)
}
