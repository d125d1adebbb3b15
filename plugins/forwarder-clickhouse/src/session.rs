//! A connection to a server: hello, ping, statements and inserts.
//!
//! Owns the order of what is said. What must stay true: a row counts as inserted when the server has said that it is done.

use crate::wire::{Packet, REVISION, Writer, client};
use headworks_forwarder_kit::{Failure, Network, NetworkError, Record, Stream, Tls};

/// Names and types of the columns, in the order in which they are sent.
pub const COLUMNS: [(&str, &str); 3] = [("id", "UUID"), ("timestamp", "DateTime64(3, 'UTC')"), ("fields", "Map(String, String)")];
const CLIENT: &str = "headworks";
/// The stage that a query is run to: to its end.
const COMPLETE: u64 = 2;

/// Where to and as whom.
#[derive(Clone, Debug)]
pub struct Server {
    /// `host:port`.
    pub address: String,
    /// Whether the connection is encrypted.
    pub tls: bool,
    /// The database.
    pub database: String,
    /// The user.
    pub user: String,
    /// The password.
    pub password: String,
}

/// What can go wrong while a session lives. It is over in both cases.
#[derive(Debug)]
pub enum Broken {
    /// The connection; another may do better.
    Connection(NetworkError),
    /// The server has said no.
    Refused(Failure),
}

impl Broken {
    /// Why.
    pub fn failure(self) -> Failure {
        match self {
            Self::Connection(error) => error.into(),
            Self::Refused(failure) => failure,
        }
    }
}

impl From<NetworkError> for Broken {
    fn from(error: NetworkError) -> Self {
        Self::Connection(error)
    }
}

/// An open session.
pub struct Session {
    stream: Stream,
    host: String,
}

impl Session {
    /// Connects, logs in and asks whether the server is there.
    ///
    /// # Errors
    /// Says what the server said.
    pub fn open(network: &dyn Network, server: &Server) -> Result<Self, Failure> {
        let tls = server.tls.then(Tls::default);
        let stream = Stream::new(network.connect(&server.address, tls.as_ref())?);
        let mut session = Self { stream, host: network.machine().host_name };
        session.greet(server).map_err(Broken::failure)?;
        Ok(session)
    }

    fn greet(&mut self, server: &Server) -> Result<(), Broken> {
        let mut hello = Writer::default();
        hello.number(client::HELLO).text(CLIENT).number(0).number(1).number(REVISION);
        hello.text(&server.database).text(&server.user).text(&server.password);
        self.stream.write(&hello.0)?;
        match self.next()? {
            Packet::Hello { .. } => {}
            other => return Err(unexpected(&other)),
        }
        self.stream.write(Writer::default().number(client::PING).0.as_slice())?;
        self.wait_for(&Packet::Pong)
    }

    /// Runs a statement that answers nothing.
    ///
    /// # Errors
    /// Says what the server said.
    pub fn run(&mut self, statement: &str) -> Result<(), Broken> {
        self.query(statement)?;
        self.wait_for(&Packet::EndOfStream)
    }

    /// Inserts one row with `statement` and waits until it is in.
    ///
    /// # Errors
    /// Says what the server said.
    pub fn insert(&mut self, statement: &str, id: [u8; 16], record: &Record) -> Result<(), Broken> {
        self.query(statement)?;
        let known = loop {
            match self.next()? {
                Packet::Columns(columns) => break columns,
                Packet::Progress => {}
                other => return Err(unexpected(&other)),
            }
        };
        if !known.iter().map(|(name, kind)| (name.as_str(), kind.as_str())).eq(COLUMNS) {
            let known: Vec<String> = known.iter().map(|(name, kind)| format!("{name} {kind}")).collect();
            let wanted = COLUMNS.map(|(name, kind)| format!("{name} {kind}")).join(", ");
            let reason = format!("the table has the columns {}, and {wanted} are needed", known.join(", "));
            return Err(Broken::Refused(Failure::never(reason)));
        }
        self.stream.write(&row(id, record).0)?;
        self.wait_for(&Packet::EndOfStream)
    }

    fn query(&mut self, statement: &str) -> Result<(), Broken> {
        let mut query = Writer::default();
        query.number(client::QUERY).text("");
        // An initial query by nobody else, over TCP.
        query.bytes(&[1]).text("").text("").text("0.0.0.0:0").bytes(&[1]);
        query.text("").text(&self.host).text(CLIENT).number(0).number(1).number(REVISION);
        // No quota key, no patch of the version, no settings.
        query.text("").number(0).text("");
        // Not compressed.
        query.number(COMPLETE).number(0).text(statement);
        // No tables come along.
        query.block(0, 0);
        Ok(self.stream.write(&query.0)?)
    }

    fn wait_for(&mut self, wanted: &Packet) -> Result<(), Broken> {
        loop {
            match self.next()? {
                packet if packet == *wanted => return Ok(()),
                Packet::Progress | Packet::Columns(_) => {}
                other => return Err(unexpected(&other)),
            }
        }
    }

    /// The next packet that is no exception.
    fn next(&mut self) -> Result<Packet, Broken> {
        match Packet::read(&mut self.stream)? {
            Packet::Exception { code, text } => Err(Broken::Refused(meaning(code, &text))),
            packet => Ok(packet),
        }
    }
}

fn unexpected(packet: &Packet) -> Broken {
    Broken::Connection(NetworkError::Protocol(format!("the server sent {packet:?} where something else belongs")))
}

/// The block with the row, and the empty one that ends the data.
fn row(id: [u8; 16], record: &Record) -> Writer {
    let mut block = Writer::default();
    block.block(COLUMNS.len() as u64, 1);
    let [first, second, third] = COLUMNS;
    // Two halves, each with its last byte first.
    let (high, low) = id.split_at(8);
    let id: Vec<u8> = high.iter().rev().chain(low.iter().rev()).copied().collect();
    block.text(first.0).text(first.1).bytes(&id);
    block.text(second.0).text(second.1).bytes(&record.time.milliseconds().to_le_bytes());
    block.text(third.0).text(third.1).bytes(&(record.fields.len() as u64).to_le_bytes());
    for text in record.fields.keys().chain(record.fields.values()) {
        block.text(text);
    }
    block.block(0, 0);
    block
}

/// What an error of the server means for the record.
fn meaning(code: i32, text: &str) -> Failure {
    let reason = format!("the server answered error {code}: {text}");
    match code {
        // Unknown identifier, table or database, type mismatch, syntax; access denied or unknown user; authentication failed.
        16 | 47 | 50 | 53 | 60 | 62 | 81 | 192..=194 | 497 | 516 => Failure::never(reason),
        _ => Failure::later(reason),
    }
}
