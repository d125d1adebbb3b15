//! A ClickHouse server that takes hellos, pings, statements and rows of the table of a forwarder.

use super::Taken;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::Sender;
use std::thread;

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Database, user and password.
    Hello(String, String, String),
    /// A statement.
    Statement(String),
    /// Bytes of the UUID as they came, milliseconds, fields.
    Row(Vec<u8>, i64, BTreeMap<String, String>),
}

/// The columns that the server says the table has.
pub const COLUMNS: [(&str, &str); 3] = [("id", "UUID"), ("timestamp", "DateTime64(3, 'UTC')"), ("fields", "Map(String, String)")];

/// A server. Answers its address.
pub fn start() -> (String, Taken<Event>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    let (sender, taken) = Taken::new();
    thread::spawn(move || {
        for connection in listener.incoming() {
            let (sender, connection) = (sender.clone(), connection.expect("a connection"));
            thread::spawn(move || Peer { connection, sender }.serve());
        }
    });
    (address, taken)
}

struct Peer {
    connection: TcpStream,
    sender: Sender<Event>,
}

impl Peer {
    fn serve(mut self) {
        while let Some(kind) = self.try_byte() {
            let answer = match kind {
                0 => self.hello(),
                1 => self.query(),
                4 => vec![4],
                other => panic!("a packet of the kind {other}"),
            };
            self.connection.write_all(&answer).expect("an answer");
        }
    }

    fn hello(&mut self) -> Vec<u8> {
        self.text();
        self.number();
        self.number();
        assert_eq!(self.number(), 54_405, "the revision");
        let (database, user, password) = (self.text(), self.text(), self.text());
        self.tell(Event::Hello(database, user, password));
        // A newer revision, a time zone, a display name and a patch.
        [&[0, 4][..], b"here", &[24, 8, 0xc0, 0xa9, 3, 3], b"UTC", &[4], b"here", &[1]].concat()
    }

    fn query(&mut self) -> Vec<u8> {
        self.text();
        assert_eq!(self.bytes(1), [1], "an initial query");
        (0..3).for_each(|_| drop(self.text()));
        assert_eq!(self.bytes(1), [1], "over TCP");
        (0..3).for_each(|_| drop(self.text()));
        let _version = [self.number(), self.number(), self.number()];
        self.text();
        self.number();
        assert_eq!(self.text(), "", "no settings");
        assert_eq!((self.number(), self.number()), (2, 0), "to the end and not compressed");
        let statement = self.text();
        let is_insert = statement.starts_with("INSERT");
        self.tell(Event::Statement(statement));
        assert_eq!(self.block(), (0, 0), "no tables come along");
        if is_insert {
            self.row();
        }
        // A progress and the end.
        vec![3, 1, 1, 1, 5]
    }

    /// Says what the columns are and takes a row of them.
    fn row(&mut self) {
        let text = |text: &str| [&[text.len() as u8], text.as_bytes()].concat();
        let mut sample = vec![1, 0, 1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 3, 0];
        COLUMNS.iter().for_each(|(name, kind)| sample.extend([text(name), text(kind)].concat()));
        self.connection.write_all(&sample).expect("an answer");
        assert_eq!(self.block(), (3, 1), "three columns of one row");
        let id = self.column(0, 16);
        let time = i64::from_le_bytes(self.column(1, 8).try_into().expect("a time"));
        let count = u64::from_le_bytes(self.column(2, 8).try_into().expect("a count"));
        let keys: Vec<String> = (0..count).map(|_| self.text()).collect();
        let fields = keys.into_iter().map(|key| (key, self.text())).collect();
        self.tell(Event::Row(id, time, fields));
        assert_eq!(self.block(), (0, 0), "the end of the rows");
    }

    fn column(&mut self, number: usize, bytes: usize) -> Vec<u8> {
        let (name, kind) = (self.text(), self.text());
        assert_eq!((name.as_str(), kind.as_str()), COLUMNS[number]);
        self.bytes(bytes)
    }

    /// The head of a block: its numbers of columns and rows.
    fn block(&mut self) -> (u64, u64) {
        assert_eq!(self.bytes(2), [2, 0], "a block of no table");
        assert_eq!(self.bytes(8), [1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0], "no overflow and no bucket");
        (self.number(), self.number())
    }

    fn tell(&self, event: Event) {
        let _ = self.sender.send(event);
    }

    fn try_byte(&mut self) -> Option<u8> {
        let mut byte = [0];
        self.connection.read_exact(&mut byte).ok().map(|()| byte[0])
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.connection.read_exact(&mut bytes).expect("more bytes");
        bytes
    }

    fn number(&mut self) -> u64 {
        let mut value = 0;
        for position in 0..10 {
            let byte = self.bytes(1)[0];
            value |= u64::from(byte & 0x7f) << (7 * position);
            if byte & 0x80 == 0 {
                break;
            }
        }
        value
    }

    fn text(&mut self) -> String {
        let length = self.number() as usize;
        String::from_utf8(self.bytes(length)).expect("a text")
    }
}
